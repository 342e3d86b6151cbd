"""What a rule says that finds facts which cannot be true together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Contradiction:
    """A field that something else in the specs rules out."""

    field: str
    found: str
    expected: str
    do: str
    missing: str | None = None
    """What a dangling name leads to, such as `models/scout`."""
