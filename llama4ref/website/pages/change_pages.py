"""What each release of an engine changed, newest first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llama4ref.facts.queries.release_changes import release_changes
from llama4ref.website.markup.html import Cell, Column, Row, code, escape, table
from llama4ref.website.markup.page import Page
from llama4ref.website.pages.entity_pages import own_pages

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.queries.release_changes import Change
    from llama4ref.facts.types.engines import Engine

_LEFT_OUT = frozenset({"option", "variable", "method", "estimate"})
"""Subjects with pages of their own, which hold the release of every row."""
_COLUMNS = (
    Column(head="What"),
    Column(head="Name", cited=False),
    Column(head="Before", cited=False),
    Column(head="After"),
)


def change_pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """A page for each engine whose memory rules are recorded by release, by path."""
    for engine in catalog.engines.values():
        if engine.behaviours is not None and len(engine.releases) > 1:
            pairs = list(itertools.pairwise(engine.releases))
            half = len(pairs) // 2
            now, before = f"engines/{engine.id}/changes.md", f"engines/{engine.id}/changes-before.md"
            yield now, _changes(catalog, engine, now, pairs[half:], other=(before, "earlier releases"))
            yield before, _changes(catalog, engine, before, pairs[:half], other=(now, "later releases"))


def _changes(
    catalog: Catalog, engine: Engine, path: str, pairs: Sequence[tuple[str, str]], *, other: tuple[str, str]
) -> str:
    """The page of some neighbouring releases, newest first; `other` is the page of the rest and what to call it."""
    title = f"{engine.name}: what each release changed, {pairs[0][1]} to {pairs[-1][1]}"
    page = Page(
        catalog,
        path,
        title=title,
        description=f"Memory rules, defaults, abilities, kernels and faults of {engine.name} with Llama 4, release by release.",
        spec=f"specs/engines/{engine.id}.yaml",
        hide=("navigation",),
    )
    page.add(
        f"<p>Part of {page.entity(f'engines/{engine.id}', engine.name)}; {page.to(*other)}. Any two releases, options and estimates too: "
        f"{code(f'llama4ref facts changes {engine.id} {engine.releases[0]} {engine.releases[-1]}')}; what that does to a plan: "
        f"{code('--plan FILE')}.</p>"
    )
    for before, after in reversed(pairs):
        found = [each for each in release_changes(catalog, engine.id, before, after) if each.subject not in _LEFT_OUT]
        if found:
            page.heading(2, after, after.replace(".", "-"))
            page.add(table(f"Changes of {after}", _COLUMNS, [_row(page, each) for each in found]))
    return page.finished()


def _row(page: Page, change: Change) -> Row:
    leaf = page.facts(change.entity)[change.field].leaf
    note = page.notes.source(leaf.citations[0].source) if leaf else ""
    return Row(
        cells=(
            Cell(escape(change.subject)),
            Cell(_link(page, change)),
            Cell(escape(change.before)),
            Cell(escape(change.after) + note),
        )
    )


def _link(page: Page, change: Change) -> str:
    """The name of what changed, leading to the row where it stands: on the page of its entity, or on one of the field's own."""
    group, _, _ = change.field.rpartition(".")
    anchor = group if change.field.count(".") > 1 else change.field  # a leaf of a row has no anchor
    kind, _, id_ = change.entity.partition("/")
    field = change.field.partition(".")[0]
    if kind == "engines" and field in own_pages(page.catalog.engines[id_]):
        return page.to(f"{change.entity}/{field}.md", change.name, anchor)
    return page.entity(change.entity, change.name, anchor)
