"""Nothing fits: which requests that differ in little would be planned?"""

from __future__ import annotations

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.planning import Plan, alternatives_to

NOTHING_FITS = [
    {"model": "scout", "gpu": "h200-sxm", "count": 8, "context": "10M", "max_num_seqs": 1024, "gpu_memory_utilization": 0.92},
    {"model": "scout", "gpu": "h100-sxm", "count": 1, "min_weight_bits": 8},
    {"model": "scout", "gpu": "h100-sxm", "count": 17},
    {"model": "scout", "gpu": "h100-sxm", "count": 16, "nodes": 1},
    {"model": "scout", "gpu": "h100-sxm", "tensor_parallel": 5},
    {"model": "scout", "gpu": "h100-sxm", "count": 8, "hybrid": True, "engine_release": "0.9.0"},
    {"model": "maverick", "gpu": "h200-sxm", "count": 8, "context": "10M"},
    {"model": "scout", "gpu": "h100-sxm", "count": 8, "prompt_tokens": 500_000, "output_tokens": 1_000, "concurrency": 200},
    {"model": "scout", "gpu": "h200-sxm", "count": 1, "images": 20, "context": "4K"},
    {"model": "scout", "gpu": "l4", "count": 1, "context": "1M"},
    {"model": "scout", "gpu": "h100-sxm", "count": 8, "context": "10M", "gpu_memory_utilization": 0.95, "max_num_seqs": 1024},
]  # fmt: skip


@pytest.mark.parametrize("wish", NOTHING_FITS, ids=lambda each: "-".join(map(str, each.values())))
def test_each_alternative_is_planned_and_differs_in_little(wish: dict[str, object]):
    """What it changes is what it says, and the plan is the one that is found for it."""
    result = plan(PlanRequest(**wish))

    assert not result.plans
    assert alternatives_to(result)
    for each in alternatives_to(result):
        assert each.changes
        assert each.request == PlanRequest(**(PlanRequest(**wish).as_dict() | dict(each.changes)))
        best = plan(each.request).best
        assert isinstance(best, Plan)
        assert best.settings == each.plan.settings


@pytest.mark.parametrize("wish", NOTHING_FITS, ids=lambda each: "-".join(map(str, each.values())))
def test_what_a_refusal_says_would_lift_it_does(wish: dict[str, object]):
    """The changes it names, made as asked for, are planned on the same checkpoint."""
    for each in dict.fromkeys(
        (refusal.changes, refusal.subject.split(" ")[0]) for refusal in plan(PlanRequest(**wish)).refused
    ):
        changes, subject = each
        if changes:
            plans = plan(PlanRequest(**(PlanRequest(**wish).as_dict() | dict(changes)))).plans
            assert plans, each
            ids = {found.checkpoint.id for found in plans if isinstance(found, Plan)}
            assert subject in ids or "-" not in subject or subject.endswith("gpus"), each


def test_where_something_is_planned_there_are_none():
    """Refusals are enough then."""
    assert alternatives_to(plan(PlanRequest(model="scout", gpu="h100-sxm", count=8))) == ()


def test_fewer_images_are_offered_with_the_most_that_fit():
    """One more does not; other things stay as they were asked for."""
    wish = {"model": "scout", "gpu": "h200-sxm", "count": 1, "images": 20, "context": "4K", "min_weight_bits": 8}
    (found,) = [
        dict(each.changes) for each in alternatives_to(plan(PlanRequest(**wish))) if "images" in dict(each.changes)
    ]
    most = found["images"]

    assert 0 < most < 20
    assert plan(PlanRequest(**(wish | found))).plans
    assert not plan(PlanRequest(**(wish | {"images": most + 1}))).plans


def test_the_fewest_gpus_more_are_offered():
    """None of the numbers between is enough."""
    wish = {"model": "maverick", "gpu": "h100-sxm", "count": 2, "context": "128K", "min_weight_bits": 8}
    (more,) = [
        dict(each.changes)["count"]
        for each in alternatives_to(plan(PlanRequest(**wish)))
        if "count" in dict(each.changes)
    ]

    assert isinstance(more, int)
    assert plan(PlanRequest(**(wish | {"count": more}))).plans
    assert not any(plan(PlanRequest(**(wish | {"count": fewer}))).plans for fewer in range(3, more))


def test_settings_are_changed_before_anything_else():
    """Then lengths, GPUs, and what was asked for."""
    result = plan(PlanRequest(**NOTHING_FITS[0]))

    assert dict(alternatives_to(result)[0].changes) == {"max_num_seqs": 256}
    assert alternatives_to(result)[0].plan.context == 10_485_760


@pytest.mark.parametrize("gpu", ["tpu-v6e", "gaudi-3"])
def test_hardware_that_no_engine_is_sized_for_is_told_apart(gpu: str):
    """Nothing is said not to fit there, and what serves there is named."""
    result = plan(PlanRequest(model="scout", gpu=gpu))

    assert not result.plans
    assert not result.sized
    assert not alternatives_to(result)
    assert {each.rule for each in result.refused} == {"not-planned"}
    assert "plans are made for cuda and rocm" in result.refused[0].numbers
    assert "by a plugin of its own" in result.refused[1].numbers
