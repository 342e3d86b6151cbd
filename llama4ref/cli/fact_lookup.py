"""Which entity and which fields does a person mean?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.errors import RequestError, UnknownNameError
from llama4ref.facts.types.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.sources import Provenance


def kinds(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Ids by kind, in the catalogue's order."""
    found: dict[str, list[str]] = {}
    for entity in catalog.provenance:
        kind, _, id_ = entity.partition("/")
        found.setdefault(kind, []).append(id_)
    return {kind: tuple(ids) for kind, ids in found.items()} | {"sources": tuple(catalog.sources)}


def entity_called(name: str, catalog: Catalog) -> str:
    """The entity, such as `models/scout`, that a path, a bare id or a checkpoint's repository names.

    Raises:
        UnknownNameError: with the nearest names.
        RequestError: where several kinds have an entity of that id.
    """
    by_kind = kinds(catalog)
    kind, slash, id_ = name.strip("/").partition("/")
    if slash and kind in by_kind:
        if id_ in by_kind[kind]:
            return f"{kind}/{id_}"
        raise UnknownNameError(_singular(kind), id_, by_kind[kind])
    if slash:
        return f"checkpoints/{catalog.checkpoint(name).id}"
    found = [f"{each}/{name}" for each, ids in by_kind.items() if name in ids]
    if len(found) == 1:
        return found[0]
    if found:
        raise RequestError(f"{name!r} names several things; write one of {', '.join(found)}")
    raise UnknownNameError("fact", name, [id_ for kind, ids in by_kind.items() if kind != "sources" for id_ in ids])


def fields_of(entity: str, field: str | None, catalog: Catalog) -> Mapping[str, Provenance]:
    """The leaves of an entity, all or those at and below a field.

    Raises:
        UnknownNameError: for a field that is not there, with the nearest ones.
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


def _singular(kind: str) -> str:
    return KINDS[kind].singular if kind in KINDS else kind.removesuffix("s")
