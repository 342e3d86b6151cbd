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
