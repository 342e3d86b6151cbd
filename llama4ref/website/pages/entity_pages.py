"""The page of one model, checkpoint, provider, accelerator, engine, format, licence, safeguard or family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from llama4ref.errors import UnknownFactError
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.field_words import meanings
from llama4ref.website.markup.field_values import label
from llama4ref.website.markup.html import admonition, bullets, code, escape
from llama4ref.website.markup.page import KIND_TITLES, Page
from llama4ref.website.tables.claim_tables import add_claims
from llama4ref.website.tables.computed_tables import add_checkpoint_bytes, add_model_figures, add_quantities
from llama4ref.website.tables.leaf_tables import add_disagreements, compound, leaf_sections
from llama4ref.website.tables.licence_tables import add_uses
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.licenses import License
    from llama4ref.facts.types.models import Model
    from llama4ref.facts.types.providers import Provider

Pages = Iterator[tuple[str, str]]
_LONG_FIELDS = (
    "flags",
    "methods",
    "hardware_defaults",
    "environment",
    "claims_of_capacity",
    "flag_sets",
)
_SHORT = 8
"""Rows that stay on the page of an engine."""


def entity_pages(catalog: Catalog) -> Pages:
    """Every page of one entity, by path."""
    for kind, make in _MAKERS.items():
        for id_ in getattr(catalog, kind):
            yield f"{kind}/{id_}.md", make(catalog, id_)
    for engine in catalog.engines.values():
        for field in own_pages(engine):
            yield f"engines/{engine.id}/{field}.md", _engine_part(catalog, engine, field)


def _page(catalog: Catalog, entity: str, title: str, description: str, *, boost: float = 1.0) -> Page:
    return Page(
        catalog,
        f"{entity}.md",
        title=title,
        description=description,
        spec=f"specs/{entity}.yaml",
        boost=boost,
        hide=("navigation",),
    )


def _model(catalog: Catalog, id_: str) -> str:
    model: Model = catalog.models[id_]
    entity = f"models/{id_}"
    page = _page(catalog, entity, model.name, f"Every public fact about {model.name}, with its source.", boost=2)
    if model.text is UNKNOWN:
        page.add(
            admonition(
                "note",
                "Previewed, not released",
                "<p>No weights and no configuration were published: what is not known is shown as unknown.</p>",
            )
        )
    else:
        add_model_figures(page, model)
    _offers_and_checkpoints(page, model)
    leaf_sections(page, entity, skip=("claims",))
    if model.text is not UNKNOWN:
        add_quantities(page, model)
    add_claims(page, entity)
    add_disagreements(page, entity)
    return page.finished()


def _offers_and_checkpoints(page: Page, model: Model) -> None:
    catalog = page.catalog
    offers = [
        provider for provider in catalog.providers.values() if any(offer.model == model.id for offer in provider.offers)
    ]
    checkpoints = [each for each in catalog.checkpoints.values() if each.model == model.id]
    links = []
    if checkpoints:
        links.append(page.to("checkpoints/index.md", counted(len(checkpoints), "checkpoint")))
    if offers:
        links.append(page.to("providers/index.md", counted(len(offers), "provider")))
    if links:
        page.add(f'<p class="also">Also here: {" · ".join(links)} of {escape(model.name)}</p>')


def _checkpoint(catalog: Catalog, id_: str) -> str:
    checkpoint: Checkpoint = catalog.checkpoints[id_]
    entity = f"checkpoints/{id_}"
    title = checkpoint_title(checkpoint)
    page = _page(catalog, entity, title, f"What {title} stores in which number format, and what loads it.")
    try:
        add_checkpoint_bytes(page, checkpoint)
    except UnknownFactError as error:
        page.add(admonition("note", "Bytes are unknown", f"<p>{escape(str(error))}.</p>"))
    leaf_sections(page, entity, skip=("claims",))
    add_claims(page, entity)
    add_disagreements(page, entity)
    return page.finished()


def checkpoint_title(checkpoint: Checkpoint) -> str:
    """The repository of a published checkpoint; a recipe has its id."""
    return checkpoint.id if checkpoint.kind == "recipe" or not checkpoint.repository else checkpoint.repository


def _provider(catalog: Catalog, id_: str) -> str:
    provider: Provider = catalog.providers[id_]
    entity = f"providers/{id_}"
    description = (
        f"{provider.name}: context, output limit, price and status of each Llama 4 offer, with dates and sources."
    )
    page = _page(catalog, entity, provider.name, description, boost=1.5)
    page.heading(2, f"{provider.name}: context, limits and prices", "offers")
    for index, offer in enumerate(provider.offers):
        tier = f", {offer.tier}" if offer.tier else ""
        title = f"{catalog.models[offer.model].name} at {provider.name}{tier}"
        page.heading(3, title, f"offers.{index}")
        compound(page, page.facts(entity)[f"offers.{index}"], 3, caption=title)
    leaf_sections(page, entity, skip=("offers",))
    add_disagreements(page, entity)
    return page.finished()


def _accelerator(catalog: Catalog, id_: str) -> str:
    accelerator: Accelerator = catalog.accelerators[id_]
    page = _page(
        catalog,
        f"accelerators/{id_}",
        accelerator.name,
        f"Memory, bandwidth, dense peaks and links of the {accelerator.name}.",
    )
    page.add(
        admonition(
            "example",
            "Plan on it",
            f"<p>{code(f'llama4ref plan --model scout --gpu {id_} --count {accelerator.per_node or 1}')}</p>",
        )
    )
    leaf_sections(page, f"accelerators/{id_}")
    add_disagreements(page, f"accelerators/{id_}")
    return page.finished()


def own_pages(engine: Engine) -> tuple[str, ...]:
    """Fields of an engine that are too long for its page."""
    return tuple(name for name in _LONG_FIELDS if len(getattr(engine, name)) > _SHORT)


def _engine(catalog: Catalog, id_: str) -> str:
    engine: Engine = catalog.engines[id_]
    page = _page(
        catalog, f"engines/{id_}", engine.name, f"What {engine.name} does with Llama 4, release by release.", boost=1.2
    )
    long = own_pages(engine)
    if long:
        links = [f"{page.to(f'engines/{id_}/{name}.md', label(name))} ({len(getattr(engine, name))})" for name in long]
        page.add(f"<p>On pages of their own: {' · '.join(links)}</p>")
    page.add(_elsewhere(page, engine))
    leaf_sections(page, f"engines/{id_}", skip=long)
    add_disagreements(page, f"engines/{id_}")
    return page.finished()


def _elsewhere(page: Page, engine: Engine) -> str:
    """Links to what is recorded of an engine under other kinds."""
    links = [
        page.entity(f"{kind}/{engine.id}", KIND_TITLES[kind])
        for kind in ("abilities", "faults", "kernels", "estimates")
        if engine.id in getattr(page.catalog, kind)
    ]
    if engine.behaviours is not None:
        links.insert(0, page.to(f"engines/{engine.id}/changes.md", "What each release changed"))
    return f"<p>{' · '.join(links)}</p>" if links else ""


def _engine_part(catalog: Catalog, engine: Engine, field: str) -> str:
    title = f"{engine.name}: {label(field).lower()}"
    page = Page(
        catalog,
        f"engines/{engine.id}/{field}.md",
        title=title,
        description=f"{title}, release by release.",
        hide=("navigation",),
        spec=f"specs/engines/{engine.id}.yaml",
    )
    page.add(
        f"<p>Part of {page.entity(f'engines/{engine.id}', engine.name)}. {escape(meanings(type(engine)).get(field, ''))}</p>"
    )
    compound(page, page.facts(f"engines/{engine.id}")[field], 2)
    return page.finished()


def _format(catalog: Catalog, id_: str) -> str:
    format_ = catalog.formats[id_]
    page = _page(
        catalog, f"formats/{id_}", format_.name, f"How {format_.name} stores a weight: elements, scales, zero points."
    )
    users = [
        page.entity(f"checkpoints/{each.id}", checkpoint_title(each))
        for each in catalog.checkpoints.values()
        if each.coverage and each.coverage.routed_experts == id_
    ]
    leaf_sections(page, f"formats/{id_}")
    if users:
        page.heading(2, "Checkpoints whose routed experts are stored so", "checkpoints")
        page.add(bullets(users))
    add_disagreements(page, f"formats/{id_}")
    return page.finished()


def _license(catalog: Catalog, id_: str) -> str:
    license_: License = catalog.licenses[id_]
    page = _page(
        catalog, f"licenses/{id_}", license_.name, f"{license_.name}, clause by clause, in our words.", boost=1.5
    )
    if license_.policy is not None:
        add_uses(page, license_)
    leaf_sections(page, f"licenses/{id_}")
    add_disagreements(page, f"licenses/{id_}")
    return page.finished()


def _safeguard(catalog: Catalog, id_: str) -> str:
    safeguard = catalog.safeguards[id_]
    page = _page(
        catalog, f"safeguards/{id_}", safeguard.name, f"{safeguard.name}: what it guards against and how well."
    )
    leaf_sections(page, f"safeguards/{id_}")
    add_disagreements(page, f"safeguards/{id_}")
    return page.finished()


def _family(catalog: Catalog, id_: str) -> str:
    family = catalog.families[id_]
    page = _page(
        catalog,
        f"families/{id_}",
        f"{family.name}, the family",
        f"What all members of {family.name} have in common.",
        boost=1.5,
    )
    leaf_sections(page, f"families/{id_}")
    add_disagreements(page, f"families/{id_}")
    return page.finished()


def _estimates(catalog: Catalog, id_: str) -> str:
    estimates = catalog.estimates[id_]
    description = f"{estimates.name}: every figure with its bounds, and the logs and measurements that set it."
    page = _page(catalog, f"estimates/{id_}", estimates.name, description)
    leaf_sections(page, f"estimates/{id_}")
    add_disagreements(page, f"estimates/{id_}")
    return page.finished()


def _start(catalog: Catalog, id_: str) -> str:
    start = catalog.starts[id_]
    page = _page(catalog, f"starts/{id_}", id_, f"What a server of {start.served} printed about memory at its start.")
    leaf_sections(page, f"starts/{id_}")
    add_disagreements(page, f"starts/{id_}")
    return page.finished()


def _of_engine(kind: str, description: str) -> Callable[[Catalog, str], str]:
    """Pages of a kind whose entities belong to an engine each."""

    def made(catalog: Catalog, id_: str) -> str:
        entity = f"{kind}/{id_}"
        page = _page(catalog, entity, getattr(catalog, kind)[id_].name, description)
        leaf_sections(page, entity)
        add_disagreements(page, entity)
        return page.finished()

    return made


_MAKERS: dict[str, Callable[[Catalog, str], str]] = {
    "models": _model,
    "checkpoints": _checkpoint,
    "providers": _provider,
    "accelerators": _accelerator,
    "engines": _engine,
    "formats": _format,
    "licenses": _license,
    "safeguards": _safeguard,
    "families": _family,
    "estimates": _estimates,
    "starts": _start,
    "abilities": _of_engine(
        "abilities", "From which release on, and where, the engine can do what Llama 4 is served with."
    ),
    "faults": _of_engine("faults", "In which releases, under which conditions, with which effect, and what helps."),
    "kernels": _of_engine("kernels", "Which kernel the engine takes by itself, by release, device and format."),
}
