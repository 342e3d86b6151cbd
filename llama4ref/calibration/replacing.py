"""Estimates with one row exchanged, or one more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama4ref.facts.types.estimates import EstimateRow, EstimateSet


def with_row(
    sets: Mapping[str, EstimateSet], id_: str, field: str, index: int, row: EstimateRow
) -> dict[str, EstimateSet]:
    """The same estimates with another row at a place; at the end where the index is that of none."""
    group, name = field.split(".")
    inside = getattr(sets[id_], group)
    quantity = getattr(inside, name)
    rows = (*quantity.rows[:index], row, *quantity.rows[index + 1 :])
    changed = replace(inside, **{name: replace(quantity, rows=rows)})
    return {**sets, id_: replace(sets[id_], **{group: changed})}


def with_borrowed(fitted: Mapping[str, EstimateSet]) -> dict[str, EstimateSet]:
    """What is borrowed follows its lender: the last row of the same estimate there."""
    sets = dict(fitted)
    for id_, each in fitted.items():
        for field, quantity in each.quantities():
            for index, row in enumerate(quantity.rows):
                if row.borrowed_from is not None:
                    lent = dict(sets[row.borrowed_from].quantities())[field].rows[-1]
                    followed = replace(row, value=lent.value, low=lent.low, high=lent.high)
                    sets = with_row(sets, id_, field, index, followed)
    return sets
