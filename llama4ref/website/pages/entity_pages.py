"""The page of one model, checkpoint, provider, accelerator, engine, format, licence, safeguard or family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from llama4ref.errors import UnknownFactError
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.website.markup.drafting import Draft
from llama4ref.website.markup.field_values import label
from llama4ref.website.markup.field_words import meanings
from llama4ref.website.markup.html import admonition, bullets, code, escape
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
    "kernels",
    "hardware_defaults",
    "environment",
    "bugs",
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


def _draft(catalog: Catalog, entity: str, title: str, description: str, *, boost: float = 1.0) -> Draft:
    return Draft(
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
    draft = _draft(catalog, entity, model.name, f"Every public fact about {model.name}, with its source.", boost=2)
    if model.text is UNKNOWN:
        draft.add(
            admonition(
                "note",
                "Previewed, not released",
                "<p>No weights and no configuration were published: what is not known is shown as unknown.</p>",
            )
        )
    else:
        add_model_figures(draft, model)
    _offers_and_checkpoints(draft, model)
    leaf_sections(draft, entity, model, skip=("claims",))
    if model.text is not UNKNOWN:
        add_quantities(draft, model)
    add_claims(draft, entity)
    add_disagreements(draft, entity)
    return draft.finished()


def _offers_and_checkpoints(draft: Draft, model: Model) -> None:
    catalog = draft.catalog
    offers = [
        provider for provider in catalog.providers.values() if any(offer.model == model.id for offer in provider.offers)
    ]
    checkpoints = [each for each in catalog.checkpoints.values() if each.model == model.id]
    links = []
    if checkpoints:
        links.append(draft.to("checkpoints/index.md", counted(len(checkpoints), "checkpoint")))
    if offers:
        links.append(draft.to("providers/index.md", counted(len(offers), "provider")))
    if links:
        draft.add(f'<p class="also">Also here: {" · ".join(links)} of {escape(model.name)}</p>')


def _checkpoint(catalog: Catalog, id_: str) -> str:
    checkpoint: Checkpoint = catalog.checkpoints[id_]
    entity = f"checkpoints/{id_}"
    title = checkpoint_title(checkpoint)
    draft = _draft(catalog, entity, title, f"What {title} stores in which number format, and what loads it.")
    try:
        add_checkpoint_bytes(draft, checkpoint)
    except UnknownFactError as error:
        draft.add(admonition("note", "Bytes are unknown", f"<p>{escape(str(error))}.</p>"))
    leaf_sections(draft, entity, checkpoint, skip=("claims",))
    add_claims(draft, entity)
    add_disagreements(draft, entity)
    return draft.finished()


def checkpoint_title(checkpoint: Checkpoint) -> str:
    """The repository of a published checkpoint; a recipe has its id."""
    return checkpoint.id if checkpoint.kind == "recipe" or not checkpoint.repository else checkpoint.repository


def _provider(catalog: Catalog, id_: str) -> str:
    provider: Provider = catalog.providers[id_]
    entity = f"providers/{id_}"
    description = (
        f"{provider.name}: context, output limit, price and status of each Llama 4 offer, with dates and sources."
    )
    draft = _draft(catalog, entity, provider.name, description, boost=1.5)
    draft.heading(2, f"{provider.name}: context, limits and prices", "offers")
    for index, offer in enumerate(provider.offers):
        tier = f", {offer.tier}" if offer.tier else ""
        title = f"{catalog.models[offer.model].name} at {provider.name}{tier}"
        draft.heading(3, title, f"offers.{index}")
        compound(draft, entity, f"offers.{index}", offer, 3, caption=title)
    leaf_sections(draft, entity, provider, skip=("offers",))
    add_disagreements(draft, entity)
    return draft.finished()


def _accelerator(catalog: Catalog, id_: str) -> str:
    accelerator: Accelerator = catalog.accelerators[id_]
    draft = _draft(
        catalog,
        f"accelerators/{id_}",
        accelerator.name,
        f"Memory, bandwidth, dense peaks and links of the {accelerator.name}.",
    )
    draft.add(
        admonition(
            "example",
            "Plan on it",
            f"<p>{code(f'llama4ref plan --model scout --gpu {id_} --count {accelerator.per_node or 1}')}</p>",
        )
    )
    leaf_sections(draft, f"accelerators/{id_}", accelerator)
    add_disagreements(draft, f"accelerators/{id_}")
    return draft.finished()


def own_pages(engine: Engine) -> tuple[str, ...]:
    """Fields of an engine that are too long for its page."""
    return tuple(name for name in _LONG_FIELDS if len(getattr(engine, name)) > _SHORT)


def _engine(catalog: Catalog, id_: str) -> str:
    engine: Engine = catalog.engines[id_]
    draft = _draft(
        catalog, f"engines/{id_}", engine.name, f"What {engine.name} does with Llama 4, release by release.", boost=1.2
    )
    long = own_pages(engine)
    if long:
        links = [f"{draft.to(f'engines/{id_}/{name}.md', label(name))} ({len(getattr(engine, name))})" for name in long]
        draft.add(f"<p>On pages of their own: {' · '.join(links)}</p>")
    leaf_sections(draft, f"engines/{id_}", engine, skip=long)
    add_disagreements(draft, f"engines/{id_}")
    return draft.finished()


def _engine_part(catalog: Catalog, engine: Engine, field: str) -> str:
    title = f"{engine.name}: {label(field).lower()}"
    draft = Draft(
        catalog,
        f"engines/{engine.id}/{field}.md",
        title=title,
        description=f"{title}, release by release.",
        hide=("navigation",),
        spec=f"specs/engines/{engine.id}.yaml",
    )
    draft.add(
        f"<p>Part of {draft.entity(f'engines/{engine.id}', engine.name)}. {escape(meanings(type(engine)).get(field, ''))}</p>"
    )
    compound(draft, f"engines/{engine.id}", field, getattr(engine, field), 2)
    return draft.finished()


def _format(catalog: Catalog, id_: str) -> str:
    format_ = catalog.formats[id_]
    draft = _draft(
        catalog, f"formats/{id_}", format_.name, f"How {format_.name} stores a weight: elements, scales, zero points."
    )
    users = [
        draft.entity(f"checkpoints/{each.id}", checkpoint_title(each))
        for each in catalog.checkpoints.values()
        if each.coverage and each.coverage.routed_experts == id_
    ]
    leaf_sections(draft, f"formats/{id_}", format_)
    if users:
        draft.heading(2, "Checkpoints whose routed experts are stored so", "checkpoints")
        draft.add(bullets(users))
    add_disagreements(draft, f"formats/{id_}")
    return draft.finished()


def _license(catalog: Catalog, id_: str) -> str:
    license_: License = catalog.licenses[id_]
    draft = _draft(
        catalog, f"licenses/{id_}", license_.name, f"{license_.name}, clause by clause, in our words.", boost=1.5
    )
    if license_.policy is not None:
        add_uses(draft, license_)
    leaf_sections(draft, f"licenses/{id_}", license_)
    add_disagreements(draft, f"licenses/{id_}")
    return draft.finished()


def _safeguard(catalog: Catalog, id_: str) -> str:
    safeguard = catalog.safeguards[id_]
    draft = _draft(
        catalog, f"safeguards/{id_}", safeguard.name, f"{safeguard.name}: what it guards against and how well."
    )
    leaf_sections(draft, f"safeguards/{id_}", safeguard)
    add_disagreements(draft, f"safeguards/{id_}")
    return draft.finished()


def _family(catalog: Catalog, id_: str) -> str:
    family = catalog.families[id_]
    draft = _draft(
        catalog,
        f"families/{id_}",
        f"{family.name}, the family",
        f"What all members of {family.name} have in common.",
        boost=1.5,
    )
    leaf_sections(draft, f"families/{id_}", family)
    add_disagreements(draft, f"families/{id_}")
    return draft.finished()


def _estimates(catalog: Catalog, id_: str) -> str:
    estimates = catalog.estimates[id_]
    description = f"{estimates.name}: every figure with its bounds, and the logs and measurements that set it."
    draft = _draft(catalog, f"estimates/{id_}", estimates.name, description)
    leaf_sections(draft, f"estimates/{id_}", estimates)
    add_disagreements(draft, f"estimates/{id_}")
    return draft.finished()


def _start(catalog: Catalog, id_: str) -> str:
    start = catalog.starts[id_]
    draft = _draft(catalog, f"starts/{id_}", id_, f"What a server of {start.served} printed about memory at its start.")
    leaf_sections(draft, f"starts/{id_}", start)
    add_disagreements(draft, f"starts/{id_}")
    return draft.finished()


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
}
