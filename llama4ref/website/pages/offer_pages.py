"""Offers of all providers: compared, drawn, and when they ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.queries.timeline import timeline as dated_events
from llama4ref.facts.types.states import is_stated
from llama4ref.website.markup.html import Cell, Column, Row, code, escape, table
from llama4ref.website.markup.page import KIND_TITLES, NOT_STATED, Page
from llama4ref.website.pictures.plots import context_by_provider, price_against_context, timeline
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.providers import Provider
    from llama4ref.website.markup.cited import Cited

_STATES = {
    "status": Column(head="Status", filter="choice"),
    "as_of": Column(head="As of"),
    "context_tokens": Column(head="Context", unit="tokens", numeric=True, filter="least"),
    "max_output_tokens": Column(head="Max output", unit="tokens", numeric=True),
    "images": Column(head="Images", filter="choice"),
    "tools": Column(head="Tools", filter="choice"),
    "precision": Column(head="Precision"),
    "price_input": Column(head="Input", unit="US$ per million tokens", numeric=True, filter="most"),
    "price_output": Column(head="Output", unit="US$ per million tokens", numeric=True),
    "retired": Column(head="Ended"),
}
"""What the table of all offers says of each, by field."""


def offer_pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The pages, by path."""
    yield "providers/index.md", _providers(catalog)
    yield "providers/pictures.md", _pictures(catalog)
    yield "timeline.md", _timeline(catalog)


def _providers(catalog: Catalog) -> str:
    page = Page(
        catalog,
        "providers/index.md",
        title=KIND_TITLES["providers"],
        description="Who serves Scout and Maverick, with which context, at what price, as of when.",
        spec="specs/providers",
        boost=1.5,
        hide=("toc",),
    )
    page.add(
        f"Values are the preferred ones as of the day named; {code('≠')} leads to what other sources say. "
        "Choose above the table: a model, a status, the least context, the most dollars."
    )
    rows = [_offer_row(page, provider, offer) for provider, offer in offers_of(page)]
    columns = (Column(head="Provider"), Column(head="Model", filter="choice"), *_STATES.values())
    page.add(table("Offers of all providers", columns, rows, sortable=True))
    page.add(
        f"<p>{page.to('providers/pictures.md', 'The same drawn: context against native, price against context')}.</p>"
    )
    return page.finished()


def offers_of(page: Page) -> Iterator[tuple[Provider, Cited]]:
    """Every offer with its provider."""
    for provider in page.catalog.providers.values():
        yield from ((provider, offer) for offer in page.facts(f"providers/{provider.id}")["offers"])


def _offer_row(page: Page, provider: Provider, offer: Cited) -> Row:
    tier = f" <small>{escape(str(offer['tier'].value))}</small>" if offer["tier"].value else ""
    return Row(
        cells=(
            Cell(page.entity(offer.entity, provider.name, offer.path) + tier, provider.name),
            _model_cell(page, offer["model"]),
            *(page.cell(offer[field], missing="" if field == "retired" else NOT_STATED) for field in _STATES),
        )
    )


def _model_cell(page: Page, fact: Cited) -> Cell:
    """The model of an offer, without the name of the family."""
    id_ = str(fact.value)
    return Cell(escape(page.catalog.models[id_].name.removeprefix("Llama 4 ")) + page.note(fact, brief=True), id_)


def _timeline(catalog: Catalog) -> str:
    page = Page(
        catalog,
        "timeline.md",
        title="Timeline of retirements",
        description="When offers of Llama 4 ended, or will end.",
        boost=1.5,
        hide=("toc",),
    )
    ended = [each for each in dated_events(catalog) if each.kind == "offer ended"]
    offers = [page.facts(each.entity)[each.field.rpartition(".")[0]] for each in ended]
    open_ended = sum(
        not is_stated(offer["retired"].value) and offer["status"].value != "retired" for _, offer in offers_of(page)
    )
    desc = (
        f"{counted(len(ended), 'offer')} with a known last day, from the release on; {open_ended} have none. "
        "Blue is Scout, orange is Maverick."
    )
    page.add(timeline([_bar(catalog, offer) for offer in offers], page.title, desc))
    columns = (
        Column(head="Provider"),
        Column(head="Model", filter="choice"),
        Column(head="Announced"),
        Column(head="Ended, or will end"),
        Column(head="Status", filter="choice"),
        Column(head="Note", cited=False),
    )
    page.add(table("Offers that ended, or will", columns, [_ended_row(page, offer) for offer in offers], sortable=True))
    return page.finished()


def _bar(catalog: Catalog, offer: Cited) -> tuple[str, str, str, str]:
    """Words, colour, first and last day."""
    model, last = catalog.models[str(offer["model"].value)], str(offer["retired"].value)
    start = min(each.released for each in catalog.models.values() if is_stated(each.released))
    provider = catalog.providers[offer.id].name
    return f"{provider}, {model.name.removeprefix('Llama 4 ')}", "a" if model.id == "scout" else "b", start, last


def _ended_row(page: Page, offer: Cited) -> Row:
    provider = page.catalog.providers[offer.id].name
    return Row(
        cells=(
            Cell(page.entity(offer.entity, provider, offer.path), provider),
            _model_cell(page, offer["model"]),
            page.cell(offer["announced"]),
            page.cell(offer["retired"], brief=False),
            page.cell(offer["status"]),
            Cell(escape(str(offer["note"].value or ""))),
        )
    )


def _pictures(catalog: Catalog) -> str:
    page = Page(
        catalog,
        "providers/pictures.md",
        title="Context and prices, drawn",
        description="Context by provider against native, and price against context.",
    )
    page.add(f"The numbers are in the table below, and in {page.to('providers/index.md', 'the table of all offers')}.")
    page.heading(2, "Context by provider, against native", "context")
    page.add(context_by_provider(catalog))
    page.heading(2, "Price against context", "price")
    page.add(price_against_context(catalog))
    columns = {name: _STATES[name] for name in ("context_tokens", "price_input")}
    rows = [
        Row(
            cells=(
                Cell(page.entity(offer.entity, provider.name, offer.path), provider.name),
                _model_cell(page, offer["model"]),
                *(page.cell(offer[name]) for name in columns),
            )
        )
        for provider, offer in offers_of(page)
        if is_stated(offer["context_tokens"].value)
    ]
    heads = (Column(head="Provider"), Column(head="Model", filter="choice"), *columns.values())
    page.add(table("Context and input price of each offer that states a context", heads, rows, sortable=True))
    return page.finished()
