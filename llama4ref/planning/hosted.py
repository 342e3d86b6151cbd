"""Which provider's offer meets a request, counting the lowest credible limit and the highest credible price?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import Reason
from llama4ref.facts.types.states import UNKNOWN, Unknown, is_stated
from llama4ref.planning.outcomes import HostedPlan, Refusal
from llama4ref.units import format_tokens

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.providers import Offer, Provider
    from llama4ref.facts.types.sources import Provenance
    from llama4ref.planning.request import PlanRequest

DEFAULT_MIX = (3, 1)
"""Prompt to reply tokens where the request says nothing, as in Meta's own cost comparison."""


@dataclass(frozen=True, slots=True)
class CredibleOffer:
    """An offer with what may be relied on, of all that sources say."""

    provider: Provider
    offer: Offer
    leaves: dict[str, Provenance]

    def lowest(self, field: str) -> int | None:
        """The lowest number that a credible source states, None where none does."""
        return min((number for number in self._credible(field) if isinstance(number, int)), default=None)

    def highest(self, field: str) -> float | None:
        """The highest number that a credible source states, None where none does."""
        return max(self._credible(field), default=None)

    def _credible(self, field: str) -> list[int | float]:
        leaf = self.leaves.get(field)
        said = [each.value for each in leaf.citations if each.doubt is None] if leaf else []
        return [value for value in said if isinstance(value, (int, float)) and not isinstance(value, bool)]

    def who_states(self, field: str, value: float | str | None) -> str | None:
        """Id of the first credible source that states a value; None where none does."""
        leaf = self.leaves.get(field)
        said = leaf.citations if leaf is not None else ()
        return next((each.source.id for each in said if each.doubt is None and each.value == value), None)

    def disputes(self, fields: Iterable[str]) -> tuple[Reason, ...]:
        """What sources disagree on."""
        found = []
        for field in fields:
            leaf = self.leaves.get(field)
            if leaf is not None and leaf.disputed:
                words = "; ".join(
                    f"{each.source.title} {_shown(each.value)}" + (" (not credible)" if each.doubt else "")
                    for each in leaf.citations
                )
                found.append(
                    Reason(about=field, value=_shown(leaf.citations[0].value), because=f"sources disagree: {words}")
                )
        return tuple(found)


def hosted_plans(catalog: Catalog, request: PlanRequest) -> tuple[tuple[HostedPlan, ...], tuple[Refusal, ...]]:
    """Offers that meet a request, cheapest first, and refusals of the others."""
    plans: list[HostedPlan] = []
    refused: list[Refusal] = []
    for provider in catalog.providers.values():
        leaves = catalog.provenance[f"providers/{provider.id}"]
        for index, offer in enumerate(provider.offers):
            if request.model is not None and offer.model != request.model:
                continue
            prefix = f"offers.{index}."
            own = {path.removeprefix(prefix): leaf for path, leaf in leaves.items() if path.startswith(prefix)}
            outcome = _considered(catalog, request, CredibleOffer(provider, offer, own))
            if isinstance(outcome, HostedPlan):
                plans.append(outcome)
            else:
                refused.append(outcome)
    plans.sort(key=lambda plan: (plan.price is None, plan.price or 0.0, -(plan.context or 0), plan.provider.id))
    return tuple(plans), tuple(refused)


def _considered(catalog: Catalog, request: PlanRequest, said: CredibleOffer) -> HostedPlan | Refusal:
    offer, provider = said.offer, said.provider
    subject = f"{provider.name}: {offer.name}"
    context, reply = said.lowest("context_tokens"), said.lowest("max_output_tokens")
    price = mixed_price(said, request)
    for rule, broken in (
        ("status", _status(offer, request)),
        ("context", _context_refusal(context, request.context_tokens)),
        ("output", _too_short("output limit", reply, request.output_tokens)),
        ("images", _unable("images", offer.images, asked=request.images > 0)),
        ("image-count", _too_few_images(said.lowest("max_images"), request.images)),
        ("tools", _unable("tool calls", offer.tools, asked=request.tools)),
        ("json-schema", _unable("JSON schemas", offer.json_schema, asked=request.json_schema)),
        ("price", _too_dear(price, request.max_price)),
    ):
        if broken:
            return Refusal(subject=subject, rule=f"offer-{rule}", numbers=f"{broken}, as of {offer.as_of}")
    return HostedPlan(
        model=catalog.model(offer.model),
        provider=provider,
        offer=offer,
        context=context,
        max_output_tokens=reply,
        price=price,
        reasons=_reasons(said, request, context, reply, price),
        caveats=(*said.disputes(_relied_on(request)), *_undisclosed(said, request)),
    )


