"""Reading and printing sizes, token counts, days, prices and parts.

Inside the package sizes are integers in bytes and lengths are integers in tokens; this is where text is read and made.
"""

from __future__ import annotations

import datetime as dt
import math
import re

from llama4ref.errors import RequestError
from llama4ref.wording import quoted

GIB = 2**30
MIB = 2**20

_MULTIPLIERS: dict[str, int] = {
    "": 1,
    "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
    "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40,
}  # fmt: skip
_COUNT = re.compile(r"([0-9]+(?:[_,][0-9]+)*)(?:\.([0-9]+))?([kmgtKMGT]?)")
_DAY = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}")
_MOST_DIGITS = 18
"""Digits of any count or price that can be meant: a thousand times a million billion."""
LARGEST_COUNT = 2**63 - 1
"""The largest count that an engine can hold."""


def parse_tokens(text: str, name: str = "") -> int:
    """A token count as vLLM reads one: `1M` is 1,048,576, `1m` is 1,000,000, and plain digits are themselves.

    Fractions go with the decimal suffixes alone, and what is left of a token is dropped. Commas are read too, as they are
    printed here. `name`, here and below, is what a message calls it.

    Raises:
        RequestError: if the text is no such count, below 1, or larger than any engine can hold.

    Examples:
        >>> parse_tokens("1M"), parse_tokens("1m"), parse_tokens("128K"), parse_tokens("3.6m"), parse_tokens("10485760")
        (1048576, 1000000, 131072, 3600000, 10485760)
    """
    match = _COUNT.fullmatch(text.strip())
    if match is None:
        raise RequestError(
            f"{_named(name)}{quoted(text)} is not a token count; write digits, or digits with k, m (thousands) or K, M (1,024s)"
        )
    whole, fraction, suffix = match.groups()
    digits = whole.replace("_", "").replace(",", "")
    if len(digits + (fraction or "")) > _MOST_DIGITS:
        raise RequestError(
            f"{_named(name)}{quoted(text)} has more digits than any token count; write {_MOST_DIGITS} at most"
        )
    if fraction is not None and suffix not in {"k", "m", "g", "t"}:
        other = f"{digits}.{fraction}{suffix.lower() or 'k'}"
        raise RequestError(
            f"{_named(name)}{quoted(text)} is not a whole number of tokens; fractions go with k, m, g and t, as in {other}"
        )
    unit: int = 10 ** len(fraction or "")
    count = int(digits + (fraction or "")) * _MULTIPLIERS[suffix] // unit
    if not 1 <= count <= LARGEST_COUNT:
        raise RequestError(
            f"{_named(name)}{quoted(text)} is no count of tokens; write at least 1 and at most {LARGEST_COUNT:,}"
        )
    return count


def parse_day(text: str, name: str = "") -> str:
    """A day in the one spelling that sorts: year, month and day with dashes.

    Raises:
        RequestError: if the text is no day.

    Examples:
        >>> parse_day("2026-11-21"), parse_day("20261121")
        ('2026-11-21', '2026-11-21')
    """
    try:
        if _DAY.fullmatch(text):
            return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise RequestError(f"{_named(name)}found {quoted(text)}, expected a day such as 2026-11-21")


def parse_price(text: str, name: str = "") -> float:
    """A price in US dollars.

    Raises:
        RequestError: if the text is no number of at least 0.

    Examples:
        >>> parse_price("0.5")
        0.5
    """
    return _number_from(text, name, "a price of 0 or more, such as 0.5", least=0.0)


def parse_seconds(text: str, name: str = "") -> float:
    """A time in seconds, of at least one.

    Raises:
        RequestError: if the text is no such time; endless ones are none.

    Examples:
        >>> parse_seconds("300")
        300.0
    """
    return _number_from(text, name, "a time of 1 second or more, such as 300", least=1.0)


def _named(name: str) -> str:
    return f"{name}: " if name else ""


def _number_from(text: str, name: str, expected: str, *, least: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < least:
        raise RequestError(f"{_named(name)}found {quoted(text)}, expected {expected}")
    return value


def check_price(name: str, price: float | None) -> None:
    """Refuse what is no price.

    Raises:
        RequestError: for a number below zero, or none at all.
    """
    if price is not None and not (math.isfinite(price) and price >= 0):
        raise RequestError(f"{name}: found {price}, expected dollars of at least 0")


def format_bytes(count: int) -> str:
    """Bytes for people, in binary units.

    Examples:
        >>> format_bytes(2_684_354_560), format_bytes(512), format_bytes(4_096)
        ('2.50 GiB', '512 B', '4.0 KiB')
    """
    if abs(count) < 2**10:
        return f"{count} B"
    if abs(count) < MIB:
        return f"{count / 2**10:.1f} KiB"
    if abs(count) < GIB:
        return f"{count / MIB:.1f} MiB"
    return f"{count / GIB:.2f} GiB"


def format_tokens(count: int) -> str:
    """Tokens for people, grouped by thousands.

    Examples:
        >>> format_tokens(10_485_760)
        '10,485,760'
    """
    return f"{count:,}"
