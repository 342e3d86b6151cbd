"""Types of options: a day, a price, a time, a count of tokens, a word with aliases, a folder to fill.

The reading itself is that of `llama4ref.units`; here what is refused becomes an error of the option, which its message names.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, TypeVar

import click

from llama4ref.errors import RequestError
from llama4ref.units import parse_day, parse_price, parse_seconds, parse_tokens
from llama4ref.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

T = TypeVar("T")


class ChoiceWithAliases(click.Choice):  # type: ignore[type-arg]  # generic in some releases of click only
    """One of some words, which people know by other names too."""

    def __init__(self, choices: Sequence[str], aliases: Mapping[str, str]) -> None:
        super().__init__(choices)
        self.aliases = aliases

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word itself, whichever name it was given."""
        word: str = super().convert(self.aliases.get(value.lower(), value), param, ctx)
        return word


def _option_type(read: Callable[[str], T]) -> Callable[[str], T]:
    @functools.wraps(read)
    def converted(text: str) -> T:
        try:
            return read(text)
        except RequestError as error:
            raise click.BadParameter(str(error)) from error

    return converted


def ids_of(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What a shell offers to complete the id of a thing of a kind, such as `accelerators`."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
        from llama4ref.facts import load

        return [id_ for id_ in getattr(load(), kind) if id_.startswith(incomplete.lower())]

    return complete


def make_folder(folder: Path, option: str) -> None:
    """Make a folder that an option names and that will be written into; raises RequestError where that cannot be."""
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequestError(
            f"{option}: {quoted(str(folder))} cannot be filled ({reason}); name another folder"
        ) from error


DAY = _option_type(parse_day)
"""A day as ISO 8601 writes it, with hyphens once it is read."""
DOLLARS = _option_type(parse_price)
"""A price of 0 or more."""
SECONDS = _option_type(parse_seconds)
"""A time of at least one second, and not without end."""
TOKENS = _option_type(parse_tokens)
"""A count of tokens as vLLM reads one."""


def today() -> str:
    """The day of this machine's clock, as ISO 8601 writes it."""
    return dt.datetime.now(tz=dt.UTC).date().isoformat()
