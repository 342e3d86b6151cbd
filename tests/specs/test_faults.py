"""Every recorded fault: its releases, remedies and example, and what becomes of a plan that would meet it."""

from __future__ import annotations

import dataclasses
import functools

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.facts import load
from llama4ref.facts.types.faults import EngineFault, FaultSet
from llama4ref.facts.types.releases import holds_at, release_key
from llama4ref.facts.types.states import is_stated
from llama4ref.planning.outcomes import Plan, PlanResult

CATALOG = load()
FAULTS = [(set_, id_) for set_, each in CATALOG.faults.items() for id_ in each.faults]
PLANNED = [id_ for set_, id_ in FAULTS if set_ == "vllm"]
UNSEEN = frozenset(
    {
        # No release, or none so early, loads the checkpoint.
        "awq-split-experts",
        "bitsandbytes-experts",
        "gguf-experts",
        "int4-differs-in-a-batch",
        "int4-nonsense-on-one-gpu",
        "online-fp8-gibberish",
        # No kernel of the release runs the experts.
        "channel-fp8-on-rocm",
        "fp8-fails-on-a100",
        "nvfp4-refused-on-blackwell",
        # No release takes these kernels by itself.
        "b12x-refuses-router-weights",
        "flashinfer-b12x-router-weight-twice",
        "humming-refuses-router-weights",
        # No plans are made for the hardware.
        "cpu-experts-refuse",
        "expert-parallel-cpu",
        "first-image-kills-cpu",
        "gaudi-shared-experts",
        "lora-cpu",
        "pipeline-eager-cpu",
    }
)
"""Faults of vLLM that no plan shows: something else rules it out before, or nothing that is planned meets them."""
FIRST_FREE = (
    ("qk-norm-over-heads", "0.8.4"),
    ("tuning-off-at-long-context", "0.8.4"),
    ("channel-fp8-on-rocm", "0.8.4"),
    ("stale-compile-cache", "0.8.5"),
    ("int4-differs-in-a-batch", "0.8.5"),
    ("fp8-fails-on-a100", "0.9.2"),
    ("context-below-a-chunk", "0.8.4"),
    ("last-chunk-is-partial", "0.8.4"),
    ("v0-attends-to-all-in-pipelines", "0.9.1"),
    ("v0-attends-to-all-on-rocm", "0.9.2"),
    ("flashinfer-attends-to-all-on-10-0", "0.10.0"),
    ("chunked-without-hybrid", "0.10.1"),
    ("eagle-head-without-output-layer", "0.13.0"),
    ("modelopt-fp8-with-expert-parallel", "0.15.0"),
    ("pplx-spoils-scales", "0.17.0"),
    ("cpu-experts-refuse", "0.17.0"),
)
"""Faults with the first release whose code no longer has them, as read in the wheels."""
THREADS: tuple[tuple[dict[str, object], str, str | None], ...] = (
    # vLLM #57630: a head beside images
    ({"model": "scout", "gpu": "h100-sxm", "count": 4, "speculative": "morgendave/EAGLE-Llama-4-Scout-17B-16E-Instruct",
      "checkpoint": "RedHatAI/Llama-4-Scout-17B-16E-Instruct-quantized.w4a16", "context": "16K", "images": 1,
      "engine_release": "0.29.0"}, "eagle-head-with-images", None),
    # vLLM #22917: text before the call
    ({"model": "scout", "gpu": "h100-sxm", "count": 8, "context": "128K", "tools": True, "engine_release": "0.31.0"},
     "text-before-the-call", None),
    # vLLM #28268: gsm8k 0 compiled, 0.93 eager
    ({"model": "maverick", "gpu": "mi300x", "count": 8, "tensor_parallel": 8, "context": "128K", "max_num_seqs": 64,
      "max_num_batched_tokens": 32768, "engine_release": "0.11.1",
      "checkpoint": "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8"}, "compiled-nan-on-cdna3", "enforce-eager"),
    # vLLM #19631: 40,000 batched tokens
    ({"model": "maverick", "gpu": "h100-sxm", "count": 8, "tensor_parallel": 8, "max_num_batched_tokens": 40000,
      "context": 8192, "max_num_seqs": 128, "gpu_memory_utilization": 0.8, "engine_release": "0.9.1",
      "checkpoint": "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8"}, "cutlass-in-chunks", None),
    # vLLM #16948: prompts of 10,000 tokens on Hopper
    ({"model": "scout", "gpu": "h200-sxm", "count": 4, "tensor_parallel": 4, "context": "16K", "engine_release": "0.8.4"},
     "fa3-long-prompts", None),
    # vLLM #18421: official FP8 with 0.9.0
    ({"model": "maverick", "gpu": "h100-sxm", "count": 8, "tensor_parallel": 8, "context": "32K", "engine_release": "0.9.0",
      "checkpoint": "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8"}, "cutlass-fails-compiling", None),
    # vLLM PR #43694: the router's weight, twice
    ({"model": "scout", "gpu": "h200-sxm", "count": 2, "tensor_parallel": 2, "context": "32K", "engine_release": "0.32.0",
      "checkpoint": "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic"},
     "fp8-router-weight-twice-by-default", "moe-backend"),
    # vLLM #16414: a hang at 3.6M
    ({"model": "scout", "gpu": "h200-sxm", "count": 8, "tensor_parallel": 8, "context": 3600000,
      "gpu_memory_utilization": 0.95, "engine_release": "0.8.3"}, "hang-at-many-requests", None),
    # vLLM #46863: JSON calls under the pythonic template
    ({"model": "scout", "gpu": "a100-sxm", "count": 4, "context": "128K", "tools": True, "engine_release": "0.23.0",
      "checkpoint": "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic"}, "json-instead-of-pythonic", None),
)  # fmt: skip
"""What a public thread ran, the fault that it found, and the option that gets round it, where one does."""


