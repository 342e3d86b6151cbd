"""Which plan comes first, for each goal."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.facts import load
from llama4ref.planning.choices.checkpoints import publisher_rank
from llama4ref.planning.outcomes import Plan
from llama4ref.planning.ranking import rank

CATALOG = load()


def _plans(**wish: object) -> list[Plan]:
    found = [
        each
        for each in plan(PlanRequest(**({"model": "scout", "gpu": "h200-sxm"} | wish))).plans
        if isinstance(each, Plan)
    ]
    assert len(found) > 3
    return found


@pytest.mark.parametrize("goal", ["balanced", "latency", "throughput", "cost"])
def test_plans_come_in_the_order_of_their_rank(goal: str):
    """No two have the same rank, so that the order is the same every time."""
    request = PlanRequest(model="scout", gpu="h200-sxm", count=8, goal=goal)
    ranks = [rank(CATALOG, request, each) for each in _plans(count=8, goal=goal)]

    assert ranks == sorted(ranks)


def test_balance_keeps_the_published_precision_first():
    """The developer's own and most bits, then fewer GPUs, then an unquantized cache."""
    plans = _plans()
    fidelity = [publisher_rank(CATALOG, each.checkpoint)[:2] for each in plans]

    assert fidelity == sorted(fidelity)
    for one, other in itertools.pairwise(plans):
        if one.checkpoint is other.checkpoint:
            assert one.count <= other.count


def test_latency_puts_the_shortest_wait_first():
    """Between two tokens of one request."""
    waits = [each.performance.itl_seconds.value for each in _plans(count=8, goal="latency") if each.performance]

    assert waits == sorted(waits)


def test_throughput_puts_the_highest_rate_first():
    """Of all requests together."""
    rates = [
        each.performance.output_throughput.value
        for each in _plans(count=8, goal="throughput", concurrency=64)
        if each.performance
    ]

    assert rates == sorted(rates, reverse=True)


def test_cost_puts_the_fewest_gpus_first():
    """Then the fastest of them."""
    plans = _plans(goal="cost")

    assert [each.count for each in plans] == sorted(each.count for each in plans)


def test_more_weight_bits_are_preferred_where_they_fit():
    """Eight H200 hold bf16, one does not."""
    assert _plans(count=8)[0].checkpoint.repository == "meta-llama/Llama-4-Scout-17B-16E-Instruct"
    assert _plans(count=1)[0].checkpoint.coverage.routed_experts != "bf16"


def test_a_plan_of_unknown_speed_is_not_the_fastest():
    """It comes after those whose speed is estimated."""
    best = _plans(count=8)[0]
    unknown = dataclasses.replace(best, performance=None, workload=None)

    for goal in ("latency", "throughput"):
        request = PlanRequest(model="scout", gpu="h200-sxm", goal=goal)
        assert rank(CATALOG, request, best) < rank(CATALOG, request, unknown)
