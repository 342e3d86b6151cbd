"""The sources that an answer rests on: numbered as they are cited, listed at the end."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from llama4ref.cli.printing import address, section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from llama4ref.facts.types.sources import Source

_TITLE_WIDTH = 74


class SourceList:
    """Sources in the order they are met."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self.known = sources
        self.met: dict[str, int] = {}

    def mark(self, source: str | None) -> str:
        """The mark of a source, such as ` [2]`; nothing where there is none.

        Examples:
            >>> SourceList({}).mark(None)
            ''
        """
        if source is None:
            return ""
        return f" [{self.met.setdefault(source, len(self.met) + 1)}]"

    def lines(self) -> Iterator[RenderableType]:
        """Number, publisher and title of each source that was met, and, on a line of its own, its address."""
        for id_, number in self.met.items():
            source = self.known.get(id_)
            yield f"[{number}] {id_ if source is None else _described(source)}"
            if source is not None and source.url:
                yield address(source.url, indent=4)


def source_lines(sources: SourceList) -> Iterator[RenderableType]:
    """The sources that were met, under a heading of their own."""
    if sources.met:
        yield from section("Sources", *sources.lines())


def _described(source: Source) -> str:
    return textwrap.shorten(f"{source.publisher}: {source.title}", _TITLE_WIDTH, placeholder=" …")
