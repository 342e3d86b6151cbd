"""Constants of speed: those with which the measurements of their basis come out with the least squared error of the logarithm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.calibration.replacing import with_borrowed, with_row
from llama4ref.engine.estimates import EstimateScope, estimate_at
from llama4ref.facts.types.metrics import metric
from llama4ref.facts.types.states import is_stated
from llama4ref.performance.calibration import constants_from
from llama4ref.performance.comparison import comparisons

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.estimates import EstimateRow, EstimateSet
    from llama4ref.facts.types.measurements import Measurement

DIGITS = 3
"""Significant digits of a fitted constant."""
FARTHEST = math.log(1.5)
"""Most that the logarithm of a constant moves in one round."""
ROUNDS = 12
"""Rounds after which the fit is taken as it is."""
CLOSE = 1e-3
"""Largest move of a logarithm in the last round."""
_STEP = 0.05
"""Step of a logarithm by which slopes are found: wide enough to see past the whole sequences of a batch."""
_DAMPING = 1e-3
"""Share of its own slope that each constant is held back by, so that constants which rows cannot tell apart stay put."""

Sets = Mapping[str, "EstimateSet"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fitted row stands."""

    set: str
    field: str
    index: int

    def row(self, sets: Sets) -> EstimateRow:
        """The row in some estimates."""
        return dict(sets[self.set].quantities())[self.field].rows[self.index]


def fitted_places(sets: Sets) -> tuple[Place, ...]:
    """Every row that is fitted to measurements."""
    return tuple(
        Place(id_, field, index)
        for id_, each in sets.items()
        for field, quantity in each.quantities()
        for index, row in enumerate(quantity.rows)
        if row.method == "fitted" and row.basis
    )


def based_on(sets: Sets, runs: Sequence[Measurement]) -> Sets:
    """Some estimates whose fitted rows name further measurements: those of their engine that state a speed, at their release."""
    for run in runs:
        speeds = any(seen.disturbed is None and metric(seen.metric).of_requests for seen in run.observations)
        for place in fitted_places(sets):
            row, set_ = place.row(sets), sets[place.set]
            found = estimate_at(
                dict(set_.quantities())[place.field],
                EstimateScope(release=run.release if is_stated(run.release) else None),
            )
            if speeds and set_.engine == run.engine and found and found.row == place.index and run.id not in row.basis:
                named = replace(row, basis=(*row.basis, run.id))
                sets = with_row(sets, place.set, place.field, place.index, named)
    return sets


def log_ratios(catalog: Catalog, sets: Sets, rows: Sequence[str]) -> tuple[float, ...]:
    """Logarithms of estimate over observation, of everything that can be compared in some measurements."""
    constants = constants_from(sets)
    return tuple(
        math.log(each.ratio)
        for id_ in rows
        for each in comparisons(catalog.measurement(id_), catalog, constants=constants)
        if metric(each.metric).of_requests
    )


def error(catalog: Catalog, sets: Sets, rows: Sequence[str]) -> float:
    """Sum of the squared logarithms."""
    return sum(ratio**2 for ratio in log_ratios(catalog, sets, rows))


def fitted_speed(catalog: Catalog, sets: Sets) -> Sets:
    """Some estimates with every fitted row where its basis puts it, the others being there as well (Gauss and Newton's method)."""
    places = fitted_places(sets)
    rows = tuple(dict.fromkeys(id_ for place in places for id_ in place.row(sets).basis))
    moved = sets
    for _ in range(ROUNDS):
        moves = _moves(catalog, moved, places, rows)
        for place, move in zip(places, moves, strict=True):
            moved = _with_value(moved, place, place.row(moved).value * math.exp(move))
        if max(map(abs, moves), default=0.0) < CLOSE:
            break
    for place in places:
        moved = _with_value(moved, place, significant(place.row(moved).value))
    for place in places:
        moved = with_borrowed(with_row(moved, place.set, place.field, place.index, _bounded(catalog, moved, place)))
    return moved


def _with_value(sets: Sets, place: Place, value: float) -> Sets:
    row = replace(place.row(sets), value=value, low=0.0, high=math.inf)
    return with_borrowed(with_row(sets, place.set, place.field, place.index, row))


