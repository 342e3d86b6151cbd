"""Which offers are there for what a person wants, and how do they rank?

Limits count as the lowest that a credible source states and prices as the highest. An offer that does not disclose what is asked
for is no match, but it is kept apart as undisclosed, since it might be one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llama4ref.errors import RequestError
from llama4ref.facts.types.states import is_stated
from llama4ref.planning.hosted import CredibleOffer, mixed_price
from llama4ref.planning.request import PlanRequest
from llama4ref.units import check_price, parse_day

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.providers import Offer, Provider
    from llama4ref.facts.types.sources import Provenance

SortKey = Literal["price", "context", "output", "provider", "as_of"]
_MIX = PlanRequest()
"""Three tokens of prompt to one of reply, as where nothing is known of the workload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferQuery:
    """What an offer must have. Everything left out does not matter.

    Raises:
        RequestError: for a day that is none, or a limit that is not positive.
    """

    model: str | None = None
    """Id of the model."""
    min_context: int | None = None
    """Tokens of prompt and reply together."""
    min_output: int | None = None
    """Tokens of a reply."""
    images: bool = False
    tools: bool = False
    json_schema: bool = False
    active_on: str | None = None
    """Day on which it must not have ended, ISO 8601; where it is left out, what is retired does not match."""
    max_price: float | None = None
    """US dollars per million tokens, three of prompt to one of reply."""
    retired: bool = False
    """Whether ended offers match too."""

    def __post_init__(self) -> None:
        if self.active_on is not None:
            object.__setattr__(self, "active_on", parse_day(self.active_on, "active_on"))
        check_price("max_price", self.max_price)
        for name in ("min_context", "min_output"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise RequestError(f"{name}: found {value}, expected no less than 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOffer:
    """One offer with what may be relied on."""

    provider: Provider
    offer: Offer
    index: int
    """Its place among the provider's offers, for `catalog.cite`."""
    context_tokens: int | None
    """The lowest credible limit."""
    max_output_tokens: int | None
    """The lowest credible limit."""
    price_input: float | None
    """The highest credible price, in US dollars per million tokens."""
    price_output: float | None
    price: float | None
    """Of three tokens of prompt to one of reply."""
    disputed: tuple[str, ...]
    """Fields on which sources disagree."""
    undisclosed: tuple[str, ...]
    """What was asked for and nobody says."""

    @property
    def entity(self) -> str:
        """The provider, as `catalog.cite` names it."""
        return f"providers/{self.provider.id}"

    def field(self, name: str) -> str:
        """A leaf of the offer, as `catalog.cite` names it."""
        return f"offers.{self.index}.{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOffers:
    """The answer to a query."""

    matching: tuple[FoundOffer, ...]
    """Offers that meet all of it."""
    undisclosed: tuple[FoundOffer, ...]
    """Offers that fail nothing but do not disclose all of it."""


def find_offers(catalog: Catalog, query: OfferQuery | None = None, *, sort: SortKey = "price") -> FoundOffers:
    """Offers that meet a query, best first; ties go by provider and the order of the specs.

    Args:
        catalog: The facts.
        query: What is wanted; None is everything that has not ended.
        sort: `price` and `provider` rise, `context`, `output` and `as_of` fall; what is unknown comes last.

    Raises:
        UnknownNameError: for a model that is not there.
        RequestError: for another sort key.

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
    if query.model is not None:
        catalog.model(query.model)
    able = [each for each in _offers(catalog, query) if not _fails(each, query)]
    able.sort(key=_ORDER[sort])
    return FoundOffers(
        matching=tuple(each for each in able if not each.undisclosed),
        undisclosed=tuple(each for each in able if each.undisclosed),
    )


_ORDER: dict[SortKey, Callable[[FoundOffer], tuple[bool | float | str, ...]]] = {
    "price": lambda each: (each.price is None, each.price or 0.0, each.provider.id),
    "context": lambda each: (each.context_tokens is None, -(each.context_tokens or 0), each.provider.id),
    "output": lambda each: (each.max_output_tokens is None, -(each.max_output_tokens or 0), each.provider.id),
    "provider": lambda each: (each.provider.id,),
    "as_of": lambda each: (-dt.date.fromisoformat(each.offer.as_of).toordinal(), each.provider.id),
}


def _offers(catalog: Catalog, query: OfferQuery) -> Iterator[FoundOffer]:
    for provider in catalog.providers.values():
        leaves = catalog.provenance[f"providers/{provider.id}"]
        for index, offer in enumerate(provider.offers):
            prefix = f"offers.{index}."
            own = {path.removeprefix(prefix): leaf for path, leaf in leaves.items() if path.startswith(prefix)}
            yield _found(CredibleOffer(provider, offer, own), index, own, query)


def _found(said: CredibleOffer, index: int, leaves: dict[str, Provenance], query: OfferQuery) -> FoundOffer:
    offer = said.offer
    context, output, price = said.lowest("context_tokens"), said.lowest("max_output_tokens"), mixed_price(said, _MIX)
    asked = {
        "context_tokens": (query.min_context is not None, context),
        "max_output_tokens": (query.min_output is not None, output),
        "images": (query.images, offer.images),
        "tools": (query.tools, offer.tools),
        "json_schema": (query.json_schema, offer.json_schema),
        "price": (query.max_price is not None, price),
    }
    return FoundOffer(
        provider=said.provider,
        offer=offer,
        index=index,
        context_tokens=context,
        max_output_tokens=output,
        price_input=said.highest("price_input"),
        price_output=said.highest("price_output"),
        price=price,
        disputed=tuple(name for name, leaf in leaves.items() if leaf.disputed),
        undisclosed=tuple(name for name, (wanted, value) in asked.items() if wanted and not is_stated(value)),
    )


def _fails(each: FoundOffer, query: OfferQuery) -> bool:
    offer = each.offer
    return (
        (query.model is not None and offer.model != query.model)
        or (
            query.min_context is not None
            and each.context_tokens is not None
            and each.context_tokens < query.min_context
        )
        or (
            query.min_output is not None
            and each.max_output_tokens is not None
            and each.max_output_tokens < query.min_output
        )
        or (query.images and offer.images is False)
        or (query.tools and offer.tools is False)
        or (query.json_schema and offer.json_schema is False)
        or (query.max_price is not None and each.price is not None and each.price > query.max_price)
        or not (query.retired or is_active(offer, query.active_on))
    )


def is_active(offer: Offer, day: str | None) -> bool:
    """Whether an offer has not ended on a day, or as far as is known where no day is given.

    An offer that is retired on an unknown day counts as ended on every day.
    """
    if is_stated(offer.retired) and day is not None:
        return day < offer.retired
    return offer.status != "retired"
