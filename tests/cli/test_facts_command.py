"""Facts are found by whatever name a person has for them, and every one shows its source."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import click
import pytest

from llama4ref.cli.facts_command import export
from llama4ref.rendering.catalog_exports import FORMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.facts import Catalog
    from tests.cli.conftest import Answer


@pytest.mark.parametrize(
    "name",
    ["scout", "models/scout", "nvidia/Llama-4-Scout-17B-16E-Instruct-FP8", "h100-sxm", "sources/llama4-model-card"],
)
def test_a_thing_is_found_by_id_path_or_repository(call: Callable[..., Answer], name: str) -> None:
    """All of them name one thing."""
    assert call("facts", name).code == 0


def test_one_fact_shows_who_says_so_and_who_does_not(call: Callable[..., Answer], catalog: Catalog) -> None:
    """Value, every source with its place, and why one is preferred."""
    answer = call("facts", "scout", "text.layers")
    leaf = catalog.trace("models/scout", "text.layers")

    assert answer.out.startswith("models/scout text.layers = 48\n")
    assert f"{leaf.file}:{leaf.line}" in answer.out
    assert f"Preferred because {leaf.because}" in answer.out
    assert "disagrees" in answer.out
    assert "says    24" in answer.out


def test_a_group_shows_its_fields(call: Callable[..., Answer]) -> None:
    """With numbered sources below."""
    out = call("facts", "scout", "attention").out

    assert "attention.kv_heads" in out
    assert "text.layers" not in out
    assert "\nSources\n[1] " in out


def test_cite_shows_every_source_in_full(call: Callable[..., Answer], catalog: Catalog) -> None:
    """Of each fact under the field."""
    out = call("facts", "scout", "attention", "--cite").out
    fields = [path for path in catalog.provenance["models/scout"] if path.startswith("attention.")]

    assert all(f"models/scout {path} = " in out for path in fields)


def test_json_has_value_state_and_citations(call: Callable[..., Answer]) -> None:
    """For programs."""
    answer = call("facts", "scout", "text.layers", "--json").json
    fact = answer["facts"]["models/scout"]["text.layers"]

    assert (fact["value"], fact["state"], fact["disputed"]) == (48, "known", True)
    assert {word["source"] for word in fact["citations"]} == set(answer["sources"])


@pytest.mark.parametrize(
    ("words", "entity"),
    [
        (("Scout",), "models/scout"),
        (("models/Scout",), "models/scout"),
        (("model/scout",), "models/scout"),
        (("Llama 4 Maverick",), "models/maverick"),
        (("H200",), "accelerators/h200-sxm"),
        (("rtx pro 6000",), "accelerators/rtx-pro-6000"),
        (("nvidia/llama-4-scout-17b-16e-instruct-fp8",), "checkpoints/nvidia-llama-4-scout-17b-16e-instruct-fp8"),
    ],
)
def test_a_thing_is_found_as_people_write_it(call: Callable[..., Answer], words: tuple[str, ...], entity: str) -> None:
    """Where only one can be meant."""
    assert list(call("facts", *words, "--json").json["facts"]) == [entity]


def test_a_kind_is_named_in_the_singular_too(call: Callable[..., Answer]) -> None:
    """One checkpoint or many."""
    assert call("facts", "list", "Checkpoint").out == call("facts", "checkpoints").out


def test_listed_ids_are_whole_in_a_pipe_and_broken_between_their_words_on_a_screen(
    spawn: Callable[..., Answer], call: Callable[..., Answer], catalog: Catalog
) -> None:
    """So that grep finds them, and so that the eye does."""
    piped = spawn("facts", "list", "checkpoints").out.splitlines()
    narrow = call("facts", "list", "checkpoints", columns=60).out

    assert [line.split()[0] for line in piped] == list(catalog.checkpoints)
    assert all(len(line) <= 60 for line in narrow.splitlines())
    for line in narrow.splitlines():
        assert line[:36].strip() in {*catalog.checkpoints, ""} or line[:36].strip().endswith(
            ("-", *[id_[-6:] for id_ in catalog.checkpoints])
        )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("scout", "layers"), "did you mean text.layers or vision.layers"),
        (("compare", "vllm-0.10.2", "vllm"), "did you mean vllm or"),
        (("h100",), "h100-sxm"),
        (("scuot",), "did you mean scout"),
        (("models/scuot",), "did you mean scout"),
        (("scout", "text.layer"), "did you mean text.layers"),
        (("scout", "kv_heads"), "did you mean attention.kv_heads"),
        (("list", "modles"), "did you mean models"),
        (("compare", "scout"), "two or more things of one kind"),
        (("compare", "scout", "h100-sxm"), "two or more things of one kind"),
    ],
)
def test_an_unknown_name_offers_the_nearest(call: Callable[..., Answer], words: tuple[str, ...], message: str) -> None:
    """Exit 2 and nothing on stdout."""
    answer = call("facts", *words)

    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


def test_comparing_shows_what_differs(call: Callable[..., Answer]) -> None:
    """And all of it where asked; parameters are computed."""
    short, long = call("facts", "compare", "scout", "maverick"), call("facts", "compare", "scout", "maverick", "--all")

    assert "experts.count" in short.out
    assert "text.hidden_size" not in short.out
    assert "text.hidden_size" in long.out
    assert "108,641,793,536" in short.out


@pytest.mark.parametrize("kind", ["models", "checkpoints", "providers", "accelerators"])
def test_two_of_each_kind_can_be_compared(call: Callable[..., Answer], catalog: Catalog, kind: str) -> None:
    """By path."""
    first, second = (f"{kind}/{id_}" for id_ in list(getattr(catalog, kind))[:2])

    compared = call("facts", "compare", first, second, "--json").json

    assert compared["entities"] == [first, second]
    assert all(len(row["values"]) == len(row["disputed"]) == 2 for row in compared["fields"].values())


def test_disagreements_are_all_disputed_leaves(call: Callable[..., Answer], catalog: Catalog) -> None:
    """Counted by another way."""
    disputed = sum(leaf.disputed for leaves in catalog.provenance.values() for leaf in leaves.values())

    found = call("facts", "disagreements", "--json").json["facts"]

    assert sum(map(len, found.values())) == disputed
    assert f"{disputed:,} facts disputed by sources." in call("facts", "disagreements").out


def test_disagreements_that_are_all_doubted_can_be_left_out(call: Callable[..., Answer]) -> None:
    """Every one that is left has a word that is not doubted."""
    every = call("facts", "disagreements", "--json").json["facts"]
    credible = call("facts", "disagreements", "--credible", "--json").json["facts"]
    words = [
        [word["doubt"] for word in leaf["citations"] if not word["agrees"]]
        for leaves in credible.values()
        for leaf in leaves.values()
    ]

    assert 0 < len(words) < sum(map(len, every.values()))
    assert all(None in doubts for doubts in words)


def test_unknown_facts_are_listed(call: Callable[..., Answer], catalog: Catalog) -> None:
    """What is not published is said to be so."""
    unknown = [path for path, leaf in catalog.provenance["models/behemoth"].items() if leaf.state == "unknown"]

    found = call("facts", "unknown", "behemoth", "--json").json["facts"]

    assert {entity: list(leaves) for entity, leaves in found.items()} == {"models/behemoth": unknown}
    assert "models/behemoth" in call("facts", "unknown").out


def test_claims_stand_beside_what_is_computed(call: Callable[..., Answer], catalog: Catalog) -> None:
    """The card's 400B and the parameters that follow from the shapes."""
    answer = call("facts", "claims")

    assert answer.code == 0
    assert "401,583,781,376" in answer.out
    assert len(call("facts", "claims", "--json").json) == len(catalog.claims())


