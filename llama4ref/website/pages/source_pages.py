"""The page of each source: what it is, and which facts rest on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from llama4ref.website.markup.footnotes import original
from llama4ref.website.markup.html import Cell, Column, Row, bullets, code, escape, table
from llama4ref.website.markup.page import Page
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.sources import Source

Uses = Mapping[str, Mapping[str, list[str]]]
_SHOWN_FIELDS = 12


def source_pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Every source's page, and the list of all."""
    uses = uses_of(catalog)
    for source in catalog.sources.values():
        yield f"sources/{source.id}.md", _page(catalog, source, uses.get(source.id, {}))
    yield "sources/index.md", _index(catalog, uses)


def uses_of(catalog: Catalog) -> Uses:
    """The fields that cite each source: by source, then by entity."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entity, leaves in catalog.provenance.items():
        for path, leaf in leaves.items():
            for id_ in dict.fromkeys(each.source.id for each in leaf.citations):
                found[id_][entity].append(path)
    return found


def _page(catalog: Catalog, source: Source, used: Mapping[str, list[str]]) -> str:
    page = Page(
        catalog,
        f"sources/{source.id}.md",
        title=source.title,
        description=f"{source.title}, {source.publisher}: which facts rest on it.",
        spec="specs/sources.yaml",
        boost=0.5,
        hide=("navigation",),
    )
    about = {
        "Publisher": escape(source.publisher),
        "Address": original(source.url),
        "Kind": escape(source.kind + (", about its own subject" if source.primary else ", about others' subjects")),
        "Revision": escape(str(source.revision)),
        "Published": escape(str(source.published)),
        "Read": escape(source.retrieved),
        "Licence of the document": escape(str(source.licence)),
        "Cited as": code(source.id),
        "To know": escape(source.note or ""),
    }
    rows = [Row(cells=(Cell(head), Cell(words))) for head, words in about.items() if words]
    page.add(table("About the source", (Column(head="What"), Column(head="Value", cited=False)), rows))
    count = sum(len(fields) for fields in used.values())
    page.heading(2, f"{counted(count, 'fact')} cite it", "facts")
    items = bullets(_used(page, entity, fields) for entity, fields in used.items())
    page.add(f"<div data-search-exclude>{items}</div>" if used else "No fact cites it yet.")
    return page.finished()


def _used(page: Page, entity: str, fields: list[str]) -> str:
    words = ", ".join(code(field) for field in fields[:_SHOWN_FIELDS])
    more = f" and {len(fields) - _SHOWN_FIELDS} more" if len(fields) > _SHOWN_FIELDS else ""
    return f"{page.entity(entity, entity)}: {words}{more}"


def _index(catalog: Catalog, uses: Uses) -> str:
    page = Page(
        catalog,
        "sources/index.md",
        title="Sources",
        description="Every document that a fact is cited from.",
        spec="specs/sources.yaml",
        hide=("toc",),
    )
    columns = (
        Column(head="Source"),
        Column(head="Publisher", cited=False),
        Column(head="Kind", filter="choice", cited=False),
        Column(head="Published", cited=False),
        Column(head="Read", cited=False),
        Column(head="Facts", numeric=True, filter="least", cited=False),
    )
    rows = []
    for source in catalog.sources.values():
        count = sum(len(fields) for fields in uses.get(source.id, {}).values())
        rows.append(
            Row(
                cells=(
                    Cell(page.to(f"sources/{source.id}.md", source.title), source.title),
                    Cell(escape(source.publisher)),
                    Cell(source.kind, source.kind),
                    Cell(source.published or "<i>unknown</i>", source.published or ""),
                    Cell(source.retrieved, source.retrieved),
                    Cell(f"{count:,}", count),
                )
            )
        )
    page.add(
        "A developer's word counts for its own model, a provider's for its own offer; aggregators copy, and are marked so."
    )
    page.add(table("Sources", columns, rows, sortable=True))
    return page.finished()