def _relied_on(request: PlanRequest) -> tuple[str, ...]:
    """Fields whose disputes a person should know."""
    asked = {"images": request.images > 0, "tools": request.tools, "json_schema": request.json_schema}
    return (
        "context_tokens", "max_output_tokens", "price_input", "price_output", *(name for name, held in asked.items() if held)
    )  # fmt: skip


def _status(offer: Offer, request: PlanRequest) -> str | None:
    """Why an offer no longer holds; on a day before its end it still did."""
    if not is_stated(offer.retired):
        return "retired" if offer.status == "retired" else None
    ended = offer.status == "retired" if request.as_of is None else offer.retired <= request.as_of
    return f"retired on {offer.retired}" if ended else None


def _too_few_images(limit: int | None, wanted: int) -> str | None:
    return f"it takes {limit} images, {wanted} asked for" if limit is not None and limit < wanted else None


def _unable(what: str, able: bool | Unknown, *, asked: bool) -> str | None:
    if not asked or able:
        return None
    return f"no source says that it takes {what}" if able is UNKNOWN else f"it takes no {what}"


def _too_short(what: str, limit: int | None, wanted: int | str | None) -> str | None:
    if not isinstance(wanted, int) or limit is None or limit >= wanted:
        return None
    return f"{what} of {format_tokens(limit)} tokens, {format_tokens(wanted)} asked for"


def _context_refusal(limit: int | None, wanted: int | None) -> str | None:
    if wanted is not None and limit is None:
        return f"its context limit is not disclosed, {format_tokens(wanted)} tokens asked for"
    return _too_short("context", limit, wanted)


def _too_dear(price: float | None, most: float | None) -> str | None:
    if most is None:
        return None
    if price is None:
        return "no price is disclosed"
    return f"{price:.3g} dollars a million tokens, {most:.3g} is the most" if price > most else None


def mixed_price(said: CredibleOffer, request: PlanRequest) -> float | None:
    """US dollars per million tokens of the request's mix of prompt and reply, by the highest credible prices."""
    asked, answered = said.highest("price_input"), said.highest("price_output")
    if asked is None or answered is None:
        return None
    prompt, reply = DEFAULT_MIX
    if isinstance(request.prompt_tokens, int) and isinstance(request.output_tokens, int):
        prompt, reply = request.prompt_tokens, request.output_tokens
    return (asked * prompt + answered * reply) / (prompt + reply)


def _reasons(
    said: CredibleOffer, request: PlanRequest, context: int | None, reply: int | None, price: float | None
) -> tuple[Reason, ...]:
    found = [
        Reason(
            about=about,
            value=format_tokens(limit),
            because="the lowest credible limit",
            source=said.who_states(field, limit),
        )
        for about, field, limit in (("context", "context_tokens", context), ("output", "max_output_tokens", reply))
        if limit is not None
    ]
    if price is not None:
        mix = (
            "the request's mix"
            if request.prompt_tokens and request.output_tokens
            else "three prompt tokens to one of reply"
        )
        found.append(
            Reason(
                about="price",
                value=f"{price:.3g}",
                because=f"dollars a million tokens at {mix}",
                source=said.who_states("price_input", said.highest("price_input")),
            )
        )
    found.append(
        Reason(
            about="as of",
            value=said.offer.as_of,
            because="the day this was read for",
            source=said.who_states("as_of", said.offer.as_of),
        )
    )
    return tuple(found)


def _undisclosed(said: CredibleOffer, request: PlanRequest) -> tuple[Reason, ...]:
    offer = said.offer
    wanted = [
        ("max_output_tokens", request.output_tokens is not None),
        ("precision", True),
    ]
    missing = [name for name, asked in wanted if asked and getattr(offer, name) is UNKNOWN]
    found = [Reason(about=name, value="unknown", because="the provider's sources do not say") for name in missing]
    if offer.status == "deprecated":
        found.append(
            Reason(about="status", value="deprecated", because=f"ends on {offer.retired or 'a day not stated'}")
        )
    return tuple(found)


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else str(value)
