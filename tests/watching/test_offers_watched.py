"""The offers in the specs beside real rows of genai-prices 0.2.3 and litellm 1.110.2, as they are and with one thing changed."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import llama4ref
from llama4ref.watching.catalogues import Catalogue, ModelNames
from llama4ref.watching.catalogues_found import FORMS, opened
from llama4ref.watching.offers_matching import match_offers
from llama4ref.watching.offers_watched import watch_offers

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = dt.date(2026, 11, 25)

AZURE = "azure_ai/Llama-4-Scout-17B-16E-Instruct"
BEDROCK = "meta.llama4-scout-17b-instruct-v1:0"
DEEPINFRA = "deepinfra/meta-llama/Llama-4-Scout-17B-16E-Instruct"
NOVITA = "novita/meta-llama/llama-4-scout-17b-16e-instruct"
GROQ = "groq/meta-llama/llama-4-scout-17b-16e-instruct"
GENAI_BEDROCK = "context_window=10000000,\n                prices=ModelPrice(input_mtok=Decimal('0.17')"

SEEDED: list[tuple[str, dict[str, object] | None, tuple[str, str, str, object]]] = [
    (NOVITA, {"input_cost_per_token": 2e-07}, ("differs", "novita", "price_input", 0.2)),
    (NOVITA, {"output_cost_per_token": 6.1e-07}, ("differs", "novita", "price_output", 0.61)),
    (NOVITA, {"max_input_tokens": 65_536}, ("differs", "novita", "context_tokens", 65_536)),
    (BEDROCK, {"max_output_tokens": 4_000}, ("differs", "amazon-bedrock", "max_output_tokens", 4_000)),
    (NOVITA, {"supports_vision": False}, ("differs", "novita", "images", False)),
    (BEDROCK, {"supported_modalities": ["text"]}, ("differs", "amazon-bedrock", "images", False)),
    (BEDROCK, {"supports_function_calling": False}, ("differs", "amazon-bedrock", "tools", False)),
    (BEDROCK, {"deprecation_date": "2027-01-01"}, ("ends", "amazon-bedrock", "retired", "2027-01-01")),
    (NOVITA, {"deprecation_date": "2027-02-01"}, ("ends", "novita", "retired", "2027-02-01")),
    (NOVITA, {"deprecation_date": "2027-02-01"}, ("deprecated", "novita", "status", "deprecated")),
    (NOVITA, {"deprecation_date": "2026-11-25"}, ("deprecated", "novita", "status", "retired")),
    (NOVITA, None, ("disappeared", "novita", "status", None)),
    (
        "novita/meta-llama/llama-4-scout-turbo",
        {"litellm_provider": "novita"},
        ("appeared", "novita", "offers", "meta-llama/llama-4-scout-turbo"),
    ),
]
"""A row, what is changed in it, and the news: kind, provider, field, their value."""

Seen = set[tuple[str, str | None, str | None, object]]


def _news(catalogue: Catalogue, day: dt.date = DAY) -> Seen:
    """Kind, provider, last part of the field, and their value, of what is news."""
    found = watch_offers(llama4ref.load(), catalogue, day.isoformat())
    return {
        (each.kind, each.provider, (each.field or "").split(".")[-1], each.theirs)
        for each in found
        if not each.recorded
    }


def test_the_specs_hold_all_that_genai_prices_says(genai: Callable[..., Catalogue]):
    """Its rows are matched, and none of them says otherwise without being recorded."""
    catalogue = genai()

    assert len(catalogue.rows) == 22
    assert _news(catalogue) == set()


def test_the_specs_hold_what_litellm_says_of_offers_that_cite_it(litellm: Callable[..., Catalogue]):
    """Of its rows one provider is unknown to the specs; two offers it has dropped."""
    catalogue = litellm()

    assert len(catalogue.rows) == 35
    assert _news(catalogue) <= {
        ("appeared", None, "offers", "llama-4-maverick"),
        ("disappeared", "openrouter", "status", None),
        ("disappeared", "deepinfra", "status", None),
    }


@pytest.mark.parametrize(
    ("key", "change", "expected"), SEEDED, ids=[f"{kind} {field} {value}" for _, _, (kind, _, field, value) in SEEDED]
)
def test_each_kind_of_difference_is_found(
    litellm: Callable[..., Catalogue], key: str, change: dict[str, object] | None, expected: tuple[str, ...]
):
    """One row changed is one piece of news more, at the offer that it is about."""
    new = _news(litellm(**{key: change})) - _news(litellm())

    assert expected in new
    assert {provider for _, provider, _, _ in new} == {expected[1]}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (GENAI_BEDROCK, GENAI_BEDROCK.replace("0.17", "0.18"), ("differs", "amazon-bedrock", "price_input", 0.18)),
        (
            GENAI_BEDROCK,
            GENAI_BEDROCK.replace("10000000", "9000000"),
            ("differs", "amazon-bedrock", "context_tokens", 9_000_000),
        ),
        (GENAI_BEDROCK, f"deprecated=True, {GENAI_BEDROCK}", None),
        (
            "prices=ModelPrice(input_mtok=Decimal('0.27'), output_mtok=Decimal('0.85')),\n            ),\n        ],\n    ),\n    Provider(\n        id='databricks'",
            "deprecated=True, prices=ModelPrice(),\n            ),\n        ],\n    ),\n    Provider(\n        id='databricks'",
            ("deprecated", "cloudflare-workers-ai", "status", "deprecated"),
        ),
    ],
    ids=["price", "context", "an end that is known", "deprecated"],
)
def test_genai_prices_is_read_row_by_row(
    genai: Callable[..., Catalogue], before: str, after: str, expected: tuple[object, ...] | None
):
    """A price, a limit, and the flag of an end."""
    assert _news(genai(before, after)) == ({expected} if expected else set())


def test_a_disputed_word_is_no_news(litellm: Callable[..., Catalogue]):
    """The specs hold LiteLLM's context of Scout on Azure as disputed; `--all` has it still, as held."""
    found = watch_offers(llama4ref.load(), litellm(), DAY.isoformat())
    azure = [
        each for each in found if each.provider == "azure-ai-foundry" and (each.field or "").endswith("context_tokens")
    ]

    assert [(each.theirs, each.recorded) for each in azure] == [(10_000_000, True)]


