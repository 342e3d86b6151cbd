"""Which values may a field of a request take, and is it about own GPUs or about providers?

Each function declares a dataclass field with its default, its check and whom it concerns. A check returns the value as the
request keeps it, and raises RequestError for what cannot be meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import Field, field
from typing import Any, Literal

from llama4ref.engine.repositories import is_repository
from llama4ref.errors import RequestError
from llama4ref.units import parse_day, parse_tokens

Concern = Literal["own GPUs", "providers"]
Check = Callable[[str, object], object]

MOST = 2**53
"""Largest whole number that every reader of JSON keeps exact; no count of anything comes near it."""
_LONGEST_SHOWN = 80
"""Characters of a wrong value that a message repeats."""
_ID = re.compile(r"[a-z0-9][a-z0-9.-]*")
_PIXELS = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})", re.ASCII)


def checked(description: Field[Any], value: object) -> object:
    """A value of a field as the request keeps it; raises RequestError where it is none."""
    check: Check = description.metadata["check"]
    if value is None and description.default is None:
        return None
    return check(description.name, value)


def concern_of(description: Field[Any]) -> Concern | None:
    """Whom a field concerns; None where it is the same to both."""
    found: Concern | None = description.metadata["concerns"]
    return found


def shown(value: object) -> str:
    """A wrong value for a message, in one line that is not long.

    Examples:
        >>> shown("many"), shown(10**5000), len(shown("x" * 1000))
        ("'many'", 'a number of about 5,000 digits', 80)
    """
    if isinstance(value, int) and value.bit_length() > _LONGEST_SHOWN * 3:
        return f"a number of about {round(value.bit_length() * math.log10(2)):,} digits"
    try:
        text = repr(value)
    except ValueError:  # an int of thousands of digits somewhere inside
        return f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 2]} …"


def text(*, concerns: Concern | None = None) -> Any:
    """A name, or None."""

    def check(name: str, value: object) -> object:
        if not isinstance(value, str):
            raise RequestError(f"{name}: found {shown(value)}, expected a name")
        return value

    return _field(None, check, concerns)


def repository(*, concerns: Concern | None = None) -> Any:
    """A repository of a model hub, or an id of the catalogue, or None."""

    def check(name: str, value: object) -> object:
        if not isinstance(value, str) or not (is_repository(value) or _ID.fullmatch(value)):
            raise RequestError(f"{name}: found {shown(value)}, expected a repository such as owner/name")
        return value

    return _field(None, check, concerns)


def choice(choices: tuple[str, ...], *, concerns: Concern | None = None) -> Any:
    """One of several words; the first is the default."""

    def check(name: str, value: object) -> object:
        if not isinstance(value, str) or value not in choices:
            raise RequestError(f"{name}: found {shown(value)}, expected one of {', '.join(choices)}")
        return value

    return _field(choices[0], check, concerns)


def switch(default: bool | None = None, *, concerns: Concern | None = None) -> Any:
    """True or False, or None where that is the default."""

    def check(name: str, value: object) -> object:
        if not isinstance(value, bool):
            raise RequestError(f"{name}: found {shown(value)}, expected True or False")
        return value

    return _field(default, check, concerns)


def whole(default: int | None = None, *, least: int = 1, concerns: Concern | None = None) -> Any:
    """A whole number of at least so many."""

    def check(name: str, value: object) -> object:
        return _whole(name, value, least)

    return _field(default, check, concerns)


def tokens() -> Any:
    """A count of tokens, as a number or as text that vLLM reads, or None."""

    def check(name: str, value: object) -> object:
        return _whole(name, parse_tokens(value) if isinstance(value, str) else value, 1)

    return _field(None, check, None)


def number(
    default: float | None, *, expected: str, fits: Callable[[float], bool], concerns: Concern | None = None
) -> Any:
    """A number for which `fits` holds, or None where that is the default."""

    def check(name: str, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float) or not fits(value) or value > MOST:
            raise RequestError(f"{name}: found {shown(value)}, expected {expected}")
        return float(value)

    return _field(default, check, concerns)


def day(*, concerns: Concern | None = None) -> Any:
    """A day as ISO 8601 writes it, or None."""

    def check(name: str, value: object) -> object:
        if not isinstance(value, str):
            raise RequestError(f"{name}: found {shown(value)}, expected a day such as 2026-11-21")
        return parse_day(value, name)

    return _field(None, check, concerns)


def pixels() -> Any:
    """Width and height of an image, such as 1920x1080, or None."""

    def check(name: str, value: object) -> object:
        if not isinstance(value, str) or not _PIXELS.fullmatch(value):
            raise RequestError(f"{name}: found {shown(value)}, expected width x height in pixels such as 1920x1080")
        return value

    return _field(None, check, None)


def _field(default: object, check: Check, concerns: Concern | None) -> Any:
    return field(default=default, metadata={"check": check, "concerns": concerns})


def _whole(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise RequestError(f"{name}: found {shown(value)}, expected a whole number of at least {least}")
    if value > MOST:
        raise RequestError(f"{name}: found {shown(value)}, expected at most {MOST:,}")
    return value
