"""What an offer must have, and whether it has it: yes, no, or not disclosed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llama4ref.errors import RequestError
from llama4ref.facts.types.states import UNKNOWN, Unknown
from llama4ref.field_words import described
from llama4ref.planning.offers.credible import DEFAULT_MIX
from llama4ref.planning.offers.lifecycle import why_ended
from llama4ref.units import check_price, format_tokens, parse_day
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.planning.offers.credible import CredibleOffer


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class OfferQuery:
    """What an offer must have. Everything left out does not matter.

    Raises:
        RequestError: for a day that is none, or a limit that is not positive.
    """

    model: str | None = None
    """Id of the model."""
    min_context: int | None = None
    """Tokens of prompt, images and reply together."""
    min_output: int | None = None
    """Tokens of a reply."""
    images: int = 0
    """Images of one request; true is one."""
    tools: bool = False
    json_schema: bool = False
    active_on: str | None = None
    """Day on which it must not have ended, ISO 8601; where it is left out, what is retired does not match."""
    max_price: float | None = None
    """US dollars per million tokens of the mix."""
    mix: tuple[int, int] = DEFAULT_MIX
    """Tokens of prompt and of reply that a price is counted for."""
    retired: bool = False
    """Whether ended offers match too."""

    def __post_init__(self) -> None:
        if self.active_on is not None:
            object.__setattr__(self, "active_on", parse_day(self.active_on, "active_on"))
        check_price("max_price", self.max_price)
        for name in ("min_context", "min_output", "images"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise RequestError(f"{name}: found {value}, expected no less than 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one requirement makes of an offer that does not plainly meet it."""

    rule: str
    """Name of the requirement, such as `context`."""
    field: str
    """Field of the offer."""
    outcome: Literal["failed", "undisclosed"]
    why: str
    """In words, with numbers."""


def judge(offer: CredibleOffer, query: OfferQuery) -> Iterator[Judgement]:
    """Every requirement that an offer fails, or does not disclose enough to meet."""
    ended = None if query.retired else why_ended(offer.offer, query.active_on)
    if ended:
        yield Judgement(rule="status", field="status", outcome="failed", why=ended)
    yield from _long_enough("context", "context_tokens", offer, query.min_context)
    yield from _long_enough("output", "max_output_tokens", offer, query.min_output)
    yield from _able("images", "images", offer.offer.images, asked=query.images > 0)
    yield from _images(offer, query.images)
    yield from _able("tools", "tool calls", offer.offer.tools, asked=query.tools)
    yield from _able("json_schema", "JSON schemas", offer.offer.json_schema, asked=query.json_schema)
    yield from _cheap_enough(offer, query)


def _long_enough(rule: str, field: str, offer: CredibleOffer, wanted: int | None) -> Iterator[Judgement]:
    limit = offer.lowest(field)
    if wanted is None or (limit is not None and limit >= wanted):
        return
    if limit is not None:
        why = f"{rule} of {counted(limit, 'token')}, {format_tokens(wanted)} asked for"
        yield Judgement(rule=rule, field=field, outcome="failed", why=why)
    elif getattr(offer.offer, field) is not None:  # none is no limit of its own
        why = f"its {rule} limit is not disclosed, {counted(wanted, 'token')} asked for"
        yield Judgement(rule=rule, field=field, outcome="undisclosed", why=why)


def _able(field: str, what: str, able: bool | Unknown, *, asked: bool) -> Iterator[Judgement]:
    if not asked or able is True:
        return
    rule = field.replace("_", "-")
    if able is UNKNOWN:
        yield Judgement(rule=rule, field=field, outcome="undisclosed", why=f"no source says that it takes {what}")
    else:
        yield Judgement(rule=rule, field=field, outcome="failed", why=f"it takes no {what}")


def _images(offer: CredibleOffer, wanted: int) -> Iterator[Judgement]:
    """One image is what an offer that takes images takes; how many more is a limit of its own."""
    limit = offer.lowest("max_images")
    if limit is not None and limit < wanted:
        why = f"it takes {counted(limit, 'image')}, {wanted} asked for"
        yield Judgement(rule="image-count", field="max_images", outcome="failed", why=why)
    elif limit is None and wanted > 1:
        why = f"how many images it takes is not disclosed, {wanted} asked for"
        yield Judgement(rule="image-count", field="max_images", outcome="undisclosed", why=why)


def _cheap_enough(offer: CredibleOffer, query: OfferQuery) -> Iterator[Judgement]:
    if query.max_price is None:
        return
    price = offer.price(*query.mix)
    if price is None:
        yield Judgement(rule="price", field="price", outcome="undisclosed", why="no price is disclosed")
    elif price > query.max_price:
        why = f"{price:.3g} dollars a million tokens, {query.max_price:.3g} is the most"
        yield Judgement(rule="price", field="price", outcome="failed", why=why)
