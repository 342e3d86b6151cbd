"""Printing answers: tables and text for a screen or a pipe, and JSON."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

import click

from llama4ref.cli.streams import is_terminal, write_answer, write_message
from llama4ref.wording import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from rich.console import Console, RenderableType
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

PIPE_WIDTH = 100
"""Columns where nothing says how many there are."""
WIDEST = 120
_HEIGHT = 25
"""Lines of a screen; nothing here depends on them."""


def examples(*lines: str) -> str:
    """Examples for the end of a help text, a line each, which click leaves as they are."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def json_option(function: click.decorators.FC) -> click.decorators.FC:
    """The option that every command has."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(function)


def echo_json(value: object) -> None:
    """Print a value as JSON; raises OutputError where stdout cannot be written."""
    echo(json_text(value))


def echo(text: str, *, err: bool = False) -> None:
    """Print an answer on stdout, or, where nothing depends on it, on stderr; raises OutputError where stdout cannot be written."""
    (write_message if err else write_answer)(text)


def is_screen() -> bool:
    """Whether the output has columns to keep to: a terminal, or what COLUMNS says."""
    return os.environ.get("COLUMNS", "").isdecimal() or is_terminal(sys.stdout)


def screen_width() -> int:
    """Columns to fill: the terminal's, what COLUMNS says, or a fixed number in a pipe."""
    if is_screen():
        return max(40, min(shutil.get_terminal_size((PIPE_WIDTH, 24)).columns, WIDEST))
    return PIPE_WIDTH


def drawn(*parts: RenderableType, width: int | None = None) -> str:
    """Rich renderables as text: with colours on a terminal, plain anywhere else; bare strings are not wrapped."""
    stream = io.StringIO()
    console = console_on(stream, width=width or screen_width(), colour=is_terminal(sys.stdout))
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def console_on(stream: TextIO, *, width: int, colour: bool) -> Console:
    """A console that writes into a stream, without guessing what words mean or how large the screen is."""
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
        height=_HEIGHT,
        _environ={name: os.environ[name] for name in ("TERM", "COLORTERM") if name in os.environ},
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


def pair_table(pairs: Iterable[tuple[str, RenderableType]]) -> Table:
    """Names with a value each, without a head."""
    table = plain_table("what", "value", wrap=("value",), show_header=False)
    for pair in pairs:
        table.add_row(*pair)
    return table


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


def address(url: str, *, indent: int = 0, name: str = "") -> RenderableType:
    """An address after its name: whole where the output is no screen; on a screen over lines, each of which leads there."""
    from rich.padding import Padding
    from rich.style import Style
    from rich.text import Text

    if not is_screen():
        return f"{' ' * indent}{name}{url}"
    style = Style(link=url) if is_terminal(sys.stdout) else Style()
    first, *more = broken(url, screen_width() - indent - len(name)).split("\n")
    lines = [Text(name + first, style=style), *(Text(" " * len(name) + line, style=style) for line in more)]
    return Padding(Text("\n").join(lines), (0, 0, 0, indent))


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
