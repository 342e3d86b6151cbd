"""What every generated page has: a title, a way up, its parts in order, and its sources at the foot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llama4ref.facts.types.kinds import KINDS
from llama4ref.facts.types.states import is_stated
from llama4ref.website.markup.field_values import shown
from llama4ref.website.markup.footnotes import Footnotes
from llama4ref.website.markup.html import Cell, escape, link
from llama4ref.website.markup.links import home_of, relative
from llama4ref.wording import dollars

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.sources import Provenance

MARKED = "≠"
"""Stands beside a value that a source disputes."""

KIND_TITLES = {folder: kind.title for folder, kind in KINDS.items()} | {"sources": "Sources"}


class Draft:
    """A page in the making."""

    def __init__(
        self, catalog: Catalog, path: str, *, title: str, description: str, spec: str = "", boost: float = 1.0,
        hide: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.catalog, self.path, self.title = catalog, path, title
        self.notes = Footnotes(path)
        self._head = {"title": title, "description": description}
        if spec:
            self._head["spec"] = spec
        self._boost, self._hide = boost, hide
        self._parts: list[str] = []

    def add(self, block: str) -> None:
        """A block of Markdown or HTML."""
        if block:
            self._parts.append(block)

    def heading(self, level: int, title: str, anchor: str = "") -> None:
        """A heading, with an anchor of its own where one is named."""
        place = f" {{ #{anchor} }}" if anchor else ""
        self._parts.append(f"{'#' * level} {title}{place}")

    def to(self, path: str, text: str, anchor: str = "") -> str:
        """A link to another page."""
        return link(relative(self.path, path, anchor), text)

    def entity(self, entity: str, text: str, field: str = "") -> str:
        """A link to the page of an entity, at one of its fields where one is named."""
        page, anchor = home_of(self.catalog, entity)
        return self.to(page, text, field or anchor)

    def provenance(self, entity: str, field: str) -> Provenance | None:
        """Where a leaf comes from; None where the spec leaves the field out."""
        return self.catalog.provenance.get(entity, {}).get(field)

    def value(self, entity: str, field: str, value: object, *, brief: bool = False, unit: str = "") -> str:
        """A value with its unit and the number of its note, and a mark where it is disputed."""
        leaf = self.provenance(entity, field)
        if leaf is None:
            return "<i>not stated</i>" if not is_stated(value) else escape(shown(value, field))
        if leaf.state != "known":
            text = f"<i>{leaf.state}</i>"
        elif "price_" in field and isinstance(value, int | float):
            text = dollars(value)
        else:
            text = escape(shown(value, field))
        if unit and leaf.state == "known":
            text += f" {escape(unit)}"
        return text + self.dispute(entity, field) + self.notes.of(leaf, field, brief=brief)

    def dispute(self, entity: str, field: str) -> str:
        """A mark that leads to what other sources say, where they disagree."""
        leaf = self.provenance(entity, field)
        if leaf is None or not leaf.disputed:
            return ""
        page, _ = home_of(self.catalog, entity)
        href = relative(self.path, page, f"disputed-{entity.partition('/')[2]}.{field}")
        return f' <a class="disputed" href="{href}" title="Sources disagree">{MARKED}</a>'

    def cell(self, entity: str, field: str, value: object, *, brief: bool = True) -> Cell:
        """A table cell of a value."""
        sort = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        words = shown(value, field) if isinstance(value, bool | str) else None
        empty = None if is_stated(value) else ""
        return Cell(self.value(entity, field, value, brief=brief), sort if sort is not None else words or empty)

    def finished(self) -> str:
        """The whole page as Markdown."""
        head = "\n".join(f"{key}: {json.dumps(text, ensure_ascii=False)}" for key, text in self._head.items())
        search = f"search:\n  boost: {self._boost:g}\n" if self._boost != 1 else ""
        search += f"hide: [{', '.join(self._hide)}]\n" if self._hide else ""
        body, notes = self.notes.numbered("\n\n".join([f"# {self.title}", self._crumbs(), *self._parts]))
        foot = f"\n\n## Sources\n\n{notes}" if notes else ""
        return f"---\n{head}\n{search}---\n\n{body}{foot}\n"

    def body(self) -> str:
        """The blocks alone."""
        return "\n\n".join(self._parts)

    def _crumbs(self) -> str:
        kind, _, rest = self.path.partition("/")
        if not rest or rest == "index.md":
            return ""
        up = self.to(f"{kind}/index.md", KIND_TITLES.get(kind, kind.capitalize()))
        return f'<nav class="crumbs" aria-label="Breadcrumb">{up} <span aria-hidden="true">/</span> {escape(self.title)}</nav>'
