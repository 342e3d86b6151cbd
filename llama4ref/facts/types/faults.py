"""Known faults of engines: in which releases, under which conditions, with which effect, and what helps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from llama4ref.facts.types.conditions import Circumstances, Conditions
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.releases import holds_at, release_key
from llama4ref.facts.types.states import Unknown, is_stated

Effect = Literal["does-not-start", "crashes", "wrong-answers", "fails-requests", "slow", "more-memory"]
"""`does-not-start`: the server ends while it starts; `crashes`: it ends or hangs later; `wrong-answers`: replies are spoiled;
`fails-requests`: some requests, tool calls or images are refused or lost; `slow`; `more-memory`: than the same plan needs without."""
Happens = Literal["always", "sometimes"]
Proof = Literal["wheel", "thread", "run"]
"""`wheel`: read in the code of the releases; `thread`: reported and confirmed in a public thread; `run`: seen in a run of the engine."""
Plain = str | bool | int | float

BLOCKING = frozenset({"does-not-start", "crashes", "wrong-answers"})
"""Effects for which no plan is made where they always happen and nothing helps."""


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """One way round a fault."""

    because: str
    """What it does, in a few words."""
    request: dict[str, Plain] = field(default_factory=dict)
    """Fields of a plan's request with other values, such as `enforce_eager: true`."""
    settings: dict[str, Plain] = field(default_factory=dict)
    """Options of the server, without dashes in front."""
    environment: dict[str, str] = field(default_factory=dict)
    """Environment variables of the server."""


@dataclass(frozen=True, kw_only=True)
class EngineFault:
    """One fault."""

    symptom: str
    """What is seen."""
    effect: Effect
    happens: Happens
    """Whether it `always` happens under its conditions, or `sometimes`."""
    since: str | Unknown
    """First release that has it; unknown where that was not found out."""
    until: str | Unknown | None
    """First release without it; none where the newest release still has it, unknown where that was not found out."""
    confirmed: str | None = None
    """Newest release that is known to have it, where `until` is unknown."""
    when: Conditions
    """Under which conditions."""
    remedies: tuple[Remedy, ...] = ()
    """What a plan can do, the best first; an empty list where nothing does."""
    advice: str | None = None
    """What a person can do, in words."""
    proof: Proof
    """What proves it."""
    example: dict[str, Plain]
    """A request that meets it, field by field."""

    def at(self, release: str) -> bool:
        """Whether a release has it, as far as is known."""
        return holds_at(release, since=self.since, until=self.until)

    def is_certain_at(self, release: str) -> bool:
        """Whether a release is known to have it, and not only not known to be rid of it."""
        if not self.at(release):
            return False
        if is_stated(self.until) or self.until is None:
            return True
        return self.confirmed is not None and release_key(release) <= release_key(self.confirmed)

    def blocks(self, release: str) -> bool:
        """Whether it spoils every start or answer of a server of a release, unless something helps."""
        return self.effect in BLOCKING and self.happens == "always" and self.is_certain_at(release)


@dataclass(frozen=True, kw_only=True, repr=False)
class FaultSet(Entity):
    """The known faults of one engine with Llama 4."""

    id: str
    name: str
    engine: str
    """Id of the engine."""
    faults: dict[str, EngineFault]
    """Faults by a short name."""

    def met(self, release: str, circumstances: Circumstances) -> dict[str, EngineFault]:
        """The faults that a server of a release meets."""
        return {id_: each for id_, each in self.faults.items() if each.at(release) and each.when.met_by(circumstances)}


__all__ = ["BLOCKING", "Effect", "EngineFault", "FaultSet", "Happens", "Proof", "Remedy"]
