"""What every generated page has: a title, a way up, its parts in order, and its sources at the foot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llama4ref.facts.types.kinds import KINDS
from llama4ref.facts.types.states import is_stated
from llama4ref.website.markup.cited import Cited, cited
from llama4ref.website.markup.field_values import shown, unit_of
from llama4ref.website.markup.footnotes import Footnotes
from llama4ref.website.markup.html import Cell, bullets, escape, link
from llama4ref.website.markup.links import home_of, relative
from llama4ref.wording import dollars

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.sources import Provenance

MARKED = "≠"
"""Stands beside a value that a source disputes."""
NOT_STATED = "<i>not stated</i>"
"""Stands where the spec leaves a field out."""
KIND_TITLES = {folder: kind.title for folder, kind in KINDS.items()} | {"sources": "Sources"}
LINKED = {
    "model": "models", "license": "licenses", "accelerator": "accelerators", "engine": "engines", "checkpoint": "checkpoints",
    "format": "formats", "supersedes": "licenses", "members": "models", "teacher": "models", "derived_from": "models",
    "accelerators": "accelerators", "system": "models",
}  # fmt: skip
"""Fields whose words are ids of other entities."""
_LONG_LIST = 60
"""Characters of a list from which it is written as one."""


class Page:
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
        path, anchor = home_of(self.catalog, entity)
        return self.to(path, text, field or anchor)

    def facts(self, entity: str) -> Cited:
        """The values of an entity such as `models/scout`, each with where it comes from."""
        return cited(self.catalog, entity)

    def note(self, fact: Cited, *, brief: bool = False) -> str:
        """The number of the note with the sources of a value; `brief` names the preferred one alone."""
        return self.notes.of(fact.leaf, fact.path, brief=brief)

    def value(self, fact: Cited, *, brief: bool = False, unit: bool = False) -> str:
        """A value with the number of its note, and a mark where it is disputed.

        Ids of other entities lead to their pages; a long list is written as one, unless it is `brief`.
        """
        leaf, value = fact.leaf, fact.value
        if leaf is None:
            return escape(shown(value, fact.path)) if is_stated(value) else NOT_STATED
        tail = self.dispute(fact) + self.note(fact, brief=brief)
        if leaf.state != "known":
            return f"<i>{_without_value(fact.key, leaf)}</i>{tail}"
        kind = LINKED.get(fact.key) or ("formats" if ".coverage." in f".{fact.path}" else None)
        if kind is not None:
            words = value if isinstance(value, tuple) else (value,)
            return ", ".join(self._named(kind, str(word)) for word in words) + tail
        if isinstance(value, tuple) and not brief and sum(len(str(item)) for item in value) > _LONG_LIST:
            *others, last = (escape(shown(item, fact.path)) for item in value)
            return bullets([*others, last + tail])
        name = unit_of(fact.path) if unit and fact.is_number else ""
        return _text(fact) + (f" {escape(name)}" if name else "") + tail

    def _named(self, kind: str, id_: str) -> str:
        known = getattr(self.catalog, kind)
        if id_ not in known:
            return escape(id_)
        name = getattr(known[id_], "name", None)
        return self.entity(f"{kind}/{id_}", name if isinstance(name, str) else id_)

    def dispute(self, fact: Cited) -> str:
        """A mark that leads to what other sources say, where they disagree."""
        if fact.leaf is None or not fact.leaf.disputed:
            return ""
        home, _ = home_of(self.catalog, fact.entity)
        href = relative(self.path, home, f"disputed-{fact.id}.{fact.path}")
        return f' <a class="disputed" href="{href}" title="Sources disagree">{MARKED}</a>'

    def cell(self, fact: Cited, *, brief: bool = True, missing: str = NOT_STATED) -> Cell:
        """A table cell of a value; `missing` stands where the spec leaves it out."""
        if fact.leaf is None and (fact.is_compound or not is_stated(fact.value)):
            return Cell(missing, "")
        sort = fact.value if fact.is_number else shown(fact.value, fact.path) if is_stated(fact.value) else ""
        return Cell(self.value(fact, brief=brief), sort)  # type: ignore[arg-type]  # a number, or text

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


def _without_value(key: str, leaf: Provenance) -> str:
    """What stands in the place of a value that is unknown, or that is known to be none."""
    if key == "retired" and leaf.state == "none":
        day = leaf.citations[0].as_of
        return f"no end announced as of {day}" if day else "no end announced"
    return leaf.state


def _text(fact: Cited) -> str:
    if "price_" in fact.path and isinstance(fact.value, int | float):
        return dollars(fact.value)
    return escape(shown(fact.value, fact.path))
