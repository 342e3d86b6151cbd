"""Small pieces of HTML that pages are made of. Text comes in plain and goes out escaped; what is called `html` is markup already."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Filter = Literal["none", "choice", "least", "most"]

_SAFE = re.compile(r"[^a-z0-9]+")
_MARK = re.compile(r"\x02\d+\x03")
_NOTHING = {"", "—", "not stated"}
"""What says that there is no fact."""
_ASIDE = re.compile(r'<a class="disputed".*?</a>|<[^>]*>|\x02\d+\x03')
_CODE = re.compile(r"`([^`]+)`")
_DAY = re.compile(r"\d{4}-\d\d-\d\d( ?[<\x02]|$)")


def escape(text: str) -> str:
    """Text that cannot be read as markup, nor as Markdown where a page is made of it.

    Examples:
        >>> escape("a < b & c")
        'a &lt; b &amp; c'
    """
    return html.escape(text, quote=False)


def quoted(text: str) -> str:
    """Text for the value of an attribute."""
    return html.escape(text, quote=True)


def slug(text: str) -> str:
    """A short name for an anchor.

    Examples:
        >>> slug("KV cache, by context")
        'kv-cache-by-context'
    """
    return _SAFE.sub("-", text.lower()).strip("-")


def link(href: str, text: str) -> str:
    """A link."""
    return f'<a href="{quoted(href)}">{escape(text)}</a>'


def code(text: str) -> str:
    """Text as a person would type it."""
    return f"<code>{escape(text)}</code>"


def inline(text: str) -> str:
    """Words with `code` in them.

    Examples:
        >>> inline("see `x < y`")
        'see <code>x &lt; y</code>'
    """
    return _CODE.sub(r"<code>\1</code>", escape(text))


def bullets(items: Iterable[str]) -> str:
    """A list of pieces of HTML."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def admonition(
    kind: Literal["note", "warning", "question", "example"], title: str, body: str, *, anchor: str = ""
) -> str:
    """A box that stands out: `note` context, `warning` it will fail, `question` sources disagree, `example` runnable."""
    place = f' id="{quoted(anchor)}"' if anchor else ""
    return f'<div class="admonition {kind}"{place}><p class="admonition-title">{escape(title)}</p>{body}</div>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    head: str
    unit: str = ""
    """Stands under the head."""
    numeric: bool = False
    """Numbers stand to the right."""
    filter: Filter = "none"
    """How rows can be chosen by this column: one of its words, at least or at most a number."""
    cited: bool = True
    """Whether its cells hold facts, so that each must carry a note; a row's first cell, its name, need not."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what is shown, and what it sorts and filters by where that is not what is shown."""

    html: str
    sort: str | int | float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row; the first cell names it."""

    cells: Sequence[Cell]
    anchor: str = ""
    """Where links to this row lead."""


def table(caption: str, columns: Sequence[Column], rows: Sequence[Row], *, sortable: bool = False) -> str:
    """A table with a caption; a sortable one can be sorted and filtered by its reader.

    It stands in a frame of its own that scrolls sideways on narrow screens.

    Raises:
        ValueError: for a fact without the number of its note.
    """
    for row in rows:
        for column, cell in zip(columns[1:], row.cells[1:], strict=True):
            if column.cited and not _is_noted(cell.html):
                raise ValueError(f"{caption}: {column.head} holds {cell.html!r} without a note")
    head = " ".join(_head(column) for column in columns)
    body = " ".join(_row(columns, row) for row in rows)
    marks = " data-sortable" if sortable else ""
    return (
        f'<div class="facts"{marks} role="region" aria-label="{quoted(caption)}" tabindex="0">'
        f'<table class="t"><caption>{escape(caption)}</caption> <thead><tr>{head}</tr></thead> <tbody>{body}</tbody></table></div>'
    )


def _is_noted(html: str) -> bool:
    """Whether a cell has the number of a note, or nothing that needs one."""
    return bool(_MARK.search(html)) or _ASIDE.sub("", html).strip() in _NOTHING


def _head(column: Column) -> str:
    classes = ' class="n"' if column.numeric else ""
    choose = f' data-filter="{column.filter}"' if column.filter != "none" else ""
    unit = f" <small>{escape(column.unit)}</small>" if column.unit else ""
    return f'<th scope="col"{classes}{choose}>{escape(column.head)}{unit}</th>'


def _row(columns: Sequence[Column], row: Row) -> str:
    place = f' id="{quoted(row.anchor)}"' if row.anchor else ""
    pairs = zip(columns, row.cells, strict=True)
    return (
        f"<tr{place}>"
        + " ".join(_cell(column, cell, first=not index) for index, (column, cell) in enumerate(pairs))
        + "</tr>"
    )


def _cell(column: Column, cell: Cell, *, first: bool) -> str:
    sort = "" if cell.sort is None or _shows(cell.html, cell.sort) else f' data-v="{quoted(str(cell.sort))}"'
    whole = isinstance(cell.sort, int | float) or _DAY.match(cell.html)
    kinds = [*(["n"] if column.numeric else []), *(["d"] if whole else [])]
    classes = f' class="{" ".join(kinds)}"' if kinds else ""
    return f'<th scope="row"{classes}{sort}>{cell.html}</th>' if first else f"<td{classes}{sort}>{cell.html}</td>"


def _shows(html: str, value: str | float) -> bool:
    """Whether a cell reads as what it sorts by, its notes and marks left aside."""
    text = _ASIDE.sub("", html).strip()
    if isinstance(value, str):
        return text == escape(value)
    try:
        return float(text.replace(",", "")) == value
    except ValueError:
        return False
