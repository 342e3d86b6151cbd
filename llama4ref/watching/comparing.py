"""What the specs say of an engine, beside what was read of its releases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.types.releases import release_key
from llama4ref.facts.types.states import is_stated
from llama4ref.watching.stated_facts import Stated, stated

if TYPE_CHECKING:
    from llama4ref.facts.types.abilities import AbilitySet
    from llama4ref.facts.types.engines import Engine
    from llama4ref.watching.vllm_options import Readings

COMPLETE = ("methods.",)
"""Tables of the specs that hold every name of the engine, not a choice of them."""
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that the specs have otherwise than the releases."""

    path: str
    specs: str
    wheels: str

    def __str__(self) -> str:
        return f"{self.path}: specs {self.specs}; wheels {self.wheels}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the specs and the releases agree."""

    releases: tuple[str, ...]
    agreed: tuple[str, ...]
    """Leaves of the specs that were derived and are right."""
    differ: tuple[Difference, ...]
    new: tuple[str, ...]
    """Lines about what the specs do not have yet."""


def compare(engine: Engine, abilities: AbilitySet | None, readings: Mapping[str, Readings]) -> Comparison:
    """The specs of an engine beside the readings of its releases."""
    releases = tuple(sorted(readings, key=release_key))
    ordered = {release: readings[release] for release in releases}
    agreed: list[str] = []
    differ: list[Difference] = []
    named: set[str] = set()
    for each in stated(engine, abilities):
        named.add(each.path)
        pairs = list(_pairs(each, ordered))
        if not pairs:
            continue
        if all(said == read for _, said, read in pairs):
            agreed += each.leaves
        else:
            differ.append(Difference(each.path, each.written, _spans(pairs)))
    return Comparison(releases, tuple(dict.fromkeys(agreed)), tuple(differ), tuple(_new(engine, ordered, named)))


def _pairs(each: Stated, readings: Mapping[str, Readings]) -> Iterator[tuple[str, object, object]]:
    """Release, what the specs say and what was read, where something could be read.

    An option, a variable or a method that was not found is none; any other field that was not found says nothing.
    """
    is_name = each.path.startswith(("flags.", "environment.", "methods.")) and each.path.count(".") == 1
    for release, reading in readings.items():
        if each.only not in {None, release}:
            continue
        read = reading.get(each.path, _ABSENT)
        if read is _ABSENT and is_name:
            read = False
        if read is not _ABSENT:
            yield release, each.at(release), read


def _spans(pairs: Sequence[tuple[str, object, object]]) -> str:
    """What was read, as spans of releases: `False since 0.8.3, True since 0.11.1`."""
    spans: list[tuple[object, str]] = []
    for release, _, read in pairs:
        if not spans or spans[-1][0] != read:
            spans.append((read, release))
    return ", ".join(f"{read} since {release}" for read, release in spans)


def _new(engine: Engine, readings: Mapping[str, Readings], named: set[str]) -> Iterator[str]:
    """What begins or ends after the newest release of the specs, and names that a complete table lacks."""
    covered = engine.newest_release
    before: Readings | None = None
    for release, reading in readings.items():
        if engine.releases and release not in engine.releases:
            yield f"{release} is published and not in the specs"
        now = {path for path in reading if reading[path] is True}
        missing = {path for path in now if path.startswith(COMPLETE) and path.count(".") == 1 and path not in named}
        yield from (f"{path} is in {release} and not in the specs" for path in sorted(missing))
        named |= missing
        if before is not None and is_stated(covered) and release_key(release) > release_key(covered):
            yield from _changes(release, before, reading)
        before = reading


def _changes(release: str, before: Readings, after: Readings) -> Iterator[str]:
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path, _ABSENT), after.get(path, _ABSENT)
        if old == new:
            continue
        if old is _ABSENT:
            yield f"{path} begins with {release}: {new}"
        elif new is _ABSENT:
            yield f"{path} ends with {release}"
        else:
            yield f"{path} changes with {release}: {old} before, {new} now"


__all__ = ["Comparison", "Difference", "compare"]
