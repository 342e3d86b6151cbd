"""Who serves the models, with which limits, at what price, as of when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import Day, NotNegative, NotNegativeFloat
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.states import UNKNOWN, Unknown


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One model at one provider, as sources state it on a day. What a spec leaves out is unknown.

    Context counts prompt and reply together unless the note says otherwise. Prices are US dollars per million tokens.
    """

    model: str
    """Id of the model."""
    name: str
    """The provider's id of it."""
    as_of: Day
    """Day the preferred values hold for, ISO 8601."""
    status: Literal["listed", "retired", "deprecated", "preview", "unknown"]
    """State on that day, or since the event that ended it."""
    announced: Day | None = None
    """Day its end was announced."""
    retired: Day | Unknown | None = None
    """Day the offer ended or will end."""
    successor: str | None = None
    """Model or service that the provider names in its place, as it names it."""
    tier: str | None = None
    """Service tier, where the provider sells the same id on several terms."""
    context_tokens: NotNegative | Unknown = UNKNOWN
    max_output_tokens: NotNegative | Unknown | None = UNKNOWN
    images: bool | Unknown = UNKNOWN
    max_images: NotNegative | Unknown = UNKNOWN
    """Images in one request."""
    tools: bool | Unknown = UNKNOWN
    json_schema: bool | Unknown = UNKNOWN
    precision: str | Unknown = UNKNOWN
    """Precision served, as disclosed."""
    price_input: NotNegativeFloat | Unknown | None = UNKNOWN
    price_output: NotNegativeFloat | Unknown | None = UNKNOWN
    price_batch_input: NotNegativeFloat | Unknown = UNKNOWN
    price_batch_output: NotNegativeFloat | Unknown = UNKNOWN
    price_cache_read: NotNegativeFloat | Unknown = UNKNOWN
    price_cache_write: NotNegativeFloat | Unknown = UNKNOWN
    regions: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Provider(Entity):
    """A company or router that serves the models over an API."""

    id: str
    name: str
    kind: Literal["cloud", "inference", "router", "developer", "container"]
    """What it is: a cloud platform, an inference company, a router over others, the developer itself, …"""
    homepage: str | Unknown
    offers: tuple[Offer, ...]
    lifecycle: str | Unknown = UNKNOWN
    """Notice that it promises before an offer ends, and who may still use what is about to end."""
    notes: tuple[str, ...] = ()
