"""Draft heads: which is meant, how it works, and what it takes."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.facts import load
from llama4ref.planning import Plan
from llama4ref.planning.choices.draft_heads import draft_choice

CATALOG = load()
MAVERICK = {"model": "maverick", "gpu": "h100-sxm", "count": 8}
NVIDIA = "nvidia/Llama-4-Maverick-17B-128E-Eagle3"


def _best(**wish: object) -> Plan:
    best = plan(PlanRequest(**wish)).best
    assert isinstance(best, Plan)
    return best


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        (NVIDIA, "eagle3"),
        ("lmsys/sglang-EAGLE3-Llama-4-Scout-17B-16E-Instruct-v1", "eagle3"),
        ("morphllm/EAGLE-Llama-4-Maverick", "eagle"),
        ("owner/eagle-llama-4", "eagle"),
        ("owner/eagle3-llama-4", "eagle3"),
    ],
)
def test_the_algorithm_is_that_of_the_head(name: str, algorithm: str):
    """From the facts, or from its name as the engine reads it."""
    assert draft_choice(CATALOG, name).algorithm == algorithm


def test_names_are_read_as_the_engine_reads_them():
    """Its own configuration looks for `eagle-` in the name first, then for `eagle3`."""
    found = importlib.util.find_spec("vllm")
    if found is None or found.origin is None:
        pytest.skip("vLLM is not installed")
    source = (Path(found.origin).parent / "config" / "speculative.py").read_text()

    first, second = (
        '"eagle-" in self.draft_model_config.model.lower()',
        '"eagle3" in self.draft_model_config.model.lower()',
    )
    assert 0 < source.index(first) < source.index(second)


def test_the_engine_is_told_of_the_head():
    """Its repository, whatever it was named by, its algorithm and its tokens."""
    for name in (NVIDIA, "nvidia-llama-4-maverick-17b-128e-eagle3"):
        written = json.loads(str(_best(speculative=name, **MAVERICK).settings["speculative-config"]))

        assert written == {"method": "eagle3", "model": NVIDIA, "num_speculative_tokens": 3}
    eagle = _best(speculative="morphllm/EAGLE-Llama-4-Maverick", **MAVERICK)
    assert json.loads(str(eagle.settings["speculative-config"]))["method"] == "eagle"


def test_a_promise_leaves_room_for_the_head():
    """Its weights and its pages of the cache are in the budget, so that fewer tokens are promised than without hybrid cache alone."""
    with_head, without = _best(speculative=NVIDIA, **MAVERICK), _best(hybrid=False, **MAVERICK)

    assert with_head.kv_cache_tokens < without.kv_cache_tokens
    assert with_head.budget.used_at_most_bytes > without.budget.used_at_most_bytes
    assert any("draft" in line.name for line in with_head.budget.lines)
    assert with_head.budget.cache.bytes_per_request > without.budget.cache.bytes_per_request * (
        with_head.context / without.context
    )


@pytest.mark.parametrize(
    ("name", "release", "first"),
    [(NVIDIA, "0.11.0", "0.11.1"), ("owner/eagle-head", "0.9.2", "0.10.0"), ("owner/eagle3-head", "0.10.2", "0.11.1")],
)
def test_a_release_without_such_heads_is_refused_with_the_first_that_has_them(name: str, release: str, first: str):
    """And that one plans it."""
    result = plan(PlanRequest(speculative=name, engine_release=release, **MAVERICK))
    (refusal,) = result.refused

    assert not result.plans
    assert (refusal.rule, refusal.instead) == ("draft-head", f"releases from {first} do")
    assert plan(PlanRequest(speculative=name, engine_release=first, context="8K", **MAVERICK)).plans


def test_caveats_say_what_is_not_known_of_a_head():
    """Nothing is known of one that the facts do not have; speed is without speculation for each."""
    known, other = (_best(speculative=name, **MAVERICK).caveats for name in (NVIDIA, "owner/head"))

    assert not any("no facts of" in each.because for each in known)
    assert any("no facts of owner/head" in each.because for each in other)
    for caveats in (known, other):
        assert [each.value for each in caveats if each.about == "speed"] == ["without speculation"]
