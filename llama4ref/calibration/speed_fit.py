"""Constants of speed: those with which the measurements of their basis come out with the least squared error of the logarithm."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.calibration.replacing import with_row
from llama4ref.performance.calibration import constants_from
from llama4ref.performance.comparison import comparisons

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.estimates import EstimateRow, EstimateSet

DIGITS = 3
"""Significant digits of a fitted constant."""
REACH = 3.0
"""Factor around a constant within which a better one is looked for in one round."""
ROUNDS = 12
"""Rounds over all constants after which the fit is taken as it is."""
_GOLDEN = (math.sqrt(5) - 1) / 2
_STEP = 0.05
"""Step of the logarithm by which the curvature of the error is found."""

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


def log_ratios(catalog: Catalog, sets: Sets, rows: Sequence[str]) -> tuple[float, ...]:
    """Logarithms of estimate over observation, of everything that can be compared in some measurements."""
    constants = constants_from(sets)
    return tuple(
        math.log(each.ratio)
        for id_ in rows
        for each in comparisons(catalog.measurement(id_), catalog, constants=constants)
    )


def error(catalog: Catalog, sets: Sets, rows: Sequence[str]) -> float:
    """Sum of the squared logarithms."""
    return sum(ratio**2 for ratio in log_ratios(catalog, sets, rows))


def fitted_speed(catalog: Catalog, sets: Sets) -> Sets:
    """Some estimates with every fitted row where its basis puts it, the others being there as well."""
    places = fitted_places(sets)
    for _ in range(ROUNDS):
        before = [place.row(sets).value for place in places]
        for place in places:
            sets = with_row(sets, place.set, place.field, place.index, _best_row(catalog, sets, place))
        if before == [place.row(sets).value for place in places]:
            break
    return sets


def _best_row(catalog: Catalog, sets: Sets, place: Place) -> EstimateRow:
    row = place.row(sets)

    def error_at(log_value: float) -> float:
        moved = replace(row, value=math.exp(log_value), low=0.0, high=math.inf)
        return error(catalog, with_row(sets, place.set, place.field, place.index, moved), row.basis)

    here = math.log(row.value)
    best = _minimum(error_at, here - math.log(REACH), here + math.log(REACH))
    value = significant(math.exp(best))
    if error_at(here) <= error_at(math.log(value)):
        value = row.value
    reach = _reach(error_at, math.log(value), count=len(log_ratios(catalog, sets, row.basis)))
    return replace(
        row, value=value, low=significant(value * math.exp(-reach)), high=significant(value * math.exp(reach))
    )


def _minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of one valley is least, by golden section to a thousandth."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > 1e-3:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2


def _reach(function: Callable[[float], float], here: float, *, count: int) -> float:
    """Two standard deviations of the logarithm of a fitted constant, from the error that is left and how fast it grows.

    Nothing where one number alone was fitted: it says nothing about how far off it may be.
    """
    least = function(here)
    curvature = (function(here - _STEP) - 2 * least + function(here + _STEP)) / _STEP**2
    if count < 2 or curvature <= 0:
        return 0.0
    return min(2 * math.sqrt(2 * least / (count - 1) / curvature), math.log(REACH))


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
