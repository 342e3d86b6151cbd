"""Which row of an estimate holds where."""

from __future__ import annotations

import pytest

from llama4ref.engine.estimates import EstimateScope, estimate_at
from llama4ref.facts.types.estimates import EstimateRow, Quantity
from llama4ref.units import MIB


def row(value: float, **conditions: object) -> EstimateRow:
    """A row around a value."""
    return EstimateRow(value=value, low=value - 1, high=value + 1, method="stated", **conditions)


QUANTITY = Quantity(
    unit="MiB",
    rows=(
        row(10, until="0.11.0"),
        row(20, since="0.11.0"),
        row(30, since="0.11.0", gpus="several"),
        row(40, since="0.11.0", gpus="several", accelerators=("b300",)),
    ),
)


@pytest.mark.parametrize(
    ("release", "accelerator", "gpus", "mib"),
    [
        ("0.10.2", "h100-sxm", "several", 10),
        ("0.11.0", "h100-sxm", "one", 20),
        (None, "h100-sxm", "one", 20),
        ("0.19.0", "h100-sxm", "several", 30),
        ("0.19.0", "b300", "several", 40),
        ("0.19.0", "b300", "one", 20),
    ],
)
def test_the_most_specific_row_holds(catalog, release, accelerator, gpus, mib):
    """Release and GPUs must fit; a row of the accelerator itself goes before one for all, and that before one of another."""
    where = EstimateScope(release=release, accelerator=catalog.accelerator(accelerator), gpus=gpus)
    found = estimate_at(QUANTITY, where)

    assert found is not None
    assert (found.low, found.value, found.high) == ((mib - 1) * MIB, mib * MIB, (mib + 1) * MIB)


@pytest.mark.parametrize(("accelerator", "mib"), [("mi300x", 10), ("h100-sxm", 20), (None, 20)])
def test_a_row_of_a_platform_holds_there_alone(catalog, accelerator, mib):
    """And goes before one that every platform has."""
    quantity = Quantity(unit="MiB", rows=(row(10, platforms=("rocm",)), row(20)))
    where = EstimateScope(accelerator=None if accelerator is None else catalog.accelerator(accelerator))

    assert estimate_at(quantity, where).value == mib * MIB


def test_nothing_holds_before_the_first_row():
    """Nobody recorded it."""
    later = Quantity(unit="ratio", rows=(row(2, since="0.11.0"),))

    assert estimate_at(later, EstimateScope(release="0.10.0")) is None