def test_another_word_on_a_disputed_field_is_news(litellm: Callable[..., Catalogue]):
    """What is held is a word, not the field."""
    assert ("differs", "azure-ai-foundry", "context_tokens", 5_000_000) in _news(
        litellm(**{AZURE: {"max_input_tokens": 5_000_000}})
    )


def test_a_catalogue_that_goes_back_to_an_older_word_is_news(litellm: Callable[..., Catalogue]):
    """Bedrock's 128,000 tokens of 2025 are held as a word that LiteLLM has corrected since."""
    assert ("differs", "amazon-bedrock", "context_tokens", 128_000) in _news(
        litellm(**{BEDROCK: {"max_input_tokens": 128_000}})
    )


def test_a_word_of_another_catalogue_is_news(litellm: Callable[..., Catalogue]):
    """models.dev's 3,500,000 tokens are held as its own word, not as LiteLLM's."""
    assert ("differs", "amazon-bedrock", "context_tokens", 3_500_000) in _news(
        litellm(**{BEDROCK: {"max_input_tokens": 3_500_000}})
    )


@pytest.mark.parametrize(("release", "is_news"), [("1.110.1", False), ("1.110.2", True), ("1.110.10", True)])
def test_an_older_release_than_the_specs_cite_has_no_news(
    wheel: Callable[[str, str], Path], models: ModelNames, release: str, is_news: bool
):
    """What it says of a field, and what it lacks, was read again in a later one."""
    path = wheel("litellm", json.dumps({NOVITA: {"litellm_provider": "novita", "input_cost_per_token": 2e-07}}))
    named = path.rename(path.with_name(f"litellm-{release}-py3-none-any.whl"))

    assert (("differs", "novita", "price_input", 0.2) in _news(opened(named, models, DAY))) is is_news
    assert (("disappeared", "databricks", "status", None) in _news(opened(named, models, DAY))) is is_news


def test_an_erratum_is_no_news(litellm: Callable[..., Catalogue]):
    """A Maverick with 16 experts is an error that the specs know of."""
    found = watch_offers(llama4ref.load(), litellm(), DAY.isoformat())
    appeared = {each.key: each.recorded for each in found if each.kind == "appeared"}

    assert appeared["vertex_ai/meta/llama-4-maverick-17b-16e-instruct-maas"] is True


