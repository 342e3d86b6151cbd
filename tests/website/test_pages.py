"""Pages are a pure function of the catalogue and show every entity, every leaf and every disagreement."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from llama4ref.cli.program import program
from llama4ref.facts.types.kinds import KINDS
from llama4ref.rendering.catalog_exports import facts_json
from llama4ref.website.markup.links import home_of
from llama4ref.website.pages.all_pages import make_pages

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

NOT_ON_PAGES = ("claims.", "results.", "observations.")
"""Leaves that are rows of tables of their own."""


def test_same_catalogue_gives_the_same_text(catalog: Catalog, prose: dict[str, str], made: dict[str, str]) -> None:
    """Nothing but the catalogue and the prose decides what a page says."""
    again = make_pages(catalog, prose=prose, program=program)

    assert again == made


def test_every_entity_has_its_place(catalog: Catalog, made: dict[str, str]) -> None:
    """Each entity's page is there, and where entities share a page the anchor is on it."""
    for entity in catalog.provenance:
        if entity.startswith("errata/"):
            continue
        page, anchor = home_of(catalog, entity)

        assert page in made, entity
        assert not anchor or f"#{anchor}" in made[page] or f'id="{anchor}"' in made[page], entity


@pytest.mark.parametrize(
    "kind",
    [
        "models",
        "checkpoints",
        "formats",
        "accelerators",
        "providers",
        "licenses",
        "families",
        "safeguards",
        "estimates",
        "starts",
    ],
)
def test_every_leaf_of_an_entity_is_on_its_page(catalog: Catalog, made: dict[str, str], kind: str) -> None:
    """A leaf has a row of its own, or a cell in the row of its group."""
    for entity, leaves in catalog.provenance.items():
        if not entity.startswith(f"{kind}/"):
            continue
        text = made[f"{entity}.md"]
        places = set(re.findall(r'id="([^"]+)"', text)) | set(re.findall(r"\{ #(\S+) \}", text))
        for path in leaves:
            around = {path, path.rpartition(".")[0], path.rpartition(".")[0].rpartition(".")[0]} - {""}

            assert path.startswith(NOT_ON_PAGES) or around & places or ".steps" in path, f"{entity} {path}"


def test_every_disagreement_is_listed_where_its_mark_leads(catalog: Catalog, made: dict[str, str]) -> None:
    """All values of a disputed leaf are on the page of its entity and in the list of all disagreements."""
    for entity, leaves in catalog.provenance.items():
        for path, leaf in leaves.items():
            if leaf.disputed and not entity.startswith(("errata/", "measurements/")):
                page, _ = home_of(catalog, entity)
                anchor = f"disputed-{entity.partition('/')[2]}.{path}"

                assert f'id="{anchor}"' in made[page], anchor
                assert f"#{anchor}" in made["disagreements.md"], anchor


def test_footnotes_and_their_marks_belong_together(made: dict[str, str]) -> None:
    """Each number leads to a note of the same page, and each note is used."""
    for path, text in made.items():
        if path.endswith(".md"):
            used, there = set(re.findall(r'href="#(fn:\d+)"', text)), set(re.findall(r'<li id="(fn:\d+)"', text))

            assert used == there, path


def test_unknown_is_shown_as_unknown(catalog: Catalog, made: dict[str, str]) -> None:
    """What the developer does not publish is neither left out nor guessed."""
    assert catalog.trace("models/scout", "training.optimizer").state == "unknown"
    row = re.search(r'<tr id="training.optimizer">.*?</tr>', made["models/scout.md"])

    assert row
    assert "<i>unknown</i>" in row[0]


def test_data_files_hold_every_leaf_with_its_sources(catalog: Catalog, made: dict[str, str]) -> None:
    """The JSON beside the pages is the whole catalogue, as the command exports it."""
    exported = json.loads(facts_json(catalog))
    published: dict[str, object] = {}
    for kind in KINDS:
        content = json.loads(made[f"data/{kind}.json"])
        published |= content["facts"]

        assert list(content["pages"]) == list(content["facts"]) == [f"{kind}/{id_}" for id_ in getattr(catalog, kind)]
        assert all(content["sources"][id_] == exported["sources"][id_] for id_ in content["sources"])
    assert published == exported["facts"]
    assert list(json.loads(made["data/sources.json"])["sources"]) == list(catalog.sources)


def test_schemas_stand_beside_the_pages(made: dict[str, str]) -> None:
    """Each kind's schema is published under the name that specs bind to."""
    assert json.loads(made["schema/models.schema.json"])["type"] == "object"
    assert all(f"schema/{kind}.schema.json" in made for kind in ("providers", "checkpoints", "accelerators", "sources"))


def test_llms_text_names_the_data(made: dict[str, str]) -> None:
    """Programs that read text find the data files."""
    assert made["llms.txt"].startswith("# llama4ref\n")
    assert "data/providers.json" in made["llms.txt"]


def test_errata_show_the_wrong_value_and_ours(catalog: Catalog, made: dict[str, str]) -> None:
    """Every erratum has its row."""
    assert len(catalog.errata) >= 20
    assert all(f'<tr id="{id_}">' in made["errata.md"] for id_ in catalog.errata)


def test_ladder_says_that_the_full_size_was_not_run(catalog: Catalog, made: dict[str, str]) -> None:
    """Without a record of this project no rung above the miniature is claimed."""
    own = [
        each
        for each in catalog.measurements
        if any(
            citation.source.publisher.startswith("llama4ref")
            for leaf in catalog.provenance[f"measurements/{each}"].values()
            for citation in leaf.citations
        )
    ]

    assert ("Rung 3 has not been run" in made["ladder.md"]) is not bool(own)


def test_a_name_of_several_modules_is_described_once(made: dict[str, str]) -> None:
    """Elsewhere the Python reference points there."""
    text = made["reference/index.md"]
    fields = re.findall(r"<caption>Fields of (\w+)</caption>", text)

    assert len(fields) == len(set(fields))
    assert 'The same as <a href="#llama4ref.PlanRequest">llama4ref.PlanRequest</a>' in text
    assert "Annotated[" not in text
