"""Which offers are there for what a person wants, and how do they rank?

An offer that does not disclose what is asked for is no match, but it is kept apart as undisclosed, since it might be one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llama4ref.errors import RequestError
from llama4ref.field_words import described
from llama4ref.planning.offers.credible import offers_of
from llama4ref.planning.offers.lifecycle import check_day, is_confirmed
from llama4ref.planning.offers.requirements import OfferQuery, judge

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.providers import Offer, Provider
    from llama4ref.planning.offers.credible import CredibleOffer
    from llama4ref.planning.offers.requirements import Judgement

SortKey = Literal["price", "context", "output", "provider", "as_of"]


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOffer:
    """One offer with what may be relied on."""

    credible: CredibleOffer
    """The offer with all that sources say."""
    context_tokens: int | None
    """The lowest credible limit."""
    max_output_tokens: int | None
    """The lowest credible limit."""
    price_input: float | None
    """The highest credible price, in US dollars per million tokens."""
    price_output: float | None
    price: float | None
    """Of the query's mix of prompt and reply."""
    confirmed: bool
    """Whether it was read within 120 days before the day that is asked about."""
    failed: tuple[Judgement, ...]
    """What it lacks."""
    unsure: tuple[Judgement, ...]
    """What was asked for and nobody discloses."""

    @property
    def provider(self) -> Provider:
        """Who offers it."""
        return self.credible.provider

    @property
    def offer(self) -> Offer:
        """The offer as the preferred sources state it."""
        return self.credible.offer

    @property
    def index(self) -> int:
        """Its place among the provider's offers."""
        return self.credible.index

    @property
    def disputed(self) -> tuple[str, ...]:
        """Fields on which sources disagree."""
        return self.credible.disputed

    @property
    def undisclosed(self) -> tuple[str, ...]:
        """Fields that were asked for and nobody discloses."""
        return tuple(each.field for each in self.unsure)

    @property
    def entity(self) -> str:
        """The provider, as `catalog.cite` names it."""
        return f"providers/{self.provider.id}"

    def field(self, name: str) -> str:
        """A leaf of the offer, as `catalog.cite` names it."""
        return f"offers.{self.index}.{name}"


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOffers:
    """The answer to a query."""

    matching: tuple[FoundOffer, ...]
    """Offers that meet all of it."""
    undisclosed: tuple[FoundOffer, ...]
    """Offers that fail nothing but do not disclose all of it."""
    failing: tuple[FoundOffer, ...]
    """Offers that fail some of it."""


def find_offers(catalog: Catalog, query: OfferQuery | None = None, *, sort: SortKey = "price") -> FoundOffers:
    """Offers that meet a query, best first; ties go by provider and the order of the specs.

    Args:
        catalog: The facts.
        query: What is wanted; None is everything that has not ended.
        sort: `price` and `provider` rise, `context`, `output` and `as_of` fall; what is unknown comes last.

    Raises:
        UnknownNameError: for a model that is not there.
        RequestError: for another sort key, or a day before the model was released.

    Examples:
        >>> from llama4ref.facts import load
        >>> wanted = OfferQuery(model="scout", min_context=300_000, images=True, tools=True, active_on="2026-11-21")
        >>> found = find_offers(load(), wanted).matching
        >>> all(each.context_tokens >= 300_000 and each.offer.images for each in found), len(found) > 0
        (True, True)
    """
    query = query or OfferQuery()
    if sort not in _ORDER:
        raise RequestError(f"sort: found {sort!r}, expected one of {', '.join(_ORDER)}")
    models = [query.model] if query.model is not None else [each.offer.model for each in offers_of(catalog)]
    check_day(catalog, query.active_on, models)
    found = [_found(each, query) for each in offers_of(catalog) if query.model in {None, each.offer.model}]
    found.sort(key=_ORDER[sort])
    return FoundOffers(
        matching=tuple(each for each in found if not each.failed and not each.unsure),
        undisclosed=tuple(each for each in found if not each.failed and each.unsure),
        failing=tuple(each for each in found if each.failed),
    )


_ORDER: dict[SortKey, Callable[[FoundOffer], tuple[bool | float | str, ...]]] = {
    "price": lambda each: (each.price is None, each.price or 0.0, -(each.context_tokens or 0), each.provider.id),
    "context": lambda each: (each.context_tokens is None, -(each.context_tokens or 0), each.provider.id),
    "output": lambda each: (each.max_output_tokens is None, -(each.max_output_tokens or 0), each.provider.id),
    "provider": lambda each: (each.provider.id,),
    "as_of": lambda each: (-dt.date.fromisoformat(each.offer.as_of).toordinal(), each.provider.id),
}


def _found(credible: CredibleOffer, query: OfferQuery) -> FoundOffer:
    judged = [*judge(credible, query)]
    return FoundOffer(
        credible=credible,
        context_tokens=credible.lowest("context_tokens"),
        max_output_tokens=credible.lowest("max_output_tokens"),
        price_input=credible.highest("price_input"),
        price_output=credible.highest("price_output"),
        price=credible.price(*query.mix),
        confirmed=is_confirmed(credible.offer, query.active_on),
        failed=tuple(each for each in judged if each.outcome == "failed"),
        unsure=tuple(each for each in judged if each.outcome == "undisclosed"),
    )
