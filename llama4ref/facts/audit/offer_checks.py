"""Facts of offers beside the model's limits, their own names and each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.audit.checks import Check, CheckResult
from llama4ref.facts.types.states import UNKNOWN, is_stated

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.providers import Offer
    from llama4ref.facts.types.sources import Citation, Provenance

PASSED_ON = ("cloudflare-ai-gateway", "fal-ai", "helicone", "hugging-face-router", "kilo", "langmart", "llm-gateway")
"""Routers that pass on the prices of the providers behind them."""
LIVE = ("listed", "preview")
"""States of an offer that a person can use, with no end announced."""
BY_AGE = re.compile(r"\b(newest|newer|youngest|younger)\b")
"""Words of a reason that prefers a reading for its age."""
READ_FROM_VENDOR = re.compile(r"\b(cites?|read from|reads?|probe)\b")
"""Words of a reason that prefers a list for having read the provider's own pages, or asked its service."""
PROXY = {True: "tool_choice is accepted", False: "tool_choice is not accepted"}
"""Notes on words that know only whether `tool_choice` is accepted."""
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
        of_model = catalog.model(offer.model).experts
        if experts and of_model is not UNKNOWN:
            held = int(experts[1]) == of_model.count
            yield CheckResult(entity, (f"{at}.name",), held, offer.name)
        if "fp8" in name and is_stated(offer.precision):
            yield CheckResult(entity, (f"{at}.precision",), "fp8" in offer.precision.lower(), offer.precision)


def limits(catalog: Entries) -> Iterator[CheckResult]:
    """No context is longer than the model's, no reply longer than the context."""
    for entity, at, offer in _offers(catalog):
        context = catalog.model(offer.model).context
        if is_stated(offer.context_tokens) and context is not UNKNOWN:
            held = offer.context_tokens <= context.instruct_max_position_embeddings
            yield CheckResult(entity, (f"{at}.context_tokens",), held, f"{offer.context_tokens:,}")
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
    """An offer is younger than its model and older than its reading; what is retired has ended by then, what is deprecated has not."""
    for entity, at, offer in _offers(catalog):
        source = catalog.cite(entity, f"{at}.as_of")[0].source
        released = catalog.model(offer.model).released or ""
        yield CheckResult(entity, (f"{at}.as_of",), released <= offer.as_of <= source.retrieved, offer.as_of)
        if is_stated(offer.retired):
            read = catalog.cite(entity, f"{at}.retired")[0].source.retrieved
            ahead = {"retired": offer.retired <= read, "deprecated": offer.as_of < offer.retired}
            held = released <= offer.retired and ahead.get(offer.status, False)
            yield CheckResult(entity, (f"{at}.retired", f"{at}.status"), held, offer.retired, offer.status)
        if offer.announced is not None and is_stated(offer.retired):
            yield CheckResult(entity, (f"{at}.announced",), offer.announced <= offer.retired, offer.announced)


def _leaves(catalog: Entries) -> Iterator[tuple[str, str, Provenance]]:
    """Every cited leaf of every offer, as entity, field and where it comes from."""
    for provider in catalog.providers.values():
        entity = f"providers/{provider.id}"
        for field, leaf in catalog.provenance[entity].items():
            if field.startswith("offers.") and leaf.citations:
                yield entity, field, leaf


def _rivals(leaf: Provenance) -> list[Citation]:
    """Words that say otherwise and are not doubted."""
    return [word for word in leaf.citations if not word.agrees and word.doubt is None]


def ages(catalog: Entries) -> Iterator[CheckResult]:
    """A word is no younger than its source; one that is preferred as the newest is older than no dated rival."""
    for entity, field, leaf in _leaves(catalog):
        first = leaf.citations[0]
        for word in leaf.citations:
            if word.as_of is not None:
                published = word.source.published if is_stated(word.source.published) else word.source.retrieved
                yield CheckResult(entity, (field,), word.as_of <= published, word.as_of, published, of_words=True)
        if BY_AGE.search(leaf.because or ""):
            rivals = [word.as_of for word in _rivals(leaf) if word.as_of is not None]
            held = first.as_of is not None and all(day <= first.as_of for day in rivals)
            found, newest = first.as_of or "undated", max(rivals, default="no dated rival")
            yield CheckResult(entity, (field,), held, found, newest, of_words=True)


def vendors(catalog: Entries) -> Iterator[CheckResult]:
    """A list is preferred to the provider's own word only where it read a page of the provider, or that word is older."""
    for entity, field, leaf in _leaves(catalog):
        first = leaf.citations[0]
        own = [word for word in _rivals(leaf) if word.source.kind == "provider" and word.source.primary]
        if own and first.source.kind == "aggregator":
            older = all(word.as_of is not None and word.as_of < (first.as_of or "") for word in own)
            held = older or bool(READ_FROM_VENDOR.search(f"{leaf.because} {first.at}"))
            yield CheckResult(entity, (field,), held, first.source.id, own[0].source.id, of_words=True)


def ends(catalog: Entries) -> Iterator[CheckResult]:
    """An offer whose last day is known is not there any more; one that is there was read after every undoubted word that it had ended."""
    for entity, at, offer in _offers(catalog):
        if is_stated(offer.retired):
            yield CheckResult(entity, (f"{at}.status",), offer.status not in LIVE, offer.status)
        leaf = catalog.trace(entity, f"{at}.status")
        over = [word for word in _rivals(leaf) if word.value in {"retired", "deprecated"}]
        if offer.status in LIVE and over:
            first = leaf.citations[0].as_of or offer.as_of
            held = all((word.as_of or "9999") < first for word in over)
            yield CheckResult(entity, (f"{at}.status",), held, offer.status, of_words=True)


def abilities(catalog: Entries) -> Iterator[CheckResult]:
    """Whether tool calls work is not read off a row that only says whether `tool_choice` is accepted."""
    for entity, at, offer in _offers(catalog):
        if is_stated(offer.tools):
            words = [word for word in catalog.cite(entity, f"{at}.tools") if word.agrees and word.doubt is None]
            proxies = [word for word in words if PROXY[offer.tools] in (word.note or "")]
            yield CheckResult(entity, (f"{at}.tools",), len(proxies) < len(words), str(offer.tools), of_words=True)


CHECKS = (
    Check("offer-names", "crossed", "a provider's id with the model, its experts and the precision", names),
    Check("offer-limits", "bounded", "an offer's limits with the model's", limits),
    Check("offer-prices", "bounded", "the prices of an offer with each other", prices),
    Check("tier-prices", "computed", "prices of batches and tiers with the standard price", batches),
    Check("passed-on-prices", "crossed", "a router's prices with those of the providers behind it", routes),
    Check(
        "offer-ages",
        "bounded",
        "the day of a word with its source's and, where it is the newest, with its rivals'",
        ages,
    ),
    Check("vendor-words", "bounded", "what lists say with what the provider itself says", vendors),
    Check("offer-ends", "bounded", "an offer's status with the words that it has ended", ends),
    Check("offer-abilities", "bounded", "whether tools work with the fields that it was read from", abilities),
    Check("offer-days", "bounded", "an offer's days with the model's release and the day of reading", days),
)