def test_an_offer_that_has_ended_is_compared_in_its_end_alone(litellm: Callable[..., Catalogue]):
    """Groq's Scout ended on 2026-07-17: an old price is no news, another end is."""
    row = {"litellm_provider": "groq", "input_cost_per_token": 9e-07}

    assert _news(litellm(**{GROQ: row})) == _news(litellm())
    assert ("ends", "groq", "retired", "2026-08-01") in _news(
        litellm(**{GROQ: {**row, "deprecation_date": "2026-08-01"}})
    )


def test_a_release_that_the_specs_do_not_know_has_no_day(wheel: Callable[[str, str], Path], models: ModelNames):
    """The edit names the release, and a day only where it is known."""
    text = json.dumps({NOVITA: {"litellm_provider": "novita", "input_cost_per_token": 2e-07}})
    path = wheel("litellm", text)
    later = path.rename(path.with_name("litellm-1.200.0-py3-none-any.whl"))
    first = watch_offers(llama4ref.load(), opened(path.parent / later.name, models, DAY), DAY.isoformat())
    (each,) = (each for each in first if each.kind == "differs")

    assert (each.release, each.day) == ("1.200.0", None)
    assert each.edit == f'price_input: add to disputed: {{value: 0.2, source: litellm-1.200.0, at: "{NOVITA}"}}'
    assert llama4ref.load().trace("providers/novita", each.field or "").line == each.line


PROVIDERS = {
    "aws": "amazon-bedrock",
    "azure_ai": "azure-ai-foundry",
    "bedrock_converse": "amazon-bedrock",
    "cloudflare": "cloudflare-workers-ai",
    "databricks": "databricks",
    "deepinfra": "deepinfra",
    "fireworks": "fireworks",
    "fireworks_ai": "fireworks",
    "gmi": "gmi-cloud",
    "groq": "groq",
    "huggingface_groq": "hugging-face-router",
    "huggingface_novita": "hugging-face-router",
    "huggingface_nscale": "hugging-face-router",
    "huggingface_together": "hugging-face-router",
    "lambda_ai": "lambda",
    "meta_llama": "meta-llama-api",
    "novita": "novita",
    "nscale": "nscale",
    "oci": "oracle-oci",
    "openrouter": "openrouter",
    "sambanova": "sambanova",
    "snowflake": "snowflake-cortex",
    "together": "together",
    "together_ai": "together",
    "vercel_ai_gateway": "vercel-ai-gateway",
    "vertex_ai": "google-vertex-ai",
    "watsonx": "watsonx",
}
"""Who the services of both catalogues are, looked up by hand."""


def test_every_row_leads_to_an_offer_of_its_provider(
    genai: Callable[..., Catalogue], litellm: Callable[..., Catalogue]
):
    """Of its model, at the company that the catalogue means; rows that lead nowhere are of others, or errors."""
    catalog = llama4ref.load()
    for catalogue in (genai(), litellm()):
        matched = match_offers(catalog, catalogue, FORMS[catalogue.package])
        for row in catalogue.rows:
            offers = [ours for each, ours in matched.pairs if each is row]
            nowhere = any(each is row for each, _ in matched.unmatched)

            assert nowhere or PROVIDERS[row.service] in {each.provider for each in offers}, row.key
            assert {each.offer.model for each in offers} <= {row.model}
            assert not nowhere or row.service in {"vertex_ai", "kyma"}, row.key


@pytest.mark.parametrize(
    ("route", "tier"),
    [("novita", "Novita route"), ("nscale", "nscale route"), ("groq", "Groq route")],
)
def test_a_row_of_a_route_leads_to_the_offer_of_that_route(genai: Callable[..., Catalogue], route: str, tier: str):
    """Three offers of Scout at one router have one name."""
    catalogue = genai()
    pairs = match_offers(llama4ref.load(), catalogue, FORMS["genai-prices"]).pairs
    tiers = [
        ours.offer.tier
        for row, ours in pairs
        if (row.service, row.model, ours.provider) == (f"huggingface_{route}", "scout", "hugging-face-router")
    ]

    assert tiers == [tier]


def test_a_price_per_token_is_not_that_of_a_dedicated_machine(litellm: Callable[..., Catalogue]):
    """Oracle has Scout on demand and on dedicated clusters under one name."""
    pairs = match_offers(llama4ref.load(), litellm(), FORMS["litellm"]).pairs

    assert {ours.offer.tier for row, ours in pairs if row.service == "oci"} == {"on-demand"}
