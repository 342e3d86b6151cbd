"""All facts with their sources, for other programs."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from llama4ref.cli.printing import jsonable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.sources import Citation, Provenance

COLUMNS = (
    "entity", "field", "state", "value", "agrees", "source", "publisher", "title", "url", "at", "as_of", "doubt", "note",
)  # fmt: skip


def citation_json(citation: Citation) -> dict[str, object]:
    """One source's word on a leaf."""
    return {
        "source": citation.source.id,
        "title": citation.source.title,
        "publisher": citation.source.publisher,
        "url": citation.source.url,
        "at": citation.at,
        "value": citation.value,
        "agrees": citation.agrees,
        "as_of": citation.as_of,
        "doubt": citation.doubt,
        "note": citation.note,
    }


def leaf_json(leaf: Provenance) -> dict[str, object]:
    """A leaf with where it comes from."""
    return {
        "value": leaf.citations[0].value,
        "state": leaf.state,
        "disputed": leaf.disputed,
        "because": leaf.because,
        "citations": [citation_json(each) for each in leaf.citations],
        "file": leaf.file,
        "line": leaf.line,
    }


def leaves_json(leaves: Mapping[str, Provenance]) -> dict[str, object]:
    """Leaves by field."""
    return {path: leaf_json(leaf) for path, leaf in leaves.items()}


def export_json(catalog: Catalog, entities: Iterable[str]) -> dict[str, object]:
    """Entities with every leaf, and the sources."""
    facts = {entity: leaves_json(catalog.provenance[entity]) for entity in entities}
    return {"facts": facts, "sources": catalog.sources}


def export_csv(catalog: Catalog, entities: Iterable[str]) -> str:
    """A row for each source's word on each leaf; a list as JSON, true and false in lower case."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entity in entities:
        for path, leaf in catalog.provenance[entity].items():
            writer.writerows(_rows(entity, path, leaf))
    return stream.getvalue()


def _rows(entity: str, path: str, leaf: Provenance) -> Iterator[tuple[str, ...]]:
    for each in leaf.citations:
        source = each.source
        yield (
            entity,
            path,
            leaf.state,
            _text(each.value),
            "true" if each.agrees else "false",
            source.id,
            source.publisher,
            source.title,
            source.url or "",
            each.at,
            each.as_of or "",
            each.doubt or "",
            each.note or "",
        )


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(jsonable(value), ensure_ascii=False)
