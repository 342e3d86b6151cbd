"""Releases in the specs: each can be read, was published, and is no newer than the facts about its engine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.errors import ReleaseError
from llama4ref.facts.audit.contradiction import Contradiction
from llama4ref.facts.types.releases import is_release, nearest_releases, normalized_release, release_key

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.sources import Provenance

FIELDS = frozenset({"since", "until", "before", "confirmed", "release", "releases", "first_release", "newest_release"})
"""Last parts of the fields that hold releases, beside those that end in `_since`."""


def misnamed_releases(catalog: Entries) -> Iterator[tuple[str, Contradiction]]:
    """Releases that cannot be right, each with the entity that names it."""
    for entity, leaves in catalog.provenance.items():
        for field, leaf in leaves.items():
            if _holds_releases(field):
                engine = _engine_of(catalog, entity, field)
                for release in _texts(leaf):
                    yield from ((entity, each) for each in _misnamed(field, release, engine))
    for engine in catalog.engines.values():
        yield from ((f"engines/{engine.id}", each) for each in _disordered(engine))


def _holds_releases(field: str) -> bool:
    last = field.rpartition(".")[2]
    return last in FIELDS or last.endswith("_since")


def _engine_of(catalog: Entries, entity: str, field: str) -> Engine | None:
    """The engine that a release in a field belongs to; None where that is not known."""
    kind, _, id_ = entity.partition("/")
    if field.startswith("loads."):
        return catalog.engines.get(field.split(".")[1])
    named = field.rpartition(".")[2].removesuffix("_since")
    if named in catalog.engines:
        return catalog.engines[named]
    entities = getattr(catalog, kind)
    return catalog.engines.get(getattr(entities.get(id_), "engine", id_))


def _texts(leaf: Provenance) -> Iterator[str]:
    value = leaf.citations[0].value
    yield from (each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, str))


def _misnamed(field: str, release: str, engine: Engine | None) -> Iterator[Contradiction]:
    try:
        wanted = normalized_release(release)
    except ReleaseError:
        yield Contradiction(field, repr(release), "a release", "write one such as 0.32.0, in quotes")
        return
    if engine is not None and engine.releases:
        yield from _unpublished(field, wanted, engine)
    elif engine is not None and engine.newest_release and is_release(engine.newest_release):
        yield from _too_new(field, wanted, engine, engine.newest_release)


def _unpublished(field: str, release: str, engine: Engine) -> Iterator[Contradiction]:
    if release not in engine.releases and all(map(is_release, engine.releases)):
        nearest = " and ".join(nearest_releases(release, engine.releases))
        yield Contradiction(field, release, f"a published release of {engine.name}", f"the nearest are {nearest}")


def _too_new(field: str, release: str, engine: Engine, newest: str) -> Iterator[Contradiction]:
    if release_key(release) > release_key(newest):
        expected = f"at most {newest}, the newest release of {engine.name} that the facts cover"
        yield Contradiction(field, release, expected, "correct one of them")


def _disordered(engine: Engine) -> Iterator[Contradiction]:
    """Releases that stand in the list before older ones, or in another than their one spelling."""
    if not engine.releases or not all(map(is_release, engine.releases)):
        return
    for low, high in itertools.pairwise(engine.releases):
        if release_key(low) >= release_key(high) or normalized_release(low) != low:
            yield Contradiction("releases", f"{low} before {high}", "releases oldest first", "put them in order")
