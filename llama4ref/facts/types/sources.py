"""Who says so: the sources that facts are cited from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import Day, PartialDay
from llama4ref.facts.types.states import Unknown
from llama4ref.field_words import described

Kind = Literal[
    "developer", "provider", "vendor", "engine", "independent", "aggregator", "press", "community", "derived"
]


@described
@dataclass(frozen=True, kw_only=True)
class Source:
    """A document, page, file or table that was read."""

    id: str
    """Key in `sources.yaml`."""
    title: str
    """Its own title."""
    publisher: str
    """Who published it."""
    url: str | Unknown
    """Where it can be read."""
    kind: Kind
    """What its word is worth: the developer about its model, a provider about its offer, …"""
    primary: bool
    """Whether it speaks about its own subject."""
    revision: str | Unknown
    """Commit, release or edition."""
    published: PartialDay | Unknown
    """Day it was published or last changed, ISO 8601."""
    retrieved: Day
    """Day it was read, ISO 8601."""
    licence: str | Unknown
    """Licence of the document."""
    note: str | None = None
    """What to know before relying on it."""


@described
@dataclass(frozen=True, kw_only=True)
class Citation:
    """One source's word on one leaf."""

    source: Source
    """What says it."""
    at: str
    """Where inside the source."""
    value: str | int | float | bool | tuple[str | int | float | bool, ...] | Unknown | None
    """What this source says: a value, UNKNOWN where it does not say, or None where it says that there is none."""
    agrees: bool
    """Whether that is the preferred value."""
    as_of: str | None
    """Day for which it holds, where it is dated."""
    doubt: str | None
    """Why this word is not believed; such values never count in a plan."""
    note: str | None
    """What to know before relying on it."""
    written_at: str
    """The leaf, or the group around it, where the spec names this source: `peak.fp8`, `peak`, or empty for the whole file."""


@described
@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a leaf's value comes from."""

    file: str
    """The spec file, below the folder of specs."""
    line: int
    """Line of the leaf in it."""
    state: Literal["known", "unknown", "none"]
    """Whether there is a value, nobody published one, or it is known that there is none."""
    citations: tuple[Citation, ...]
    """Preferred first, then the sources that agree, then those that do not."""
    because: str | None
    """Why the preferred value is preferred, where sources disagree."""

    @property
    def disputed(self) -> bool:
        """Whether a source says otherwise."""
        return any(not citation.agrees for citation in self.citations)
