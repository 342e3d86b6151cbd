"""Faults in the specs: each begins before it ends, and its remedies are options and variables that a release with it knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from llama4ref.errors import nearest_names
from llama4ref.facts.audit.contradiction import Contradiction
from llama4ref.facts.types.releases import holds_at, release_key
from llama4ref.facts.types.states import Unknown, is_stated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.faults import EngineFault, FaultSet


class _Known(Protocol):
    """An option or variable, and when there is one."""

    @property
    def since(self) -> str | Unknown: ...
    @property
    def until(self) -> str | Unknown | None: ...


def impossible_faults(recorded: FaultSet, catalog: Entries) -> Iterator[Contradiction]:
    """What cannot be true of an engine's faults."""
    engine = catalog.engines.get(recorded.engine)
    for id_, fault in recorded.faults.items():
        yield from _disordered(f"faults.{id_}", fault)
        if engine is None or not engine.flags:
            continue
        releases = [each for each in engine.releases or () if fault.at(each)]
        for index, remedy in enumerate(fault.remedies):
            at = f"faults.{id_}.remedies.{index}"
            yield from _unknown(f"{at}.settings", remedy.settings, engine.flags, releases, "an option")
            yield from _unknown(f"{at}.environment", remedy.environment, engine.environment, releases, "a variable")


def _disordered(at: str, fault: EngineFault) -> Iterator[Contradiction]:
    since, until = fault.since, fault.until
    if is_stated(since) and is_stated(until) and release_key(since) >= release_key(until):
        yield Contradiction(f"{at}.until", until, f"a release after {since}", "correct one")
    elif fault.confirmed is not None and not fault.at(fault.confirmed):
        yield Contradiction(f"{at}.confirmed", fault.confirmed, "a release that has it", "correct one")


def _unknown(
    at: str, named: Mapping[str, object], known: Mapping[str, _Known], releases: list[str], kind: str
) -> Iterator[Contradiction]:
    """Names that no release with the fault takes."""
    for name in named:
        field = f"{at}.{name}"
        if name not in known:
            near = nearest_names(name, known)
            do = f"did you mean {' or '.join(near)}" if near else "correct the name, or add it to the engine"
            yield Contradiction(field, name, f"{kind} of the engine", do)
        elif releases and not any(_is_there(known[name], each) for each in releases):
            yield Contradiction(field, name, f"one that {releases[0]} to {releases[-1]} take", "name another remedy")


def _is_there(known: _Known, release: str) -> bool:
    return holds_at(release, since=known.since, until=known.until)
