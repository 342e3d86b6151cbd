"""Estimates: bounds around each value, and something behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts import Catalog
    from llama4ref.facts.types.estimates import EstimateRow


def rows(catalog: Catalog) -> Iterator[tuple[str, str, EstimateRow]]:
    """Every row with its entity and field."""
    for set_ in catalog.estimates.values():
        for field, quantity in set_.quantities():
            yield from ((set_.id, field, row) for row in quantity.rows)


def test_whatever_is_no_stated_figure_names_what_set_it(catalog: Catalog):
    """Logs and measurements by id, or the estimates it was borrowed from."""
    for set_, field, row in rows(catalog):
        assert row.method == "stated" or row.basis or row.borrowed_from, (set_, field)


def test_what_is_borrowed_is_what_the_lender_has(catalog: Catalog):
    """No copy drifts away from its origin."""
    for set_, field, row in rows(catalog):
        if row.borrowed_from is None:
            continue
        lender = dict(catalog.estimate(row.borrowed_from).quantities())[field]

        assert (row.low, row.value, row.high) in {(each.low, each.value, each.high) for each in lender.rows}, (
            set_,
            field,
        )
