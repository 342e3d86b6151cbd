"""What a check is: a comparison that walks all facts and says of each leaf whether it held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries

Strength = Literal["computed", "crossed", "bounded"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one comparison said of the leaves it compared."""

    entity: str
    fields: tuple[str, ...]
    held: bool
    found: str = ""
    expected: str = ""
    of_words: bool = False
    """Whether only what sources say of a leaf was compared, their days and notes: the leaf's value counts as compared with nothing."""


@dataclass(frozen=True, slots=True)
class Check:
    """A comparison that walks the whole catalogue."""

    name: str
    strength: Strength
    compares: str
    """What with what."""
    run: Callable[[Entries], Iterator[CheckResult]]
