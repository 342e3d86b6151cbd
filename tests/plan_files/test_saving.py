"""A plan that was saved is the plan itself, in either form, and writes the same deployment."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import llama4ref
from llama4ref.errors import PlanFileError, RequestError
from llama4ref.facts import load
from llama4ref.plan_files import load_plan, save_plan
from llama4ref.plan_files.document import Sizes
from llama4ref.plan_files.reading import LARGEST_BYTES, read_plan_text
from llama4ref.plan_files.restoring import restored
from llama4ref.plan_files.schema import schema_text
from llama4ref.plan_files.writing import json_text, sizes_of, tree_of, yaml_text
from llama4ref.planning import Plan, PlanRequest, plan
from llama4ref.rendering import FORMS, render

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = load()
ACCELERATORS = sorted(id_ for id_, each in CATALOG.accelerators.items() if each.platform in {"cuda", "rocm"})
CHECKPOINTS = sorted(id_ for id_, each in CATALOG.checkpoints.items() if each.stage in {"instruct", "base"})
REQUESTS = st.builds(
    PlanRequest,
    checkpoint=st.sampled_from(CHECKPOINTS),
    gpu=st.sampled_from(ACCELERATORS),
    count=st.sampled_from([2, 4, 8, 16]),
    context=st.sampled_from([None, "16K", "128K"]),
    concurrency=st.none() | st.integers(1, 64),
    images=st.sampled_from([0, 2]),
    tools=st.booleans(),
    headroom=st.sampled_from([0.0, 0.1]),
    engine_release=st.sampled_from(["0.8.4", "0.9.2", "0.10.2", "0.13.0", "0.24.0", "0.33.0"]),
    hosted=st.just(False),
)
DRAFTS = sorted(
    (each.model, each.repository) for each in CATALOG.checkpoints.values() if each.stage == "draft" and each.repository
)


@given(request=REQUESTS)
@settings(deadline=None, max_examples=60)
def test_a_saved_plan_is_the_plan_itself(request: PlanRequest) -> None:
    """For any checkpoint on any accelerator, at any release: budget, promises, speed, reasons and caveats."""
    for one in plan(request, CATALOG).plans[:3]:
        for text in (yaml_text(one), json_text(one)):
            assert restored(read_plan_text(text, "plan"), CATALOG) == one


@pytest.mark.parametrize("draft", [*DRAFTS, ("scout", "somebody/a-head")])
def test_a_plan_with_a_draft_head_is_the_plan_itself(draft: tuple[str, str]) -> None:
    """Its memory is counted again by the name in the settings."""
    wish = PlanRequest(model=draft[0], gpu="h200-sxm", count=8, context="16K", speculative=draft[1])
    found = plan(wish, CATALOG).plans[:3]

    assert [restored(read_plan_text(yaml_text(one), "plan"), CATALOG) for one in found] == list(found)
    assert found


@pytest.mark.parametrize("form", FORMS)
def test_what_is_rendered_of_it_is_the_same(scout: Plan, saved: Path, form: str) -> None:
    """To the letter."""
    engine = CATALOG.engine("vllm")

    assert render(load_plan(saved), form, engine) == render(scout, form, engine)


def test_other_parsers_read_either_form(scout: Plan, tmp_path: Path) -> None:
    """The name of the file decides; both hold the same, within a tenth of what a reader accepts."""
    for name in ("plan.yaml", "plan.json", "plan", "PLAN.JSON"):
        llama4ref.save_plan(scout, tmp_path / name)
        assert llama4ref.load_plan(tmp_path / name) == scout
    as_yaml = yaml.safe_load((tmp_path / "plan.yaml").read_text(encoding="utf-8"))

    assert as_yaml == json.loads((tmp_path / "PLAN.JSON").read_text(encoding="utf-8"))
    assert (tmp_path / "plan").read_bytes() == (tmp_path / "plan.yaml").read_bytes()
    assert (tmp_path / "plan.yaml").stat().st_size < LARGEST_BYTES / 10


def test_the_schema_accepts_it_and_nothing_else(scout: Plan) -> None:
    """Each field is needed, and none more."""
    schema = json.loads(schema_text())
    check = jsonschema.Draft202012Validator(schema)
    tree = tree_of(scout)
    for name in tree:
        rest = {key: value for key, value in tree.items() if key != name}
        assert not check.is_valid(rest), name

    assert check.is_valid(tree)
    assert not check.is_valid({**tree, "more": 1})
    assert not check.is_valid({**tree, "plan_format": 2})
    assert "description" in schema["properties"]["made_by"]


def test_every_size_of_a_configuration_is_written(scout: Plan) -> None:
    """A new field of the configuration needs a field of the file."""
    assert {each.name for each in dataclasses.fields(Sizes)} == set(sizes_of(scout.config))


def test_a_file_is_replaced_whole_and_keeps_its_permissions(scout: Plan, saved: Path) -> None:
    """Nothing else is left beside it; a link leads to the same file as before."""
    saved.chmod(0o640)
    saved.write_text("x" * 100_000, encoding="utf-8")
    link = saved.with_name("link.yaml")
    link.symlink_to(saved)
    save_plan(scout, link)

    assert load_plan(saved) == scout
    assert link.is_symlink()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o640
    assert sorted(each.name for each in saved.parent.iterdir()) == ["link.yaml", "plan.yaml"]


def test_a_new_file_is_as_open_as_any_other(scout: Plan, tmp_path: Path) -> None:
    """The person's mask decides who may read it."""
    mask = os.umask(0o027)
    try:
        save_plan(scout, tmp_path / "plan.yaml")
    finally:
        os.umask(mask)

    assert stat.S_IMODE((tmp_path / "plan.yaml").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("place", "found"), [(".", "directory"), ("no/such/plan.yaml", "no such file"), ("a\0b", "null")]
)
def test_a_file_that_cannot_be_is_refused(scout: Plan, tmp_path: Path, place: str, found: str) -> None:
    """Exit 2: the call is wrong."""
    with pytest.raises(PlanFileError, match=found) as refused:
        save_plan(scout, tmp_path / place)

    assert refused.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_hosted_plan_is_not_saved(tmp_path: Path) -> None:
    """There is nothing to launch."""
    hosted = plan(PlanRequest(model="scout", hosted=True), CATALOG).best
    assert hosted is not None
    with pytest.raises(RequestError, match="--self-hosted"):
        save_plan(hosted, tmp_path / "plan.yaml")