def _fault(set_: str, id_: str) -> EngineFault:
    return CATALOG.fault_set(set_).faults[id_]


def _releases(set_: FaultSet) -> tuple[str, ...]:
    releases = CATALOG.engine(set_.engine).releases
    return releases if is_stated(releases) and releases else ()


@functools.lru_cache
def _planned(id_: str) -> PlanResult:
    return plan(PlanRequest(**_fault("vllm", id_).example))  # type: ignore[arg-type]  # as any request from outside


def _without(id_: str) -> PlanResult:
    """The plan of a fault's example where the fault is not recorded."""
    known = CATALOG.fault_set("vllm")
    others = {name: each for name, each in known.faults.items() if name != id_}
    catalog = dataclasses.replace(CATALOG, faults={"vllm": dataclasses.replace(known, faults=others)})
    return plan(PlanRequest(**_fault("vllm", id_).example), catalog)  # type: ignore[arg-type]  # as above


def _seen(result: PlanResult) -> dict[str, object]:
    """What a person sees of the best plan and of the refusals."""
    best = result.best if isinstance(result.best, Plan) else None
    return {
        "settings": dict(best.settings) if best else {},
        "environment": dict(best.environment) if best else {},
        "reasons": {(each.about, each.value, each.because) for each in best.reasons} if best else set(),
        "caveats": {(each.about, each.value, each.because) for each in best.caveats} if best else set(),
        "refused": {(each.rule, each.numbers) for each in result.refused},
    }


