"""Which releases of engines are published and newer than the facts cover."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import WatchError
from llama4ref.facts.types.releases import release_key
from llama4ref.facts.types.states import is_stated
from llama4ref.watching.downloading import published
from llama4ref.watching.engine_facts import VLLM
from llama4ref.watching.other_engines import PACKAGES

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReleases:
    """The releases of one package beside the newest that the specs cover."""

    package: str
    covered: str
    """Newest release in the specs."""
    newer: tuple[str, ...]
    """Published after it, oldest first."""
    problem: str | None = None
    """Why it is not known what is published."""


def newer_releases(catalog: Catalog) -> Iterator[EngineReleases]:
    """Engines whose facts hold to a release and that come as wheels, looked up where pip looks."""
    engines = {VLLM: VLLM} | {each.name: each.engine for each in PACKAGES.values() if each.engine}
    for package, engine in engines.items():
        covered = catalog.engine(engine).newest_release
        if is_stated(covered):
            yield _looked_up(package, covered)


def _looked_up(package: str, covered: str) -> EngineReleases:
    """One package that pip does not find leaves the others to be looked up."""
    try:
        known = published(package)
    except WatchError as error:
        return EngineReleases(package=package, covered=covered, newer=(), problem=str(error))
    newer = tuple(each for each in known if release_key(each) > release_key(covered))
    return EngineReleases(package=package, covered=covered, newer=newer)


__all__ = ["EngineReleases", "newer_releases"]