def _moves(catalog: Catalog, sets: Sets, places: Sequence[Place], rows: Sequence[str]) -> list[float]:
    """How far the logarithm of each constant moves, so that the slope of its own basis' error vanishes."""
    here = {id_: log_ratios(catalog, sets, (id_,)) for id_ in rows}
    slopes = []
    for place in places:
        there = _with_value(sets, place, place.row(sets).value * math.exp(_STEP))
        slopes.append(
            {
                id_: [
                    (after - before) / _STEP
                    for before, after in zip(here[id_], log_ratios(catalog, there, (id_,)), strict=True)
                ]
                for id_ in rows
            }
        )

    def product(
        one: Mapping[str, Sequence[float]], other: Mapping[str, Sequence[float]], basis: Sequence[str]
    ) -> float:
        return sum(a * b for id_ in basis for a, b in zip(one[id_], other[id_], strict=True))

    bases = [place.row(sets).basis for place in places]
    errors = [-product(slope, here, basis) for slope, basis in zip(slopes, bases, strict=True)]
    matrix = [[product(slope, other, basis) for other in slopes] for slope, basis in zip(slopes, bases, strict=True)]
    for index, row in enumerate(matrix):
        row[index] = row[index] * (1 + _DAMPING) or 1.0
    return [max(-FARTHEST, min(FARTHEST, move)) for move in solved(matrix, errors)]


def solved(matrix: Sequence[Sequence[float]], values: Sequence[float]) -> list[float]:
    """The solution of linear equations, by elimination; zero for an unknown that no equation holds.

    Examples:
        >>> solved([[2.0, 1.0], [1.0, 3.0]], [4.0, 7.0])
        [1.0, 2.0]
    """
    size = len(values)
    left = [[*row, value] for row, value in zip(matrix, values, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda index: abs(left[index][column]))
        left[column], left[pivot] = left[pivot], left[column]
        if left[column][column] == 0:
            continue
        for index in range(size):
            if index != column:
                factor = left[index][column] / left[column][column]
                left[index] = [a - factor * b for a, b in zip(left[index], left[column], strict=True)]
    return [left[index][size] / left[index][index] if left[index][index] else 0.0 for index in range(size)]


def _bounded(catalog: Catalog, sets: Sets, place: Place) -> EstimateRow:
    """A row with bounds two standard deviations of its logarithm away, from the error that is left and how fast it grows.

    No bounds where one number alone was fitted: it says nothing about how far off it may be.
    """
    row = place.row(sets)
    least, less, more = (
        error(catalog, _with_value(sets, place, row.value * math.exp(step)), row.basis) for step in (0.0, -_STEP, _STEP)
    )
    count, curvature = len(log_ratios(catalog, sets, row.basis)), (less - 2 * least + more) / _STEP**2
    reach = 0.0
    if count > 1 and curvature > 0:
        reach = min(2 * math.sqrt(2 * least / (count - 1) / curvature), 2 * FARTHEST)
    low, high = (significant(row.value * math.exp(sign * reach)) for sign in (-1, 1))
    return replace(row, low=low, high=high)


def significant(number: float) -> float:
    """A number rounded to the digits of a constant.

    Examples:
        >>> significant(0.52749), significant(32768.4), significant(0.0)
        (0.527, 32800, 0)
    """
    if number == 0:
        return 0
    rounded = round(number, DIGITS - 1 - math.floor(math.log10(abs(number))))
    return int(rounded) if rounded == int(rounded) else rounded


def residuals(catalog: Catalog, sets: Sets) -> Iterator[tuple[str, float]]:
    """The root of the mean squared logarithm of each engine's measurements, by engine."""
    for each in sets.values():
        rows = tuple(dict.fromkeys(id_ for place in fitted_places({each.id: each}) for id_ in place.row(sets).basis))
        ratios = log_ratios(catalog, sets, rows)
        if each.engine and ratios:
            yield each.engine, math.sqrt(sum(ratio**2 for ratio in ratios) / len(ratios))
