"""Fit every estimate to the records, and say what the fit would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.calibration.changes import Change
from llama4ref.calibration.memory_bounds import fitted_memory, unobserved_accelerators
from llama4ref.calibration.records import MemoryRecord, memory_records
from llama4ref.calibration.replacing import with_borrowed, with_row
from llama4ref.calibration.speed_fit import based_on, fitted_speed, residuals

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.estimates import EstimateRow, EstimateSet

TOLERANCE = 0.01
"""Share of a fitted constant by which it may differ from the specs before it counts as changed."""
SURE_SHARE = 0.1
"""The same as a share of what lies between its bounds: whole sequences of a batch move a loosely held constant a little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a fit to the records gives."""

    estimates: Mapping[str, EstimateSet]
    """The estimates as fitted, by id."""
    changes: tuple[Change, ...]
    """Rows that differ from the specs, in the order of the files."""
    errors_before: Mapping[str, float]
    """Root of the mean squared logarithm of estimated over measured speed, by engine, with the constants of the specs."""
    errors_after: Mapping[str, float]
    """The same with the fitted constants."""
    outside_before: tuple[str, ...]
    """Records whose memory lies outside the bounds of the specs, as `record: field`."""


def calibrate(catalog: Catalog, further: Sequence[str] = ()) -> Calibration:
    """Fit the estimates of a catalogue to its starts and measurements.

    Sizes that records state move every estimate that they apply to; speeds move those that name their measurement as basis, and those
    of the measurement's engine and release where it is one of the `further` ones.

    Args:
        catalog: with the records.
        further: ids of measurements whose speeds count although no estimate names them yet.
    """
    records = memory_records(catalog)
    with_sizes = _with_memory(catalog.estimates, records)
    runs = [catalog.measurement(id_) for id_ in further]
    fitted = fitted_speed(catalog, based_on(with_sizes, runs))
    sets = with_borrowed(_settled(catalog.estimates, fitted))
    changes = tuple(_changes(catalog, sets, records))
    return Calibration(
        estimates=sets,
        changes=changes,
        errors_before=dict(residuals(catalog, based_on(catalog.estimates, runs))),
        errors_after=dict(residuals(catalog, sets)),
        outside_before=tuple(f"{id_}: {change.field}" for change in changes if change.old for id_ in change.moved_by),
    )


def _with_memory(sets: Mapping[str, EstimateSet], records: tuple[MemoryRecord, ...]) -> dict[str, EstimateSet]:
    fitted = dict(sets)
    for id_, each in sets.items():
        if each.memory is not None:
            for field, index, row in (*fitted_memory(each, records), *unobserved_accelerators(each, records)):
                fitted = with_row(fitted, id_, field, index, row)
    return fitted


def _settled(before: Mapping[str, EstimateSet], fitted: Mapping[str, EstimateSet]) -> dict[str, EstimateSet]:
    """The fitted estimates, with the rows of the specs where those did not move."""
    sets = dict(fitted)
    for id_, each in before.items():
        for field, quantity in each.quantities():
            after = dict(fitted[id_].quantities())[field].rows
            for index, row in enumerate(quantity.rows):
                if not _differs(row, after[index]):
                    sets = with_row(sets, id_, field, index, row)
    return sets


def _changes(catalog: Catalog, sets: Mapping[str, EstimateSet], records: tuple[MemoryRecord, ...]) -> Iterator[Change]:
    for id_, each in sets.items():
        before = dict(catalog.estimates[id_].quantities())
        for field, quantity in each.quantities():
            for index, new in enumerate(quantity.rows):
                old = before[field].rows[index] if index < len(before[field].rows) else None
                if old is None or _differs(old, new):
                    yield Change(
                        estimates=id_,
                        field=field,
                        index=index,
                        unit=quantity.unit,
                        old=old,
                        new=new,
                        moved_by=tuple(name for name in new.basis if old is None or name not in old.basis),
                        sources=_sources(catalog, new, records),
                    )


def _differs(old: EstimateRow, new: EstimateRow) -> bool:
    """Whether a row moved: a bound at all where it follows from logs, a fitted constant by more than it is sure of."""
    if old.basis != new.basis or old.alone != new.alone:
        return True
    if new.method != "fitted":
        return (old.low, old.value, old.high) != (new.low, new.value, new.high)
    sure = max(TOLERANCE * new.value, SURE_SHARE * (new.high - new.low))
    return any(
        abs(after - before) > sure
        for before, after in ((old.value, new.value), (old.low, new.low), (old.high, new.high))
    )


def _sources(catalog: Catalog, row: EstimateRow, records: tuple[MemoryRecord, ...]) -> tuple[str, ...]:
    """Sources of a row's basis."""
    by_id = {record.id: record.sources for record in records}
    found = [
        *(source for id_ in row.basis for source in by_id.get(id_, ())),
        *(
            catalog.cite(f"measurements/{id_}", "observations.0.value")[0].source.id
            for id_ in row.basis
            if id_ in catalog.measurements
        ),
    ]
    return tuple(dict.fromkeys(found))
