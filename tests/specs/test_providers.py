"""Offers of hosted providers: dated, believable, and with every doubtful word marked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.types.states import UNKNOWN, is_stated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts import Catalog
    from llama4ref.facts.types.providers import Offer

# Shut down, or merged out of the provider's documentation: what deprecation notices and catalogue commits say.
ENDED = {
    ("groq", "scout"): "2026-07-17",
    ("groq", "maverick"): "2026-03-09",
    ("cerebras", "scout"): "2025-11-03",
    ("friendli", "scout"): "2026-01-29",
    ("synthetic", "maverick"): "2026-06-23",
    ("nvidia-api-catalog", "scout"): "2026-05-03",
    ("nvidia-api-catalog", "maverick"): "2026-07-27",
    ("sambanova", "scout"): "2025-06-19",
    ("sambanova", "maverick"): "2026-06-10",
    ("meta-llama-api", "scout"): "2026-07-06",
    ("meta-llama-api", "maverick"): "2026-07-06",
    ("github-models", "scout"): "2026-07-30",
    ("github-models", "maverick"): "2026-07-30",
    ("lambda", "scout"): "2025-09-25",
    ("lambda", "maverick"): "2025-09-25",
    ("together", "scout"): "2026-02-06",
    ("together", "maverick"): "2026-03-31",
    ("wandb-inference", "scout"): "2026-04-21",
    ("snowflake-cortex", "scout"): "2026-07-10",
    ("azure-ai-foundry", "maverick"): "2026-11-19",
}
# Still there when they were read, with a published end: what LiteLLM's table of 2026-11-19 has from the pages of AWS and Microsoft.
ENDING = {
    ("amazon-bedrock", "scout"): "2027-03-30",
    ("amazon-bedrock", "maverick"): "2027-03-30",
    ("azure-ai-foundry", "scout"): "2027-01-31",
}
# Context in tokens and price of a million tokens in and out, as printed by the provider or the table that cites it.
STATED = {
    ("amazon-bedrock", "scout"): (10_000_000, 0.17, 0.66),
    ("google-vertex-ai", "scout"): (1_310_720, 0.25, 0.7),
    ("google-vertex-ai", "maverick"): (524_288, 0.35, 1.15),
    ("oracle-oci", "scout"): (192_000, 0.72, 0.72),
    ("groq", "scout"): (131_072, 0.11, 0.34),
    ("deepinfra", "scout"): (327_680, 0.1, 0.3),
    ("deepinfra", "maverick"): (1_048_576, 0.2, 0.8),
    ("openrouter", "maverick"): (1_048_576, 0.35, 1),
    ("databricks", "maverick"): (128_000, 0.5, 1.5),
    ("watsonx", "maverick"): (131_072, 0.371, 1.484),
    ("cloudflare-workers-ai", "scout"): (131_000, 0.27, 0.85),
    ("nscale", "scout"): (890_000, 0.09, 0.29),
    ("io-net", "maverick"): (430_000, 0.15, 0.6),
    ("azure-ai-foundry", "maverick"): (128_000, 0.25, 1),
    ("snowflake-cortex", "maverick"): (128_000, 0.24, 0.97),
}
DEAREST_DOLLARS = 2


def _offers(catalog: Catalog) -> Iterator[tuple[str, int, Offer]]:
    for provider in catalog.providers.values():
        for index, offer in enumerate(provider.offers):
            yield provider.id, index, offer


def _first(catalog: Catalog, provider: str, model: str) -> Offer:
    return next(offer for offer in catalog.provider(provider).offers if offer.model == model)


def test_every_offer_is_of_a_known_model_and_dated_before_it_was_read(catalog: Catalog) -> None:
    """An offer without a believable day could not be aged."""
    read = max(dt.date.fromisoformat(source.retrieved) for source in catalog.sources.values())

    for provider, index, offer in _offers(catalog):
        assert offer.model in catalog.models, (provider, index)
        assert dt.date(2025, 4, 5) <= dt.date.fromisoformat(offer.as_of) <= read, (provider, index)


def test_no_provider_offers_the_same_id_twice_on_the_same_terms(catalog: Catalog) -> None:
    """One offer for each model, id and tier; what else is said of it is a disputing word."""
    terms = [(provider, offer.model, offer.name, offer.tier) for provider, _, offer in _offers(catalog)]

    assert len(terms) == len(set(terms))


def test_ten_million_tokens_are_believed_only_of_a_card_that_prints_them(catalog: Catalog) -> None:
    """AWS's card prints the model's own limit; every other row with ten million tokens copies it, and carries a doubt."""
    said = [
        (provider, citation)
        for provider, index, offer in _offers(catalog)
        if offer.model == "scout"
        for citation in catalog.cite(f"providers/{provider}", f"offers.{index}.context_tokens")
        if isinstance(citation.value, int) and citation.value >= 10_000_000
    ]

    assert {provider for provider, citation in said if citation.doubt is None} == {"amazon-bedrock"}
    assert {provider for provider, citation in said if citation.doubt} >= {
        "azure-ai-foundry",
        "google-vertex-ai",
        "oracle-oci",
    }


def test_preferred_limits_stay_within_the_model(catalog: Catalog) -> None:
    """No preferred context is above the native limit, no reply above the context."""
    for provider, index, offer in _offers(catalog):
        context = catalog.model(offer.model).context

        assert context is not UNKNOWN
        assert (offer.context_tokens or 0) <= context.instruct_max_position_embeddings, (provider, index)
        if offer.context_tokens and offer.max_output_tokens:
            assert offer.max_output_tokens <= offer.context_tokens, (provider, index)


def test_a_reply_never_costs_less_than_a_prompt(catalog: Catalog) -> None:
    """One aggregator has the two prices swapped; the preferred pair is the right way round."""
    for provider, index, offer in _offers(catalog):
        if is_stated(offer.price_input) and is_stated(offer.price_output):
            assert offer.price_input <= offer.price_output <= DEAREST_DOLLARS, (provider, index)
        if offer.price_input and offer.price_batch_input:
            assert offer.price_batch_input < offer.price_input, (provider, index)


def test_credible_prices_are_of_one_order(catalog: Catalog) -> None:
    """Slips of a factor of ten or a hundred thousand are kept, and doubted."""
    for provider, index, _ in _offers(catalog):
        for field in ("price_input", "price_output"):
            for citation in catalog.cite(f"providers/{provider}", f"offers.{index}.{field}"):
                if isinstance(citation.value, (int, float)) and citation.value > DEAREST_DOLLARS:
                    assert citation.doubt, (provider, index, field)


@pytest.mark.parametrize(("provider", "model"), ENDED)
def test_ended_offers_stay_and_name_their_last_day(catalog: Catalog, provider: str, model: str) -> None:
    """A retired offer is kept, marked, with the day it ended."""
    offers = [offer for offer in catalog.provider(provider).offers if offer.model == model]

    assert offers
    assert {(offer.status, offer.retired) for offer in offers} == {("retired", ENDED[provider, model])}


@pytest.mark.parametrize(("provider", "model"), ENDING)
def test_offers_with_a_published_end_say_so(catalog: Catalog, provider: str, model: str) -> None:
    """What a person can still buy, and until when."""
    offers = [offer for offer in catalog.provider(provider).offers if offer.model == model and is_stated(offer.retired)]

    assert offers
    assert {(offer.status, offer.retired) for offer in offers} == {("deprecated", ENDING[provider, model])}


def test_a_service_that_ended_offers_nothing(catalog: Catalog) -> None:
    """Lists keep rows of what is gone: no offer of these providers is one that a person can use."""
    gone = (
        "meta-llama-api",
        "github-models",
        "lambda",
        "groq",
        "together",
        "sambanova",
        "nvidia-api-catalog",
        "baseten",
    )

    assert {offer.status for provider in gone for offer in catalog.provider(provider).offers} == {"retired"}


def test_undated_copies_are_not_dated_by_the_day_of_reading(catalog: Catalog) -> None:
    """A page without a date confirms nothing on the day that somebody opened its copy."""
    for provider, index, offer in _offers(catalog):
        (source, *_) = [word.source for word in catalog.cite(f"providers/{provider}", f"offers.{index}.as_of")]
        if not is_stated(source.published):
            assert offer.as_of < source.retrieved, (provider, index)


def test_no_leaf_is_dated_by_the_head_of_the_list(catalog: Catalog) -> None:
    """Rows of Portkey have not changed since the days below; its repository went on to 2026-08-21."""
    rows = {
        "azure-ai-foundry": "2025-12-26",
        "deepinfra": "2026-04-08",
        "together": "2025-12-26",
        "amazon-bedrock": "2026-07-07",
    }
    for provider, index, offer in _offers(catalog):
        for field in ("price_input", "price_output"):
            for word in catalog.cite(f"providers/{provider}", f"offers.{index}.{field}"):
                if word.source.id == "portkey-models" and provider in rows:
                    assert (word.as_of or "") <= rows[provider], (provider, offer.name, field)


def test_an_ended_offer_says_when_or_that_nobody_said(catalog: Catalog) -> None:
    """No retired offer leaves its last day unspoken."""
    for provider, index, offer in _offers(catalog):
        if offer.status == "retired" and not is_stated(offer.retired):
            assert catalog.trace(f"providers/{provider}", f"offers.{index}.retired").state == "unknown", (
                provider,
                index,
            )


@pytest.mark.parametrize(("provider", "model"), STATED)
def test_limits_and_prices_are_those_stated(catalog: Catalog, provider: str, model: str) -> None:
    """A few rows against the figures that their sources print."""
    offer = _first(catalog, provider, model)

    assert (offer.context_tokens, offer.price_input, offer.price_output) == STATED[provider, model]


def test_tiers_of_one_id_have_their_own_prices(catalog: Catalog) -> None:
    """Bedrock sells the same id at three prices."""
    offers = [
        offer
        for offer in catalog.provider("amazon-bedrock").offers
        if offer.name == "meta.llama4-scout-17b-instruct-v1:0"
    ]

    assert {offer.tier: offer.price_output for offer in offers} == {None: 0.66, "flex": 0.33, "priority": 1.155}
