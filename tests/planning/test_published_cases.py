"""Public reports of what an engine did with a plan, asked of the planner: each answer is what the thread found out.

Every case names its thread. Bounds of memory and length are those that the thread states, never figures of ours.
"""

from __future__ import annotations

from typing import Any

import pytest

from llama4ref import PlanRequest, load, plan
from llama4ref.planning.outcomes import Plan, PlanResult
from llama4ref.planning.request_names import with_ids
from llama4ref.rendering import render

CATALOG = load()
SCOUT = "meta-llama/Llama-4-Scout-17B-16E-Instruct"
MAVERICK = "meta-llama/Llama-4-Maverick-17B-128E-Instruct"
MAVERICK_FP8 = "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8"
SCOUT_W4A16 = "RedHatAI/Llama-4-Scout-17B-16E-Instruct-quantized.w4a16"
SCOUT_FP8_DYNAMIC = "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic"
EAGLE_SCOUT = "morgendave/EAGLE-Llama-4-Scout-17B-16E-Instruct"


def _asked(release: str, **wish: Any) -> PlanResult:
    return plan(with_ids(CATALOG, PlanRequest(engine_release=release, **wish)))


def _best(result: PlanResult) -> Plan:
    assert isinstance(result.best, Plan), [str(each) for each in result.refused]
    return result.best


def _told(result: PlanResult) -> set[str]:
    """Names of the faults that a plan tells of or gets round."""
    best = _best(result)
    faults = CATALOG.fault_set("vllm").faults
    told = {each.value for each in best.caveats if each.about == "known fault"}
    remedied = {id_ for id_, each in faults.items() if any(each.symptom in reason.because for reason in best.reasons)}
    return told | remedied


def _rules(result: PlanResult) -> set[str]:
    assert not result.plans
    return {each.rule for each in result.refused}


def _first_release(result: PlanResult) -> set[object]:
    """Releases that refusals name instead."""
    return {value for each in result.refused for name, value in each.changes if name == "engine_release"}


def test_bf16_scout_does_not_fit_two_h100_nvl() -> None:
    """vLLM #16712: memory ends while the weights are loaded."""
    result = _asked(
        "0.8.4", model="scout", gpu="h100-nvl", count=2, tensor_parallel=2, context=1000, gpu_memory_utilization=0.99,
        checkpoint=SCOUT,
    )  # fmt: skip

    assert "weights-too-large" in _rules(result)


@pytest.mark.parametrize(("batched", "fits"), [(1048576, False), (8192, True)])
def test_a_batch_as_long_as_the_context_does_not_fit(batched: int, fits: bool) -> None:
    """ROCm/vllm #539: 1M on 8 MI300X runs out of memory until the batched tokens are lowered."""
    result = _asked(
        "0.8.5", model="scout", gpu="mi300x", count=8, tensor_parallel=8, context=1048576, max_num_batched_tokens=batched,
        max_num_seqs=1024, checkpoint=SCOUT,
    )  # fmt: skip

    assert bool(result.plans) is fits


def test_w4a16_on_two_stages_gets_the_context_that_was_printed() -> None:
    """vLLM PR #29431: 29.72 GiB for the cache and 324,640 tokens, eager and without the hybrid cache; never more is promised."""
    result = _asked(
        "0.12.0", model="scout", gpu="h100-sxm", count=2, tensor_parallel=1, pipeline_parallel=2, checkpoint=SCOUT_W4A16,
        enforce_eager=True, images=1,
    )  # fmt: skip

    assert 0.95 * 324_640 <= _best(result).largest_context <= 324_640


def test_maverick_has_no_pipeline_parallel_in_its_first_release() -> None:
    """vLLM #16231, #16385."""
    result = _asked(
        "0.8.3", model="maverick", gpu="h100-sxm", count=16, nodes=2, tensor_parallel=8, pipeline_parallel=2,
        checkpoint=MAVERICK,
    )  # fmt: skip

    assert "engine-ability" in _rules(result)
    assert _first_release(result) == {"0.8.4"}


