"""How do the facts leave for other programs: JSON and CSV with their sources, and provider rows as two catalogues write them?

Provider rows carry only what may be relied on: the lowest credible limit, the highest credible price, and nothing where nobody
says. Their keys are this catalogue's provider ids.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from llama4ref.errors import UnknownNameError
from llama4ref.facts.types.states import UNKNOWN, Unknown, is_stated
from llama4ref.planning.offers.queries import FoundOffer, find_offers
from llama4ref.planning.offers.requirements import OfferQuery
from llama4ref.wording import json_text

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.models import Model
    from llama4ref.facts.types.sources import Citation, Provenance

FORMS = ("json", "csv", "models-dev", "litellm")
COLUMNS = (
    "entity", "field", "state", "value", "agrees", "source", "publisher", "title", "url", "at", "as_of", "retrieved", "doubt", "note",
)  # fmt: skip
_LITELLM_ABILITIES = {
    "images": "supports_vision",
    "tools": "supports_function_calling",
    "json_schema": "supports_response_schema",
}
_MODELS_DEV_ABILITIES = {"images": "attachment", "tools": "tool_call", "json_schema": "structured_output"}


def export_catalog(
    catalog: Catalog, form: str, *, entities: Iterable[str] | None = None, query: OfferQuery | None = None
) -> str:
    """The facts in one of `FORMS`.

    Args:
        catalog: The facts.
        form: `json` and `csv` hold facts with every source's word; `models-dev` and `litellm` hold offers.
        entities: Which facts, such as `models/scout`; all where none are named.
        query: Which offers; those that have not ended where none is given.

    Raises:
        UnknownNameError: for another form, or an entity that is not there.
    """
    if form == "json":
        return facts_json(catalog, entities)
    if form == "csv":
        return facts_csv(catalog, entities)
    if form == "models-dev":
        return models_dev_text(catalog, query)
    if form == "litellm":
        return litellm_json(catalog, query)
    raise UnknownNameError("form of an export", form, FORMS)


def facts_json(catalog: Catalog, entities: Iterable[str] | None = None) -> str:
    """Facts by entity and field with every source's word, and the sources that they name."""
    return json_text(facts_with_sources(catalog, _chosen(catalog, entities)), indent=1) + "\n"


def facts_with_sources(
    catalog: Catalog, facts: Iterable[tuple[str, Mapping[str, Provenance]]]
) -> dict[str, dict[str, dict[str, object]]]:
    """Leaves of entities in the types of JSON: `facts` by entity and field, and the `sources` that they name by id."""
    chosen = dict(facts)
    named = {word.source.id for leaves in chosen.values() for leaf in leaves.values() for word in leaf.citations}
    return {
        "facts": {entity: {field: _leaf(leaf) for field, leaf in leaves.items()} for entity, leaves in chosen.items()},
        "sources": exported_sources(catalog, named),
    }


def exported_sources(catalog: Catalog, named: Collection[str]) -> dict[str, dict[str, object]]:
    """The sources of these ids in the types of JSON, in the catalogue's order."""
    return {
        id_: {field.name: _exported(getattr(source, field.name)) for field in dataclasses.fields(source)}
        for id_, source in catalog.sources.items()
        if id_ in named
    }


def facts_csv(catalog: Catalog, entities: Iterable[str] | None = None) -> str:
    """A row for each source's word on each leaf; values as JSON, text as it is."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entity, leaves in _chosen(catalog, entities):
        for field, leaf in leaves.items():
            writer.writerows((entity, field, leaf.state, *_row(word)) for word in leaf.citations)
    return stream.getvalue()


def models_dev_files(catalog: Catalog, query: OfferQuery | None = None) -> dict[str, str]:
    """TOML files by path, in the manner of models.dev: the models, the providers, and one file for each offer."""
    files = {
        f"models/meta/{model.id}.toml": _model_toml(catalog, model)
        for model in catalog.models.values()
        if model.context
    }
    for each in _rows(catalog, query):
        provider = each.provider
        files[f"providers/{provider.id}/provider.toml"] = _toml({"name": provider.name, "doc": provider.homepage})
        files[f"providers/{provider.id}/models/{each.offer.name}.toml"] = _offer_toml(catalog, each)
    return dict(sorted(files.items()))


def models_dev_text(catalog: Catalog, query: OfferQuery | None = None) -> str:
    """The files of `models_dev_files` one after another, each under its path."""
    return "\n".join(f"# {path}\n{text}" for path, text in models_dev_files(catalog, query).items())


def litellm_json(catalog: Catalog, query: OfferQuery | None = None) -> str:
    """Offers in the manner of LiteLLM's price table, prices in US dollars a token."""
    rows = {f"{each.provider.id}/{each.offer.name}": _litellm_row(catalog, each) for each in _rows(catalog, query)}
    return json_text(rows) + "\n"


def _chosen(catalog: Catalog, entities: Iterable[str] | None) -> list[tuple[str, Mapping[str, Provenance]]]:
    names = list(catalog.provenance) if entities is None else list(entities)
    for name in names:
        if name not in catalog.provenance:
            raise UnknownNameError("entity", name, catalog.provenance)
    return [(name, catalog.provenance[name]) for name in names]


def _leaf(leaf: Provenance) -> dict[str, object]:
    return {
        "value": _exported(leaf.citations[0].value),
        "state": leaf.state,
        "disputed": leaf.disputed,
        "because": leaf.because,
        "citations": [_word(word) for word in leaf.citations],
        "file": leaf.file,
        "line": leaf.line,
    }


