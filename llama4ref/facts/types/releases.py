"""What holds from which release of a piece of software.

A release is a dotted version such as `0.32.0`. A changing fact is a list of steps, oldest first; a step holds from its
`since` until the `since` of the next one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from llama4ref.errors import ReleaseError


@functools.lru_cache(maxsize=1024)
def release_key(release: str) -> tuple[int, ...]:
    """A release as numbers, for comparing.

    Raises:
        ReleaseError: if it is not dotted numbers.

    Examples:
        >>> release_key("0.9.2") < release_key("0.10.0")
        True
    """
    parts = release.removeprefix("v").split(".")
    if not all(part.isdecimal() for part in parts):
        raise ReleaseError(f"{release!r} is not a release; write dotted numbers such as 0.32.0")
    return tuple(int(part) for part in [*parts, "0", "0"][:3])


def holds_at(release: str, *, since: str | None = None, until: str | None = None) -> bool:
    """Whether a fact that holds from `since` (included) until `until` (excluded) holds at a release."""
    at = release_key(release)
    return (since is None or release_key(since) <= at) and (until is None or at < release_key(until))


class Step(Protocol):
    """One value of a changing fact, from a release on."""

    @property
    def since(self) -> str:
        """First release where it holds."""
        ...


StepT = TypeVar("StepT", bound=Step)


def step_at(steps: Sequence[StepT], release: str) -> StepT | None:
    """The step that holds at a release, or None before the first one."""
    reached = [step for step in steps if release_key(step.since) <= release_key(release)]
    return max(reached, key=lambda step: release_key(step.since), default=None)


@dataclass(frozen=True, kw_only=True)
class BoolStep:
    """A yes or no that changed."""

    since: str
    """First release where this holds."""
    holds: bool
    """The value from then on."""


@dataclass(frozen=True, kw_only=True)
class IntStep:
    """A number that changed."""

    since: str
    """First release where this holds."""
    holds: int
    """The value from then on."""


@dataclass(frozen=True, kw_only=True)
class FloatStep:
    """A fraction that changed."""

    since: str
    """First release where this holds."""
    holds: float
    """The value from then on."""


@dataclass(frozen=True, kw_only=True)
class TextStep:
    """A word that changed."""

    since: str
    """First release where this holds."""
    holds: str
    """The value from then on."""
