"""Which offers of which providers match what a person wants, with what may be relied on?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError
from llama4ref.planning.hosted import CredibleOffer, mixed_price
from llama4ref.planning.request import PlanRequest
from llama4ref.units import parse_tokens

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.providers import Offer

_COUNTED = ("context_tokens", "max_output_tokens", "price_input", "price_output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an offer must have."""

    model: str | None = None
    min_context: int | None = None
    min_output: int | None = None
    images: bool = False
    tools: bool = False
    json_schema: bool = False
    active_on: str | None = None
    max_price: float | None = None
    every: bool = False

    @staticmethod
    def of(options: Mapping[str, object]) -> Wanted:
        """What options of the command line spell out; raises RequestError where one cannot be read."""
        values = dict(options)
        for name in ("min_context", "min_output"):
            text = values[name]
            values[name] = parse_tokens(text) if isinstance(text, str) else None
        day = values["active_on"]
        try:
            if isinstance(day, str):
                dt.date.fromisoformat(day)
        except ValueError as error:
            raise RequestError(f"active-on: found {day!r}, expected a day such as 2026-11-21") from error
        return Wanted(**values)  # type: ignore[arg-type]  # click has typed each option


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """One offer, with the lowest credible limits and the highest credible prices."""

    provider: str
    provider_id: str
    model: str
    name: str
    status: str
    ended: str | None
    context_tokens: int | None
    max_output_tokens: int | None
    images: bool | None
    tools: bool | None
    json_schema: bool | None
    precision: str | None
    price_input: float | None
    price_output: float | None
    price: float | None
    """US dollars per million tokens, three of prompt to one of reply."""
    as_of: str
    disputed: tuple[str, ...]
    """Fields on which sources disagree."""
    disputes: tuple[str, ...]
    """What they say."""
    sources: tuple[str, ...]
    """Ids of the sources of the preferred values."""

    @property
    def takes(self) -> str:
        """Abilities in a few words, those that are disclosed as there."""
        able = {"images": self.images, "tools": self.tools, "JSON": self.json_schema}
        return ", ".join(name for name, there in able.items() if there)


def offer_rows(catalog: Catalog, wanted: Wanted) -> list[OfferRow]:
    """Matching offers in the catalogue's order; raises UnknownNameError for an unknown model."""
    if wanted.model is not None:
        catalog.model(wanted.model)
    return [row for row in _rows(catalog) if _matches(row, wanted)]


def _rows(catalog: Catalog) -> Iterator[OfferRow]:
    for provider in catalog.providers.values():
        leaves = catalog.provenance[f"providers/{provider.id}"]
        for index, offer in enumerate(provider.offers):
            prefix = f"offers.{index}."
            own = {path.removeprefix(prefix): leaf for path, leaf in leaves.items() if path.startswith(prefix)}
            yield _row(CredibleOffer(provider, offer, own))


def _row(said: CredibleOffer) -> OfferRow:
    offer: Offer = said.offer
    sources = dict.fromkeys(leaf.citations[0].source.id for leaf in said.leaves.values() if leaf.citations)
    return OfferRow(
        provider=said.provider.name,
        provider_id=said.provider.id,
        model=offer.model,
        name=offer.name,
        status=offer.status,
        ended=offer.retired,
        context_tokens=said.lowest("context_tokens"),
        max_output_tokens=said.lowest("max_output_tokens"),
        images=offer.images,
        tools=offer.tools,
        json_schema=offer.json_schema,
        precision=offer.precision,
        price_input=said.highest("price_input"),
        price_output=said.highest("price_output"),
        price=mixed_price(said, PlanRequest()),
        as_of=offer.as_of,
        disputed=tuple(name for name, leaf in said.leaves.items() if leaf.disputed),
        disputes=tuple(f"{each.about}: {each.because}" for each in said.disputes(_COUNTED)),
        sources=tuple(sources),
    )


def _matches(row: OfferRow, wanted: Wanted) -> bool:
    return (
        (wanted.model is None or row.model == wanted.model)
        and (wanted.min_context is None or (row.context_tokens or 0) >= wanted.min_context)
        and (wanted.min_output is None or (row.max_output_tokens or 0) >= wanted.min_output)
        and (not wanted.images or row.images is True)
        and (not wanted.tools or row.tools is True)
        and (not wanted.json_schema or row.json_schema is True)
        and (wanted.max_price is None or (row.price is not None and row.price <= wanted.max_price))
        and (wanted.every or _is_active(row, wanted.active_on))
    )


def _is_active(row: OfferRow, day: str | None) -> bool:
    if day is None:
        return row.status != "retired"
    if row.ended is None:
        return row.status != "retired"
    return row.ended > day
