"""What may be written after an option that takes a day, a price or a count of tokens?"""

from __future__ import annotations

import datetime as dt
import math

import click

from llama4ref.errors import RequestError
from llama4ref.units import parse_tokens


def day(text: str) -> str:
    """A day as ISO 8601 writes it with hyphens; raises BadParameter for what is none.

    Examples:
        >>> day("20261121")
        '2026-11-21'
    """
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise click.BadParameter(f"found {text!r}, expected a day such as 2026-11-21") from error


def dollars(text: str) -> float:
    """A price; raises BadParameter for what is none."""
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not math.isfinite(price) or price < 0:
        raise click.BadParameter(f"found {text!r}, expected a price of 0 or more, such as 0.5")
    return price


def tokens(text: str) -> int:
    """A count of tokens as vLLM reads one; raises BadParameter for what is none."""
    try:
        return parse_tokens(text)
    except RequestError as error:
        raise click.BadParameter(str(error)) from error
