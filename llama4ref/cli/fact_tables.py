"""Layout of facts: one with its sources, an entity, several entities side by side."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from llama4ref.cli.printing import address, broken, heading, indented, pair_table, plain_table, screen_width
from llama4ref.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from llama4ref.cli.source_list import SourceList
    from llama4ref.facts.arithmetic.quantities import Number
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.queries.comparing import ComparedField, LeafOf
    from llama4ref.facts.types.sources import Citation, Provenance, Source

_FIELD_WIDTH = 36
_PARTICULAR_WIDTH = 9
"""Columns of the names of a citation's and a source's particulars."""
_TELLING_QUANTITIES = ("parameters.total", "parameters.active_text")


def value_of(leaf: Provenance) -> str:
    """The preferred value of a leaf, or its state where it has none."""
    return shown(leaf.citations[0].value) if leaf.state == "known" else leaf.state


def entity_table(leaves: Mapping[str, Provenance], sources: SourceList) -> Table:
    """Every leaf with its value and its sources; what others say stands below it."""
    table = plain_table("field", "value", "as of", "sources", wrap=("field", "value", "sources"), narrow=_FIELD_WIDTH)
    for path, leaf in leaves.items():
        agreeing = [each for each in leaf.citations if each.agrees]
        marks = "".join(sources.mark(each.source.id) for each in agreeing).strip()
        table.add_row(broken(path, _FIELD_WIDTH), value_of(leaf), leaf.citations[0].as_of or "", marks)
        for other in (each for each in leaf.citations if not each.agrees):
            table.add_row("  disputed", _stated(other), other.as_of or "", sources.mark(other.source.id).strip())
    return table


def _stated(citation: Citation) -> str:
    """What a source says that disagrees, and why it is not believed."""
    value = shown(citation.value)
    return f"{value} (not believed: {citation.doubt})" if citation.doubt else value


def citations_in_full(entity: str, path: str, leaf: Provenance) -> Iterator[RenderableType]:
    """One leaf with everything that is known about where it comes from."""
    yield heading(f"{entity} {path} = {value_of(leaf)}")
    for each in leaf.citations:
        yield from _citation_lines(each, leaf)
    if leaf.because:
        yield indented(f"Preferred because {leaf.because}", 0)
    yield f"Written in {leaf.file}:{leaf.line}"


def _citation_lines(citation: Citation, leaf: Provenance) -> Iterator[RenderableType]:
    source = citation.source
    stance = ("agrees" if citation.agrees else "disagrees") if leaf.disputed else "source"
    yield _particular(stance, f"{source.publisher}: {source.title} ({source.kind})")
    particulars = {
        "says": None if citation.agrees else shown(citation.value),
        "place": citation.at,
        "url": source.url or None,
        "as of": citation.as_of,
        "read on": source.retrieved,
        "doubt": citation.doubt,
        "note": citation.note,
    }
    yield from (_particular(f"  {name}", value) for name, value in particulars.items() if value)


def _particular(name: str, value: str) -> RenderableType:
    """A name and what is said under it; addresses in one piece where they can be."""
    if name.strip() == "url":
        return address(value, name=f"{name:<{_PARTICULAR_WIDTH}} ")
    return pair_table([(f"{name:<{_PARTICULAR_WIDTH}}", value)])


def dispute(each: LeafOf) -> Iterator[RenderableType]:
    """A leaf on which sources disagree, in a few lines."""
    yield heading(f"{each.entity} {each.field} = {value_of(each.leaf)}")
    for other in each.others:
        yield indented(f"{other.source.publisher}: {other.source.title} says {_stated(other)}")
    if each.leaf.because:
        yield indented(f"preferred because {each.leaf.because}")


def source_lines_in_full(source: Source) -> Iterator[RenderableType]:
    """A source with all its particulars."""
    for field in fields(source):
        if field.name != "id":
            yield _particular(field.name, shown(getattr(source, field.name)))


def comparison_table(
    names: Sequence[str], rows: Iterable[ComparedField], computed: Mapping[str, Sequence[Number | None]]
) -> Table:
    """Entities side by side, a row for each field; a star marks what sources dispute."""
    width = min(_FIELD_WIDTH, screen_width() // (len(names) + 1) - 1)
    table = plain_table("field", *names, wrap=("field", *names), narrow=width)
    for row in rows:
        table.add_row(*(broken(cell, width) for cell in (row.field, *map(_cell, row.leaves))))
    for name, values in computed.items():
        cells = ("unknown" if value is None else shown(value) for value in values)
        table.add_row(broken(f"computed: {name}", width), *cells)
    return table


def _cell(leaf: Provenance | None) -> str:
    if leaf is None:
        return "-"
    return f"{value_of(leaf)}{' *' if leaf.disputed else ''}"


def computed_side_by_side(
    catalog: Catalog, entities: Sequence[str], *, every: bool
) -> dict[str, tuple[Number | None, ...]]:
    """What follows from the facts of models, by quantity; without `every` their parameters alone."""
    if not all(entity.startswith("models/") for entity in entities):
        return {}
    from llama4ref.facts.arithmetic.quantities import quantities

    found = [quantities(catalog.model(entity.partition("/")[2])) for entity in entities]
    names = dict.fromkeys(name for each in found for name in each) if every else _TELLING_QUANTITIES
    return {name: tuple(each.get(name) for each in found) for name in names}
