"""What changed between two releases of an engine: memory rules, defaults, options, abilities, kernels, faults and estimates."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from llama4ref.errors import RequestError
from llama4ref.facts.queries.conditions_in_words import in_words
from llama4ref.facts.types.engines import MemoryRules
from llama4ref.facts.types.releases import holds_at, release_key
from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.wording import shown

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.engines import Engine

Subject = Literal["memory", "default", "ability", "kernel", "fault", "option", "variable", "method", "estimate"]
"""`memory`: how memory is counted; `default`: of an option on some hardware; `method`: a quantization method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not as it was."""

    subject: Subject
    name: str
    before: str
    """At the first of the two releases."""
    after: str
    """At the second one."""
    entity: str
    """Whose fact tells of it, such as `engines/vllm`."""
    field: str
    """The leaf that tells of it, such as `flags.moe-backend.since`."""


def release_changes(catalog: Entries, engine: str, first: str, second: str) -> tuple[Change, ...]:
    """What differs between two releases, by subject; what changed and changed back is left out.

    Args:
        catalog: the facts.
        engine: id of the engine.
        first: release that is compared, such as `0.10.2`.
        second: release that it is compared with; it may be the older one.

    Raises:
        UnknownNameError: for an engine that is not in the catalogue.
        ReleaseError: for a release that the facts do not cover.
        RequestError: for twice the same release.

    Examples:
        >>> from llama4ref.facts import load
        >>> found = release_changes(load(), "vllm", "0.10.2", "0.19.0")
        >>> next((each.before, each.after) for each in found if each.name == "hybrid kv cache")
        ('no', 'yes')
    """
    known = catalog.engine(engine)
    ends = known.covered_release(first), known.covered_release(second)
    if ends[0] == ends[1]:
        raise RequestError(f"changes: both releases are {ends[0]}; name two")
    return tuple(_joined(_changes(catalog, known, *ends)))


NOT_THERE = "-"
"""Stands for what one of the two releases has not."""
_IN_PLACES = frozenset({"default", "kernel"})
"""Subjects of which a row may take the place of another."""


def _joined(found: Iterable[Change]) -> Iterator[Change]:
    """Rows that end where others begin in the same place, as one change each, and none where both say the same."""
    changes = list(found)
    ended: dict[tuple[str, str], list[Change]] = {}
    for each in changes:
        if each.after == NOT_THERE and each.subject in _IN_PLACES:
            ended.setdefault(_place(each, each.before), []).append(each)
    replaced: set[Change] = set()
    joined: dict[Change, Change] = {}
    for each in changes:
        begins = each.before == NOT_THERE and each.subject in _IN_PLACES
        waiting = ended.get(_place(each, each.after), []) if begins else []
        if waiting:
            old = next((one for one in waiting if one.before == each.after), waiting[0])
            waiting.remove(old)
            replaced.add(old)
            joined[each] = replace(each, before=old.before)
    for each in changes:
        change = joined.get(each, each)
        if each not in replaced and change.before != change.after:
            yield change


def _place(change: Change, words: str) -> tuple[str, str]:
    """What a row is about, apart from its value: the default of an option on some hardware, or where a kernel is chosen."""
    if change.subject == "kernel":
        return change.subject, words.partition(": ")[2]
    return change.subject, change.name


def _changes(catalog: Entries, engine: Engine, first: str, second: str) -> Iterator[Change]:
    yield from _memory_rules(engine, first, second)
    yield from _defaults(engine, first, second)
    for kind, subject, words in _OF_ENGINES:
        recorded = getattr(catalog, kind).get(engine.id)
        if recorded is not None:
            rows = _Rows(
                subject=subject,
                entity=f"{kind}/{engine.id}",
                group=_ROWS[kind],
                rows=getattr(recorded, _ROWS[kind]),
                words=words,
            )
            yield from rows.changes(first, second)
    for name, subject in _OWN:
        own = _Rows(
            subject=subject,
            entity=f"engines/{engine.id}",
            group=name,
            rows=getattr(engine, name),
            words=lambda _: "there",
        )
        yield from own.changes(first, second)
    yield from _estimates(catalog, engine, first, second)


def _memory_rules(engine: Engine, first: str, second: str) -> Iterator[Change]:
    before, after = engine.at(first), engine.at(second)
    for each in fields(MemoryRules):
        was, is_ = getattr(before, each.name), getattr(after, each.name)
        if was != is_:
            step = _last_step(getattr(engine.behaviours, each.name), first, second)
            yield Change(
                subject="memory",
                name=each.name.replace("_", " "),
                before=shown(was),
                after=shown(is_),
                entity=f"engines/{engine.id}",
                field=f"behaviours.{each.name}.{step}.holds",
            )


def _last_step(steps: Iterable[Any], first: str, second: str) -> int:
    """Place of the newest step that one of the two releases has reached."""
    newest = max(release_key(first), release_key(second))
    return max(place for place, step in enumerate(steps) if release_key(step.since) <= newest)


def _defaults(engine: Engine, first: str, second: str) -> Iterator[Change]:
    """Defaults by option, platform and memory; each row is one that may begin or end."""
    for place, row in enumerate(engine.hardware_defaults):
        there = [holds_at(release, since=row.since, until=row.until) for release in (first, second)]
        if there[0] != there[1]:
            of = f"{row.flag} on {row.platform}" + (f" from {row.min_memory_gib} GiB" if row.min_memory_gib else "")
            yield Change(
                subject="default",
                name=of,
                before=f"{row.value:,}" if there[0] else NOT_THERE,
                after=f"{row.value:,}" if there[1] else NOT_THERE,
                entity=f"engines/{engine.id}",
                field=f"hardware_defaults.{place}.value",
            )


def _ability(row: Any) -> str:
    return in_words(row.when)


def _fault(row: Any) -> str:
    return f"{row.symptom}, {in_words(row.when)}"


def _kernel(row: Any) -> str:
    chosen = "unknown" if row.chosen is UNKNOWN else row.chosen or "none"
    return f"{chosen}: {in_words(row.when)}"


_OF_ENGINES: tuple[tuple[str, Subject, Callable[[Any], str]], ...] = (
    ("abilities", "ability", _ability),
    ("faults", "fault", _fault),
    ("kernels", "kernel", _kernel),
)
_OWN: tuple[tuple[str, Subject], ...] = (("flags", "option"), ("environment", "variable"), ("methods", "method"))
"""Groups of the engine itself."""
_ROWS = {"abilities": "abilities", "faults": "faults", "kernels": "rules"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Rows with a first and a last release each, by name."""

    subject: Subject
    entity: str
    group: str
    """Field of the entity that holds them."""
    rows: Mapping[str, Any]
    words: Callable[[Any], str]
    """What is printed of one."""

    def changes(self, first: str, second: str) -> Iterator[Change]:
        """Rows that hold at one of two releases alone."""
        forward = release_key(first) < release_key(second)
        for name, row in self.rows.items():
            was, is_ = (holds_at(release, since=row.since, until=row.until) for release in (first, second))
            if was != is_:
                ended = is_stated(row.until) and (was if forward else is_)
                yield Change(
                    subject=self.subject,
                    name=name,
                    before=self.words(row) if was else NOT_THERE,
                    after=self.words(row) if is_ else NOT_THERE,
                    entity=self.entity,
                    field=f"{self.group}.{name}.{'until' if ended else 'since'}",
                )


def _estimates(catalog: Entries, engine: Engine, first: str, second: str) -> Iterator[Change]:
    """An estimate of which one row ends and another begins is one change."""
    recorded = catalog.estimates.get(engine.id)
    for field, quantity in recorded.quantities() if recorded is not None else ():
        gone: list[tuple[int, str]] = []
        come: list[tuple[int, str]] = []
        for place, row in enumerate(quantity.rows):
            was, is_ = (holds_at(release, since=row.since, until=row.until) for release in (first, second))
            if was != is_:
                figure = f"{shown(row.value)} ({shown(row.low)} to {shown(row.high)}) {quantity.unit}"
                (gone if was else come).append((place, figure))
        for old, new in itertools.zip_longest(gone, come):
            yield Change(
                subject="estimate",
                name=field,
                before=old[1] if old else NOT_THERE,
                after=new[1] if new else NOT_THERE,
                entity=f"estimates/{engine.id}",
                field=f"{field}.rows.{(new or old)[0]}.value",
            )


__all__ = ["Change", "Subject", "release_changes"]
