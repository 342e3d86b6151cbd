"""Which estimate holds for a release, an accelerator and a number of GPUs, and what it was borrowed from where nothing was observed.

Estimates stand in `specs/estimates`, each with its bounds and the logs or measurements that set them. The most specific row wins: one
that was observed on the accelerator itself, then one that depends on no accelerator, then one of the nearest accelerator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llama4ref.facts.types.releases import holds_at
from llama4ref.units import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.estimates import EstimateRow, EstimateUnit, Quantity

SCALES: Final[dict[EstimateUnit, float]] = {
    "MiB": MIB, "bytes": 1, "s": 1, "ms": 1e-3, "us": 1e-6, "ratio": 1, "tokens": 1, "sequences": 1,
}  # fmt: skip
"""Bytes, seconds or the number itself in one of each unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What an estimate may depend on."""

    release: str | None = None
    """Release of the engine; None is the newest."""
    accelerator: Accelerator | None = None
    """None where the estimate depends on no accelerator."""
    gpus: int = 1
    """GPUs that the model lies on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its bounds, in bytes, seconds or as a plain number."""

    value: float
    low: float
    high: float
    row: int
    """Index of the row that it comes from."""


def rows_at(quantity: Quantity, where: Circumstances) -> Iterator[tuple[int, EstimateRow]]:
    """Every row that applies to the release and the number of GPUs, with its index."""
    count = "several" if where.gpus > 1 else "one"
    for index, row in enumerate(quantity.rows):
        if row.gpus not in (None, count):
            continue
        if row.until is None if where.release is None else holds_at(where.release, since=row.since, until=row.until):
            yield index, row


def estimate_at(quantity: Quantity, where: Circumstances) -> Estimate | None:
    """What a quantity is under circumstances; None where no row applies."""
    found = max(rows_at(quantity, where), key=lambda each: _specificity(each[1], where), default=None)
    if found is None:
        return None
    index, row = found
    scale = SCALES[quantity.unit]
    return Estimate(value=row.value * scale, low=row.low * scale, high=row.high * scale, row=index)


def _specificity(row: EstimateRow, where: Circumstances) -> tuple[int, bool, bool]:
    """Observed on this accelerator, on none in particular, on another; then by what else the row says."""
    named = where.accelerator.id if where.accelerator else None
    nearness = 2 if named in row.accelerators else 1 if not row.accelerators else 0
    return nearness, row.gpus is not None, row.since is not None