def test_errata_name_who_is_wrong_and_the_proof(call: Callable[..., Answer], catalog: Catalog) -> None:
    """All of them, proven."""
    answer, parsed = call("facts", "errata"), call("facts", "errata", "--json").json

    assert len(parsed) == len(catalog.errata)
    assert f"{len(parsed)} errata." in answer.out
    assert all(each["erratum"]["title"] in " ".join(answer.out.split()) for each in parsed)


def test_the_timeline_is_in_order(call: Callable[..., Answer], catalog: Catalog) -> None:
    """Every event of the family, every release, every end of an offer."""
    events = call("facts", "timeline", "--json").json
    ended = [offer for provider in catalog.providers.values() for offer in provider.offers if offer.retired]

    assert [each["day"] for each in events] == sorted(each["day"] for each in events)
    assert sum(each["kind"] == "offer ended" for each in events) == len(ended)
    assert {each["what"] for each in events} >= {
        event.what for family in catalog.families.values() for event in family.events
    }


def test_the_timeline_can_be_cut(call: Callable[..., Answer]) -> None:
    """By model and by day, both days counted."""
    events = call(
        "facts", "timeline", "--model", "maverick", "--since", "2026-03-09", "--until", "2026-03-09", "--json"
    )

    assert [(each["day"], each["entity"]) for each in events.json] == [("2026-03-09", "providers/groq")]
    assert call("facts", "timeline", "--since", "soon").code == 2


