"""All facts by id, with the source of each leaf: what the audit and the queries read."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from llama4ref.facts.types.entities import owned
from llama4ref.facts.types.kinds import EntitiesById, named
from llama4ref.facts.types.read_only import read_only

if TYPE_CHECKING:
    from llama4ref.facts.types.entities import Entity
    from llama4ref.facts.types.sources import Citation, Provenance, Source


@dataclass(frozen=True, eq=False, kw_only=True)
class Entries(EntitiesById):
    """Everything under `specs/`, read-only."""

    sources: Mapping[str, Source]
    packed_provenance: bytes
    """`provenance`, pickled; most uses never need it."""

    def __post_init__(self) -> None:
        vars(self)["sources"] = read_only(self.sources)
        self._own_entities()

    def __repr__(self) -> str:
        """How many things there are of each kind, as all of them would fill megabytes."""
        counts = ", ".join(f"{kind.name}={len(getattr(self, kind.name))}" for kind in fields(EntitiesById))
        return f"{type(self).__name__}({counts}, sources={len(self.sources)})"

    def __setstate__(self, state: Mapping[str, object]) -> None:
        vars(self).update(state)
        self._own_entities()

    def _own_entities(self) -> None:
        for kind in fields(EntitiesById):
            entities: Mapping[str, Entity] = getattr(self, kind.name)
            vars(self)[kind.name] = read_only({id_: owned(entity, self) for id_, entity in entities.items()})

    @functools.cached_property
    def provenance(self) -> Mapping[str, Mapping[str, Provenance]]:
        """Where each leaf comes from: by entity (`models/scout`), then by field (`text.layers`)."""
        unpacked: dict[str, dict[str, Provenance]] = pickle.loads(self.packed_provenance)
        return read_only({entity: read_only(leaves) for entity, leaves in unpacked.items()})

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