@pytest.mark.parametrize(("set_", "id_"), FAULTS)
class TestEveryFault:
    """What must hold for each of them."""

    def test_it_ends_after_it_begins_and_was_seen_in_between(self, set_: str, id_: str) -> None:
        """Releases are in order; where the end is not known, a release that has it is."""
        fault = _fault(set_, id_)

        if is_stated(fault.since) and is_stated(fault.until):
            assert release_key(fault.since) < release_key(fault.until)
        if fault.confirmed is not None:
            assert fault.at(fault.confirmed)
        assert fault.until is None or is_stated(fault.until) or fault.confirmed is not None

    def test_its_remedies_can_be_taken_in_a_release_that_has_it(self, set_: str, id_: str) -> None:
        """Fields of a request, options and variables that such a release knows."""
        fault, known = _fault(set_, id_), CATALOG.fault_set(set_)
        engine = CATALOG.engine(known.engine)
        having = [release for release in _releases(known) if fault.at(release)]

        for remedy in fault.remedies:
            assert remedy.request or remedy.settings or remedy.environment
            assert set(remedy.request) <= {each.name for each in dataclasses.fields(PlanRequest)}
            for name in remedy.settings:
                assert any(
                    holds_at(each, since=engine.flags[name].since, until=engine.flags[name].until) for each in having
                )
            for name in remedy.environment:
                variable = engine.environment[name]
                assert any(holds_at(each, since=variable.since, until=variable.until) for each in having)

    def test_its_bounds_are_not_upside_down(self, set_: str, id_: str) -> None:
        """Each range of its conditions holds something."""
        when = _fault(set_, id_).when

        assert when.min_capability is None or when.max_capability is None or when.min_capability <= when.max_capability
        for each in when.sizes:
            assert each.at_least is not None or each.at_most is not None
            assert each.at_least is None or each.at_most is None or each.at_least <= each.at_most
        assert not set(when.without) & {*when.features, *when.any_features}


@pytest.mark.parametrize("id_", PLANNED)
class TestEveryFaultOfVllm:
    """What must hold for each fault of the engine that plans are made for."""

    def test_its_example_is_of_a_release_that_has_it(self, id_: str) -> None:
        """A request that can be meant, for hardware that is known."""
        fault = _fault("vllm", id_)
        request = PlanRequest(**fault.example)  # type: ignore[arg-type]  # as any request from outside

        assert request.engine_release is not None
        assert fault.at(request.engine_release)
        assert request.engine_release in _releases(CATALOG.fault_set("vllm"))
        assert request.gpu in CATALOG.accelerators

    def test_it_changes_the_plan_of_its_example(self, id_: str) -> None:
        """A setting, a variable, a caveat or a refusal more, unless something else rules the plan out before."""
        assert id_ in UNSEEN or _seen(_planned(id_)) != _seen(_without(id_))


@pytest.mark.parametrize(("id_", "first"), FIRST_FREE)
def test_the_first_release_without_it_is_the_one_whose_code_changed(id_: str, first: str) -> None:
    """The release before still has it."""
    fault = _fault("vllm", id_)
    releases = _releases(CATALOG.fault_set("vllm"))

    assert not fault.at(first)
    assert fault.at(releases[releases.index(first) - 1])


@pytest.mark.parametrize(("wish", "id_", "option"), THREADS)
def test_what_a_thread_found_is_told_or_got_round(wish: dict[str, object], id_: str, option: str | None) -> None:
    """In a caveat or refusal with the fault's name, or by the option that helped there."""
    result = plan(PlanRequest(**wish))  # type: ignore[arg-type]  # as any request from outside

    if option is not None:
        assert isinstance(result.best, Plan)
        assert option in result.best.settings
        assert any(_fault("vllm", id_).symptom in each.because for each in result.best.reasons)
        return
    told = {each.value for each in result.best.caveats} if isinstance(result.best, Plan) else set()
    assert id_ in told or any(f"({id_})" in each.numbers for each in result.refused)


def test_tuning_is_written_as_the_release_takes_it_and_only_where_it_is_off() -> None:
    """An object in the option for generation defaults, above 32,768 tokens, before 0.8.4."""
    wish = {"model": "scout", "gpu": "h100-sxm", "count": 8, "tensor_parallel": 8}
    planned = {
        (release, context): plan(PlanRequest(**wish, context=context, engine_release=release)).best  # type: ignore[arg-type]
        for release, context in (("0.8.3", 65536), ("0.8.3", 32768), ("0.8.4", 65536))
    }

    written = {
        key: "override-generation-config" in best.settings for key, best in planned.items() if isinstance(best, Plan)
    }
    assert written == {("0.8.3", 65536): True, ("0.8.3", 32768): False, ("0.8.4", 65536): False}