def _word(word: Citation) -> dict[str, object]:
    said = {name: _exported(getattr(word, name)) for name in ("at", "value", "agrees", "as_of", "doubt", "note")}
    return {"source": word.source.id, **said}


def _exported(value: object) -> object:
    """A value as it leaves: null where there is none to give; `state` says whether it is unknown or none."""
    return None if value is UNKNOWN else value


def _row(word: Citation) -> Iterator[str]:
    source = word.source
    yield _text(word.value)
    yield _text(word.agrees)
    yield from (
        source.id,
        source.publisher,
        source.title,
        source.url or "",
        word.at,
        word.as_of or "",
        source.retrieved,
    )
    yield from (word.doubt or "", word.note or "")


def _text(value: object) -> str:
    if not is_stated(value):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _rows(catalog: Catalog, query: OfferQuery | None) -> Iterator[FoundOffer]:
    """One offer for each provider and id: that of the standard tier, and of several routes the first."""
    seen: set[tuple[str, str]] = set()
    found = find_offers(catalog, query, sort="provider")
    for each in found.matching:
        key = (each.provider.id, each.offer.name)
        if key not in seen and each.offer.tier is None:
            seen.add(key)
            yield each


def _litellm_row(catalog: Catalog, each: FoundOffer) -> dict[str, object]:
    abilities = {word: getattr(each.offer, name) for name, word in _LITELLM_ABILITIES.items()}
    row = {
        "litellm_provider": each.provider.id,
        "mode": "chat",
        "max_input_tokens": each.context_tokens,
        "max_output_tokens": each.max_output_tokens,
        "max_tokens": each.max_output_tokens or each.context_tokens,
        "input_cost_per_token": _per_token(each.price_input),
        "output_cost_per_token": _per_token(each.price_output),
        "deprecation_date": each.offer.retired,
        **abilities,
        "source": catalog.cite(each.entity, each.field("as_of"))[0].source.url,
    }
    return {name: value for name, value in row.items() if is_stated(value)}


def _per_token(price: float | None) -> float | None:
    """Dollars a token, by the decimal digits of the price per million, so that 0.11 is 1.1e-07 and not a neighbour of it."""
    return None if price is None else float(Decimal(repr(price)).scaleb(-6))


def _model_toml(catalog: Catalog, model: Model) -> str:
    head = {
        "name": model.name,
        "release_date": model.released,
        "knowledge": model.knowledge_cutoff,
        "attachment": "image" in model.modalities_in,
        "open_weights": bool(model.repositories),
    }
    limit = {"context": model.context.instruct_max_position_embeddings if model.context else None}
    modalities = {"input": list(model.modalities_in), "output": list(model.modalities_out)}
    sources = {
        "context": _credit(catalog, f"models/{model.id}", "context.instruct_max_position_embeddings", limit["context"])
    }
    return _toml(head) + _toml(limit, "limit", sources) + _toml(modalities, "modalities")


def _offer_toml(catalog: Catalog, each: FoundOffer) -> str:
    offer, model = each.offer, catalog.model(each.offer.model)
    head: dict[str, object] = {"base_model": f"meta/{model.id}", "name": model.name, "last_updated": offer.as_of}
    head |= {word: getattr(offer, name) for name, word in _MODELS_DEV_ABILITIES.items()}
    head["status"] = "deprecated" if offer.status in {"deprecated", "retired"} else None
    cost = {
        "input": each.price_input,
        "output": each.price_output,
        "cache_read": offer.price_cache_read,
        "cache_write": offer.price_cache_write,
    }
    limit = {"context": each.context_tokens, "output": each.max_output_tokens}
    modalities = {"input": _inputs(offer.images, model), "output": ["text"]}
    told = {
        name: _credit(catalog, each.entity, each.field(name), getattr(each, name))
        for name in ("price_input", "price_output", "context_tokens", "max_output_tokens")
    }
    costs = {"input": told["price_input"], "output": told["price_output"]}
    limits = {"context": told["context_tokens"], "output": told["max_output_tokens"]}
    return _toml(head) + _toml(cost, "cost", costs) + _toml(limit, "limit", limits) + _toml(modalities, "modalities")


def _inputs(images: bool | Unknown, model: Model) -> list[str] | None:
    if images is UNKNOWN:
        return None
    return list(model.modalities_in) if images else ["text"]


def _credit(catalog: Catalog, entity: str, field: str, value: object) -> str:
    """The source that states a value, and as of when; of several the preferred one."""
    words = [word for word in catalog.cite(entity, field) if word.doubt is None and word.value == value]
    return ", ".join(part for word in words[:1] for part in (word.source.title, word.as_of) if part)


def _toml(values: Mapping[str, object], table: str | None = None, sources: Mapping[str, str] | None = None) -> str:
    """A table of TOML without the values that nobody says, each with its source in a comment."""
    lines = [
        f"{name} = {_toml_value(value)}" + (f" # {sources[name]}" if sources and sources.get(name) else "")
        for name, value in values.items()
        if is_stated(value)
    ]
    if not lines:
        return ""
    return "\n".join([*([f"\n[{table}]"] if table else []), *lines]) + "\n"


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:_}"
    return json.dumps(value, ensure_ascii=False)
