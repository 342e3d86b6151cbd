"""Offers: the lowest credible limit counts, doubted words never, retired offers until they ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.errors import RequestError
from llama4ref.facts import load
from llama4ref.facts.types.sources import Citation
from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.planning.offers.credible import CredibleOffer
from llama4ref.planning.offers.hosted import hosted_plans
from llama4ref.planning.offers.queries import find_offers
from llama4ref.planning.offers.requirements import OfferQuery
from llama4ref.planning.outcomes import HostedPlan, Refusal

if TYPE_CHECKING:
    from llama4ref.facts.types.providers import Offer, Provider

CATALOG = load()
LIMITS = ("context_tokens", "max_output_tokens")
PRICES = ("price_input", "price_output")


def _offers() -> list[tuple[Provider, int, Offer]]:
    return [
        (provider, index, offer)
        for provider in CATALOG.providers.values()
        for index, offer in enumerate(provider.offers)
    ]


def _credible(provider: Provider, index: int, field: str) -> list[Citation]:
    try:
        cited = CATALOG.cite(f"providers/{provider.id}", f"offers.{index}.{field}")
    except KeyError:
        return []
    return [each for each in cited if each.doubt is None and is_stated(each.value)]


def _hosted(**wish: object) -> tuple[list[HostedPlan], tuple[Refusal, ...]]:
    result = plan(PlanRequest(hosted=True, **wish))
    plans = [each for each in result.plans if isinstance(each, HostedPlan)]
    assert len(plans) == len(result.plans)
    return plans, result.refused


def _answer(offer: Offer, **wish: object) -> HostedPlan | Refusal:
    """What becomes of one offer."""
    plans, refused = _hosted(model=offer.model, **wish)
    for each in plans:
        if each.offer is offer:
            return each
    provider = next(each for each in CATALOG.providers.values() if any(one is offer for one in each.offers))
    return next(each for each in refused if each.subject == f"{provider.name}: {offer.name}")


def test_the_lowest_credible_limit_counts():
    """Of every offer and every limit, read again from its citations."""
    compared = 0
    for each in _hosted()[0]:
        index = each.provider.offers.index(each.offer)
        for field, promised in (("context_tokens", each.context), ("max_output_tokens", each.max_output_tokens)):
            said = [citation.value for citation in _credible(each.provider, index, field)]
            compared += len(said) > 1

            assert promised == (min(said) if said else None), (each.provider.id, field)
    assert compared > 0


def test_a_doubted_word_never_counts():
    """Neither where it is lower nor where it is the only one."""
    found = [
        (provider, index, offer, field, leaf)
        for provider, index, offer in _offers()
        for field in (*LIMITS, *PRICES)
        if (leaf := CATALOG.provenance[f"providers/{provider.id}"].get(f"offers.{index}.{field}")) is not None
        and any(each.doubt for each in leaf.citations)
    ]

    assert found
    for provider, _, offer, field, leaf in found:
        said = CredibleOffer(provider, offer, {field: leaf})
        believed = {each.value for each in leaf.citations if each.doubt is None and is_stated(each.value)}

        assert said.lowest(field) is None or said.lowest(field) in believed
        assert said.highest(field) is None or said.highest(field) in believed
        alone = replace(leaf, citations=tuple(replace(each, doubt="not believed") for each in leaf.citations))
        assert CredibleOffer(provider, offer, {field: alone}).lowest(field) is None
        assert CredibleOffer(provider, offer, {field: alone}).highest(field) is None


def test_a_dispute_is_shown():
    """With every source's word, the ones not believed marked."""
    shown = [reason for each in _hosted()[0] for reason in each.caveats if "sources disagree" in reason.because]

    assert shown
    assert any("(not credible)" in reason.because for reason in shown)


@pytest.mark.parametrize("context", [8_192, 131_072, 300_000, 1_000_000, 10_485_760])
def test_no_offer_promises_less_than_was_asked_for(context: int):
    """An undisclosed limit promises nothing."""
    plans, refused = _hosted(context=context)

    assert all(each.context is not None and each.context >= context for each in plans)
    assert all(each.numbers for each in refused)


