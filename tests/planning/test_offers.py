"""Offers are found by what may be relied on, and what nobody discloses is kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import RequestError, UnknownNameError
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.planning.offers.lifecycle import why_ended
from llama4ref.planning.offers.queries import FoundOffer, find_offers
from llama4ref.planning.offers.requirements import OfferQuery

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

TODAY = "2026-11-21"


def _names(offers: tuple[FoundOffer, ...]) -> set[tuple[str, str]]:
    return {(each.provider.id, each.offer.name) for each in offers}


def _terms(offers: tuple[FoundOffer, ...]) -> set[tuple[str, str, str | None]]:
    return {(each.provider.id, each.offer.name, each.offer.tier) for each in offers}


def _count(catalog: Catalog) -> int:
    return sum(len(provider.offers) for provider in catalog.providers.values())


def test_an_empty_query_finds_every_offer_that_has_not_ended(catalog: Catalog) -> None:
    """Retired offers are left out, and found where they are asked for."""
    found, everything = find_offers(catalog), find_offers(catalog, OfferQuery(retired=True))

    assert len(everything.matching) == _count(catalog)
    assert all(each.offer.status != "retired" for each in found.matching)
    assert found.undisclosed == everything.undisclosed == ()


def test_who_serves_scout_above_300k_with_images(catalog: Catalog) -> None:
    """The question of the issue: Vertex does; Groq's 131,072, what is retired, and what a router disputes do not."""
    wanted = OfferQuery(model="scout", min_context=300_000, images=True, active_on=TODAY)
    providers = {each.provider.id for each in find_offers(catalog, wanted).matching}

    assert {"google-vertex-ai", "nscale"} <= providers
    assert not {"groq", "together", "oracle-oci", "synthetic", "deepinfra"} & providers


def test_the_lowest_credible_limit_decides(catalog: Catalog) -> None:
    """Ten million tokens that were copied from the family count for nothing."""
    (azure,) = [
        each
        for each in find_offers(catalog, OfferQuery(model="scout")).matching
        if each.provider.id == "azure-ai-foundry"
    ]

    assert azure.context_tokens == 128_000
    assert "context_tokens" in azure.disputed
    assert ("azure-ai-foundry", azure.offer.name) not in _names(
        find_offers(catalog, OfferQuery(model="scout", min_context=200_000)).matching
    )


def test_the_highest_credible_price_decides(catalog: Catalog) -> None:
    """Swapped prices are doubted and left out; two readings that are both believed count as the dearer one."""
    query = OfferQuery(model="maverick", retired=True)
    maverick = {each.provider.id: each for each in find_offers(catalog, query).matching}

    assert (maverick["azure-ai-foundry"].price_input, maverick["azure-ai-foundry"].price_output) == (0.35, 1.41)
    assert maverick["azure-ai-foundry"].price == pytest.approx((3 * 0.35 + 1.41) / 4)


@pytest.mark.parametrize(("day", "there"), [("2026-07-16", True), ("2026-07-17", False), (None, False)])
def test_an_offer_is_there_until_its_last_day(catalog: Catalog, day: str | None, there: bool) -> None:
    """Groq ended Scout on 17 July 2026."""
    groq = catalog.provider("groq").offers[0]

    assert (why_ended(groq, day) is None) is there
    found = find_offers(catalog, OfferQuery(model="scout", active_on=day)).matching
    assert (("groq", groq.name) in _names(found)) is there


def test_what_is_not_disclosed_does_not_match_and_is_kept_apart(catalog: Catalog) -> None:
    """An offer without a word on JSON schemas might do them."""
    found = find_offers(catalog, OfferQuery(model="scout", json_schema=True))

    assert all(each.offer.json_schema is True for each in found.matching)
    assert found.undisclosed
    assert all(each.offer.json_schema is UNKNOWN for each in found.undisclosed)
    assert {each.undisclosed for each in found.undisclosed} == {("json_schema",)}


def test_no_offer_is_lost(catalog: Catalog) -> None:
    """Every offer matches, is undisclosed, or fails; asking for less never finds fewer."""
    strict = OfferQuery(model="maverick", min_context=500_000, tools=True, max_price=0.5, active_on=TODAY)
    loose = OfferQuery(model="maverick", min_context=500_000, active_on=TODAY)
    found, more = find_offers(catalog, strict), find_offers(catalog, loose)

    assert not _terms(found.matching) & _terms(found.undisclosed)
    assert _terms(found.matching) <= _terms(more.matching)
    assert all(each.price is not None and each.price <= 0.5 for each in found.matching)


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("price", lambda each: (each.price is None, each.price or 0)),
        ("context", lambda each: -(each.context_tokens or 0)),
        ("output", lambda each: -(each.max_output_tokens or 0)),
        ("provider", lambda each: each.provider.id),
    ],
)
def test_offers_come_in_order(catalog: Catalog, sort: str, key) -> None:
    """Cheapest, longest or by name; what is unknown comes last."""
    keys = [key(each) for each in find_offers(catalog, sort=sort).matching]

    assert keys == sorted(keys)
    assert len(keys) > 50


def test_the_newest_reading_comes_first(catalog: Catalog) -> None:
    """Sorted by the day for which offers hold."""
    days = [each.offer.as_of for each in find_offers(catalog, sort="as_of").matching]

    assert days == sorted(days, reverse=True)


def test_leaves_of_a_found_offer_can_be_cited(catalog: Catalog) -> None:
    """Each number leads to its sources."""
    each = find_offers(catalog, OfferQuery(model="scout", retired=True)).matching[0]

    assert catalog.cite(each.entity, each.field("as_of"))[0].value == each.offer.as_of


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"active_on": "tomorrow"}, "active_on: found 'tomorrow', expected a day"),
        ({"min_context": -1}, "min_context: found -1"),
        ({"max_price": -0.1}, "max_price: found -0.1"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(wrong: dict[str, object], message: str) -> None:
    """In one line that says what is wrong."""
    with pytest.raises(RequestError, match=message):
        OfferQuery(**wrong)


def test_names_that_are_not_there_are_refused(catalog: Catalog) -> None:
    """A misspelt model and another order."""
    with pytest.raises(UnknownNameError, match="did you mean scout"):
        find_offers(catalog, OfferQuery(model="scuot"))
    with pytest.raises(RequestError, match="expected one of price"):
        find_offers(catalog, sort="beauty")
