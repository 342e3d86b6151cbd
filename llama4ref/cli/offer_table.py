"""Layout of offers: a table, the disputes below it, and JSON."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from llama4ref.cli.printing import broken, indented, plain_table, screen_width
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.wording import json_object, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from llama4ref.cli.source_list import SourceList
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.sources import Provenance
    from llama4ref.planning.offers.queries import FoundOffer

_FIGURES = {"context_tokens": "context", "max_output_tokens": "reply", "price_input": "in", "price_output": "out"}
_ABILITIES = {"images": "images", "tools": "tools", "json_schema": "JSON"}
_OTHER_COLUMNS = 57
"""Columns that figures and days take."""


def offer_table(offers: Iterable[FoundOffer]) -> Table:
    """A line for each offer; a star marks a figure that sources dispute, a question mark one that nobody says."""
    figures = tuple(_FIGURES.values())
    table = plain_table("provider, offer", *figures, "as of", right=figures)
    width = max(19, screen_width() - _OTHER_COLUMNS)
    for each in offers:
        offer = each.offer
        takes = ", ".join(name for field, name in _ABILITIES.items() if getattr(offer, field))
        ends = f"ends {offer.retired}" if offer.retired else None
        old = None if each.confirmed else f"{offer.status} on {offer.as_of}, not confirmed since"
        below = "\n".join(filter(None, (broken(offer.name, width - 2), offer.tier, takes, ends, old)))
        what = textwrap.fill(each.provider.name, width) + "\n" + textwrap.indent(below, "  ")
        table.add_row(what, *(_figure(each, field) for field in _FIGURES), offer.as_of)
    return table


def _figure(each: FoundOffer, field: str) -> str:
    value = getattr(each, field)
    return f"{'?' if value is None else shown(value)}{'*' if field in each.disputed else ''}"


def dispute_lines(catalog: Catalog, offers: Iterable[FoundOffer], sources: SourceList) -> Iterator[RenderableType]:
    """What sources say of every figure that carries a star."""
    for each in offers:
        disputes = [
            f"{name} {_all_values(catalog.trace(each.entity, each.field(field)), sources)}"
            for field, name in _FIGURES.items()
            if field in each.disputed
        ]
        if disputes:
            yield indented(f"* {each.provider.name}, {each.offer.name}: {'; '.join(disputes)}", 0)


def _all_values(leaf: Provenance, sources: SourceList) -> str:
    """Every value once, with the marks of the sources that say so."""
    marks: dict[str, str] = {}
    for each in leaf.citations:
        value = "not disclosed" if each.value is UNKNOWN else shown(each.value)
        text = f"{value} (not credible)" if each.doubt else value
        marks[text] = marks.get(text, "") + sources.mark(each.source.id)
    return ", ".join(f"{text}{mark}" for text, mark in marks.items())


def offer_json(each: FoundOffer) -> dict[str, object]:
    """An offer for programs: its preferred values, with those over them that may be relied on."""
    relied_on = {field: getattr(each, field) for field in (*_FIGURES, "price", "disputed", "undisclosed")}
    return {"provider": each.provider.id, "provider_name": each.provider.name, **json_object(each.offer), **relied_on}
