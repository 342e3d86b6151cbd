"""Exports are read back by other people's parsers and hold what the catalogue holds."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import UnknownNameError
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.planning.offers.queries import find_offers
from llama4ref.planning.offers.requirements import OfferQuery
from llama4ref.rendering.catalog_exports import (
    COLUMNS,
    FORMS,
    export_catalog,
    facts_csv,
    facts_json,
    litellm_json,
    models_dev_files,
    models_dev_text,
)

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

EVERYTHING = OfferQuery(retired=True)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_text_that_ends_with_a_line(form: str, catalog: Catalog) -> None:
    """None is empty, and the same call gives the same text."""
    text = export_catalog(catalog, form)

    assert text.endswith("\n")
    assert text == export_catalog(catalog, form)


def test_another_form_or_entity_is_refused(catalog: Catalog) -> None:
    """With the nearest names."""
    with pytest.raises(UnknownNameError, match="did you mean litellm"):
        export_catalog(catalog, "litelm")
    with pytest.raises(UnknownNameError, match="did you mean models/scout"):
        facts_json(catalog, ["models/scuot"])


def test_json_holds_every_leaf_and_its_words(catalog: Catalog) -> None:
    """Values, states, disagreements, and every source that is named."""
    read = json.loads(facts_json(catalog))

    assert read["facts"].keys() == catalog.provenance.keys()
    for entity, leaves in catalog.provenance.items():
        for field, leaf in leaves.items():
            told = read["facts"][entity][field]
            words = [(word["source"], word["agrees"], word["as_of"]) for word in told["citations"]]

            assert words == [(each.source.id, each.agrees, each.as_of) for each in leaf.citations]
            assert (told["state"], told["disputed"], told["line"]) == (leaf.state, leaf.disputed, leaf.line)
            value = leaf.citations[0].value
            assert told["value"] == (
                None if leaf.state == "unknown" else list(value) if isinstance(value, tuple) else value
            )
    assert read["sources"].keys() <= catalog.sources.keys()
    assert read["sources"]["models-dev"]["url"] == catalog.sources["models-dev"].url


def test_json_of_one_entity_names_its_sources_only(catalog: Catalog) -> None:
    """Other entities' sources are left out."""
    read = json.loads(facts_json(catalog, ["accelerators/l4"]))
    named = {word["source"] for leaf in read["facts"]["accelerators/l4"].values() for word in leaf["citations"]}

    assert list(read["facts"]) == ["accelerators/l4"]
    assert set(read["sources"]) == named


def test_csv_has_a_row_for_each_word(catalog: Catalog) -> None:
    """As many rows as sources spoke, with the columns that the first row names."""
    rows = list(csv.DictReader(io.StringIO(facts_csv(catalog))))
    words = sum(len(leaf.citations) for leaves in catalog.provenance.values() for leaf in leaves.values())
    layers = [row for row in rows if (row["entity"], row["field"]) == ("models/scout", "text.layers")]

    assert len(rows) == words
    assert tuple(rows[0]) == COLUMNS
    assert layers[0]["value"] == str(catalog.model("scout").text.layers)
    assert {row["agrees"] for row in layers} == {"true", "false"}


def test_models_dev_files_are_toml_with_credible_values(catalog: Catalog) -> None:
    """One file for each provider and id; every number equals what may be relied on."""
    files = {path: tomllib.loads(text) for path, text in models_dev_files(catalog, EVERYTHING).items()}
    found = find_offers(catalog, EVERYTHING).matching
    standard = {(each.provider.id, each.offer.name): each for each in reversed(found) if each.offer.tier is None}
    several = {key for key in standard if sum((each.provider.id, each.offer.name) == key for each in found) > 1}

    assert sum("/models/" in path for path in files) == len(standard)
    for (provider, name), each in standard.items():
        told = files[f"providers/{provider}/models/{name}.toml"]
        if (provider, name) in several:
            continue
        assert told.get("limit", {}).get("context") == each.context_tokens
        assert told.get("limit", {}).get("output") == each.max_output_tokens
        assert told.get("cost", {}).get("input") == each.price_input
        assert told.get("cost", {}).get("output") == each.price_output
        assert told.get("attachment", UNKNOWN) is each.offer.images
        assert told["base_model"] == f"meta/{each.offer.model}"


