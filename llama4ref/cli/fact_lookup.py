"""Finding the entity and the fields that a person names."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError, UnknownNameError
from llama4ref.facts.queries.naming import id_meant
from llama4ref.facts.types.kinds import KINDS
from llama4ref.names import meant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.sources import Provenance

_BY_PART_OF_A_NAME = ("models", "checkpoints", "accelerators", "engines", "providers", "formats", "licenses")
"""Kinds of things that people name by a part of their name, the likeliest first; ids of other kinds are made of such names."""


def kinds(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Ids by kind, in the catalogue's order."""
    found: dict[str, list[str]] = {}
    for entity in catalog.provenance:
        kind, _, id_ = entity.partition("/")
        found.setdefault(kind, []).append(id_)
    return {kind: tuple(ids) for kind, ids in found.items()} | {"sources": tuple(catalog.sources)}


def kind_meant(name: str, catalog: Catalog) -> str | None:
    """The kind that a word names, in the singular or the plural; None for any other word."""
    singular = {kind.singular: folder for folder, kind in KINDS.items()} | {"source": "sources"}
    known = {**{kind: kind for kind in kinds(catalog)}, **singular}
    return known.get(name.lower())


def entity_meant(name: str, catalog: Catalog) -> str:
    """The entity, such as `models/scout`, that a path, an id, a name or a checkpoint's repository means.

    Raises:
        UnknownNameError: with the nearest names.
        RequestError: where it can mean several things.
    """
    by_kind = kinds(catalog)
    head, slash, rest = name.strip("/").partition("/")
    kind = kind_meant(head, catalog) if slash else None
    if kind is not None:
        return f"{kind}/{_id_of_kind(catalog, kind, rest)}"
    if slash:
        return f"checkpoints/{id_meant(catalog, 'checkpoints', name)}"
    found = [f"{each}/{name}" for each, ids in by_kind.items() if name in ids] or _by_other_names(name, catalog)
    if len(found) == 1:
        return found[0]
    if found:
        raise RequestError(f"{name!r} names several things; write one of {', '.join(found)}")
    raise UnknownNameError("fact", name, [id_ for kind, ids in by_kind.items() if kind != "sources" for id_ in ids])


def _id_of_kind(catalog: Catalog, kind: str, name: str) -> str:
    if kind != "sources":
        return id_meant(catalog, kind, name)
    found = meant(name, catalog.sources)
    if found is None:
        raise UnknownNameError("source", name, catalog.sources)
    return found


def _by_other_names(name: str, catalog: Catalog) -> list[str]:
    """What a name can mean that is no id: the one thing of the likeliest kind."""
    for kind in _BY_PART_OF_A_NAME:
        with contextlib.suppress(UnknownNameError):
            return [f"{kind}/{id_meant(catalog, kind, name)}"]
    return []


def fields_of(entity: str, field: str | None, catalog: Catalog) -> Mapping[str, Provenance]:
    """The leaves of an entity, all or those at and below a field.

    Raises:
        UnknownNameError: for a field that is not there, with those that end so, or the nearest.
    """
    leaves = catalog.provenance[entity]
    if field is None:
        return leaves
    chosen = {path: leaf for path, leaf in leaves.items() if path == field or path.startswith(f"{field}.")}
    if not chosen:
        groups = dict.fromkeys(
            ".".join(path.split(".")[:depth]) for path in leaves for depth in range(1, path.count(".") + 2)
        )
        ending = [path for path in groups if path.endswith(f".{field}")]
        raise UnknownNameError(f"field of {entity}", field, ending or groups)
    return chosen