@pytest.mark.parametrize("release", ["0.28.0", "0.29.0", "0.31.0"])
def test_an_eagle_head_dies_beside_images(release: str) -> None:
    """vLLM #57630, PR #57633: mended in 0.32.0."""
    wish: dict[str, Any] = {
        "model": "scout", "gpu": "h100-sxm", "count": 4, "checkpoint": SCOUT_W4A16, "speculative": EAGLE_SCOUT,
        "context": "16K", "images": 1,
    }  # fmt: skip

    assert "0.32.0" in _first_release(_asked(release, **wish))
    assert '"method": "eagle"' in str(_best(_asked("0.32.0", **wish)).settings["speculative-config"])


def test_an_eagle_head_without_its_output_layer_is_a_fault() -> None:
    """vLLM #29109, 0.12.0."""
    wish: dict[str, Any] = {
        "model": "scout",
        "gpu": "h100-sxm",
        "count": 4,
        "checkpoint": SCOUT_W4A16,
        "speculative": EAGLE_SCOUT,
    }
    result = _asked("0.12.0", context="16K", **wish)

    assert not result.plans or any(
        "head" in each.because for each in _best(result).caveats if each.about == "known fault"
    )


def test_calls_after_text_are_lost() -> None:
    """vLLM #22917: the pythonic parser wants the call first."""
    wish: dict[str, Any] = {"model": "scout", "gpu": "h100-sxm", "count": 8, "context": "128K", "checkpoint": SCOUT}

    assert "text-before-the-call" in _told(_asked("0.10.0", tools=True, **wish))
    assert "text-before-the-call" not in _told(_asked("0.10.0", **wish))


@pytest.mark.parametrize("gpu", ["mi300x", "mi325x"])
def test_compiled_answers_are_spoiled_on_mi300x(gpu: str) -> None:
    """vLLM #28268, ROCm/pytorch #3150: gsm8k 0 compiled, 0.93 eager, with PyTorch before 2.10."""
    best = _best(
        _asked(
            "0.11.1", model="maverick", gpu=gpu, count=8, tensor_parallel=8, context="128K", max_num_seqs=64,
            max_num_batched_tokens=32768, checkpoint=MAVERICK_FP8,
        )
    )  # fmt: skip

    assert best.settings.get("enforce-eager") is True


def test_official_fp8_on_b200_is_run_by_a_kernel_that_takes_it() -> None:
    """vLLM #32488: neither FlashInfer backend works early in 2026."""
    best = _best(
        _asked(
            "0.13.0", model="maverick", gpu="b200", count=4, tensor_parallel=4, expert_parallel=True, context=8192,
            max_num_seqs=128, max_num_batched_tokens=8192, gpu_memory_utilization=0.85, cache_dtype="fp8",
            checkpoint=MAVERICK_FP8,
        )
    )  # fmt: skip

    assert not any("flashinfer" in each.value.lower() for each in best.caveats if each.about == "routed experts")


def test_forty_thousand_batched_tokens_end_the_server() -> None:
    """vLLM #19631: an illegal memory access at start."""
    wish: dict[str, Any] = {
        "model": "maverick", "gpu": "h100-sxm", "count": 8, "tensor_parallel": 8, "context": 8192, "max_num_seqs": 128,
        "gpu_memory_utilization": 0.8, "checkpoint": MAVERICK_FP8,
    }  # fmt: skip
    with_many = _asked("0.9.1", max_num_batched_tokens=40_000, **wish)
    with_few = _asked("0.9.1", max_num_batched_tokens=8_192, **wish)

    assert not with_many.plans or _told(with_many) - _told(with_few)


@pytest.mark.parametrize("checkpoint", [SCOUT_FP8_DYNAMIC, MAVERICK_FP8])
def test_the_weight_that_is_applied_twice_is_kept_away_from(checkpoint: str) -> None:
    """vLLM PR #43694: CUTLASS experts multiply by the router's weight a second time; Triton's do not."""
    model = "scout" if "Scout" in checkpoint else "maverick"
    best = _best(_asked("0.32.0", model=model, gpu="h200-sxm", count=8, context="32K", checkpoint=checkpoint))

    assert best.settings["moe-backend"] == "triton"


