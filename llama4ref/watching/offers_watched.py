"""Our hosted offers beside a catalogue, row by row: what differs, as edits that a person may make. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llama4ref.facts.types.states import Unknown, is_stated
from llama4ref.planning.offers.lifecycle import why_ended
from llama4ref.watching.catalogues_found import FORMS
from llama4ref.watching.offers_matching import match_offers
from llama4ref.watching.offers_recorded import after, is_recorded_row, is_recorded_word, is_same
from llama4ref.wording import json_text

if TYPE_CHECKING:
    from llama4ref.facts import Catalog
    from llama4ref.facts.types.sources import Citation, Provenance
    from llama4ref.watching.catalogues import Catalogue, CatalogueRow, RowValue
    from llama4ref.watching.offers_matching import OurOffer

Kind = Literal["differs", "stated", "deprecated", "ends", "appeared", "disappeared"]
_GOES_ON = frozenset({"listed", "preview", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that a catalogue says and the specs do not."""

    kind: Kind
    """`stated` where ours is unknown; `deprecated` and `ends` where only the catalogue names an end, or another one."""
    catalogue: str
    release: str | None
    day: str | None
    """Day of the release, as `release_day` knows it."""
    key: str
    """Where it stands in the catalogue."""
    provider: str | None
    """Our provider; None where we have none."""
    model: str
    name: str
    """The provider's id of the model."""
    file: str | None
    line: int | None
    field: str | None
    ours: RowValue | Unknown | None
    theirs: RowValue | None
    recorded: bool
    """Whether the specs hold this word of the catalogue already, as a value, a disputed one or an erratum."""
    edit: str
    """What a person may write there, once the provider's own page has been looked at."""


def watch_offers(catalog: Catalog, catalogue: Catalogue, day: str) -> tuple[Difference, ...]:
    """Every difference, recorded ones too, in the order of the specs.

    An offer that has ended by the day is compared in the day of its end alone.
    """
    matched = match_offers(catalog, catalogue, FORMS[catalogue.package])
    watch = _Watch(catalog, catalogue, day)
    found = [
        *(each for row, ours in matched.pairs for each in watch.of_pair(row, ours)),
        *(watch.appeared(row, provider) for row, provider in matched.unmatched),
        *(watch.disappeared(ours) for ours in matched.missing if why_ended(ours.offer, day) is None),
    ]
    return tuple(sorted(found, key=lambda each: (each.provider is None, each.provider or "", each.line or 0, each.key)))


class _Watch:
    """A catalogue beside the facts on a day."""

    def __init__(self, catalog: Catalog, catalogue: Catalogue, day: str) -> None:
        self._catalog, self._catalogue, self._day = catalog, catalogue, day
        self._released = release_day(catalog, catalogue)

    def of_pair(self, row: CatalogueRow, ours: OurOffer) -> Iterator[Difference]:
        """What a row says otherwise than the offer that it is about."""
        if why_ended(ours.offer, self._day) is None:
            for field, theirs in row.values.items():
                stated = getattr(ours.offer, field)
                if field != "retired" and not is_same(stated, theirs):
                    yield self._of_field("differs" if is_stated(stated) else "stated", row, ours, field, theirs)
            if row.deprecated and ours.offer.status in _GOES_ON:
                yield self._of_field("deprecated", row, ours, "status", self._status(row))
        if "retired" in row.values and row.values["retired"] != ours.offer.retired:
            yield self._of_field("ends", row, ours, "retired", row.values["retired"])

    def appeared(self, row: CatalogueRow, provider: str | None) -> Difference:
        """A row that is about none of our offers."""
        return Difference(
            kind="appeared",
            catalogue=self._catalogue.package,
            release=self._catalogue.release,
            day=self._released,
            key=row.key,
            provider=provider,
            model=row.model,
            name=row.name,
            file=self._catalog.provenance[f"providers/{provider}"]["name"].file if provider else None,
            line=None,
            field="offers",
            ours=None,
            theirs=row.name,
            recorded=is_recorded_row(self._catalog, FORMS[self._catalogue.package], row.key),
            edit=f"- {{{self._new_offer(row)}}}",
        )

    def disappeared(self, ours: OurOffer) -> Difference:
        """An offer that the catalogue had and has no more."""
        leaf = self._catalog.trace(ours.entity, ours.field("status"))
        key = "; ".join(sorted(ours.keys))
        word = self._cited("unknown", f"{key}, no longer there")
        edit = f"status: add to disputed: {word}"
        seen_there_or_not = any(after(each, self._catalogue, or_same=True) for each in leaf.citations)
        recorded = seen_there_or_not or any(after(each, self._catalogue) for each in self._citations(ours))
        return self._about(
            "disappeared", ours, leaf, key=key, field="status", theirs=None, edit=edit, recorded=recorded
        )

    def _citations(self, ours: OurOffer) -> Iterator[Citation]:
        """All that an offer cites."""
        for path, leaf in self._catalog.provenance[ours.entity].items():
            if path.startswith(ours.field("")):
                yield from leaf.citations

    def _status(self, row: CatalogueRow) -> str:
        """What the catalogue makes of an offer: retired from the day of its end on."""
        return "retired" if str(row.values.get("retired", "9999")) <= self._day else "deprecated"

    def _of_field(self, kind: Kind, row: CatalogueRow, ours: OurOffer, field: str, theirs: RowValue) -> Difference:
        leaves = self._catalog.provenance[ours.entity]
        leaf = leaves.get(ours.field(field), leaves[ours.field("name")])
        edit = f"{field}: {'add to disputed: ' if kind == 'differs' else ''}{self._cited(theirs, row.key)}"
        recorded = is_recorded_word(leaves.get(ours.field(field)), self._catalogue, theirs)
        return self._about(kind, ours, leaf, key=row.key, field=field, theirs=theirs, edit=edit, recorded=recorded)

    def _about(
        self,
        kind: Kind,
        ours: OurOffer,
        leaf: Provenance,
        *,
        key: str,
        field: str,
        theirs: RowValue | None,
        edit: str,
        recorded: bool,
    ) -> Difference:
        return Difference(
            kind=kind,
            catalogue=self._catalogue.package,
            release=self._catalogue.release,
            day=self._released,
            key=key,
            provider=ours.provider,
            model=ours.offer.model,
            name=ours.offer.name,
            file=leaf.file,
            line=leaf.line,
            field=ours.field(field),
            ours=getattr(ours.offer, field),
            theirs=theirs,
            recorded=recorded,
            edit=edit,
        )

    def _cited(self, value: RowValue, key: str) -> str:
        """A cited value, as a spec holds it."""
        return f"{{value: {json_text(value)}, {self._citation(key)}}}"

    def _citation(self, key: str) -> str:
        day = f', as_of: "{self._released}"' if self._released else ""
        return f"source: {self._catalogue.source}, at: {json_text(key)}{day}"

    def _new_offer(self, row: CatalogueRow) -> str:
        """The fields of an offer, which ends where the catalogue says so."""
        values = "".join(f", {field}: {json_text(value)}" for field, value in row.values.items())
        status = self._status(row) if row.deprecated else "listed"
        name = json_text(row.name)
        return f"model: {row.model}, name: {name}, {self._citation(row.key)}, status: {status}{values}"


def release_day(catalog: Catalog, catalogue: Catalogue) -> str | None:
    """Day of a release: as the specs' sources have it, else the day on which it was the newest; None where neither is known."""
    source = catalog.sources.get(catalogue.source)
    if catalogue.release and source and is_stated(source.published):
        return source.published
    return catalogue.newest_on


__all__ = ["Difference", "Kind", "release_day", "watch_offers"]
