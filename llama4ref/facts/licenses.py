"""Licences and policies, clause by clause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One right or duty, in our words."""

    clause: str
    """Where it stands in the text."""
    kind: Literal["right", "duty", "limit", "ban", "term"]
    applies: Literal[
        "always", "distribution", "derived_model", "branding", "over_user_limit", "eu_domicile", "end_user", "deployment", "dispute"
    ]
    """The situation that makes it bite."""
    says: str
    """What it grants or asks."""
    text: str | None = None
    """Words that must be shown or kept exactly, where the clause dictates them."""
    threshold: int | None = None
    """A number the clause turns on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """A licence with its policy."""

    id: str
    name: str
    publisher: str
    effective: str
    """Day it takes effect, ISO 8601."""
    version_released: str
    """Release day that the user limit refers to."""
    clauses: dict[str, Clause]
    notes: tuple[str, ...] = ()
