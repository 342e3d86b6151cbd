"""Reading and printing sizes and token counts.

Inside the package sizes are integers in bytes and lengths are integers in tokens; this is where text is read and made.
"""

from __future__ import annotations

import datetime as dt
import math
import re

from llama4ref.errors import RequestError

GIB = 2**30
MIB = 2**20

_MULTIPLIERS: dict[str, int] = {
    "": 1,
    "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
    "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40,
}  # fmt: skip
_COUNT = re.compile(r"(\d+(?:[_,]\d+)*)(?:\.(\d+))?([kmgtKMGT]?)")


def parse_tokens(text: str) -> int:
    """A token count as vLLM reads one: `1M` is 1,048,576, `1m` is 1,000,000, and plain digits are themselves.

    Fractions go with the decimal suffixes alone, and what is left of a token is dropped. Commas are read too, as they are
    printed here.

    Raises:
        RequestError: if the text is no such count, or below 1.

    Examples:
        >>> parse_tokens("1M"), parse_tokens("1m"), parse_tokens("128K"), parse_tokens("3.6m"), parse_tokens("10485760")
        (1048576, 1000000, 131072, 3600000, 10485760)
    """
    match = _COUNT.fullmatch(text.strip())
    if match is None:
        raise RequestError(
            f"{text!r} is not a token count; write digits, or digits with k, m (thousands) or K, M (1,024s)"
        )
    whole, fraction, suffix = match.groups()
    digits = whole.replace("_", "").replace(",", "")
    if fraction is not None and suffix not in {"k", "m", "g", "t"}:
        other = f"{digits}.{fraction}{suffix.lower() or 'k'}"
        raise RequestError(f"{text!r} is not a whole number of tokens; fractions go with k, m, g and t, as in {other}")
    unit: int = 10 ** len(fraction or "")
    count = int(digits + (fraction or "")) * _MULTIPLIERS[suffix] // unit
    if count < 1:
        raise RequestError(f"{text!r} is no token; write at least 1")
    return count


def parse_day(text: str, name: str = "day") -> str:
    """A day in the one spelling that sorts: year, month and day with dashes.

    Raises:
        RequestError: if the text is no day.

    Examples:
        >>> parse_day("2026-11-21"), parse_day("20261121")
        ('2026-11-21', '2026-11-21')
    """
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise RequestError(f"{name}: found {text!r}, expected a day such as 2026-11-21") from error


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
