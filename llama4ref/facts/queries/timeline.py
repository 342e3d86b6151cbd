"""What happened when: releases, corrections, offers that ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.types.states import UNKNOWN, is_stated

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.sources import Citation


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedEvent:
    """Something that happened on a day."""

    day: str
    """ISO 8601; a month where the day is not known."""
    kind: str
    """`checkpoint`, `end announced`, `offer ended`, or a kind of the family's own events such as `release` or `correction`."""
    what: str
    about: tuple[str, ...]
    """Ids of the models it is about."""
    entity: str
    """Where it is recorded, such as `providers/groq`."""
    field: str
    """The leaf that holds the day."""
    contested: bool = False
    """Whether sources disagree about it."""

    def cite(self, catalog: Entries) -> tuple[Citation, ...]:
        """Who says so."""
        return catalog.cite(self.entity, self.field)


def timeline(
    catalog: Entries, *, model: str | None = None, since: str | None = None, until: str | None = None
) -> tuple[DatedEvent, ...]:
    """Dated events, oldest first; on one day in the order of the specs.

    Args:
        catalog: The facts.
        model: Id of the model that they are about.
        since: First day, ISO 8601.
        until: Last day, ISO 8601.

    Raises:
        UnknownNameError: for a model that is not there.

    Examples:
        >>> from llama4ref.facts import load
        >>> [each.what for each in timeline(load(), model="maverick", since="2026-03-09", until="2026-03-09")]
        ['Groq no longer serves meta-llama/llama-4-maverick-17b-128e-instruct']
    """
    if model is not None:
        catalog.model(model)
    found = [
        each
        for each in _events(catalog)
        if (model is None or model in each.about)
        and (since is None or each.day >= since[: len(each.day)])
        and (until is None or each.day <= until)
    ]
    return tuple(sorted(found, key=lambda each: each.day))


def _events(catalog: Entries) -> Iterator[DatedEvent]:
    yield from _family_events(catalog)
    yield from _released(catalog)
    yield from _ended(catalog)


def _family_events(catalog: Entries) -> Iterator[DatedEvent]:
    for family in catalog.families.values():
        for index, event in enumerate(family.events):
            yield DatedEvent(
                day=event.day,
                kind=event.kind,
                what=event.what,
                about=event.about,
                entity=f"families/{family.id}",
                field=f"events.{index}.day",
                contested=event.contested,
            )


def _released(catalog: Entries) -> Iterator[DatedEvent]:
    for checkpoint in catalog.checkpoints.values():
        model = catalog.model(checkpoint.model)
        if checkpoint.released is not UNKNOWN and checkpoint.released != model.released:
            yield DatedEvent(
                day=checkpoint.released,
                kind="checkpoint",
                what=f"{checkpoint.publisher} publishes {checkpoint.repository}",
                about=(checkpoint.model,),
                entity=f"checkpoints/{checkpoint.id}",
                field="released",
            )


def _ended(catalog: Entries) -> Iterator[DatedEvent]:
    for provider in catalog.providers.values():
        for index, offer in enumerate(provider.offers):
            for field, day, kind, verb in (
                ("announced", offer.announced, "end announced", "announces the end of"),
                ("retired", offer.retired, "offer ended", "no longer serves"),
            ):
                if is_stated(day):
                    entity, at = f"providers/{provider.id}", f"offers.{index}.{field}"
                    yield DatedEvent(
                        day=day,
                        kind=kind,
                        what=f"{provider.name} {verb} {offer.name}",
                        about=(offer.model,),
                        entity=entity,
                        field=at,
                        contested=catalog.trace(entity, at).disputed,
                    )
