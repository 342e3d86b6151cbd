"""How is an answer put on the screen, in a pipe, or into JSON?"""

from __future__ import annotations

import dataclasses
import enum
import io
import json
import math
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

PIPE_WIDTH = 100
"""Columns where nothing says how many there are."""
WIDEST = 120

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def examples(*lines: str) -> str:
    """Examples for the end of a help text, a line each, which click leaves as they are."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def json_option(function: click.decorators.FC) -> click.decorators.FC:
    """The option that every command has."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(function)


def echo_json(value: object) -> None:
    """Print a value as JSON."""
    echo(json.dumps(jsonable(value), indent=2, ensure_ascii=False))


def echo(text: str, *, err: bool = False) -> None:
    """Print text; characters that the output cannot carry become question marks instead of an error."""
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    click.echo(text.encode(encoding, "replace").decode(encoding), err=err)


def jsonable(value: object) -> Json:
    """A value in the types of JSON: dataclasses by field, tuples as lists, words of an enumeration as their values.

    Examples:
        >>> jsonable({"sizes": (1, 2)})
        {'sizes': [1, 2]}
    """
    if isinstance(value, enum.Enum):
        return jsonable(value.value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [jsonable(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> Json:
    """A value without parts; infinities, which JSON does not know, become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, bool, int)) else str(value)


def screen_width() -> int:
    """Columns to fill: the terminal's, what COLUMNS says, or a fixed number in a pipe."""
    if os.environ.get("COLUMNS", "").isdigit() or sys.stdout.isatty():
        return max(40, min(shutil.get_terminal_size((PIPE_WIDTH, 24)).columns, WIDEST))
    return PIPE_WIDTH


def drawn(*parts: RenderableType, width: int | None = None) -> str:
    """Rich renderables as text: with colours on a terminal, plain anywhere else; bare strings are not wrapped."""
    stream = io.StringIO()
    console = console_on(stream, width=width or screen_width(), colour=sys.stdout.isatty())
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def console_on(stream: io.StringIO, *, width: int, colour: bool) -> Console:
    """A console that writes into a stream, without guessing what words mean."""
    from rich.console import Console

    return Console(
        file=stream,
        width=width,
        force_terminal=colour,
        no_color=True if not colour or os.environ.get("NO_COLOR") else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )


def plain_table(
    *headings: str,
    right: Iterable[str] = (),
    wrap: Iterable[str] = (),
    show_header: bool = True,
    narrow: int | None = None,
) -> Table:
    """A table with a rule under its head.

    Columns of figures are named in `right`, columns that may wrap in `wrap`; `narrow` is the most columns of the first one.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(
        box=SIMPLE_HEAD if show_header else None,
        show_header=show_header,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
    )
    figures, flexible = set(right), set(wrap)
    for heading in headings:
        table.add_column(
            heading,
            justify="right" if heading in figures else "left",
            no_wrap=heading not in flexible,
            overflow="fold",
            max_width=narrow if heading == headings[0] else None,
        )
    return table


def pair_table(pairs: Iterable[tuple[str, str]]) -> Table:
    """Names with a value each, without a head."""
    table = plain_table("what", "value", wrap=("value",), show_header=False)
    for pair in pairs:
        table.add_row(*pair)
    return table


def counted(count: int, noun: str) -> str:
    """How many of something.

    Examples:
        >>> counted(1, "offer"), counted(1200, "fact")
        ('1 offer', '1,200 facts')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def heading(text: str) -> Text:
    """Text in bold, wrapped."""
    from rich.text import Text

    return Text(text, style="bold")


def section(title: str, *parts: RenderableType) -> tuple[RenderableType, ...]:
    """A blank line, a heading, and what stands under it."""
    return ("", heading(title), *parts)


def indented(text: str, by: int = 2) -> Padding:
    """Text wrapped and indented."""
    from rich.padding import Padding
    from rich.text import Text

    return Padding(Text(text), (0, 0, 0, by))


def broken(text: str, width: int) -> str:
    """Text with its long words over several lines, broken after hyphens, slashes, dots, commas and underscores.

    Examples:
        >>> broken("by org/llama-4-scout", 8).split()
        ['by', 'org/', 'llama-4-', 'scout']
    """
    return " ".join(_broken_word(word, width) for word in text.split(" "))


def _broken_word(word: str, width: int) -> str:
    lines = [""]
    for part in re.findall(r"[^-/._,]*[-/._,]?", word):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)
