"""Fit every estimate to the records, and say what the fit would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.calibration.changes import Change
from llama4ref.calibration.memory_bounds import fitted_memory, unobserved_accelerators
from llama4ref.calibration.records import MemoryRecord, memory_records
from llama4ref.calibration.replacing import with_row
from llama4ref.calibration.speed_fit import fitted_speed, residuals

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.estimates import EstimateRow, EstimateSet

TOLERANCE = 0.01
"""Share by which a fitted constant may differ from the specs before it counts as changed."""


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


def calibrate(catalog: Catalog) -> Calibration:
    """Fit the estimates of a catalogue to its starts and measurements."""
    records = memory_records(catalog)
    sets = _with_borrowed(fitted_speed(catalog, _with_memory(catalog.estimates, records)))
    changes = tuple(_changes(catalog, sets, records))
    return Calibration(
        estimates=sets,
        changes=changes,
        errors_before=dict(residuals(catalog, catalog.estimates)),
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


def _with_borrowed(fitted: Mapping[str, EstimateSet]) -> dict[str, EstimateSet]:
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
    if old.basis != new.basis or old.alone != new.alone:
        return True
    numbers = ((old.value, new.value), (old.low, new.low), (old.high, new.high))
    return any(abs(after - before) > TOLERANCE * abs(before) for before, after in numbers)


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
