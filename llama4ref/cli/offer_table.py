"""How are offers laid out: a line for each, what sources dispute of them, and for programs?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from llama4ref.cli.printing import broken, indented, plain_table, screen_width
from llama4ref.planning.hosted import CredibleOffer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from llama4ref.facts.catalog import Catalog
    from llama4ref.planning.offer_queries import FoundOffer

_FIGURES = ("context_tokens", "max_output_tokens", "price_input", "price_output")
_ABILITIES = {"images": "images", "tools": "tools", "json_schema": "JSON"}
_OTHER_COLUMNS = 58
"""Columns that all but the names take."""


def offer_table(offers: Iterable[FoundOffer]) -> Table:
    """A line for each offer; a star marks a figure that sources dispute, a question mark one that nobody says."""
    table = plain_table("provider", "offer", "context", "reply", "in", "out", "takes", "as of",
                        right=("context", "reply", "in", "out"), wrap=("provider", "takes"), narrow=16)  # fmt: skip
    width = max(12, screen_width() - _OTHER_COLUMNS - 16)
    for each in offers:
        offer = each.offer
        name = "\n".join(
            [
                broken(offer.name, width),
                *([offer.tier] if offer.tier else []),
                *([f"ends {offer.retired}"] if offer.retired else []),
            ]
        )
        takes = ", ".join(word for field, word in _ABILITIES.items() if getattr(offer, field))
        table.add_row(each.provider.name, name, *(_figure(each, field) for field in _FIGURES), takes, offer.as_of)
    return table


def _figure(each: FoundOffer, field: str) -> str:
    value = getattr(each, field)
    shown = "?" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:g}"
    return f"{shown} *" if field in each.disputed else shown


def dispute_lines(catalog: Catalog, offers: Iterable[FoundOffer]) -> Iterator[RenderableType]:
    """What sources say of every figure that carries a star."""
    for each in offers:
        leaves = {field: catalog.trace(each.entity, each.field(field)) for field in each.disputed}
        for reason in CredibleOffer(each.provider, each.offer, leaves).disputes(_FIGURES):
            words = reason.because.removeprefix("sources disagree: ")
            yield indented(f"* {each.provider.name}, {each.offer.name}, {reason.about}: {words}", 0)


def offer_json(each: FoundOffer) -> dict[str, object]:
    """An offer for programs: its preferred values, with those over them that may be relied on."""
    relied_on = {field: getattr(each, field) for field in (*_FIGURES, "price", "disputed", "undisclosed")}
    return {"provider": each.provider.id, "provider_name": each.provider.name, **asdict(each.offer), **relied_on}
