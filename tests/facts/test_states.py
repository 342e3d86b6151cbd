"""`unknown`, `none` and a value are three things, from the spec to the export."""

from __future__ import annotations

import json
import pickle
import textwrap

import pytest
import yaml

from llama4ref.errors import Fault, SpecErrors, UnknownFactError
from llama4ref.facts import load
from llama4ref.facts.building import build
from llama4ref.facts.loading import specs_folder
from llama4ref.facts.reading.json_schema import schema_files
from llama4ref.facts.types.states import UNKNOWN, Unknown, is_stated, known
from llama4ref.rendering.catalog_exports import facts_json

FILES = {
    file.relative_to(specs_folder()).as_posix(): file.read_bytes()
    for file in [
        specs_folder() / "sources.yaml",
        *(specs_folder() / kind / f"{id_}.yaml" for kind, id_ in (("accelerators", "h100-sxm"), ("formats", "bf16"))),
    ]
}
MODEL = """
    source: llama4-model-card
    at: page
    name: "A model"
    developer: "Meta"
    released: none
    status: previewed
    modalities_in: [text]
    modalities_out: [text]
    license: unknown
    knowledge_cutoff: unknown
    languages: []
    architecture_class: "unknown"
    repositories: {}
    text: unknown
    attention: unknown
    rope: unknown
    experts: unknown
    dense: unknown
    vision: unknown
    context: unknown
    tokens: unknown
    """


def _with_model(text: str = MODEL) -> dict[str, bytes]:
    return FILES | {"models/one.yaml": textwrap.dedent(text).encode()}


def _faults(files: dict[str, bytes]) -> list[Fault]:
    with pytest.raises(SpecErrors) as caught:
        build(files)
    return list(caught.value.faults)


def test_the_three_survive_reading_typing_keeping_and_export():
    """In the entity, in what its source says, in a kept catalogue, and in the state that an export names."""
    catalog = pickle.loads(pickle.dumps(build(_with_model())))  # as the cache does
    model, entity = catalog.model("one"), "models/one"
    told = json.loads(facts_json(catalog, [entity]))["facts"][entity]

    assert (model.released, model.license, model.architecture_class) == (None, UNKNOWN, "unknown")
    assert isinstance(model.license, Unknown)
    assert isinstance(model.text, Unknown)
    for field, value, state in (
        ("released", None, "none"),
        ("license", UNKNOWN, "unknown"),
        ("text", UNKNOWN, "unknown"),
        ("architecture_class", "unknown", "known"),
    ):
        leaf = catalog.trace(entity, field)
        assert (leaf.citations[0].value, leaf.state) == (value, state)
        assert (told[field]["value"], told[field]["state"]) == (None if state != "known" else value, state)


def test_a_field_that_a_spec_leaves_out_is_what_its_type_says():
    """Nobody said which images an offer takes; nobody announced its end."""
    offers = [offer for provider in load().providers.values() for offer in provider.offers]

    assert any(offer.max_images is UNKNOWN for offer in offers)
    assert not any(offer.max_images is None for offer in offers)
    assert not any(offer.announced is UNKNOWN for offer in offers)


@pytest.mark.parametrize(
    ("old", "new", "field", "found"),
    [
        ("license: unknown", "license: none", "license", "none"),
        ("text: unknown", "text: none", "text", "none"),
        ("released: none", "released: unknown", "released", "unknown"),
        ('name: "A model"', "name: unknown", "name", "unknown"),
        ('name: "A model"', "name: none", "name", "none"),
        ("license: unknown", "license: 3", "license", "3"),
        ("license: unknown", "license: {value: none}", "license", "none"),
    ],
)
def test_a_state_that_a_field_cannot_be_in_is_one_fault(old: str, new: str, field: str, found: str):
    """With file, line and field, and without the names of types in the field."""
    text = MODEL.replace(old, new, 1)
    line = 1 + text.splitlines().index(f"    {new}")

    faults = _faults(_with_model(text))

    assert [(each.file, each.line, each.field, each.found) for each in faults] == [
        ("specs/models/one.yaml", line, field, found)
    ]


def test_a_state_inside_a_group_is_told_by_its_path():
    """As for fields at the top: every device has a bf16 rate, known or not."""
    name, old = "accelerators/h100-sxm.yaml", "  bf16: 794_500_000_000_000"
    lines = FILES[name].decode().split("\n")
    at = lines.index(old)
    lines[at] = "  bf16: none"

    faults = _faults(FILES | {name: "\n".join(lines).encode()})

    assert [(each.line, each.field, each.found) for each in faults] == [(at + 1, "measured.bf16", "none")]


def test_the_text_unknown_is_no_state_to_a_number():
    """Quoted, it is text; and text is no number."""
    name = "accelerators/h100-sxm.yaml"
    spec = yaml.safe_load(FILES[name])
    assert spec["power_watts"] == 700 or spec["power_watts"]["value"] == 700

    text = "\n".join(
        'power_watts: "unknown"' if line.startswith("power_watts:") else line
        for line in FILES[name].decode().split("\n")
    )

    assert [(each.field, each.found) for each in _faults(FILES | {name: text.encode()})] == [
        ("power_watts", "'unknown'")
    ]


@pytest.mark.parametrize(
    ("kind", "group", "field", "takes"),
    [
        ("models", None, "license", {"unknown"}),
        ("models", None, "released", {"none"}),
        ("models", None, "text", {"unknown"}),
        ("formats", None, "scale", {"none"}),
        ("checkpoints", None, "kv_cache_dtype", {"unknown", "none"}),
        ("checkpoints", "Requirements", "max_capability", {"unknown", "none"}),
        ("checkpoints", "Requirements", "min_capability", {"unknown"}),
        ("accelerators", None, "compute_capability", {"none"}),
        ("sources", None, "url", {"unknown"}),
    ],
)
def test_schemas_say_which_states_a_field_may_be_in(kind: str, group: str | None, field: str, takes: set[str]):
    """Per field, as an editor applies them."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(schema_files()[f"{kind}.schema.json"])
    holder = schema.get("additionalProperties") or schema if kind == "sources" else schema
    properties = schema["definitions"][group]["properties"] if group else holder["properties"]
    one = {"definitions": schema.get("definitions", {}), **properties[field]}

    legal = {word for word in ("unknown", "none") if jsonschema.Draft7Validator(one).is_valid(word)}

    assert legal == takes


def test_what_needs_a_value_says_which_fact_is_missing():
    """`known` gives the value or names the fact; none is as good an answer as a value."""
    assert known(0, "models/one", "tokens") == 0
    assert known(None, "models/one", "released") is None
    with pytest.raises(UnknownFactError, match="models/one license"):
        known(UNKNOWN, "models/one", "license")
    assert [is_stated(each) for each in (0, "", False, (), None, UNKNOWN)] == [True] * 4 + [False] * 2
