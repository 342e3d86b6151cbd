"""What a person should know before relying on a plan."""

from __future__ import annotations

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.engine.engine_config import Reason
from llama4ref.facts import load
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.planning.caveats import long_context
from llama4ref.planning.outcomes import Plan

CATALOG = load()
TRAINED = CATALOG.model("scout").architecture.context.trained_tokens


def _caveats(**wish: object) -> dict[str, Reason]:
    best = plan(PlanRequest(**({"model": "scout", "gpu": "h100-sxm", "count": 8} | wish))).best
    assert isinstance(best, Plan)
    return {each.about: each for each in best.caveats}


def test_training_ends_where_the_developer_says():
    """At 262,144 tokens."""
    assert TRAINED == 262_144


@pytest.mark.parametrize("context", [8_192, TRAINED])
def test_a_context_of_training_needs_no_word_of_quality(context: int):
    """Up to and including the last trained token."""
    assert "quality" not in _caveats(context=context)


@pytest.mark.parametrize("context", [TRAINED + 1, 1_048_576])
def test_beyond_training_quality_is_the_developers_claim(context: int):
    """Not training; a source is cited, and so is an independent test with its score and length."""
    found = _caveats(context=context)

    assert "claim of generalization, not training" in found["quality"].because
    assert "262,144" in found["quality"].value
    assert found["quality"].source in CATALOG.sources
    tests = found["independent tests"]
    assert tests.source is not None
    assert CATALOG.sources[tests.source].kind not in {"developer", "provider"}
    assert any(character.isdigit() for character in tests.value)
    assert "tokens" in tests.because


@pytest.mark.parametrize("model", ["scout", "maverick"])
def test_the_independent_test_is_in_the_benchmarks(model: str):
    """With that score, of that model, labelled independent."""
    reason = list(long_context(CATALOG, CATALOG.model(model), 1_000_000))[1]
    found = [
        result
        for benchmark in CATALOG.benchmarks.values()
        for result in benchmark.results
        if result.system == model
        and result.label == "independent"
        and result.score is not UNKNOWN
        and f"{result.score:g} {benchmark.unit}" == reason.value
    ]

    assert found


def test_every_plan_beyond_training_says_so():
    """Not only the best."""
    result = plan(PlanRequest(model="scout", gpu="h200-sxm", count=8, context="1M"))

    assert result.plans
    for each in result.plans:
        assert any(caveat.about == "quality" for caveat in each.caveats)


def test_gigabytes_of_host_memory_are_said():
    """Token ids of every request at full length lie in the host's memory."""
    assert "GiB" in _caveats(context="1M")["host memory"].value
    assert "host memory" not in _caveats(context=8_192, max_num_seqs=8)


def test_several_nodes_are_slower_than_the_arithmetic():
    """The link between them is not modelled."""
    assert "nodes" in _caveats(count=16, nodes=2)


@pytest.mark.parametrize(("images", "told"), [(5, False), (6, True)])
def test_more_images_than_the_developer_supports_are_said(images: int, *, told: bool):
    """Five, by the model card."""
    found = _caveats(images=images, context="1M")

    assert ("images" in found) is told
    if told:
        assert "supports up to 5" in found["images"].because
        assert found["images"].source in CATALOG.sources


@pytest.mark.parametrize(("gpu", "count", "told"), [("rtx-4090", 8, True), ("l4", 8, False), ("h100-nvl", 1, False)])
def test_a_machine_of_unknown_size_is_said(gpu: str, count: int, *, told: bool):
    """Where several GPUs are taken to be in one."""
    found = _caveats(gpu=gpu, count=count)

    assert ("nodes" in found) is told
    if told:
        assert "no source says how many" in found["nodes"].because


FP8_DYNAMIC = {
    "gpu": "h200-sxm",
    "count": 2,
    "tensor_parallel": 2,
    "checkpoint": "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic",
}


def test_a_kernel_that_weighs_twice_is_told():
    """CUTLASS of 0.15.1, which has no option for another one."""
    found = _caveats(**FP8_DYNAMIC, engine_release="0.15.1")["routed experts"]

    assert found.value == "by cutlass"
    assert found.because == "applies the router weight twice, to the input and to the output"
    assert found.source == "vllm-releases"


def test_nothing_is_told_of_a_kernel_that_another_is_asked_for_in_place_of():
    """From 0.17.0 on Triton is written into the settings."""
    best = plan(PlanRequest(model="scout", engine_release="0.32.0", **FP8_DYNAMIC)).best

    assert best is not None
    assert best.settings["moe-backend"] == "triton"
    assert "routed experts" not in {each.about for each in best.caveats}


def test_a_kernel_that_nobody_found_out_is_said_to_be_unknown():
    """NVFP4 on 12.0 between the release that is known not to run it and the one that does."""
    found = _caveats(
        gpu="rtx-pro-6000",
        count=2,
        checkpoint="nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4",
        engine_release="0.13.0",
    )["routed experts"]

    assert (
        found.because == "no source says which kernel of vLLM 0.13.0 runs them on RTX PRO 6000 Blackwell Server Edition"
    )


@pytest.mark.parametrize(
    "wish",
    [
        {"gpu": "h100-sxm", "count": 8, "enforce_eager": True},
        {
            "gpu": "rtx-4090",
            "count": 4,
            "tensor_parallel": 4,
            "context": "16K",
            "max_num_seqs": 4,
            "enforce_eager": True,
        },
    ],
)
def test_no_speed_is_stated_without_cuda_graphs(wish: dict[str, object]):
    """What estimates rest on was measured with graphs."""
    eager = plan(PlanRequest(model="scout", **wish)).best
    assert isinstance(eager, Plan)

    assert (eager.performance, eager.workload) == (None, None)
    assert [each.value for each in eager.caveats if each.about == "speed"] == ["not known"]
    with_graphs = plan(PlanRequest(model="scout", gpu="h100-sxm", count=8)).best
    assert isinstance(with_graphs, Plan)
    assert with_graphs.performance is not None
    assert not [each for each in with_graphs.caveats if each.about == "speed"]