def test_twelve_x_has_kernels_of_its_own() -> None:
    """sglang PR #35504, vLLM PR #39825, flashinfer #2723: no TRTLLM, no CuteDSL on GB10."""
    result = _asked(
        "0.32.0", model="scout", gpu="dgx-spark", count=2, nodes=2, context="32K",
        checkpoint="nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4",
    )  # fmt: skip
    words = " ".join(str(each) for each in (*result.refused, *(_best(result).caveats if result.plans else ())))

    assert "TRTLLM" not in words.replace("flashinfer_trtllm", "TRTLLM")
    assert "CuteDSL" not in words


def test_fp8_cache_needs_hopper_in_the_first_releases() -> None:
    """vLLM PR #24577, #16189: compute capability 9.0 and 10.0 alone until 0.10.2."""
    for gpu, release in (("a100-sxm", "0.8.3"), ("a100-sxm", "0.8.5"), ("a100-sxm", "0.10.2"), ("l40s", "0.9.2")):
        wish: dict[str, Any] = {"model": "scout", "gpu": gpu, "count": 8, "context": 8192, "min_weight_bits": 4}
        chosen = _asked(release, **wish)

        assert {each.config.cache_dtype for each in chosen.plans if isinstance(each, Plan)} <= {"bfloat16"}
        assert not _asked(release, cache_dtype="fp8", **wish).plans


def test_long_prompts_crash_flash_attention_3() -> None:
    """vLLM #16948: on Hopper, in the spring of 2025."""
    result = _asked("0.8.4", model="scout", gpu="h200-sxm", count=4, tensor_parallel=4, context="16K", checkpoint=SCOUT)

    assert "fa3-long-prompts" in _told(result)


def test_cutlass_experts_fail_while_compiling() -> None:
    """vLLM #18421: official FP8 on Hopper with 0.9.0."""
    wish: dict[str, Any] = {"model": "maverick", "gpu": "h100-sxm", "count": 8, "tensor_parallel": 8, "context": "32K"}
    result = _asked("0.9.0", checkpoint=MAVERICK_FP8, **wish)

    assert not result.plans or any("cutlass" in each for each in _told(result))


def test_a_context_that_was_started_is_not_refused() -> None:
    """vLLM #16414: 3.6M on 8 H200; #16330: 49,152 on 4 H100, eager, 256 requests."""
    long = _asked(
        "0.8.3",
        model="scout",
        gpu="h200-sxm",
        count=8,
        tensor_parallel=8,
        context=3_600_000,
        gpu_memory_utilization=0.95,
    )
    eager = _asked(
        "0.8.3", model="scout", gpu="h100-sxm", count=4, tensor_parallel=4, context=49152, gpu_memory_utilization=0.95,
        max_num_batched_tokens=8192, max_num_seqs=256, enforce_eager=True,
    )  # fmt: skip

    assert any(each.checkpoint.repository == SCOUT for each in long.plans if isinstance(each, Plan))
    assert any(each.checkpoint.repository == SCOUT for each in eager.plans if isinstance(each, Plan))


@pytest.mark.parametrize("form", ["command", "config", "compose", "kubernetes"])
def test_images_are_limited_in_the_release_s_own_spelling(form: str) -> None:
    """vLLM PR #16365: pairs until 0.8.4, JSON from 0.8.5, in every output."""
    best = _best(_asked("0.8.4", model="scout", gpu="h100-sxm", count=8, context="128K", images=4, checkpoint=SCOUT))

    assert "image=4" in render(best, form, CATALOG.engine("vllm"))


def test_small_gpus_are_planned_without_the_positions_that_no_request_reaches() -> None:
    """The rig of vLLM #57633: four small cards with W4A16, beside which 2.5 GiB of RoPE table have no place."""
    result = _asked(
        "0.32.0", model="scout", gpu="rtx-4090", count=4, tensor_parallel=4, checkpoint=SCOUT_W4A16, context="16K",
        max_num_seqs=4, enforce_eager=True,
    )  # fmt: skip
    best = _best(result)

    assert best.context == 16 * 1024
    assert best.settings["hf-overrides"] == '{"text_config": {"max_position_embeddings": 16384}}'
    assert (best.config.max_num_seqs, best.config.enforce_eager) == (4, True)