def test_a_longer_context_never_finds_more_offers():
    """What meets a long request meets a short one."""
    found = [
        {(each.provider.id, each.offer.name, each.offer.tier) for each in _hosted(context=n)[0]}
        for n in (8_192, 131_072, 1_000_000)
    ]

    assert found[0] >= found[1] >= found[2]
    assert found[0] > found[2]


@pytest.mark.parametrize(
    ("wish", "field"), [({"images": 1}, "images"), ({"tools": True}, "tools"), ({"json_schema": True}, "json_schema")]
)
def test_an_ability_is_only_there_where_a_source_says_so(wish: dict[str, object], field: str):
    """Unknown is not yes."""
    plans, _ = _hosted(**wish)

    assert plans
    assert all(getattr(each.offer, field) for each in plans)


def test_more_images_than_an_offer_takes_are_refused():
    """Its lowest credible number counts."""
    limited = [
        (offer, offer.max_images)
        for _, _, offer in _offers()
        if offer.max_images and offer.status == "listed" and offer.images
    ]

    assert limited
    for offer, most in limited:
        answer = _answer(offer, images=most + 1)

        assert isinstance(answer, Refusal)
        assert answer.rule.startswith("offer-")
    plans, _ = _hosted(images=6)
    assert all(each.offer.max_images is UNKNOWN or each.offer.max_images >= 6 for each in plans)


RETIRED = [offer for _, _, offer in _offers() if offer.retired and offer.tier is None]


@pytest.mark.parametrize("offer", RETIRED, ids=lambda each: f"{each.name}-{each.retired}")
def test_a_retired_offer_holds_until_its_day(offer: Offer):
    """On a day before its end it is a plan, from its end on a refusal; without a day one that has ended is a refusal as well."""
    before = _answer(offer, as_of=(date.fromisoformat(offer.retired) - timedelta(days=1)).isoformat())

    assert isinstance(before, HostedPlan) or not before.rule.endswith("status")
    ended: tuple[dict[str, str], ...] = ({},) if offer.status == "retired" else ()
    for wish in ({"as_of": offer.retired}, {"as_of": "2030-01-01"}, *ended):
        answer = _answer(offer, **wish)

        assert isinstance(answer, Refusal)
        assert answer.rule == "offer-status"
        assert offer.retired in answer.numbers


def test_an_offer_that_was_retired_on_an_unknown_day_holds_never():
    """There is no day on which it is known to have held."""
    ended = [offer for _, _, offer in _offers() if offer.status == "retired" and offer.retired is UNKNOWN]

    assert ended
    for offer in ended:
        assert isinstance(_answer(offer, as_of="2025-05-01"), Refusal)


def test_the_cheapest_offer_comes_first_and_the_unpriced_last():
    """By the request's mix of prompt and reply, at the highest credible prices."""
    prices = [each.price for each in _hosted(prompt_tokens=1_000, output_tokens=1_000)[0]]
    known = [price for price in prices if price is not None]

    assert known == sorted(known)
    assert prices == known + [None] * (len(prices) - len(known))


def test_the_price_is_that_of_the_mix():
    """Worked by hand from the citations of every offer."""
    plans, _ = _hosted(prompt_tokens=900, output_tokens=100)
    compared = 0
    for each in plans:
        index = each.provider.offers.index(each.offer)
        asked, answered = ([c.value for c in _credible(each.provider, index, field)] for field in PRICES)
        if asked and answered:
            compared += 1

            assert each.price == pytest.approx(0.9 * max(asked) + 0.1 * max(answered))
        else:
            assert each.price is None
    assert compared > 5


def test_a_price_limit_refuses_the_dear_and_the_undisclosed():
    """With both numbers."""
    plans, refused = _hosted(model="scout", max_price=0.2)

    assert all(each.price is not None and each.price <= 0.2 for each in plans)
    assert any(each.rule == "offer-price" and "0.2 is the most" in each.numbers for each in refused)
    assert any(each.rule == "offer-price" and "no price is disclosed" in each.numbers for each in refused)


def test_every_offer_is_answered_once():
    """As a plan or as a refusal, each dated."""
    plans, refused = hosted_plans(CATALOG, PlanRequest(hosted=True))

    assert len(plans) + len(refused) == len(_offers())
    assert all("as of" in each.numbers for each in refused)
    for each in plans:
        assert any(reason.about == "as of" and reason.value == each.offer.as_of for reason in each.reasons)
        assert all(reason.source is None or reason.source in CATALOG.sources for reason in each.reasons)


