"""Bounds follow from the logged starts, and hold for each that is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llama4ref.calibration.memory_bounds import Margin, fitted_memory, unobserved_accelerators
from llama4ref.calibration.observed_sizes import OBSERVED
from llama4ref.calibration.records import memory_records
from llama4ref.facts import load

CATALOG = load()
VLLM = CATALOG.estimate("vllm")
RECORDS = memory_records(CATALOG)
QUANTITIES = dict(VLLM.quantities())
LOGGED = [
    (field, index) for field in OBSERVED for index, row in enumerate(QUANTITIES[field].rows) if row.method == "logged"
]


def refitted(records):
    """The logged rows that some records give, by place."""
    return {(field, index): row for field, index, row in fitted_memory(VLLM, records)}


def test_the_specs_are_what_the_records_give():
    """Every logged row: figure, bounds, basis, and which start sets a bound alone."""
    fitted = refitted(RECORDS)

    assert fitted.keys() == set(LOGGED)
    for (field, index), row in fitted.items():
        assert QUANTITIES[field].rows[index] == row, (field, index)


@pytest.mark.parametrize(("field", "index"), LOGGED)
def test_bounds_without_a_start_still_hold_for_it(field, index):
    """Or the row says that this start sets the bound alone."""
    row = QUANTITIES[field].rows[index]
    by_id = {record.id: record for record in RECORDS}

    for left_out in row.basis:
        value = OBSERVED[field](by_id[left_out])
        others = refitted([record for record in RECORDS if record.id != left_out]).get((field, index))
        held = others is not None and others.low <= value <= others.high

        assert held != (left_out in row.alone), left_out


def test_most_starts_are_held_by_the_others():
    """Nine of ten."""
    rows = [QUANTITIES[field].rows[index] for field, index in LOGGED]

    assert sum(len(row.alone) for row in rows) <= 0.1 * sum(len(row.basis) for row in rows)


def test_every_start_that_says_something_is_in_a_basis():
    """Each size that can be observed stands behind a row, unless no row is about the start's release or accelerator."""
    for field, observed in OBSERVED.items():
        used = {id_ for row in QUANTITIES[field].rows for id_ in row.basis}
        left = {record.id for record in RECORDS if observed(record) is not None} - used

        assert left <= {"vllm-2026-unnamed-b300-4"}, field


def test_one_number_gets_the_whole_margin_and_close_ones_their_spread():
    """Within the shares, and never below zero."""
    margin = Margin(share=0.1, narrow=0.02, least=0.0)

    assert margin.around([100.0]) == pytest.approx((90.0, 110.0))
    assert margin.around([100.0, 101.0]) == pytest.approx((98.0, 103.02))
    assert margin.around([100.0, 105.0]) == pytest.approx((95.0, 110.0))
    assert margin.around([100.0, 200.0]) == pytest.approx((90.0, 220.0))
    assert Margin(share=0.1, narrow=0.02, least=5.0).around([1.0]) == (0.0, 6.0)


def test_a_record_of_an_accelerator_that_was_never_observed_makes_a_row():
    """With that accelerator alone, between bounds around what it printed."""
    (scout,) = (record for record in RECORDS if record.id == "vllm-0.19.0-scout-h100-sxm-4")
    moved = replace(scout, id="mine", where=replace(scout.where, accelerator=CATALOG.accelerator("b200")))
    added = {field: row for field, _, row in unobserved_accelerators(VLLM, [*RECORDS, moved])}

    assert added.keys() == {"memory.libraries", "memory.driver_context", "memory.cuda_graphs"}
    row = added["memory.libraries"]
    assert (row.accelerators, row.basis, row.alone) == (("b200",), ("mine",), ("mine",))
    assert (row.since, row.until, row.gpus) == ("0.18.0", "0.27.0", "several")
    assert row.low < 2.17 * 1024 < row.high
    assert not [*unobserved_accelerators(VLLM, RECORDS)]