def test_models_dev_gives_the_native_limit(catalog: Catalog) -> None:
    """Unlike the catalogue that it imitates."""
    scout = tomllib.loads(models_dev_files(catalog)["models/meta/scout.toml"])

    assert scout["limit"]["context"] == catalog.model("scout").context.instruct_max_position_embeddings
    assert scout["limit"]["context"] != catalog.erratum("models-dev-scout-context").said.figure
    assert scout["release_date"] == catalog.model("scout").released
    assert "models/meta/behemoth.toml" not in models_dev_files(catalog)


def test_a_comment_names_who_states_the_value_that_is_written(catalog: Catalog) -> None:
    """DeepInfra's context is the lower of two; the comment credits who says the lower one."""
    deepinfra = next(
        each for each in find_offers(catalog, OfferQuery(model="scout")).matching if each.provider.id == "deepinfra"
    )
    text = models_dev_files(catalog)[f"providers/deepinfra/models/{deepinfra.offer.name}.toml"]
    (line,) = [line for line in text.splitlines() if line.startswith("context")]
    lower = [
        word
        for word in catalog.cite(deepinfra.entity, deepinfra.field("context_tokens"))
        if word.value == deepinfra.context_tokens
    ]

    assert deepinfra.context_tokens != deepinfra.offer.context_tokens
    assert line.startswith(f"context = {deepinfra.context_tokens:_} # {lower[0].source.title}")


def test_models_dev_text_is_the_files_in_turn(catalog: Catalog) -> None:
    """Each file under its path."""
    text, files = models_dev_text(catalog), models_dev_files(catalog)

    assert [line[2:] for line in text.splitlines() if line.startswith("# ")] == list(files)


def test_litellm_rows_have_prices_a_token_and_no_copied_limits(catalog: Catalog) -> None:
    """A million tokens cost the price again, to the digit; none of the errata about that table is repeated."""
    rows = json.loads(litellm_json(catalog, EVERYTHING))
    azure = rows["azure-ai-foundry/Llama-4-Maverick-17B-128E-Instruct-FP8"]
    groq = rows["groq/meta-llama/llama-4-scout-17b-16e-instruct"]

    assert (azure["input_cost_per_token"], azure["output_cost_per_token"]) == (3.5e-07, 1.41e-06)
    assert azure["max_input_tokens"] == 128_000
    assert groq["input_cost_per_token"] == 1.1e-07
    assert groq["deprecation_date"] == catalog.provider("groq").offers[0].retired
    assert groq["supports_vision"] is True
    assert all(row.get("max_input_tokens", 0) < 10_000_000 for row in rows.values())
    assert all(row.get("max_output_tokens", 0) <= row.get("max_input_tokens", 2**63) for row in rows.values())


def test_what_nobody_says_is_left_out(catalog: Catalog) -> None:
    """No null, no zero in place of an unknown."""
    rows = json.loads(litellm_json(catalog))

    assert None not in {value for row in rows.values() for value in row.values()}
    assert "max_output_tokens" not in rows["cloudflare-workers-ai/@cf/meta/llama-4-scout-17b-16e-instruct"]


def test_offers_that_have_ended_are_left_out_unless_asked_for(catalog: Catalog) -> None:
    """Groq's Scout ended."""
    key = "groq/meta-llama/llama-4-scout-17b-16e-instruct"

    assert key not in json.loads(litellm_json(catalog))
    assert key in json.loads(litellm_json(catalog, OfferQuery(active_on="2026-07-01")))
