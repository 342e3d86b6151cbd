"""What happened when: events of the family, and offers that ended or will end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened on a day."""

    day: str
    """ISO 8601; a month where the day is not known."""
    what: str
    about: tuple[str, ...]
    """Ids of models."""
    contested: bool
    entity: str
    """Where it is recorded."""


def happenings(catalog: Catalog) -> list[Happening]:
    """Everything with a day, oldest first."""
    return sorted((*_events(catalog), *_ends_of_offers(catalog)), key=lambda each: each.day)


def _events(catalog: Catalog) -> Iterator[Happening]:
    for family in catalog.families.values():
        for event in family.events:
            yield Happening(
                day=event.day,
                what=event.what,
                about=event.about,
                contested=event.contested,
                entity=f"families/{family.id}",
            )


def _ends_of_offers(catalog: Catalog) -> Iterator[Happening]:
    for provider in catalog.providers.values():
        for offer in provider.offers:
            if offer.retired is not None:
                yield Happening(
                    day=offer.retired,
                    what=f"{provider.name} ends its offer {offer.name}",
                    about=(offer.model,),
                    contested=False,
                    entity=f"providers/{provider.id}",
                )
