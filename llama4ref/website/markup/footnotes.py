"""Footnotes: the sources of a value as a number in the text and a note at the foot of the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from llama4ref.facts.types.states import Unknown
from llama4ref.website.markup.field_values import shown
from llama4ref.website.markup.html import escape, link, quoted
from llama4ref.website.markup.links import relative

_MARK = re.compile("\x02(\\d+)\x03")
_GAP = "\u202f"
"""A narrow space that does not break, so that search takes a value and the number of its note for two words."""

if TYPE_CHECKING:
    from llama4ref.facts.types.sources import Citation, Provenance, Source


class Footnotes:
    """The notes of one page, numbered as they are first used; equal notes share a number.

    The markup is that of Markdown's own footnotes, so that a theme shows a note beside its number as well.
    """

    def __init__(self, here: str) -> None:
        self.here = here
        self._places: dict[str, int] = {}

    def of(self, leaf: Provenance | None, field: str = "", *, brief: bool = False) -> str:
        """The number of the note with all sources of a leaf; `brief` names the preferred one alone, without its remark."""
        if leaf is None:
            return ""
        agreeing = [each for each in leaf.citations if each.agrees]
        if brief:
            return self.mark(_reference(self.here, agreeing[0]))
        text = "; also ".join(_named(self.here, each) for each in agreeing)
        if leaf.disputed:
            others = [_disputing(self.here, each, field) for each in leaf.citations if not each.agrees]
            text += ". Others say: " + "; ".join(others)
        return self.mark(text)

    def citation(self, citation: Citation) -> str:
        """The number of the note with one source's word."""
        return self.mark(_named(self.here, citation))

    def source(self, source: Source) -> str:
        """The number of the note with a source alone, for rows whose link leads to the place in it: many rows share one."""
        return self.mark(
            f"{link(relative(self.here, f'sources/{source.id}.md'), source.title)}, {escape(source.publisher)}"
        )

    def computed(self, how: str) -> str:
        """The number of a note that says how a figure follows from facts; `how` is HTML."""
        return self.mark(f"Computed: {how}")

    def mark(self, html: str) -> str:
        """Where the number of a note will stand; which number that is, the order on the page decides (`numbered`)."""
        return f"\x02{self._places.setdefault(html, len(self._places))}\x03"

    def numbered(self, body: str) -> tuple[str, str]:
        """The body with the numbers of its notes in reading order, and the notes in that order; both are HTML.

        Examples:
            >>> notes = Footnotes("index.md")
            >>> unused, used = notes.mark("not shown"), notes.mark("a table")
            >>> notes.numbered("48" + used)[1].count("<li")
            1
        """
        texts = list(self._places)
        numbers: dict[int, int] = {}

        def number(match: re.Match[str]) -> str:
            place = int(match[1])
            known = place in numbers
            count = numbers.setdefault(place, len(numbers) + 1)
            anchor = "" if known else f' id="fnref:{count}"'
            return f'{_GAP}<a class="footnote-ref"{anchor} href="#fn:{count}">{count}</a>'

        return _MARK.sub(number, body), _listing({count: texts[place] for place, count in numbers.items()})


def _listing(notes: Mapping[int, str]) -> str:
    items = "".join(
        f'<li id="fn:{number}"><p>{html} <a class="footnote-backref" href="#fnref:{number}" '
        f'aria-label="Back to {number}">↩</a></p></li>'
        for number, html in notes.items()
    )
    return f'<div class="footnote" data-search-exclude><ol>{items}</ol></div>' if items else ""


def _named(here: str, citation: Citation) -> str:
    """One source's word: where it stands, and what was remarked about it."""
    return _reference(here, citation) + (f" ({escape(citation.note)})" if citation.note else "")


def _reference(here: str, citation: Citation) -> str:
    """The document, the place in it, and the days."""
    source = citation.source
    parts = [link(relative(here, f"sources/{source.id}.md"), source.title), escape(source.publisher)]
    if citation.at:
        parts.append(f"<i>{escape(citation.at)}</i>")
    if citation.as_of:
        parts.append(f"as of {citation.as_of}")
    parts.append(f"read {source.retrieved}")
    return ", ".join(parts)


def _disputing(here: str, citation: Citation, field: str) -> str:
    doubt = f", not believed: {escape(citation.doubt)}" if citation.doubt else ""
    return f"<b>{escape(shown(citation.value, field))}</b>, {_named(here, citation)}{doubt}"


def original(url: str | Unknown) -> str:
    """A link that leaves the site, or nothing."""
    return f'<a href="{quoted(url)}" rel="noopener noreferrer">{escape(url)}</a>' if url else "no public address"
