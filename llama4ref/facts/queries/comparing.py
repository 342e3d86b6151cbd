"""Where do two things of one kind differ, where do sources disagree, and what has nobody published?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError, UnknownNameError

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.reading.yaml_reader import Value
    from llama4ref.facts.types.sources import Citation, Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedField:
    """One field of several entities, side by side."""

    field: str
    leaves: tuple[Provenance | None, ...]
    """In the order of the entities; None where an entity has no such field."""

    @property
    def values(self) -> tuple[Value, ...]:
        """The preferred values, UNKNOWN among them; None is none, or no such field."""
        return tuple(leaf.citations[0].value if leaf else None for leaf in self.leaves)

    @property
    def is_same(self) -> bool:
        """Whether all say the same, in the same state."""
        return len({(leaf.citations[0].value, leaf.state) if leaf else None for leaf in self.leaves}) == 1

    @property
    def disputed(self) -> tuple[bool, ...]:
        """Of each entity, whether sources disagree."""
        return tuple(leaf is not None and leaf.disputed for leaf in self.leaves)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafOf:
    """A leaf with its place."""

    entity: str
    field: str
    leaf: Provenance

    @property
    def preferred(self) -> Citation:
        """The word that counts."""
        return self.leaf.citations[0]

    @property
    def others(self) -> tuple[Citation, ...]:
        """The words of sources that disagree."""
        return tuple(citation for citation in self.leaf.citations if not citation.agrees)


def compared(catalog: Entries, entities: Sequence[str], *, only_differences: bool = False) -> tuple[ComparedField, ...]:
    """Several entities of one kind field by field, in the order in which the fields appear.

    Raises:
        RequestError: for fewer than two entities, or entities of several kinds.
        UnknownNameError: for one that is not there.

    Examples:
        >>> from llama4ref.facts import load
        >>> fields = compared(load(), ["models/scout", "models/maverick"], only_differences=True)
        >>> next(each.values for each in fields if each.field == "experts.count")
        (16, 128)
    """
    kinds = sorted({entity.partition("/")[0] for entity in entities})
    if len(entities) < 2 or len(kinds) > 1:
        raise RequestError(f"compare takes two or more things of one kind, found {', '.join(entities) or 'nothing'}")
    for entity in entities:
        if entity not in catalog.provenance:
            raise UnknownNameError("entity", entity, catalog.provenance)
    leaves = [catalog.provenance[entity] for entity in entities]
    fields = dict.fromkeys(field for each in leaves for field in each)
    rows = (ComparedField(field=field, leaves=tuple(each.get(field) for each in leaves)) for field in fields)
    return tuple(row for row in rows if not (only_differences and row.is_same))


def disagreements(catalog: Entries, entity: str | None = None, *, credible: bool = False) -> tuple[LeafOf, ...]:
    """Leaves on which sources disagree, of one entity or of all.

    Args:
        catalog: The facts.
        entity: Such as `providers/azure-ai-foundry`.
        credible: Leave out those where every disagreeing word is doubted.
    """
    found = (each for each in _leaves(catalog, entity) if each.leaf.disputed)
    return tuple(each for each in found if not credible or any(word.doubt is None for word in each.others))


def unknowns(catalog: Entries, entity: str | None = None) -> tuple[LeafOf, ...]:
    """Leaves that are recorded as not published, of one entity or of all."""
    return tuple(each for each in _leaves(catalog, entity) if each.leaf.state == "unknown")


def _leaves(catalog: Entries, entity: str | None) -> Iterator[LeafOf]:
    if entity is not None and entity not in catalog.provenance:
        raise UnknownNameError("entity", entity, catalog.provenance)
    for name in catalog.provenance if entity is None else (entity,):
        for field, leaf in catalog.provenance[name].items():
            yield LeafOf(entity=name, field=field, leaf=leaf)
