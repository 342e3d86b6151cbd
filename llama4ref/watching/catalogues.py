"""Price catalogues that other projects publish: one release of one, and its rows about our models."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

RowValue = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueRow:
    """What a catalogue says of one model at one provider."""

    key: str
    """Where it stands in the catalogue, as citations of it begin: `groq/llama-4`, or `groq, llama-4`."""
    service: str
    """The catalogue's word for the provider."""
    name: str
    """The provider's id of the model, as the catalogue has it."""
    model: str
    """Our id of the model."""
    values: Mapping[str, RowValue]
    """By field of an offer, in its units; what the catalogue does not say is left out. `retired` is the day it names as the end."""
    deprecated: bool = False
    """Whether it says that the offer ends or has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """One release of a catalogue, or a file of it that names no release."""

    package: str
    """On the package index; the specs' sources that are releases of it are named after it."""
    release: str | None
    """None for a file that came without its package."""
    rows: tuple[CatalogueRow, ...]
    newest_on: str | None = None
    """Day on which it was the newest release on the package index; None where that was not asked."""

    @property
    def source(self) -> str:
        """The id that the specs give this release among their sources."""
        return f"{self.package}-{self.release}" if self.release else self.package


class ModelNames:
    """The model that a text in a catalogue is about, told by the model's own name inside it: `llama-4-scout`, `llama4_scout`."""

    def __init__(self, catalog: Catalog) -> None:
        """Take the names from the facts."""
        self._models = {_bare(each.name): id_ for id_, each in catalog.models.items()}

    def model_in(self, text: str) -> str | None:
        """Its id; None where the text names none of ours."""
        bare = _bare(text)
        return next((id_ for name, id_ in self._models.items() if name in bare), None)


def as_day(text: object) -> str | None:
    """A day as the specs write it; None where a catalogue has anything else in its place."""
    try:
        return dt.date.fromisoformat(str(text)).isoformat()
    except ValueError:
        return None


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


__all__ = ["Catalogue", "CatalogueRow", "ModelNames", "RowValue", "as_day"]
