"""Specs beside readings: what agrees, what differs, what is new."""

from __future__ import annotations

import dataclasses

import pytest

from llama4ref.facts import load
from llama4ref.facts.types.abilities import Ability, AbilitySet
from llama4ref.facts.types.engines import Engine, Flag, Method
from llama4ref.facts.types.serving import Variable
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.watching.comparing import compare

VLLM = load().engine("vllm")
OLD, MIDDLE, NEW, LATER = "0.31.0", "0.32.0", "0.33.0", "0.34.0"


def _engine(**fields: object) -> Engine:
    """An engine of which nothing is known but what a test says."""
    bare = dataclasses.replace(
        VLLM,
        flags={},
        methods={},
        environment={},
        behaviours=None,
        newest_release=NEW,
        releases=(),
    )
    return dataclasses.replace(bare, **fields)


def _flag(**fields: object) -> Flag:
    return Flag(**{"since": UNKNOWN, "until": None, "takes": "value", "default": None, "note": None} | fields)


def test_what_agrees_counts_leaf_by_leaf():
    """Since, until and the default at the newest release."""
    engine = _engine(flags={"max-loras": _flag(since=MIDDLE, default="1")})
    readings = {OLD: {}, MIDDLE: {"flags.max-loras": True, "flags.max-loras.default": "8"}}
    readings[NEW] = {"flags.max-loras": True, "flags.max-loras.default": "1"}

    result = compare(engine, None, readings)

    assert result.agreed == ("flags.max-loras.since", "flags.max-loras.until", "flags.max-loras.default")
    assert result.differ == result.new == ()


@pytest.mark.parametrize(
    ("flag", "wheels"),
    [
        (_flag(since=NEW), f"False since {OLD}, True since {MIDDLE}"),
        (_flag(since=OLD), f"False since {OLD}, True since {MIDDLE}"),
        (_flag(since=MIDDLE, until=NEW), f"False since {OLD}, True since {MIDDLE}"),
    ],
)
def test_another_span_is_told(flag: Flag, wheels: str):
    """Both sides, as spans of releases."""
    readings = {OLD: {}, MIDDLE: {"flags.x": True}, NEW: {"flags.x": True}}

    (difference,) = compare(_engine(flags={"x": flag}), None, readings).differ

    assert (difference.path, difference.wheels) == ("flags.x", wheels)
    assert str(difference) == f"flags.x: specs {difference.specs}; wheels {wheels}"


def test_a_name_that_no_release_has_is_told():
    """It was there once, say the specs."""
    (difference,) = compare(_engine(flags={"x": _flag()}), None, {OLD: {}, NEW: {}}).differ

    assert difference.wheels == f"False since {OLD}"


@pytest.mark.parametrize(
    ("field", "path", "read"),
    [
        ({"flags": {"x": _flag(default="1")}}, "flags.x.default", {"flags.x": True, "flags.x.default": "2"}),
        (
            {"environment": {"V": Variable(since=UNKNOWN, until=None, default="0", note=None)}},
            "environment.V.default",
            {"environment.V": True, "environment.V.default": "1"},
        ),
        (
            {"methods": {"m": Method(since=UNKNOWN, until=None, min_capability=75, online=False, note=None)}},
            "methods.m.min_capability",
            {"methods.m": True, "methods.m.min_capability": 80},
        ),
        (
            {
                "methods": {
                    "m": Method(
                        since=UNKNOWN, until=None, min_capability=UNKNOWN, online=False, note=None, platforms=("cuda",)
                    )
                }
            },
            "methods.m.platforms.rocm",
            {"methods.m": True, "methods.m.platforms.rocm": True},
        ),
        (
            {"flags": {"x": _flag(values={"fast": NEW})}},
            "flags.x.values.fast",
            {"flags.x": True, "flags.x.values.fast": False},
        ),
        (
            {"flags": {"x": _flag(takes="json", json_since=NEW)}},
            "flags.x.json_since",
            {"flags.x": True, "flags.x.json_since": False},
        ),
        (
            {"behaviours": VLLM.behaviours},
            "behaviours.gpu_memory_utilization",
            {"behaviours.gpu_memory_utilization": 0.9},
        ),
        ({"behaviours": VLLM.behaviours}, "behaviours.start_check", {"behaviours.start_check": "layers"}),
    ],
)
def test_another_value_is_told(field: dict[str, object], path: str, read: dict[str, object]):
    """Each kind of leaf, wrong at the newest release."""
    result = compare(_engine(**field), None, {NEW: read})

    assert [each.path for each in result.differ] == [path]


def test_a_default_is_of_the_newest_release_alone():
    """Another one in an older release is no difference, and without the newest there is nothing to compare."""
    engine = _engine(flags={"x": _flag(default="1")})
    older = {MIDDLE: {"flags.x": True, "flags.x.default": "2"}}

    assert "flags.x.default" not in compare(engine, None, older).agreed
    assert compare(engine, None, older).differ == ()


def test_abilities_are_compared_row_by_row():
    """A row that begins elsewhere differs; one that the reader cannot tell says nothing."""
    rows = {
        "lora": Ability(feature="lora", since=NEW),
        "eagle": Ability(feature="eagle", since=MIDDLE),
        "images": Ability(feature="images", since=UNKNOWN),
    }
    set_ = AbilitySet(id="vllm", name="", engine="vllm", abilities=rows)
    readings = {OLD: {"abilities.lora": False, "abilities.eagle": False}}
    readings[MIDDLE] = {"abilities.lora": True, "abilities.eagle": True}

    result = compare(_engine(), set_, readings)

    assert [each.path for each in result.differ] == ["abilities.lora"]
    assert result.agreed == ("abilities.eagle.since", "abilities.eagle.until")


def test_what_a_later_release_changes_is_new():
    """Begins, ends and changes, each in a line; what changed before the newest release of the specs is not."""
    readings = {
        MIDDLE: {"flags.first": True},
        NEW: {"flags.old": True, "behaviours.v2_model_runner": True},
        LATER: {"flags.young": True, "behaviours.v2_model_runner": False},
    }

    assert compare(_engine(), None, readings).new == (
        f"behaviours.v2_model_runner changes with {LATER}: True before, False now",
        f"flags.old ends with {LATER}",
        f"flags.young begins with {LATER}: True",
    )


def test_a_method_that_the_specs_lack_is_new_in_any_release():
    """Their table of methods is complete, that of options is a choice."""
    readings = {OLD: {"methods.m": True, "flags.f": True}, NEW: {"methods.m": True, "flags.f": True}}

    assert compare(_engine(), None, readings).new == (f"methods.m is in {OLD} and not in the specs",)


def test_releases_are_in_order():
    """However they were named."""
    assert compare(_engine(), None, {"0.10.0": {}, "0.9.2": {}}).releases == ("0.9.2", "0.10.0")
