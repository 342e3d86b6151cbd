"""Offers of all providers: compared, drawn, and when they ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.website.markup.drafting import KIND_TITLES, Draft
from llama4ref.website.markup.html import Cell, Column, Row, code, escape, table
from llama4ref.website.pictures.plots import context_by_provider, price_against_context, timeline
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.providers import Offer, Provider

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
    every = [(provider, index) for provider in catalog.providers.values() for index in range(len(provider.offers))]
    ended = [(provider, index) for provider, index in every if is_stated(provider.offers[index].retired)]
    ended.sort(key=lambda each: (each[0].offers[each[1]].retired or "", each[0].name))
    open_ended = sum(
        not is_stated(provider.offers[index].retired) and provider.offers[index].status != "retired"
        for provider, index in every
    )
    desc = (
        f"{counted(len(ended), 'offer')} with a known last day, from the release on; {open_ended} have none. "
        "Blue is Scout, orange is Maverick."
    )
    draft.add(
        timeline([_bar(catalog, provider.name, provider.offers[index]) for provider, index in ended], draft.title, desc)
    )
    columns = (
        Column(head="Provider"),
        Column(head="Model", filter="choice"),
        Column(head="Announced"),
        Column(head="Ended, or will end"),
        Column(head="Status", filter="choice"),
        Column(head="Note"),
    )
    rows = [_ended_row(draft, provider, index) for provider, index in ended]
    draft.add(table("Offers that ended, or will", columns, rows, sortable=True))
    return draft.finished()


def _bar(catalog: Catalog, provider: str, offer: Offer) -> tuple[str, str, str, str]:
    start = min(model.released for model in catalog.models.values() if model.released)
    model = catalog.models[offer.model].name.removeprefix("Llama 4 ")
    return f"{provider}, {model}", "a" if offer.model == "scout" else "b", start, offer.retired or start


def _ended_row(draft: Draft, provider: Provider, index: int) -> Row:
    entity, at, offer = f"providers/{provider.id}", f"offers.{index}", provider.offers[index]
    return Row(
        cells=(
            Cell(draft.entity(entity, provider.name, at), provider.name),
            Cell(draft.catalog.models[offer.model].name, offer.model),
            draft.cell(entity, f"{at}.announced", offer.announced),
            draft.cell(entity, f"{at}.retired", offer.retired, brief=False),
            draft.cell(entity, f"{at}.status", offer.status),
            Cell(escape(offer.note or "")),
        )
    )


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
        if offer.context_tokens is not UNKNOWN
    ]
    draft.add(table("Context and input price of each offer that states a context", columns, rows, sortable=True))
    return draft.finished()
