"""Facts of offers beside the model's limits, their own names and each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.audit.checks import Check, CheckResult
from llama4ref.facts.types.states import is_stated

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.providers import Offer

PASSED_ON = ("cloudflare-ai-gateway", "fal-ai", "helicone", "hugging-face-router", "kilo", "langmart", "llm-gateway")
"""Routers that pass on the prices of the providers behind them."""
TIER_FACTORS = {"flex": 0.5, "priority": 1.75}
"""Price of a service tier over the standard one, as Bedrock's price list has it throughout."""


def _offers(catalog: Entries) -> Iterator[tuple[str, str, Offer]]:
    for provider in catalog.providers.values():
        for index, offer in enumerate(provider.offers):
            yield f"providers/{provider.id}", f"offers.{index}", offer


def names(catalog: Entries) -> Iterator[CheckResult]:
    """A provider's id of the model names the model, its experts and, where it says FP8, the precision served."""
    for entity, at, offer in _offers(catalog):
        name = offer.name.lower()
        yield CheckResult(entity, (f"{at}.model", f"{at}.name"), offer.model in name, offer.name, offer.model)
        experts = re.search(r"-(\d+)e\b", name)
        if experts:
            held = int(experts[1]) == catalog.model(offer.model).architecture.experts.count
            yield CheckResult(entity, (f"{at}.name",), held, offer.name)
        if "fp8" in name and is_stated(offer.precision):
            yield CheckResult(entity, (f"{at}.precision",), "fp8" in offer.precision.lower(), offer.precision)


def limits(catalog: Entries) -> Iterator[CheckResult]:
    """No context is longer than the model's, no reply longer than the context."""
    for entity, at, offer in _offers(catalog):
        most = catalog.model(offer.model).architecture.context.instruct_max_position_embeddings
        if is_stated(offer.context_tokens):
            yield CheckResult(
                entity, (f"{at}.context_tokens",), offer.context_tokens <= most, f"{offer.context_tokens:,}"
            )
        if is_stated(offer.context_tokens) and is_stated(offer.max_output_tokens):
            yield CheckResult(entity, (f"{at}.max_output_tokens",), offer.max_output_tokens <= offer.context_tokens)


def prices(catalog: Entries) -> Iterator[CheckResult]:
    """A reply costs no less than a prompt; a cached prompt costs no more than a fresh one."""
    for entity, at, offer in _offers(catalog):
        if is_stated(offer.price_input) and is_stated(offer.price_output):
            yield CheckResult(
                entity, (f"{at}.price_input", f"{at}.price_output"), offer.price_input <= offer.price_output
            )
        if is_stated(offer.price_input) and is_stated(offer.price_cache_read):
            yield CheckResult(entity, (f"{at}.price_cache_read",), offer.price_cache_read <= offer.price_input)


def batches(catalog: Entries) -> Iterator[CheckResult]:
    """A batch costs half; so does the flexible tier, and the priority tier costs one and three quarters."""
    for entity, at, offer in _offers(catalog):
        for name in ("input", "output"):
            half = getattr(offer, f"price_batch_{name}")
            if half:
                yield CheckResult(
                    entity, (f"{at}.price_batch_{name}",), _is_half(catalog, entity, f"{at}.price_{name}", half)
                )
        yield from _tier(catalog, entity, at, offer)


def _is_half(catalog: Entries, entity: str, field: str, half: float) -> bool:
    """Whether it is half of a price that some source states; the batch price may be read on another day than the preferred one."""
    stated = [word.value for word in catalog.cite(entity, field) if isinstance(word.value, (int, float))]
    return any(abs(half * 2 / price - 1) < 0.001 for price in stated if price)


def _tier(catalog: Entries, entity: str, at: str, offer: Offer) -> Iterator[CheckResult]:
    factor = TIER_FACTORS.get(offer.tier or "")
    if factor is None:
        return
    standard = [
        each for where, _, each in _offers(catalog) if where == entity and each.name == offer.name and each.tier is None
    ]
    for each in standard:
        for name in ("price_input", "price_output"):
            asked, usual = getattr(offer, name), getattr(each, name)
            if asked and usual:
                yield CheckResult(
                    entity, (f"{at}.{name}", f"{at}.tier"), abs(asked / usual / factor - 1) < 0.001, str(asked)
                )


def routes(catalog: Entries) -> Iterator[CheckResult]:
    """What a router asks that passes prices on is what some provider, or another catalogue of providers, asks."""
    behind = {
        (offer.model, offer.price_input, offer.price_output)
        for entity, _, offer in _offers(catalog)
        if entity.partition("/")[2] not in PASSED_ON
    }
    for entity, at, offer in _offers(catalog):
        if entity.partition("/")[2] in PASSED_ON and is_stated(offer.price_input):
            held = (offer.model, offer.price_input, offer.price_output) in behind
            yield CheckResult(
                entity, (f"{at}.price_input", f"{at}.price_output"), held, f"{offer.price_input} / {offer.price_output}"
            )


def days(catalog: Entries) -> Iterator[CheckResult]:
    """An offer is younger than its model and older than its reading; what is retired ended before that day."""
    for entity, at, offer in _offers(catalog):
        source = catalog.cite(entity, f"{at}.as_of")[0].source
        released = catalog.model(offer.model).released or ""
        yield CheckResult(entity, (f"{at}.as_of",), released <= offer.as_of <= source.retrieved, offer.as_of)
        if is_stated(offer.retired):
            held = released <= offer.retired <= source.retrieved and offer.status in {"retired", "deprecated"}
            yield CheckResult(entity, (f"{at}.retired", f"{at}.status"), held, offer.retired, offer.status)
        if offer.announced is not None and is_stated(offer.retired):
            yield CheckResult(entity, (f"{at}.announced",), offer.announced <= offer.retired, offer.announced)


CHECKS = (
    Check("offer-names", "crossed", "a provider's id with the model, its experts and the precision", names),
    Check("offer-limits", "bounded", "an offer's limits with the model's", limits),
    Check("offer-prices", "bounded", "the prices of an offer with each other", prices),
    Check("tier-prices", "computed", "prices of batches and tiers with the standard price", batches),
    Check("passed-on-prices", "crossed", "a router's prices with those of the providers behind it", routes),
    Check("offer-days", "bounded", "an offer's days with the model's release and the day of reading", days),
)