def test_csv_has_a_row_for_each_word_of_each_source(call: Callable[..., Answer], catalog: Catalog) -> None:
    """Readable by any reader of CSV."""
    rows = list(csv.DictReader(io.StringIO(call("facts", "export", "scout", "--format", "csv").out)))
    words = sum(len(leaf.citations) for leaf in catalog.provenance["models/scout"].values())

    assert len(rows) == words
    assert {row["entity"] for row in rows} == {"models/scout"}
    assert all(row["source"] in catalog.sources for row in rows)


def test_export_holds_every_fact(call: Callable[..., Answer], catalog: Catalog) -> None:
    """And every source that they name."""
    exported = call("facts", "export").json

    assert {entity: list(leaves) for entity, leaves in exported["facts"].items()} == {
        entity: list(leaves) for entity, leaves in catalog.provenance.items()
    }
    assert list(exported["sources"]) == [id_ for id_ in catalog.sources if id_ in exported["sources"]]


def test_offers_are_exported_in_the_manner_of_two_catalogues(call: Callable[..., Answer]) -> None:
    """All of them, or those of one model."""
    rows = call("facts", "export", "--format", "litellm").json
    scouts = call("facts", "export", "scout", "--format", "litellm", "--json").json
    files = call("facts", "export", "--format", "models-dev").out

    assert set(scouts) < set(rows)
    assert all("scout" in name.lower() for name in scouts)
    assert "# models/meta/scout.toml" in files


def test_every_form_of_an_export_can_be_asked_for() -> None:
    """The command's choices are those of the rendering."""
    choices = next(parameter.type for parameter in export.params if parameter.name == "form")

    assert isinstance(choices, click.Choice)
    assert tuple(choices.choices) == FORMS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "csv", "--json"), "contradict each other"),
        (("groq", "--format", "litellm"), "name a model instead of providers/groq"),
        (("llama4-model-card",), "is a source"),
        (("--format", "xml"), "'xml' is not one of"),
    ],
)
def test_an_export_that_cannot_be_is_one_message(
    call: Callable[..., Answer], words: tuple[str, ...], message: str
) -> None:
    """Exit 2 and nothing on stdout."""
    answer = call("facts", "export", *words)

    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


def test_kinds_are_listed(call: Callable[..., Answer], catalog: Catalog) -> None:
    """With how many there are, and then by name."""
    assert call("facts", "--json").json["models"]["entities"] == len(catalog.models)
    assert list(call("facts", "list", "accelerators", "--json").json) == list(catalog.accelerators)
    assert call("facts", "accelerators").out == call("facts", "list", "accelerators").out


@pytest.mark.parametrize("columns", [80, 120])
def test_lines_fit_the_screen(call: Callable[..., Answer], columns: int) -> None:
    """Addresses too, which are broken between their parts."""
    for words in (
        ("scout",),
        ("compare", "scout", "maverick"),
        ("disagreements",),
        ("claims",),
        ("unknown",),
        ("errata",),
        ("timeline",),
        ("scout", "text.layers"),
        ("sources/llama4-model-card",),
        ("scout", "--cite"),
    ):
        lines = call("facts", *words, columns=columns).out.splitlines()

        assert [line for line in lines if len(line) > columns] == []


def test_an_address_is_whole_in_a_pipe(spawn: Callable[..., Answer], catalog: Catalog) -> None:
    """So that it can be followed."""
    url = catalog.sources["llama4-model-card"].url
    leaf = catalog.trace("models/scout", "text.layers")

    assert str(url) in spawn("facts", "sources/llama4-model-card").out.split()
    assert {str(each.source.url) for each in leaf.citations if each.source.url} <= {
        *spawn("facts", "scout", "text.layers").out.split()
    }
