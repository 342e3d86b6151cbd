"""Engines beside vLLM that come as wheels: their newest release, and which classes of Llama 4 it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.types.releases import release_key
from llama4ref.facts.types.states import is_stated
from llama4ref.watching.syntax import classes

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Engine
    from llama4ref.watching.python_files import PythonFiles


@dataclass(frozen=True, slots=True)
class Package:
    """A package with an engine or a library that runs Llama 4."""

    name: str
    """On the package index."""
    engine: str | None
    """Id of the engine in the specs; none where it is no engine of its own."""
    places: tuple[str, ...]
    """Patterns of the files that hold classes of Llama 4; none where it has no such class."""
    is_small: bool = True
    """Whether its wheel is fetched without being asked for by name."""


PACKAGES: Mapping[str, Package] = {
    each.name: each
    for each in (
        Package("sglang", "sglang", ("sglang/srt/models/*llama4*.py",)),
        Package("transformers", "transformers", ("transformers/models/llama4/modeling_llama4.py",)),
        Package("tensorrt-llm", "tensorrt-llm", ("tensorrt_llm/_torch/models/modeling_llama*.py",), is_small=False),
        Package("bitsandbytes", None, ()),
    )
}


def llama4_classes(files: PythonFiles, package: Package) -> tuple[str, ...]:
    """Classes of Llama 4 that serve or generate, by name."""
    found = {name for place in files.matching(*package.places) for name in classes(files.tree(place))}
    return tuple(sorted(name for name in found if "Llama4For" in name))


def newest_line(package: Package, newest: str, engine: Engine | None) -> tuple[str, bool]:
    """What to say of the newest release, and whether it is later than the one that the specs cover."""
    if engine is None or not is_stated(engine.newest_release):
        return f"{package.name} {newest}; the specs name no newest release", False
    covered = engine.newest_release
    later = release_key(newest) > release_key(covered)
    return f"{package.name} {newest}; the specs cover {covered}", later


__all__ = ["PACKAGES", "Package", "llama4_classes", "newest_line"]
