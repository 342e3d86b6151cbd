"""Offers of all providers: compared, drawn, and when they ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from llama4ref.facts.queries.timeline import timeline as dated_events
from llama4ref.facts.types.states import is_stated
from llama4ref.website.markup.html import Cell, Column, Row, bullets, code, escape, table
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
    "retired": Column(head="Ends"),
}
"""What the table of offers says of each, by field."""
_ONLY_SOME = frozenset({"announced", "retired", "successor"})
"""Fields that most offers have no need of."""
_ENDED = {
    **{field: column for field, column in _STATES.items() if field not in {"status", "retired"}},
    "announced": Column(head="End announced"),
    "retired": Column(head="Ended"),
    "successor": Column(head="In its place"),
}
"""What the table of offers that ended says of each, by field."""


def offer_pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The pages, by path."""
    yield "providers/index.md", _providers(catalog)
    yield "providers/ended.md", _ended(catalog)
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
    page.add(_offer_table(page, "Offers of all providers", _STATES, ended=False))
    gone = counted(sum(offer["status"].value == "retired" for _, offer in offers_of(page)), "offer")
    page.add(
        bullets(
            [
                page.to("providers/ended.md", f"{gone} that ended, as last read"),
                page.to(
                    "timeline.md", "Ends drawn on a line of time, and the notice that providers promise before one"
                ),
                page.to("providers/pictures.md", "The same drawn: context against native, price against context"),
            ]
        )
    )
    return page.finished()


def _ended(catalog: Catalog) -> str:
    page = Page(
        catalog,
        "providers/ended.md",
        title="Offers that ended",
        description="Offers of Llama 4 that are no longer there: their limits and prices as last read, their end, what came in their place.",
        spec="specs/providers",
        hide=("toc",),
    )
    page.add(
        f"Values are those of the last day on which a source read them; {code('≠')} leads to what other sources say."
    )
    page.add(_offer_table(page, page.title, _ENDED, ended=True))
    page.add(f"<p>{page.to('providers/index.md', 'Offers of all providers that did not end')}.</p>")
    return page.finished()


def _offer_table(page: Page, caption: str, columns: Mapping[str, Column], *, ended: bool) -> str:
    offers = [each for each in offers_of(page) if (each[1]["status"].value == "retired") == ended]
    heads = (Column(head="Provider"), Column(head="Model", filter="choice"), *columns.values())
    return table(caption, heads, [_offer_row(page, *each, columns) for each in offers], sortable=True)


def offers_of(page: Page) -> Iterator[tuple[Provider, Cited]]:
    """Every offer with its provider."""
    for provider in page.catalog.providers.values():
        yield from ((provider, offer) for offer in page.facts(f"providers/{provider.id}")["offers"])


def _offer_row(page: Page, provider: Provider, offer: Cited, columns: Iterable[str]) -> Row:
    tier = f" <small>{escape(str(offer['tier'].value))}</small>" if offer["tier"].value else ""
    return Row(
        cells=(
            Cell(page.entity(offer.entity, provider.name, offer.path) + tier, provider.name),
            _model_cell(page, offer["model"]),
            *(page.cell(offer[field], missing="" if field in _ONLY_SOME else NOT_STATED) for field in columns),
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
        Column(head="In its place"),
        Column(head="Note", cited=False),
    )
    page.add(table("Offers that ended, or will", columns, [_ended_row(page, offer) for offer in offers], sortable=True))
    page.heading(2, "Notice before an end", "notice")
    page.add(
        "What providers promise of the time between the announcement of an end and the end, and of who may go on until then."
    )
    page.add(table("Notice before an end", (Column(head="Provider"), Column(head="Promise")), _notices(page)))
    return page.finished()


def _notices(page: Page) -> list[Row]:
    """The promise of each provider that is known to make one."""
    promises = [page.facts(f"providers/{id_}")["lifecycle"] for id_ in page.catalog.providers]
    return [
        Row(
            cells=(
                Cell(page.entity(each.entity, page.catalog.providers[each.id].name, each.path)),
                page.cell(each, brief=False),
            )
        )
        for each in promises
        if is_stated(each.value)
    ]


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
            page.cell(offer["successor"], missing=""),
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
