"""Counts, prices, values, rungs and whole objects as words or as JSON.

One place for every part that prints. Values that depend on the unit of a field are the website's (`website/markup/field_values.py`).
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from collections.abc import Iterable, Mapping

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

LONGEST_QUOTE = 80
"""Characters of somebody's input that a message repeats at most."""

RUNGS = (
    "computed, from cited facts",
    "accepted by vLLM",
    "served in miniature",
    "served at full size",
    "served with real weights",
)
"""What has been shown of a plan, by the number of the rung."""


def counted(count: float, one: str, many: str = "") -> str:
    """A number with its noun; `many` is needed where the plural is not the singular with an s.

    Examples:
        >>> counted(1, "offer"), counted(1200, "fact"), counted(3, "reply", "replies"), counted(1.0, "request")
        ('1 offer', '1,200 facts', '3 replies', '1.00 request')
    """
    number = f"{count:,.2f}" if isinstance(count, float) else f"{count:,}"
    return f"{number} {one if count == 1 else many or one + 's'}"


def number(value: float) -> str:
    """A number with its digits grouped, as many of them as it was written with.

    Examples:
        >>> number(10_485_760), number(0.11), number(1e-05), number(3500.5)
        ('10,485,760', '0.11', '1e-05', '3,500.5')
    """
    if isinstance(value, int) or not math.isfinite(value):
        return f"{value:,}"
    return f"{value:g}" if 0 < abs(value) < 0.001 else f"{value:,.10g}"


def dollars(value: float) -> str:
    """A price in US dollars, without the sign: at least two decimals, more where it has more.

    Examples:
        >>> dollars(0.11), dollars(3.0), dollars(0.1083)
        ('0.11', '3.00', '0.1083')
    """
    text = f"{value:.6g}"
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents:0<2}" if "e" not in text else text


def shown(value: object) -> str:
    """A value for people: digits grouped, lists with commas, yes and no, and `none` where there is none.

    What nobody published says so itself: the text of `UNKNOWN` is `unknown`.

    Examples:
        >>> shown(10_485_760), shown(("text", "image")), shown(True), shown(()), shown(None)
        ('10,485,760', 'text, image', 'yes', 'none', 'none')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, (tuple, list)):
        return ", ".join(map(shown, value)) or "none"
    return str(value)


def shortened(text: str, longest: int = LONGEST_QUOTE) -> str:
    """Text of at most so many characters; what is left out of its middle is counted.

    Examples:
        >>> shortened("h100-sxm"), shortened("9" * 5000, 40)
        ('h100-sxm', '99999999 … 4,984 characters … 99999999')
    """
    if len(text) <= longest:
        return text
    kept = max(4, (longest - 24) // 2)
    return f"{text[:kept]} … {len(text) - 2 * kept:,} characters … {text[-kept:]}"


def quoted(value: object) -> str:
    r"""Somebody's input between quotes, shortened; characters that do not print are escaped.

    Examples:
        >>> quoted("h100\n"), quoted(5)
        ("'h100\\n'", '5')
    """
    if not isinstance(value, str):
        return shortened(repr(value))
    return repr(shortened(value))


def jsonable(value: object) -> Json:
    """A value in the types of JSON: dataclasses by field, tuples as lists, members of an enumeration as their values.

    Null is what is not there, and an infinity, which JSON does not know; what nobody published (`UNKNOWN`) is the text
    "unknown".

    Examples:
        >>> jsonable({"sizes": (1, 2), "rate": float("inf")})
        {'sizes': [1, 2], 'rate': None}
    """
    if isinstance(value, enum.Enum):
        return jsonable(value.value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [jsonable(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, int)) else str(value)


def json_object(value: object) -> dict[str, Json]:
    """The fields of a dataclass in the types of JSON."""
    return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}  # type: ignore[arg-type]  # any dataclass


def json_text(value: object, *, indent: int | None = 2) -> str:
    """A value as a JSON document; without an indent on one line, as short as can be."""
    separators = (",", ":") if indent is None else None
    return json.dumps(jsonable(value), indent=indent, separators=separators, ensure_ascii=False)