def test_a_hosted_plan_has_the_fields_of_a_plan():
    """What the contract names, where a provider can answer it."""
    best = _hosted(model="maverick")[0][0]

    assert best.settings == {"provider": best.provider.id, "model": best.offer.name}
    assert best.budget is None
    assert best.performance is None
    assert best.reasons


def test_the_lowest_limit_is_credited_to_who_states_it() -> None:
    """A figure beside a source that says something else would be a false citation."""
    catalog = load()
    found, _ = hosted_plans(catalog, PlanRequest(model="scout", hosted=True))
    disputed = [each for each in found if each.context is not None and each.context != each.offer.context_tokens]

    assert disputed
    for each in disputed:
        reason = next(reason for reason in each.reasons if reason.about == "context")
        index = each.provider.offers.index(each.offer)
        words = catalog.cite(f"providers/{each.provider.id}", f"offers.{index}.context_tokens")
        assert (reason.source, each.context) in {(word.source.id, word.value) for word in words}


@pytest.mark.parametrize("day", ["0001-01-01", "1970-01-01", "2025-04-04"])
def test_a_day_before_the_model_is_refused(day: str) -> None:
    """Nobody offered what was not released yet."""
    with pytest.raises(RequestError, match=f"no offers on {day}; the model was released on 2025-04-05"):
        _hosted(model="scout", as_of=day)


def test_an_old_reading_says_its_age_and_comes_last() -> None:
    """What was read more than 120 days before the day that is asked about is not taken as confirmed."""
    plans, _ = _hosted(model="scout", as_of="2026-11-25")
    ages = {each: (date.fromisoformat("2026-11-25") - date.fromisoformat(each.offer.as_of)).days for each in plans}
    old = [each for each in plans if ages[each] > 120]

    assert old
    assert plans[-len(old) :] == old
    for each in plans:
        told = [reason for reason in each.caveats if reason.about == "confirmed"]
        assert bool(told) == (each in old)
        assert all(f"{ages[each]:,} days before 2026-11-25" in reason.because for reason in told)


def test_images_count_in_the_context_of_an_offer() -> None:
    """Five images of the most tiles are 12,335 tokens beside prompt and reply."""
    plans, _ = _hosted(model="scout", prompt_tokens=125_000, output_tokens=100, images=5)

    assert plans
    assert min(each.context for each in plans) >= 125_000 + 100 + 5 * 2_467


def test_an_undisclosed_number_of_images_is_said() -> None:
    """Unknown is not enough, and no reason to hide the offer."""
    plans, _ = _hosted(model="scout", images=2)
    unsure = [each for each in plans if each.offer.max_images is UNKNOWN]

    assert unsure
    for each in unsure:
        assert any(r.about == "max_images" and r.value == "unknown" for r in each.caveats)
    for each in _hosted(model="scout", images=1)[0]:
        assert not any(r.about == "max_images" for r in each.caveats)


def test_quality_beyond_training_is_said_of_an_offer_too() -> None:
    """The same words as for one's own GPUs."""
    plans, _ = _hosted(model="scout", context="300K")

    assert plans
    for each in plans:
        assert any(r.about == "quality" and r.value == "beyond 262,144 tokens" for r in each.caveats)
    for each in _hosted(model="scout", context="200K")[0]:
        assert not any(r.about == "quality" for r in each.caveats)


def test_one_set_of_rules_answers_every_question_about_offers() -> None:
    """What `plan --hosted` finds is what `providers` finds, but for limits that may stay undisclosed."""
    wanted = OfferQuery(
        model="maverick", min_context=200_000, images=1, tools=True, active_on="2026-11-25", max_price=1.0
    )
    found = find_offers(CATALOG, wanted)
    request = PlanRequest(
        hosted=True, model="maverick", context=200_000, images=1, tools=True, as_of="2026-11-25", max_price=1.0
    )
    plans, refused = hosted_plans(CATALOG, request)

    assert {id(each.offer) for each in found.matching} == {id(each.offer) for each in plans}
    assert len(refused) == len(found.undisclosed) + len(found.failing)
