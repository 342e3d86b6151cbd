"""Which estimate holds for a release, an accelerator and a layout, and what it was borrowed from where nothing was observed.

Estimates stand in `specs/estimates`, each with its bounds and the logs or measurements that set them. The most specific row wins: one
that was observed on the accelerator itself, then one that depends on no accelerator, then one of the nearest accelerator, whose
bounds are widened.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from llama4ref.errors import UnknownFactError
from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.units import MIB

if TYPE_CHECKING:
    from llama4ref.engine.layout import Layout
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.estimates import EstimateRow, EstimateUnit, Quantity, Spread

SCALES: Final[dict[EstimateUnit, float]] = {
    "MiB": MIB, "bytes": 1, "s": 1, "ms": 1e-3, "us": 1e-6, "ratio": 1, "tokens": 1, "sequences": 1,
}  # fmt: skip
"""Bytes, seconds or the number itself in one of each unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateScope:
    """What an estimate may depend on."""

    release: str | None = None
    """Release of the engine; None is the newest."""
    accelerator: Accelerator | None = None
    """None where the estimate depends on no accelerator."""
    gpus: Spread = "one"
    """How the model lies over GPUs."""
    experts: str | None = None
    """Id of the format of the routed experts; None is the published one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its bounds, in bytes, seconds or as a plain number."""

    value: float
    low: float
    high: float
    row: int
    """Index of the row that it comes from."""
    source: str | None = None
    """Id of the source of the row, where it was looked up."""
    borrowed: tuple[str, ...] = ()
    """Accelerators that it was observed on, where the one asked about is not among them; the bounds are widened for that."""

    def widened(self, factor: float) -> Estimate:
        """The same figure with bounds that much further away."""
        return replace(self, low=self.low / factor, high=self.high * factor)


def spread_over(layout: Layout) -> Spread:
    """How a layout lies over GPUs.

    Examples:
        >>> from llama4ref.engine.layout import Layout
        >>> spread_over(Layout()), spread_over(Layout(tensor_parallel=2)), spread_over(Layout(pipeline_parallel=2))
        ('one', 'several', 'stages')
    """
    if layout.gpus == 1:
        return "one"
    return "stages" if layout.gpus == layout.pipeline_parallel else "several"


def experts_format(checkpoint: Checkpoint | None) -> str | None:
    """Id of the format of a checkpoint's routed experts; None where it is the published one, or nobody says."""
    if checkpoint is None or checkpoint.coverage is UNKNOWN:
        return None
    experts = checkpoint.coverage.routed_experts
    return experts if experts is not UNKNOWN else None


def rows_at(quantity: Quantity, where: EstimateScope) -> Iterator[tuple[int, EstimateRow]]:
    """Every row that applies to the release, the platform, the layout and the format of the experts, with its index."""
    for index, row in enumerate(quantity.rows):
        if row.gpus not in {None, where.gpus} or (row.experts and where.experts not in row.experts):
            continue
        if row.platforms and (where.accelerator is None or where.accelerator.platform not in row.platforms):
            continue
        if row.until is None if where.release is None else holds_at(where.release, since=row.since, until=row.until):
            yield index, row


def estimate_at(quantity: Quantity, where: EstimateScope) -> Estimate | None:
    """What a quantity is under circumstances, its bounds as observed; None where no row applies."""
    found = max(rows_at(quantity, where), key=lambda each: specificity(each[1], where), default=None)
    if found is None:
        return None
    index, row = found
    scale = SCALES[quantity.unit]
    return Estimate(value=row.value * scale, low=row.low * scale, high=row.high * scale, row=index)


def specificity(row: EstimateRow, where: EstimateScope) -> tuple[int, bool, bool, bool, bool, float]:
    """How closely a row that applies is about the circumstances, for comparing: observed on this accelerator, on none in particular, or on another; then by what else the row says; then the wider one."""
    named = where.accelerator.id if where.accelerator else None
    nearness = 2 if named in row.accelerators else 1 if not row.accelerators else 0
    return nearness, bool(row.platforms), bool(row.experts), row.gpus is not None, row.since is not None, row.high


@functools.lru_cache(maxsize=1024)
def estimates_of(catalog: Catalog, engine: str, where: EstimateScope) -> EstimatesFor:
    """The estimates of an engine under given circumstances; the same object each time, which keeps what it was asked."""
    return EstimatesFor(catalog, engine, where)


class EstimatesFor:
    """The estimates of an engine under given circumstances, each with the source that it is cited from."""

    def __init__(self, catalog: Catalog, engine: str, where: EstimateScope) -> None:
        self.catalog, self.where = catalog, where
        self.set = catalog.estimate(engine)
        self._quantities: Mapping[str, Quantity] = dict(self.set.quantities())
        self._kept: dict[str, Estimate | None] = {}

    def of(self, name: str) -> Estimate:
        """An estimate by its field, such as `memory.libraries`.

        Raises:
            UnknownFactError: where none was recorded for the circumstances.
        """
        found = self.find(name)
        if found is None:
            raise UnknownFactError(f"estimates/{self.set.id}", f"{name} of {self.where.release}")
        return found

    def find(self, name: str) -> Estimate | None:
        """The same, or None where none was recorded for the circumstances."""
        if name not in self._kept:
            self._kept[name] = self._looked_up(name)
        return self._kept[name]

    def _looked_up(self, name: str) -> Estimate | None:
        quantity = self._quantities.get(name)
        found = None if quantity is None else estimate_at(quantity, self._nearest(quantity))
        if quantity is None or found is None:
            return None
        observed_on, asked = quantity.rows[found.row].accelerators, self.where.accelerator
        if asked is not None and observed_on and asked.id not in observed_on:
            kin = any(self._is_kin(asked, id_) for id_ in observed_on)
            factor = quantity.wider_same if kin else quantity.wider_other
            if factor is None:
                return None
            found = replace(found.widened(factor), borrowed=observed_on)
        place = f"{name}.rows.{found.row}.value"
        return replace(found, source=self.catalog.cite(f"estimates/{self.set.id}", place)[0].source.id)

    def _nearest(self, quantity: Quantity) -> EstimateScope:
        """The circumstances, on the accelerator that lends where this one was not observed: the nearest, the most observed of those."""
        asked = self.where.accelerator
        observed: Counter[str] = Counter()
        for _, row in rows_at(quantity, self.where):
            observed.update({id_: 1 + len(row.basis) for id_ in row.accelerators})
        if asked is None or asked.id in observed or not observed:
            return self.where
        lender = min(observed, key=lambda id_: (*self._distance(asked, id_), -observed[id_], id_))
        return replace(self.where, accelerator=self.catalog.accelerator(lender))

    def _distance(self, asked: Accelerator, id_: str) -> tuple[bool, float]:
        """Whether an accelerator is of another generation, and how far their compute capabilities are apart."""
        mine, theirs = asked.capability, self.catalog.accelerator(id_).capability
        return not self._is_kin(asked, id_), math.inf if mine is None or theirs is None else abs(mine - theirs)

    def _is_kin(self, asked: Accelerator, id_: str) -> bool:
        """Whether two accelerators are of one generation: of one major compute capability, or one architecture by name."""
        other = self.catalog.accelerator(id_)
        mine, theirs = asked.capability, other.capability
        if mine is not None and theirs is not None:
            return mine // 10 == theirs // 10
        return asked.architecture is not None and asked.architecture == other.architecture
