"""What must one replica hold: how long a request, and how many of them at once?"""

from __future__ import annotations

import dataclasses

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.engine.layout import Layout
from llama4ref.memory.gpu_budget import MemoryBudget
from llama4ref.planning.fitting.demand import Demand, demand_of
from llama4ref.planning.lengths import lengths_of
from llama4ref.planning.outcomes import Plan


def _demand(**wish: object) -> Demand:
    request = PlanRequest(model="scout", **wish)
    best = plan(PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M")).best
    assert isinstance(best, Plan)
    return demand_of(request, lengths_of(request, best.model.architecture), Layout(tensor_parallel=2, data_parallel=4))


def test_each_replica_takes_its_part_rounded_up():
    """Ten requests over four replicas are three on the fullest."""
    assert _demand(concurrency=10).concurrency == 3
    assert _demand().concurrency == 1


@pytest.mark.parametrize(
    ("wish", "wanted", "at_full_length"),
    [
        ({}, 2_000, 1),
        ({"concurrency": 8}, 2_000, 2),
        ({"context": 8_192, "concurrency": 8}, 8_192, 1),
        ({"prompt_tokens": 1_000, "output_tokens": 24, "concurrency": 8}, 1_024, 1),
        ({"prompt_tokens": 1_000, "concurrency": 8}, 1_001, 2),
    ],
)
def test_where_no_length_is_given_all_requests_have_the_full_one(
    wish: dict[str, int], wanted: int, at_full_length: int
):
    """Otherwise one of the full length must fit, and all of the length that is stated."""
    found = _demand(**wish)

    assert (found.wanted, found.of_full_length.concurrency) == (wanted, at_full_length)


def _budget_with(budget: MemoryBudget, left: int) -> MemoryBudget:
    """The same budget with so many bytes left for the KV cache."""
    stage = budget.stages[0]
    return dataclasses.replace(
        budget,
        stages=(
            dataclasses.replace(stage, requested_bytes=stage.requested_bytes - stage.kv_cache_at_least_bytes + left),
        ),
    )


@pytest.mark.parametrize("release", ["0.8.3", "0.15.0", "0.28.0", "0.32.0"])
def test_a_request_needs_its_blocks_and_the_empty_one(release: str):
    """Even where the engine would start with less."""
    best = plan(PlanRequest(model="scout", gpu="h100-sxm", count=8, context=100_000, engine_release=release)).best
    assert isinstance(best, Plan)
    cache = best.budget.cache
    one = cache.blocks_per_request * cache.bytes_per_block
    enough = one + cache.bytes_per_block

    for requests, left, met in ((1, enough, True), (1, enough - 1, False), (2, enough, False), (2, enough + one, True)):
        demand = Demand(longest=None, least=1, stated=None, concurrency=requests, headroom=0.0)
        assert demand.met(_budget_with(best.budget, left)) is met
    assert not Demand(longest=None, least=1, stated=None, concurrency=1, headroom=0.5).met(
        _budget_with(best.budget, enough)
    )
