"""An editor that knows the schema takes every spec and marks what the loader would refuse."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from llama4ref.facts.loading import specs_folder
from llama4ref.facts.reading.json_schema import schema_files
from llama4ref.facts.types.kinds import KINDS

jsonschema = pytest.importorskip("jsonschema")

if TYPE_CHECKING:
    from pathlib import Path

SCHEMAS = {name.partition(".")[0]: json.loads(text) for name, text in schema_files().items()}
FILES = [(kind, file) for kind in KINDS for file in sorted((specs_folder() / kind).glob("*.yaml"))]


class EditorLoader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: `5_120` and `on` are text, `1e-05` is a number."""


EditorLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    EditorLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^({_pattern})$"), list(_first))


@pytest.mark.parametrize(("kind", "file"), FILES, ids=[f"{kind}/{file.stem}" for kind, file in FILES])
def test_every_spec_follows_its_schema(kind: str, file: Path) -> None:
    """As an editor reads it."""
    spec = yaml.load(file.read_text(encoding="utf-8"), Loader=EditorLoader)  # noqa: S506  # a safe loader

    jsonschema.Draft7Validator(SCHEMAS[kind]).validate(spec)


def test_the_list_of_sources_follows_its_schema() -> None:
    """Sources carry no citations themselves."""
    text = (specs_folder() / "sources.yaml").read_text(encoding="utf-8")

    jsonschema.Draft7Validator(SCHEMAS["sources"]).validate(yaml.load(text, Loader=EditorLoader))  # noqa: S506


@pytest.mark.parametrize(("kind", "file"), FILES, ids=[f"{kind}/{file.stem}" for kind, file in FILES])
def test_every_spec_binds_its_schema(kind: str, file: Path) -> None:
    """By its first line."""
    first = file.read_text(encoding="utf-8").splitlines()[0]

    assert first == f"# yaml-language-server: $schema=../schema/{kind}.schema.json"


@pytest.mark.parametrize("kind", SCHEMAS)
def test_schemas_are_schemas(kind: str) -> None:
    """Valid draft 7, and every reference leads somewhere."""
    jsonschema.Draft7Validator.check_schema(SCHEMAS[kind])
    references = set(re.findall(r'"#/definitions/(\w+)"', json.dumps(SCHEMAS[kind])))

    assert references <= set(SCHEMAS[kind].get("definitions", {}))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"colour": "blue"}, "an unknown key"),
        ({"name": ["a", "b"]}, "a list where text belongs"),
        ({"text": {"layers": "many"}}, "text where a number belongs, and fields left out"),
        ({"name": {"value": "Scout", "colour": "blue"}}, "an unknown key beside a value"),
        ({"name": {"source": "llama4-model-card"}}, "a long form without its value"),
        ({"name": {"value": "a", "disputed": [{"value": "b", "source": "c"}]}}, "a dispute without a reason"),
        (
            {"name": {"value": "a", "disputed": [{"source": "c"}], "because": "d"}},
            "a disagreeing source without its value",
        ),
        ({"id": "scout"}, "the id, which is the file's name"),
        ({"status": "maybe"}, "a word that is not among the choices"),
    ],
)
def test_schemas_mark_what_the_loader_refuses(change: dict[str, object], why: str) -> None:
    """Scout with one thing wrong."""
    text = (specs_folder() / "models" / "scout.yaml").read_text(encoding="utf-8")
    spec = yaml.load(text, Loader=EditorLoader)  # noqa: S506
    validator = jsonschema.Draft7Validator(SCHEMAS["models"])

    assert validator.is_valid(spec)
    assert not validator.is_valid(spec | change), why


@pytest.mark.parametrize(
    "change",
    [
        {"knowledge_cutoff": "unknown"},
        {"knowledge_cutoff": {"value": "unknown", "source": "llama4-model-card", "note": "nobody says"}},
        {"languages": {"value": ["English"], "also": [{"source": "a", "at": "b"}]}},
    ],
)
def test_schemas_take_the_forms_that_the_loader_takes(change: dict[str, object]) -> None:
    """Unknown, the long form, and further sources."""
    text = (specs_folder() / "models" / "scout.yaml").read_text(encoding="utf-8")
    spec = yaml.load(text, Loader=EditorLoader)  # noqa: S506

    jsonschema.Draft7Validator(SCHEMAS["models"]).validate(spec | change)
