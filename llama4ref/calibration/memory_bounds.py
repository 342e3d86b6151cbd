"""Bounds of memory estimates: around everything that was logged, with a margin, so that each start left out still lies inside."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.calibration.observed_sizes import OBSERVED
from llama4ref.engine.estimates import estimate_at, rows_at, specificity
from llama4ref.facts.types.releases import release_key

if TYPE_CHECKING:
    from llama4ref.calibration.records import MemoryRecord
    from llama4ref.facts.types.estimates import EstimateRow, EstimateSet, EstimateUnit, Quantity

STEPS: Mapping[EstimateUnit, int] = {"MiB": 0, "bytes": 1, "ratio": 2}
"""Decimals that a bound is rounded to, outwards."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One number that was seen of an estimate."""

    record: MemoryRecord
    value: float


@dataclass(frozen=True, slots=True)
class Margin:
    """How far bounds reach beyond what was seen."""

    share: float
    narrow: float
    least: float
    """In the unit of the quantity."""

    def around(self, seen: Sequence[float]) -> tuple[float, float]:
        """Bounds around numbers, not below zero: as far beyond them as they lie apart, within the shares; the whole share beyond one."""
        low, high = min(seen), max(seen)
        apart = high - low if len(seen) > 1 else math.inf
        return max(0.0, low - self._beyond(low, apart)), high + self._beyond(high, apart)

    def _beyond(self, value: float, apart: float) -> float:
        return max(min(max(apart, self.narrow * value), self.share * value), self.least)


def fitted_memory(estimates: EstimateSet, records: Iterable[MemoryRecord]) -> Iterator[tuple[str, int, EstimateRow]]:
    """Every logged row as the records set it, by field and index; a row that no record applies to stays as it is."""
    records = [record for record in records if record.engine == estimates.engine]
    quantities = dict(estimates.quantities())
    for field, observed in OBSERVED.items():
        if field not in quantities:
            continue
        quantity = quantities[field]
        seen = _by_row(quantity, records, {record.id: observed(record) for record in records})
        margin = _margin(quantities, quantity.unit)
        for index, row in enumerate(quantity.rows):
            if row.method == "logged" and index in seen:
                yield field, index, _row_around(row, seen[index], margin, STEPS[quantity.unit])


def _by_row(
    quantity: Quantity, records: Iterable[MemoryRecord], values: Mapping[str, float | None]
) -> dict[int, list[Sighting]]:
    """What was seen, by the most specific row that it applies to."""
    seen: dict[int, list[Sighting]] = {}
    for record in records:
        value = values[record.id]
        mine = [(index, row) for index, row in rows_at(quantity, record.where) if applies(row, record)]
        if value is not None and mine:
            index, _ = max(mine, key=lambda each: specificity(each[1], record.where))
            seen.setdefault(index, []).append(Sighting(record, value))
    return seen


def applies(row: EstimateRow, record: MemoryRecord) -> bool:
    """Whether a record speaks about a row that was looked up for it: it was made on one of the row's accelerators."""
    accelerator = record.where.accelerator
    named = not row.accelerators or (accelerator is not None and accelerator.id in row.accelerators)
    return named and _is_of_releases(row, record)


def _is_of_releases(row: EstimateRow, record: MemoryRecord) -> bool:
    """Whether every release that a record can be is one of the row's; the earliest is, since the row was looked up for it."""
    if record.exact or row.until is None:
        return record.where.release is not None
    return record.before is not None and release_key(record.before) <= release_key(row.until)


def _margin(quantities: Mapping[str, Quantity], unit: EstimateUnit) -> Margin:
    share, narrow, least = (
        quantities[f"memory.{name}"].rows[0].value for name in ("margin", "narrow_margin", "least_margin")
    )
    return Margin(share, narrow, least if unit == "MiB" else 0.0)


def _row_around(row: EstimateRow, seen: Sequence[Sighting], margin: Margin, decimals: int) -> EstimateRow:
    """A row with the median of what was seen, of Llama 4 where that was seen, and with bounds around all of it."""
    of_llama4 = [each.value for each in seen if each.record.of_llama4]
    low, high = margin.around([each.value for each in seen])
    scale = 10**decimals
    return replace(
        row,
        value=_plain(round(statistics.median(of_llama4 or [each.value for each in seen]), decimals)),
        low=_plain(math.floor(low * scale) / scale),
        high=_plain(math.ceil(high * scale) / scale),
        basis=tuple(each.record.id for each in seen),
        alone=tuple(_alone(seen, margin)),
    )


def _alone(seen: Sequence[Sighting], margin: Margin) -> Iterator[str]:
    """Records that the bounds around the others would not hold."""
    for left_out in seen:
        others = [each.value for each in seen if each is not left_out]
        low, high = margin.around(others) if others else (math.inf, -math.inf)
        if not low <= left_out.value <= high:
            yield left_out.record.id


def _plain(number: float) -> float:
    return int(number) if number == int(number) else number


def unobserved_accelerators(
    estimates: EstimateSet, records: Iterable[MemoryRecord]
) -> Iterator[tuple[str, int, EstimateRow]]:
    """Rows to add: for accelerators that records were made on and that no row of an estimate names yet."""
    records = [record for record in records if record.engine == estimates.engine]
    quantities = dict(estimates.quantities())
    for field, observed in OBSERVED.items():
        quantity = quantities[field]
        margin = _margin(quantities, quantity.unit)
        seen = _on_others(quantity, records, {record.id: observed(record) for record in records})
        for added, ((index, accelerator), sightings) in enumerate(seen.items()):
            like = replace(
                quantity.rows[index], accelerators=(accelerator,), method="logged", borrowed_from=None, note=None
            )
            yield field, len(quantity.rows) + added, _row_around(like, sightings, margin, STEPS[quantity.unit])


def _on_others(
    quantity: Quantity, records: Iterable[MemoryRecord], values: Mapping[str, float | None]
) -> dict[tuple[int, str], list[Sighting]]:
    """What was seen on accelerators that no row names, by the row that would lend to them and the accelerator."""
    seen: dict[tuple[int, str], list[Sighting]] = {}
    for record in records:
        value, found, accelerator = values[record.id], estimate_at(quantity, record.where), record.where.accelerator
        if value is None or found is None or accelerator is None:
            continue
        row = quantity.rows[found.row]
        if row.accelerators and accelerator.id not in row.accelerators and _is_of_releases(row, record):
            seen.setdefault((found.row, accelerator.id), []).append(Sighting(record, value))
    return seen
