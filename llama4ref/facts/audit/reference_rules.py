"""Names in the specs that lead to other specs: each must lead to one that is there."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.errors import nearest_names
from llama4ref.facts.audit.contradiction import Contradiction

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries

_TARGETS = {
    "accelerator": ("accelerators",),
    "accelerators": ("accelerators",),
    "borrowed_from": ("estimates",),
    "checkpoint": ("checkpoints",),
    "engine": ("engines",),
    "events.about": ("models",),
    "format": ("formats",),
    "license": ("licenses",),
    "members": ("models",),
    "model": ("models",),
    "rows.basis": ("measurements", "starts"),
    "supersedes": ("licenses",),
    "teacher": ("models",),
    "when.checkpoints": ("checkpoints",),
    "when.expert_formats": ("formats",),
    "when.models": ("models",),
}
"""Kinds that a field leads to, by the last part of its name, or the last two."""
_IN_THEIR_OWN_WORDS = frozenset({"benchmarks"})
"""Kinds that quote what a source calls an engine or a checkpoint."""


def dangling_names(catalog: Entries) -> Iterator[tuple[str, Contradiction]]:
    """Every name that leads nowhere, with the entity that it stands in."""
    for entity, leaves in catalog.provenance.items():
        if entity.partition("/")[0] in _IN_THEIR_OWN_WORDS:
            continue
        for field, leaf in leaves.items():
            for kinds, name in _references(field, leaf.citations[0].value):
                yield from ((entity, each) for each in _dangling(catalog, field, kinds, name))


def _references(field: str, value: object) -> Iterator[tuple[tuple[str, ...], str]]:
    """The names in a field, with the kinds that they lead to."""
    group, _, rest = field.partition(".")
    if group == "loads" and rest.endswith(".supported"):
        yield ("engines",), rest.removesuffix(".supported")
    parts = [part for part in field.split(".") if not part.isdecimal()]
    kinds = ("formats",) if group == "coverage" else _TARGETS.get(parts[-1], _TARGETS.get(".".join(parts[-2:])))
    for name in value if isinstance(value, tuple) else (value,):
        if kinds is not None and isinstance(name, str):
            yield kinds, name


@functools.lru_cache(maxsize=1024)
def _nearest(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Kept, since a spec that is missing is missed by many others."""
    return nearest_names(name, known)


def _dangling(catalog: Entries, field: str, kinds: tuple[str, ...], name: str) -> Iterator[Contradiction]:
    known = {id_ for kind in kinds for id_ in getattr(catalog, kind)}
    if name not in known:
        near = _nearest(name, tuple(sorted(known)))
        do = f"did you mean {' or '.join(near)}" if near else f"add specs/{kinds[0]}/{name}.yaml"
        missing = f"{kinds[0]}/{name}"
        yield Contradiction(field, name, f"the id of one of the {' or '.join(kinds)}", do, missing=missing)
