"""Offers of all providers: compared, drawn, and when they ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.website.drafting import KIND_TITLES, Draft
from llama4ref.website.markup import Cell, Column, Row, code, escape, table
from llama4ref.website.plots import context_by_provider, offers_of, price_against_context, timeline
from llama4ref.website.wording import plural

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog

_OFFER_FIELDS = ("context_tokens", "max_output_tokens", "images", "tools", "precision", "price_input", "price_output")
_OFFER_COLUMNS = (
    Column(head="Provider"),
    Column(head="Model", filter="choice"),
    Column(head="Status", filter="choice"),
    Column(head="As of"),
    Column(head="Context", unit="tokens", numeric=True, filter="least"),
    Column(head="Max output", unit="tokens", numeric=True),
    Column(head="Images", filter="choice"),
    Column(head="Tools", filter="choice"),
    Column(head="Precision"),
    Column(head="Input", unit="US$ per million tokens", numeric=True, filter="most"),
    Column(head="Output", unit="US$ per million tokens", numeric=True),
    Column(head="Ended"),
)


def offer_pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The pages, by path."""
    yield "providers/index.md", _providers(catalog)
    yield "providers/pictures.md", _pictures(catalog)
    yield "timeline.md", _timeline(catalog)


def _providers(catalog: Catalog) -> str:
    draft = Draft(
        catalog,
        "providers/index.md",
        title=KIND_TITLES["providers"],
        description="Who serves Scout and Maverick, with which context, at what price, as of when.",
        spec="specs/providers",
        boost=1.5,
        hide=("toc",),
    )
    draft.add(
        f"Values are the preferred ones as of the day named; {code('≠')} leads to what other sources say. "
        "Choose above the table: a model, a status, the least context, the most dollars."
    )
    rows = []
    for provider in catalog.providers.values():
        entity = f"providers/{provider.id}"
        for index, offer in enumerate(provider.offers):
            at = f"offers.{index}"
            tier = f" <small>{escape(offer.tier)}</small>" if offer.tier else ""
            rows.append(
                Row(
                    cells=(
                        Cell(draft.entity(entity, provider.name, at) + tier, provider.name),
                        Cell(escape(catalog.models[offer.model].name.removeprefix("Llama 4 ")), offer.model),
                        draft.cell(entity, f"{at}.status", offer.status),
                        Cell(offer.as_of, offer.as_of),
                        *(draft.cell(entity, f"{at}.{field}", getattr(offer, field)) for field in _OFFER_FIELDS),
                        draft.cell(entity, f"{at}.retired", offer.retired) if offer.retired else Cell("", ""),
                    )
                )
            )
    draft.add(table("Offers of all providers", _OFFER_COLUMNS, rows, sortable=True))
    draft.add(
        f"<p>{draft.to('providers/pictures.md', 'The same drawn: context against native, price against context')}.</p>"
    )
    return draft.finished()


def _timeline(catalog: Catalog) -> str:
    draft = Draft(
        catalog,
        "timeline.md",
        title="Timeline of retirements",
        description="When offers of Llama 4 ended, or will end.",
        boost=1.5,
        hide=("toc",),
    )
    ended = sorted(
        (
            (provider, index, offer)
            for provider in catalog.providers.values()
            for index, offer in enumerate(provider.offers)
            if offer.retired
        ),
        key=lambda each: (each[2].retired or "", each[0].name),
    )
    start = min(model.released for model in catalog.models.values() if model.released)
    bars = [
        (
            f"{provider.name}, {catalog.models[offer.model].name.removeprefix('Llama 4 ')}",
            "a" if offer.model == "scout" else "b",
            start,
            offer.retired or start,
        )
        for provider, _, offer in ended
    ]
    alive = sum(offer.retired is None and offer.status != "retired" for _, offer in offers_of(catalog))
    desc = f"{plural(len(ended), 'offer')} with a known last day, from the release on; {alive} have none. Blue is Scout, orange is Maverick."
    draft.add(timeline(bars, "Retirements of hosted offers", desc))
    columns = (
        Column(head="Provider"),
        Column(head="Model", filter="choice"),
        Column(head="Announced"),
        Column(head="Ended, or will end"),
        Column(head="Status", filter="choice"),
        Column(head="Note"),
    )
    rows = []
    for provider, index, offer in ended:
        entity, at = f"providers/{provider.id}", f"offers.{index}"
        rows.append(
            Row(
                cells=(
                    Cell(draft.entity(entity, provider.name, at), provider.name),
                    Cell(catalog.models[offer.model].name, offer.model),
                    draft.cell(entity, f"{at}.announced", offer.announced),
                    draft.cell(entity, f"{at}.retired", offer.retired, brief=False),
                    draft.cell(entity, f"{at}.status", offer.status),
                    Cell(escape(offer.note or "")),
                )
            )
        )
    draft.add(table("Offers that ended, or will", columns, rows, sortable=True))
    return draft.finished()


def _pictures(catalog: Catalog) -> str:
    draft = Draft(
        catalog,
        "providers/pictures.md",
        title="Context and prices, drawn",
        description="Context by provider against native, and price against context.",
    )
    draft.add(
        f"The numbers are in the table below, and in {draft.to('providers/index.md', 'the table of all offers')}."
    )
    draft.heading(2, "Context by provider, against native", "context")
    draft.add(context_by_provider(catalog))
    draft.heading(2, "Price against context", "price")
    draft.add(price_against_context(catalog))
    columns = (
        Column(head="Provider"),
        Column(head="Model", filter="choice"),
        Column(head="Context", unit="tokens", numeric=True, filter="least"),
        Column(head="Input", unit="US$ per million tokens", numeric=True, filter="most"),
    )
    rows = [
        Row(
            cells=(
                Cell(draft.entity(f"providers/{provider.id}", provider.name, f"offers.{index}"), provider.name),
                Cell(catalog.models[offer.model].name, offer.model),
                draft.cell(f"providers/{provider.id}", f"offers.{index}.context_tokens", offer.context_tokens),
                draft.cell(f"providers/{provider.id}", f"offers.{index}.price_input", offer.price_input),
            )
        )
        for provider in catalog.providers.values()
        for index, offer in enumerate(provider.offers)
        if offer.context_tokens is not None
    ]
    draft.add(table("Context and input price of each offer that states a context", columns, rows, sortable=True))
    return draft.finished()
