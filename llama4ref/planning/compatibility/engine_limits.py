"""What is recorded of an engine at one release: abilities, faults and kernels."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.abilities import AbilitySet
    from llama4ref.facts.types.conditions import Circumstances, Conditions
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.faults import EngineFault
    from llama4ref.facts.types.kernels import KernelSet


@dataclass(frozen=True, slots=True, eq=False)
class EngineLimits:
    """Abilities, faults and kernels of an engine, with one of its releases."""

    catalog: Catalog
    engine: Engine
    release: str

    @property
    def abilities(self) -> AbilitySet | None:
        """What it can do; None where nothing is recorded."""
        return self.catalog.abilities.get(self.engine.id)

    @property
    def kernels(self) -> KernelSet | None:
        """What it runs parts of the model with; None where nothing is recorded."""
        return self.catalog.kernels.get(self.engine.id)

    def context_alike(self, tokens: int) -> int:
        """The shortest context for which everything recorded says the same as for one of so many tokens."""
        borders = _context_borders(self.catalog, self.engine.id)
        return borders[bisect_right(borders, tokens) - 1]

    def faults_met(self, circumstances: Circumstances) -> dict[str, EngineFault]:
        """The faults of the release that a server would meet, by name."""
        possible = _possible(
            self.catalog, self.engine.id, self.release, circumstances.accelerator, circumstances.checkpoint
        )
        return {id_: each for id_, each in possible if each.when.met_by(circumstances)}

    def source_of(self, fault: str) -> str | None:
        """Id of the source that tells of a fault."""
        return self.cited(f"faults/{self.engine.id}", f"faults.{fault}.symptom")

    def cited(self, entity: str, field: str) -> str | None:
        """Id of the first source of a leaf; None for one without."""
        leaf = self.catalog.provenance.get(entity, {}).get(field)
        return leaf.citations[0].source.id if leaf is not None and leaf.citations else None

    def has_option(self, name: str, value: object) -> bool:
        """Whether the release takes an option of the server with a value."""
        flag = self.engine.flags.get(name)
        return (
            flag is not None
            and holds_at(self.release, since=flag.since, until=flag.until)
            and flag.takes_at(str(value), self.release)
        )

    def reads_variable(self, name: str) -> bool:
        """Whether the release reads an environment variable."""
        variable = self.engine.environment.get(name)
        return variable is not None and holds_at(self.release, since=variable.since, until=variable.until)


@functools.lru_cache(maxsize=64)
def limits_of(catalog: Catalog, engine: str, release: str) -> EngineLimits:
    """What is recorded of an engine at a release; the same object each time, so that what follows from it can be kept."""
    return EngineLimits(catalog=catalog, engine=catalog.engine(engine), release=release)


@functools.lru_cache(maxsize=64)
def options_at(catalog: Catalog, engine: str, release: str) -> frozenset[str]:
    """The options of the server that a release has."""
    flags = catalog.engine(engine).flags.items()
    return frozenset(name for name, each in flags if holds_at(release, since=each.since, until=each.until))


@functools.lru_cache(maxsize=64)
def _context_borders(catalog: Catalog, engine: str) -> tuple[int, ...]:
    """Lengths at which a condition begins or ends to hold, in tokens, and 1."""
    trained = {
        model.architecture.context.trained_tokens + 1 for model in catalog.models.values() if model.text is not UNKNOWN
    }
    bounds = [each for when in _conditions(catalog, engine) for each in when.sizes if each.size == "context"]
    begin = {each.at_least for each in bounds if each.at_least}
    end = {each.at_most + 1 for each in bounds if each.at_most is not None}
    return tuple(sorted({1} | trained | begin | end))


def _conditions(catalog: Catalog, engine: str) -> Iterator[Conditions]:
    """Every condition that is recorded of an engine."""
    if engine in catalog.abilities:
        yield from (each.when for each in catalog.abilities[engine].abilities.values())
    if engine in catalog.faults:
        yield from (each.when for each in catalog.faults[engine].faults.values())
    if engine in catalog.kernels:
        yield from (each.when for each in catalog.kernels[engine].rules.values())


@functools.lru_cache(maxsize=1024)
def _possible(
    catalog: Catalog, engine: str, release: str, accelerator: str, checkpoint: str
) -> tuple[tuple[str, EngineFault], ...]:
    """Faults of a release that no name of hardware or checkpoint rules out: most candidates share what is left."""
    recorded = catalog.faults.get(engine)
    return tuple(
        (id_, each)
        for id_, each in (recorded.faults.items() if recorded is not None else ())
        if each.at(release)
        and (not each.when.accelerators or accelerator in each.when.accelerators)
        and (not each.when.checkpoints or checkpoint in each.when.checkpoints)
    )
