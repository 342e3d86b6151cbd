"""Hosted plans: offers that meet a request, with the limits that may be relied on and what is not known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import Reason
from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.planning.caveats import long_context
from llama4ref.planning.lengths import lengths_of
from llama4ref.planning.offers.credible import DEFAULT_MIX
from llama4ref.planning.offers.lifecycle import days_unconfirmed
from llama4ref.planning.offers.queries import find_offers
from llama4ref.planning.offers.requirements import OfferQuery
from llama4ref.planning.outcomes import HostedPlan, Refusal
from llama4ref.units import format_tokens
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.models import Model
    from llama4ref.planning.offers.queries import FoundOffer
    from llama4ref.planning.request import PlanRequest

CAVEATS_ENOUGH = frozenset({"output", "image-count"})
"""Limits that an offer may leave undisclosed and still be a plan, with a caveat; of all else, unknown is a refusal."""


def hosted_plans(catalog: Catalog, request: PlanRequest) -> tuple[tuple[HostedPlan, ...], tuple[Refusal, ...]]:
    """Offers that meet a request, cheapest first, and refusals of the others.

    Offers that leave something undisclosed come after those that do not, and unconfirmed ones after confirmed ones.

    Raises:
        RequestError: for a day on which no asked model was released.
    """
    plans: list[HostedPlan] = []
    refused: list[Refusal] = []
    for model in _models(catalog, request):
        found = find_offers(catalog, _query(model, request))
        for each in (*found.matching, *found.undisclosed, *found.failing):
            refusal = _refusal(each)
            if refusal is None:
                plans.append(_plan(catalog, model, each, request))
            else:
                refused.append(refusal)
    plans.sort(key=_rank)
    return tuple(plans), tuple(refused)


def _models(catalog: Catalog, request: PlanRequest) -> tuple[Model, ...]:
    if request.model is not None:
        return (catalog.model(request.model),)
    offered = {offer.model for provider in catalog.providers.values() for offer in provider.offers}
    return tuple(model for model in catalog.models.values() if model.id in offered)


def _query(model: Model, request: PlanRequest) -> OfferQuery:
    return OfferQuery(
        model=model.id,
        min_context=lengths_of(request, model.architecture).longest,
        min_output=_length(request.output_tokens),
        images=request.images,
        tools=request.tools,
        json_schema=request.json_schema,
        active_on=request.as_of,
        max_price=request.max_price,
        mix=_mix(request),
    )


def _length(tokens: int | str | None) -> int | None:
    return tokens if isinstance(tokens, int) else None


def _mix(request: PlanRequest) -> tuple[int, int]:
    prompt, reply = _length(request.prompt_tokens), _length(request.output_tokens)
    return DEFAULT_MIX if prompt is None or reply is None else (prompt, reply)


def _refusal(found: FoundOffer) -> Refusal | None:
    broken = [*found.failed, *(each for each in found.unsure if each.rule not in CAVEATS_ENOUGH)]
    if not broken:
        return None
    return Refusal(
        subject=f"{found.provider.name}: {found.offer.name}",
        rule=f"offer-{broken[0].rule}",
        numbers=f"{broken[0].why}, as of {found.offer.as_of}",
    )


def _plan(catalog: Catalog, model: Model, found: FoundOffer, request: PlanRequest) -> HostedPlan:
    return HostedPlan(
        model=model,
        provider=found.provider,
        offer=found.offer,
        context=found.context_tokens,
        max_output_tokens=found.max_output_tokens,
        price=found.price,
        reasons=tuple(_reasons(found, request)),
        caveats=tuple(_caveats(catalog, model, found, request)),
    )


def _rank(plan: HostedPlan) -> tuple[object, ...]:
    about = {each.about for each in plan.caveats if each.value == str(UNKNOWN)}
    unsure = bool(about & {"max_output_tokens", "max_images"})
    unconfirmed = any(each.about == "confirmed" for each in plan.caveats)
    return (unconfirmed, plan.price is None, plan.price or 0.0, unsure, -(plan.context or 0), plan.provider.id)


def _reasons(found: FoundOffer, request: PlanRequest) -> Iterator[Reason]:
    said = found.credible
    limits = (
        ("context", "context_tokens", found.context_tokens),
        ("output", "max_output_tokens", found.max_output_tokens),
    )
    for about, field, limit in limits:
        if limit is not None:
            yield Reason(
                about=about,
                value=format_tokens(limit),
                because="the lowest credible limit",
                source=said.who_states(field, limit),
            )
    if found.price is not None:
        mix = "three prompt tokens to one of reply" if _mix(request) == DEFAULT_MIX else "the request's mix"
        yield Reason(
            about="price",
            value=f"{found.price:.3g}",
            because=f"dollars a million tokens at {mix}",
            source=said.who_states("price_input", found.price_input),
        )
    yield Reason(
        about="as of",
        value=found.offer.as_of,
        because="the day this was read for",
        source=said.who_states("as_of", found.offer.as_of),
    )


def _caveats(catalog: Catalog, model: Model, found: FoundOffer, request: PlanRequest) -> Iterator[Reason]:
    yield from found.credible.disputes(_relied_on(request))
    for each in found.unsure:
        yield Reason(about=each.field, value=str(UNKNOWN), because=each.why)
    if found.offer.precision is UNKNOWN:
        yield Reason(about="precision", value=str(UNKNOWN), because="the provider's sources do not say")
    ends = found.offer.retired
    if found.offer.status == "deprecated" or (is_stated(ends) and found.offer.status != "retired"):
        day = ends if is_stated(ends) else "a day not stated"
        yield Reason(about="status", value=found.offer.status, because=f"ends on {day}")
    if not found.confirmed:
        days = days_unconfirmed(found.offer, request.as_of)
        yield Reason(
            about="confirmed",
            value=f"{found.offer.status} on {found.offer.as_of}",
            because=f"not confirmed since: {counted(days, 'day')} before {request.as_of}",
        )
    wanted = lengths_of(request, model.architecture).longest
    if wanted is not None:
        yield from long_context(catalog, model, wanted)


def _relied_on(request: PlanRequest) -> tuple[str, ...]:
    """Fields whose disputes a person should know."""
    asked = {"images": request.images > 0, "tools": request.tools, "json_schema": request.json_schema}
    return (
        "context_tokens", "max_output_tokens", "price_input", "price_output", *(name for name, held in asked.items() if held)
    )  # fmt: skip
