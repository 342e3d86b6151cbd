"""How are facts laid out for a person: a leaf with its sources, an entity, several side by side?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.cli.printing import broken, heading, indented, plain_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from llama4ref.cli.source_list import SourceList
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.sources import Citation, Provenance, Source

_FIELD_WIDTH = 36


def shown(value: object) -> str:
    """A value for people: digits grouped, lists with commas.

    Examples:
        >>> shown(10_485_760), shown(("text", "image")), shown(True), shown(())
        ('10,485,760', 'text, image', 'yes', 'none')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(shown, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


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
            doubt = f" (not believed: {other.doubt})" if other.doubt else ""
            said = "unknown" if other.value is None else shown(other.value)
            table.add_row("  disputed", f"{said}{doubt}", other.as_of or "", sources.mark(other.source.id).strip())
    return table


def citations_in_full(entity: str, path: str, leaf: Provenance) -> Iterator[RenderableType]:
    """One leaf with everything that is known about where it comes from."""
    yield heading(f"{entity} {path} = {value_of(leaf)}")
    for each in leaf.citations:
        yield _citation_table(each, leaf)
    if leaf.because:
        yield indented(f"Preferred because {leaf.because}", 0)
    yield f"Written in {leaf.file}:{leaf.line}"


def _citation_table(citation: Citation, leaf: Provenance) -> Table:
    table = plain_table("what", "value", wrap=("value",), show_header=False)
    source = citation.source
    stance = ("agrees" if citation.agrees else "disagrees") if leaf.disputed else "source"
    table.add_row(stance, f"{source.publisher}: {source.title} ({source.kind})")
    says = None if citation.agrees else "unknown" if citation.value is None else shown(citation.value)
    for name, value in (
        ("says", says),
        ("place", citation.at),
        ("url", source.url),
        ("as of", citation.as_of),
        ("read on", source.retrieved),
        ("doubt", citation.doubt),
        ("note", citation.note),
    ):
        if value:
            table.add_row(f"  {name}", value)
    return table


def dispute(entity: str, path: str, leaf: Provenance) -> Iterator[RenderableType]:
    """A leaf on which sources disagree, in a few lines."""
    yield heading(f"{entity} {path} = {value_of(leaf)}")
    for each in leaf.citations:
        if not each.agrees:
            said = "unknown" if each.value is None else shown(each.value)
            doubt = f" (not believed: {each.doubt})" if each.doubt else ""
            yield indented(f"{said}, says {each.source.publisher}: {each.source.title}{doubt}")
    if leaf.because:
        yield indented(f"preferred because {leaf.because}")


def source_table(source: Source) -> Table:
    """A source with all its particulars."""
    table = plain_table("what", "value", wrap=("value",), show_header=False)
    for name in (
        "title",
        "publisher",
        "url",
        "kind",
        "primary",
        "revision",
        "published",
        "retrieved",
        "licence",
        "note",
    ):
        value = getattr(source, name)
        table.add_row(name, "unknown" if value is None else shown(value))
    return table


def comparison_table(names: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Table:
    """Entities side by side, a row for each field."""
    table = plain_table("field", *names, wrap=("field", *names), narrow=_FIELD_WIDTH)
    for field, cells in rows.items():
        table.add_row(broken(field, _FIELD_WIDTH), *cells)
    return table


def compared(entities: Sequence[str], catalog: Catalog, *, every: bool) -> dict[str, tuple[str, ...]]:
    """The values of several entities by field; only fields that differ unless every one is asked for.

    A value that sources dispute carries a star.
    """
    leaves = [catalog.provenance[entity] for entity in entities]
    rows = {path: tuple(_cell(each.get(path)) for each in leaves) for path in _paths(leaves)}
    rows |= _computed(entities, catalog)
    return {path: cells for path, cells in rows.items() if every or len(set(cells)) > 1}


def _paths(leaves: Sequence[Mapping[str, Provenance]]) -> list[str]:
    return list(dict.fromkeys(path for each in leaves for path in each))


def _cell(leaf: Provenance | None) -> str:
    if leaf is None:
        return "-"
    return f"{value_of(leaf)}{' *' if leaf.disputed else ''}"


def _computed(entities: Sequence[str], catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """What follows from the facts of models: their parameters."""
    from llama4ref.memory.parameter_count import parameters

    models = [catalog.models[entity.partition("/")[2]] for entity in entities if entity.startswith("models/")]
    if len(models) < len(entities):
        return {}
    counts = [parameters(model) if model.text is not None else None for model in models]
    return {
        "computed: parameters": tuple("unknown" if each is None else f"{each.total:,}" for each in counts),
        "computed: active parameters, text": tuple(
            "unknown" if each is None else f"{each.active_text:,}" for each in counts
        ),
    }
