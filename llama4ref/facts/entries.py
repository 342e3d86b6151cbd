"""All facts by id, with the source of each leaf: what the audit and the queries read."""

from __future__ import annotations

import functools
import pickle
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from llama4ref.facts.kept_provenance import ProvenanceByEntity
from llama4ref.facts.types.entities import owned
from llama4ref.facts.types.kinds import EntitiesById, named
from llama4ref.facts.types.read_only import read_only

if TYPE_CHECKING:
    from llama4ref.facts.types.entities import Entity
    from llama4ref.facts.types.sources import Citation, Provenance, Source


_PACKED = "_packed"
_PROTOCOL = pickle.HIGHEST_PROTOCOL
_UNPACKING = threading.RLock()
"""Two threads that ask for a kind at once get the same one."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Entries(EntitiesById):
    """Everything under `specs/`, read-only."""

    sources: Mapping[str, Source]
    """What the facts are cited from, by id."""
    packed_provenance: Mapping[str, bytes]
    """`provenance`, pickled by entity; most uses need little of it."""

    def __post_init__(self) -> None:
        vars(self)["sources"] = read_only(self.sources)
        for kind in fields(EntitiesById):
            self._own(kind.name, getattr(self, kind.name))

    def __repr__(self) -> str:
        """How many things there are of each kind, as all of them would fill megabytes."""
        counts = ", ".join(f"{kind.name}={len(getattr(self, kind.name))}" for kind in fields(EntitiesById))
        return f"{type(self).__name__}({counts}, sources={len(self.sources)})"

    def __getstate__(self) -> dict[str, object]:
        """Each kind is pickled by itself, so that one is read back when it is first asked for: a plan needs few of them."""
        packed = {kind.name: pickle.dumps(getattr(self, kind.name), _PROTOCOL) for kind in fields(EntitiesById)}
        return {"sources": self.sources, "packed_provenance": self.packed_provenance, _PACKED: packed}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        vars(self).update(state)

    def __getattr__(self, name: str) -> Mapping[str, Entity]:
        """A kind that was pickled and not asked for yet."""
        packed: Mapping[str, bytes] = vars(self).get(_PACKED, {})
        if name not in packed:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        with _UNPACKING:
            if name not in vars(self):
                self._own(name, pickle.loads(packed[name]))
        entities: Mapping[str, Entity] = vars(self)[name]
        return entities

    def _own(self, kind: str, entities: Mapping[str, Entity]) -> None:
        vars(self)[kind] = read_only({id_: owned(entity, self) for id_, entity in entities.items()})

    @functools.cached_property
    def provenance(self) -> Mapping[str, Mapping[str, Provenance]]:
        """Where each leaf comes from: by entity (`models/scout`), then by field (`text.layers`)."""
        return ProvenanceByEntity(self.packed_provenance, self.sources)

    def trace(self, entity: str, field: str) -> Provenance:
        """Where one leaf comes from; raises UnknownNameError for an entity or field that is not there."""
        leaves = named("entity", entity, self.provenance)
        return named(f"field of {entity}", field, leaves)

    def cite(self, entity: str, field: str) -> tuple[Citation, ...]:
        """The citations of one leaf, preferred first.

        Examples:
            >>> import llama4ref
            >>> llama4ref.load().cite("models/scout", "text.layers")[0].agrees
            True
        """
        return self.trace(entity, field).citations
