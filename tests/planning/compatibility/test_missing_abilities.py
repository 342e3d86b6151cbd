"""What a release cannot do with Llama 4 is refused, with the first release that can; where it may choose, the planner goes round it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.facts import Catalog, load
from llama4ref.facts.types.abilities import Ability
from llama4ref.facts.types.conditions import Conditions
from llama4ref.planning.outcomes import Plan

CATALOG = load()


def _with(**abilities: Ability) -> Catalog:
    """The catalogue with these abilities of vLLM alone, and no faults."""
    mine = dataclasses.replace(CATALOG.ability_set("vllm"), abilities=abilities)
    return dataclasses.replace(CATALOG, abilities={"vllm": mine}, faults={})


def test_a_split_that_the_release_cannot_do_names_the_first_release_that_can() -> None:
    """Pipeline parallel came to the model later than its option."""
    wish: dict[str, Any] = {
        "model": "maverick", "gpu": "h100-sxm", "count": 16, "nodes": 2, "tensor_parallel": 8, "pipeline_parallel": 2,
        "checkpoint": "meta-llama/Llama-4-Maverick-17B-128E-Instruct",
    }  # fmt: skip
    refused = plan(PlanRequest(**wish, engine_release="0.8.3"))

    assert not refused.plans
    (refusal,) = refused.refused
    assert refusal.rule == "engine-ability"
    assert refusal.changes == (("engine_release", "0.8.4"),)
    assert "pipeline parallel" in refusal.numbers
    assert plan(PlanRequest(**wish, engine_release="0.8.4")).plans


FP8_ON_HOPPER = Ability(feature="fp8-kv-cache", since="0.8.3", when=Conditions(min_capability=90))
FP8_LATER = Ability(feature="fp8-kv-cache", since="0.11.0")


@pytest.mark.parametrize("asked", [True, False])
def test_an_fp8_cache_is_not_chosen_where_it_is_missing(asked: bool) -> None:
    """It is refused where it is asked for, and otherwise the cache stays in bf16."""
    facts = _with(hopper=FP8_ON_HOPPER, later=FP8_LATER)
    wish: dict[str, Any] = {
        "model": "scout",
        "gpu": "a100-sxm",
        "count": 8,
        "context": "64K",
        "engine_release": "0.10.2",
    }
    result = plan(PlanRequest(**wish, cache_dtype="fp8" if asked else "auto"), facts)

    if asked:
        assert not result.plans
        assert ("engine_release", "0.11.0") in [change for each in result.refused for change in each.changes]
    else:
        assert {each.config.cache_dtype for each in result.plans if isinstance(each, Plan)} == {"bfloat16"}


def test_where_bf16_does_not_fit_memory_is_the_reason_and_not_the_missing_cache() -> None:
    """The refusal says what the person asked for."""
    facts = _with(hopper=FP8_ON_HOPPER)
    wish: dict[str, Any] = {"model": "scout", "gpu": "a100-sxm", "count": 4, "tensor_parallel": 4, "context": "2M"}
    rules = {
        each.rule for each in plan(PlanRequest(**wish, engine_release="0.10.2", min_weight_bits=16), facts).refused
    }

    assert "kv-cache-too-small" in rules
    assert "engine-ability" not in rules
