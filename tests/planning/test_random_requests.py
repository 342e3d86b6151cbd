"""What holds of every answer, whatever is asked for."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llama4ref import PlanRequest, PlanResult, plan
from llama4ref.errors import Llama4refError
from llama4ref.facts import load
from llama4ref.planning import Plan
from llama4ref.planning.lengths import lengths_of

CATALOG = load()
CHECKPOINTS = [each.id for each in CATALOG.checkpoints.values() if each.stage != "draft"]
RELEASES = [None, "0.8.3", "0.10.1", "0.12.0", "0.19.0", "0.26.0", "0.32.0", "0.33.0"]

WISHES = st.fixed_dictionaries(
    {"gpu": st.sampled_from(list(CATALOG.accelerators))},
    optional={
        "model": st.sampled_from(["scout", "maverick"]),
        "count": st.sampled_from([1, 2, 3, 4, 6, 8, 12, 16, 17, 24]),
        "nodes": st.integers(1, 3),
        "context": st.integers(1, 12_000_000),
        "concurrency": st.integers(1, 600),
        "prompt_tokens": st.integers(1, 300_000),
        "output_tokens": st.integers(1, 20_000),
        "images": st.integers(0, 12),
        "image_size": st.sampled_from(["336x336", "1920x1080", "10000x10"]),
        "tools": st.booleans(),
        "speculative": st.just("owner/head"),
        "checkpoint": st.sampled_from(CHECKPOINTS),
        "min_weight_bits": st.sampled_from([0, 4, 8, 16]),
        "engine_release": st.sampled_from(RELEASES),
        "cache_dtype": st.sampled_from(["auto", "bfloat16", "fp8"]),
        "hybrid": st.booleans(),
        "tensor_parallel": st.sampled_from([1, 2, 4, 5, 8]),
        "pipeline_parallel": st.sampled_from([1, 2, 3]),
        "data_parallel": st.sampled_from([1, 2, 4]),
        "expert_parallel": st.booleans(),
        "gpu_memory_utilization": st.sampled_from([0.5, 0.85, 0.9, 0.95, 1.0]),
        "max_num_seqs": st.integers(1, 2_048),
        "max_num_batched_tokens": st.integers(1, 32_768),
        "enforce_eager": st.booleans(),
        "headroom": st.sampled_from([0.0, 0.25, 0.9]),
        "goal": st.sampled_from(["balanced", "latency", "throughput", "cost"]),
    },
)
SETTINGS = {
    "max_num_seqs": "max-num-seqs", "max_num_batched_tokens": "max-num-batched-tokens", "context": "max-model-len",
    "gpu_memory_utilization": "gpu-memory-utilization", "tensor_parallel": "tensor-parallel-size",
}  # fmt: skip
PARALLEL = {"pipeline_parallel": "pipeline-parallel-size", "data_parallel": "data-parallel-size"}


RULES_BEFORE_MEMORY = {
    "images-above-context",
    "hybrid",
    "draft-head",
    "nodes",
    "layout",
    "tensor-parallel-across-nodes",
}
"""Rules after which memory is looked at; it may be too small all the same."""


def _answer(wish: dict[str, Any]) -> PlanResult | None:
    """The answer to a wish, or None where it contradicts itself; nothing else may be raised."""
    with contextlib.suppress(Llama4refError):
        return plan(PlanRequest(**wish))
    return None


@settings(max_examples=250, deadline=None, derandomize=True)
@given(WISHES)
def test_every_plan_is_what_was_asked_for_and_holds(wish: dict[str, Any]):
    """Values, machines, lengths with their images, and memory."""
    result = _answer(wish)
    assume(result is not None)
    assert result is not None
    request = result.request

    assert result.plans or result.refused
    for each in result.plans:
        assert isinstance(each, Plan)
        lengths, layout = lengths_of(request, each.model.architecture), each.config.layout
        assert each.context >= max(lengths.least, lengths.longest or 0)
        asked = lengths.longest and max(lengths.longest, _least_context(each))
        assert each.context == (asked or each.context) <= each.largest_context
        for name, option in SETTINGS.items():
            assert getattr(request, name) in {None, each.settings[option]} or name == "context", name
        for name, option in PARALLEL.items():
            assert getattr(request, name) in {None, each.settings.get(option, 1)}, name
        assert each.config.enforce_eager >= request.enforce_eager
        assert request.cache_dtype in {"auto", each.config.cache_dtype}
        assert request.hybrid in {None, each.budget.cache.hybrid}
        assert request.expert_parallel in {None, layout.expert_parallel}
        assert request.count in {None, each.count}
        assert request.nodes in {None, each.nodes}
        assert request.engine_release in {None, each.release}
        assert each.count == layout.gpus == layout.tensor_parallel * layout.pipeline_parallel * layout.data_parallel
        assert each.count // each.nodes % layout.tensor_parallel == 0
        assert each.nodes * (each.accelerator.per_node or each.count) >= each.count
        assert each.config.max_num_batched_tokens >= each.config.max_num_seqs
        assert each.config.max_num_seqs * layout.data_parallel >= (request.concurrency or 1)
        assert each.budget.free_bytes >= 0
        cache, room = each.budget.cache, each.budget.room(request.headroom)
        counted = lengths.stated or each.context
        assert cache.requests_held(each.context, room) >= 1
        assert cache.requests_held(counted, room) * layout.data_parallel >= (request.concurrency or 1)
        if each.workload is not None:
            speed_for = each.workload.prompt_tokens + each.workload.output_tokens + lengths.images_tokens
            assert speed_for <= each.context


def _least_context(planned: Plan) -> int:
    """What a plan for the first release makes of a shorter limit: that reads past its tables below a whole chunk."""
    fault = CATALOG.fault_set("vllm").faults["context-below-a-chunk"]
    return int(fault.remedies[0].request["context"]) if fault.at(planned.release) else 0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(WISHES)
def test_what_would_lift_a_refusal_lifts_it(wish: dict[str, Any]):
    """The changes that refusals name are planned when they are asked for; where another rule stands in the way, it is another."""
    result = _answer(wish)
    assume(result is not None)
    assert result is not None
    asked = result.request.as_dict()

    for each in {refusal.changes: refusal for refusal in reversed(result.refused) if refusal.changes}.values():
        lifted = plan(PlanRequest(**(asked | dict(each.changes))))
        assert lifted.plans or each.rule in RULES_BEFORE_MEMORY, each
        assert (each.rule, each.subject) not in {(other.rule, other.subject) for other in lifted.refused}, each


@settings(max_examples=60, deadline=None, derandomize=True)
@given(WISHES)
def test_an_answer_does_not_depend_on_what_was_asked_before(wish: dict[str, Any]):
    """The same settings, reasons and refusals, in the same order; and a result that is changed changes no other."""
    first, second = _answer(wish), _answer(wish)
    assume(first is not None)
    assert first is not None
    assert second is not None

    assert first.refused == second.refused
    for one, other in zip(first.plans, second.plans, strict=True):
        assert isinstance(one, Plan)
        assert isinstance(other, Plan)
        assert (one.settings, one.reasons, one.context) == (other.settings, other.reasons, other.context)
        assert one.settings is not other.settings


def sizes_of(each: Plan) -> tuple[float, ...]:
    """Settings that the planner changes where nothing fits with the engine's own."""
    config = each.config
    shortened = config.rope_positions is not None
    return (
        config.max_num_seqs,
        config.max_num_batched_tokens,
        config.gpu_memory_utilization,
        shortened,
        config.enforce_eager,
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(WISHES, st.integers(1, 12_000_000))
def test_the_longest_context_does_not_depend_on_the_one_asked_for(wish: dict[str, Any], context: int):
    """By checkpoint, layout, cache and batch; and it is accepted, and no longer one."""
    without = {
        name: value
        for name, value in wish.items()
        if name not in {"context", "prompt_tokens", "output_tokens", "concurrency"}
    }
    result, again = _answer(without), _answer(without | {"context": context})
    assume(result is not None and again is not None)
    assert result is not None
    assert again is not None

    def longest(answer: PlanResult) -> dict[tuple[object, ...], int]:
        return {
            (each.checkpoint.id, each.config.layout, each.config.cache_dtype, each.config.hybrid, *sizes_of(each)): (
                each.largest_context
            )
            for each in answer.plans
            if isinstance(each, Plan)
        }

    one, other = longest(result), longest(again)
    assert all(one[each] == other[each] for each in one.keys() & other.keys())


@pytest.mark.parametrize("images", [0, 3])
@pytest.mark.parametrize("gpu", ["h100-sxm", "l4", "mi300x", "rtx-4090"])
def test_the_longest_context_is_accepted_and_one_more_block_is_not(gpu: str, images: int):
    """For the same checkpoint, layout and cache."""
    for each in plan(PlanRequest(model="scout", gpu=gpu, count=8, images=images)).plans[:6]:
        assert isinstance(each, Plan)
        same = {
            "gpu": gpu, "count": 8, "images": images, "checkpoint": each.checkpoint.id, "cache_dtype": each.config.cache_dtype,
            "tensor_parallel": each.config.layout.tensor_parallel, "hybrid": each.budget.cache.hybrid,
        }  # fmt: skip
        more = each.largest_context + each.budget.cache.block_size

        assert plan(PlanRequest(context=each.largest_context, **same)).plans
        longer = plan(PlanRequest(context=more, **same)).plans
        assert all(isinstance(other, Plan) and sizes_of(other) != sizes_of(each) for other in longer)
