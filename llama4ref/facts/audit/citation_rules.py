"""Citations that a leaf has from a group around it and must not have.

A source that stands at a group is the default for the leaves inside. Three defaults are wrong: one from further outside than the
source that the leaf has, since naming a source replaces all defaults around it; one that agrees although the leaf quotes the same
source as disagreeing; and a preferred source that the leaf quotes, at the same place, as saying something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import Fault

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.sources import Citation, Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseCitation:
    """A source that a leaf cites although the leaf, or a group nearer to it, says otherwise."""

    entity: str
    field: str
    leaf: Provenance
    citation: Citation

    @property
    def fault(self) -> Fault:
        """With file and line, and what to do."""
        place = self.citation.written_at or "the file"
        return Fault(
            file=self.leaf.file,
            line=self.leaf.line,
            field=self.field,
            found=f"source {self.citation.source.id}, the default of {place}",
            expected="sources of the leaf itself, or of the group whose source it has",
            do="name under the leaf every source that states it, and no other",
        )


def false_citations(catalog: Entries) -> tuple[FalseCitation, ...]:
    """Every citation that a leaf has by a wrong default.

    Examples:
        >>> from llama4ref.facts import load
        >>> false_citations(load())
        ()
    """
    return tuple(
        FalseCitation(entity=entity, field=field, leaf=leaf, citation=citation)
        for entity, leaves in catalog.provenance.items()
        for field, leaf in leaves.items()
        for citation in _wrong_defaults(field, leaf)
    )


def _wrong_defaults(field: str, leaf: Provenance) -> Iterator[Citation]:
    first, *others = leaf.citations
    disagreeing = [each for each in others if not each.agrees]
    if first.written_at != field and any((each.source, each.at) == (first.source, first.at) for each in disagreeing):
        yield first
    for each in others:
        is_outside = not _is_within(each.written_at, first.written_at)
        is_denied = each.agrees and each.written_at != field and each.source in [word.source for word in disagreeing]
        if is_outside or is_denied:
            yield each


def _is_within(place: str, group: str) -> bool:
    """Whether a place is a group, or lies in it."""
    return not group or place == group or place.startswith(f"{group}.")
