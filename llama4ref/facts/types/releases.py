"""What holds from which release of a piece of software.

A release is written as Python packages write versions: `0.32.0`, `0.8.5.post1`. `0.32`, `v0.32.0` and the build `0.32.0+cu130` are
the release `0.32.0`. llama.cpp numbers its builds instead: `b5237`. A changing fact is a list of steps, oldest first; a step holds from its `since` until the `since` of the
next one.
"""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from packaging.version import InvalidVersion, Version

from llama4ref.errors import ReleaseError
from llama4ref.facts.types.constraints import NotNegative, NotNegativeFloat
from llama4ref.facts.types.states import Unknown, is_stated

_LONGEST = 64
"""Characters beyond which nothing is a release, so that nothing longer is read or repeated."""
_BUILD = re.compile(r"b[1-9]\d*", re.ASCII)
"""A numbered build."""


@functools.lru_cache(maxsize=1024)
def release_key(release: str) -> Version:
    """A release for comparing; what follows a `+` says how it was built and does not count.

    Raises:
        ReleaseError: if it is no release.

    Examples:
        >>> release_key("0.9.2") < release_key("0.10.0") < release_key("0.10.1.1")
        True
        >>> release_key("0.33.0rc1") < release_key("0.33.0") == release_key("v0.33+cu130")
        True
        >>> release_key("b999") < release_key("b5237")
        True
    """
    if not isinstance(release, str) or len(release) > _LONGEST:
        raise _unreadable(release)
    if _BUILD.fullmatch(release):
        return Version(release[1:])
    try:
        return Version(Version(release).public)
    except InvalidVersion as error:
        raise _unreadable(release) from error


def _unreadable(found: object) -> ReleaseError:
    text = repr(found)
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…"
    return ReleaseError(f"{shown} is not a release; write one such as 0.32.0")


def is_release(text: str) -> bool:
    """Whether a text can be read as a release."""
    try:
        release_key(text)
    except ReleaseError:
        return False
    return True


def normalized_release(release: str) -> str:
    """A release in its one spelling: three numbers or more, no `v` in front, no build behind; a numbered build as it is.

    Raises:
        ReleaseError: if it is no release.

    Examples:
        >>> [normalized_release(each) for each in ("0.19", "v0.19.0.0", "0.24.0+cu130", "0.8.5.post1", "0.10.1.1")]
        ['0.19.0', '0.19.0', '0.24.0', '0.8.5.post1', '0.10.1.1']
        >>> normalized_release("b5237")
        'b5237'
    """
    version = release_key(release)
    if _BUILD.fullmatch(release):
        return release
    epoch = f"{version.epoch}!" if version.epoch else ""
    written = epoch + ".".join(map(str, version.release))
    return epoch + ".".join(map(str, _numbers(version))) + str(version).removeprefix(written)


def _numbers(version: Version) -> tuple[int, ...]:
    """At least three, and no zeros behind them."""
    numbers = [*version.release, 0, 0][: max(3, len(version.release))]
    while len(numbers) > 3 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def nearest_releases(release: str, published: Sequence[str]) -> tuple[str, ...]:
    """The published releases just before and just after one.

    Examples:
        >>> nearest_releases("0.19.99", ["0.19.0", "0.19.1", "0.20.0", "0.20.1"])
        ('0.19.1', '0.20.0')
    """
    ordered = sorted(published, key=release_key)
    place = bisect.bisect(ordered, release_key(release), key=release_key)
    return tuple(ordered[max(0, place - 1) : place + 1])


@functools.lru_cache(maxsize=8192)
def holds_at(release: str, *, since: str | Unknown | None = None, until: str | Unknown | None = None) -> bool:
    """Whether a fact that holds from `since` (included) until `until` (excluded) holds at a release.

    An end that is unknown rules nothing out: a `since` that nobody recorded lies before the releases that the facts
    cover, and what is not known to have ended goes on.
    """
    at = release_key(release)
    begun = not is_stated(since) or release_key(since) <= at
    return begun and (not is_stated(until) or at < release_key(until))


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
    holds: NotNegative
    """The value from then on."""


@dataclass(frozen=True, kw_only=True)
class FloatStep:
    """A fraction that changed."""

    since: str
    """First release where this holds."""
    holds: NotNegativeFloat
    """The value from then on."""


@dataclass(frozen=True, kw_only=True)
class TextStep:
    """A word that changed."""

    since: str
    """First release where this holds."""
    holds: str
    """The value from then on."""
