"""Plans against published launches, refusals with their rules and numbers, and promises that hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama4ref import PlanRequest, PlanResult, plan
from llama4ref.errors import ReleaseError, RequestError, UnknownNameError
from llama4ref.facts import Catalog, load
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.memory import kv_cache
from llama4ref.planning.outcomes import HostedPlan, Plan
from llama4ref.units import GIB

CATALOG = load()
VLLM = CATALOG.engine("vllm")
RELEASES = ("0.8.3", "0.9.1", "0.10.0", "0.12.0", "0.14.0", "0.19.0", "0.24.0", "0.29.0", "0.32.0", "0.33.0")
LIMIT = {
    model: CATALOG.model(model).architecture.context.instruct_max_position_embeddings for model in ("scout", "maverick")
}


def _own(result: PlanResult) -> list[Plan]:
    return [each for each in result.plans if isinstance(each, Plan)]


def _best(**wish: object) -> Plan:
    best = plan(PlanRequest(**wish)).best
    assert isinstance(best, Plan), wish
    return best


def _refused(rule: str, **wish: object) -> str:
    """The refusals of a rule, as text; nothing must have been planned."""
    result = plan(PlanRequest(**wish))
    assert not result.plans
    assert result.best is None
    found = [str(each) for each in result.refused if each.rule == rule]
    assert found, [each.rule for each in result.refused]
    return "\n".join(found)


@pytest.mark.parametrize(
    "checkpoint",
    [
        "meta-llama/Llama-4-Scout-17B-16E",
        "meta-llama/Llama-4-Maverick-17B-128E",
    ],
)
def test_a_base_checkpoint_ends_where_its_positions_do(checkpoint: str):
    """262,144 tokens are planned, and one more is refused by name and number."""
    wish = {"checkpoint": checkpoint, "gpu": "b300", "count": 8}
    base = CATALOG.checkpoint(checkpoint)

    assert _best(**wish).largest_context == _best(**wish, context=262_144).context == 262_144
    refused = _refused("context-above-model", **wish, context=262_145)
    assert base.id in refused
    assert "262,144" in refused


CLAIMS = [claim for claim in VLLM.claims_of_capacity if claim.release is not UNKNOWN]


@pytest.mark.parametrize(
    "claim", CLAIMS, ids=lambda each: f"{each.release}-{each.model}-{each.accelerator}-{each.max_context}"
)
def test_a_published_launch_is_feasible(claim):
    """At the release of then, with the published checkpoint where it is named."""
    result = plan(
        PlanRequest(
            model=claim.model, gpu=claim.accelerator, count=claim.count, checkpoint=claim.checkpoint,
            context=claim.max_context, engine_release=claim.release,
        )
    )  # fmt: skip

    assert result.plans, [str(each) for each in result.refused]


def test_the_first_launches_are_among_the_claims():
    """Scout at 1M and 3.6M, Maverick FP8 at 430K and 1M, all at the first release."""
    found = {(each.model, each.accelerator, each.max_context) for each in CLAIMS if each.release == VLLM.first_release}

    assert found >= {
        ("scout", "h100-sxm", 1_000_000),
        ("scout", "h200-sxm", 3_600_000),
        ("maverick", "h100-sxm", 430_000),
        ("maverick", "h200-sxm", 1_000_000),
    }


def test_the_context_of_the_pull_request_is_feasible():
    """Its command says 1,280,000 on eight H100."""
    assert _best(model="scout", gpu="h100-sxm", count=8, engine_release="0.8.3", context=1_280_000).context == 1_280_000


LOGS = [
    CATALOG.start(id_)
    for id_ in (
        "vllm-0.8.3-maverick-fp8-h100-sxm-8-1m",
        "vllm-0.9-scout-h200-sxm-8-10m",
        "vllm-0.19.0-scout-h100-sxm-4",
    )
]


TOO_LONG = [log for log in LOGS if log.outcome == "refused"]
"""Launches that asked for more than there was, so that the memory was all that limited the context."""


@pytest.mark.parametrize("images", [0, 1])
@pytest.mark.parametrize("log", TOO_LONG, ids=lambda each: f"{each.id}")
def test_a_promise_is_never_above_the_log_and_close_below(log, images: int):
    """What the engine granted, or would have by the memory it logged; text alone needs no more than images do."""
    best = _best(
        model=log.model, gpu=log.accelerator, count=log.count, checkpoint=log.checkpoint, engine_release=log.earliest_release,
        gpu_memory_utilization=log.gpu_memory_utilization, tensor_parallel=log.count, cache_dtype="bfloat16", images=images,
    )  # fmt: skip
    cache = kv_cache(
        CATALOG.model(log.model), max_model_len=best.context, tensor_parallel=log.count, release=log.earliest_release,
        hybrid=best.config.hybrid, max_num_batched_tokens=best.config.max_num_batched_tokens,
    )  # fmt: skip
    granted = log.printed_counts.get("largest_max_model_len") or cache.largest_max_model_len(
        int(log.gib["available_kv_cache"] * GIB)
    )

    assert 0.9 * granted <= best.context <= granted


@pytest.mark.parametrize("log", LOGS, ids=lambda each: f"{each.id}")
def test_a_budget_is_never_above_the_log_and_close_below(log):
    """The memory that a plan counts on for the cache, at the logged context or the longest that fits."""
    best = _best(
        model=log.model, gpu=log.accelerator, count=log.count, checkpoint=log.checkpoint, engine_release=log.earliest_release,
        gpu_memory_utilization=log.gpu_memory_utilization, tensor_parallel=log.count, cache_dtype="bfloat16", images=1,
        context=log.max_model_len if log.outcome == "started" else None,
    )  # fmt: skip

    assert (
        0.9 * log.gib["available_kv_cache"] * GIB
        <= best.budget.kv_cache_at_least_bytes
        <= log.gib["available_kv_cache"] * GIB
    )


def test_a_reported_launch_on_four_gpus_is_feasible():
    """vLLM issue 16330: bf16 Scout at 49,152 tokens on four H100, 0.95 of the memory, 256 requests, no graphs."""
    best = _best(
        model="scout", gpu="h100-sxm", count=4, context=49_152, engine_release="0.8.3", gpu_memory_utilization=0.95,
        max_num_seqs=256, enforce_eager=True, min_weight_bits=16,
    )  # fmt: skip

    assert best.settings["tensor-parallel-size"] == 4


@pytest.mark.parametrize("tensor_parallel", [5, 16])
def test_tensor_parallel_that_does_not_divide_is_refused(tensor_parallel: int):
    """With the heads in the numbers."""
    numbers = _refused("layout", model="scout", gpu="h100-sxm", tensor_parallel=tensor_parallel)

    assert f"tensor_parallel {tensor_parallel}" in numbers
    assert "8 KV heads" in numbers or "40 attention heads" in numbers
    assert "use one of 1, 2, 4, 8" in numbers


@pytest.mark.parametrize(("model", "above"), [("scout", 10_485_761), ("maverick", 1_048_577), ("scout", 20_000_000)])
def test_a_context_above_the_models_is_refused(model: str, above: int):
    """Both numbers are said."""
    numbers = _refused("context-above-model", model=model, gpu="h200-sxm", count=8, context=above)

    assert f"{above:,}" in numbers
    assert f"{LIMIT[model]:,}" in numbers


def test_bf16_scout_on_one_gpu_is_refused():
    """It weighs more than the GPU; the refusal says how many would hold it."""
    numbers = _refused("weights-too-large", model="scout", gpu="h100-sxm", count=1, min_weight_bits=16)

    assert "GiB a GPU" in numbers
    assert "of them hold the weights" in numbers


def test_fp8_scout_needs_more_than_one_80_gb_gpu():
    """One H200 holds what one H100 does not."""
    wish = {"model": "scout", "count": 1, "checkpoint": "nvidia/Llama-4-Scout-17B-16E-Instruct-FP8"}

    assert "GiB" in _refused("weights-too-large", gpu="h100-sxm", **wish)
    assert _best(gpu="h200-sxm", **wish).context > 100_000


def test_nvfp4_runs_on_hopper_by_weight_alone_or_is_refused_with_its_rule():
    """Each outcome for Hopper is explained, and Blackwell runs it."""
    wish = {"checkpoint": "nvidia/Llama-4-Scout-17B-16E-Instruct-FP4"}
    blackwell = _best(gpu="b200", count=1, **wish)
    hopper = plan(PlanRequest(gpu="h100-sxm", count=1, **wish))

    assert blackwell.checkpoint.coverage is not UNKNOWN
    if hopper.best is None:
        assert any(each.rule in {"no-expert-kernel", "compute-capability"} for each in hopper.refused)
    else:
        assert isinstance(hopper.best, Plan)
        assert any(each.about == "routed experts" for each in hopper.best.caveats)


def test_fp8_experts_on_ampere_are_weight_only_or_refused():
    """The A100 has no FP8 arithmetic: a plan says so, or a rule does."""
    result = plan(PlanRequest(checkpoint="nvidia/Llama-4-Scout-17B-16E-Instruct-FP8", gpu="a100-sxm", count=4))

    if result.best is None:
        assert any(each.rule in {"compute-capability", "no-expert-kernel"} for each in result.refused)
    else:
        assert isinstance(result.best, Plan)
        assert any(each.about == "routed experts" for each in result.best.caveats)


@pytest.mark.parametrize(
    "checkpoint",
    [each.id for each in CATALOG.checkpoints.values() if "vllm" in each.loads and not each.loads["vllm"].supported][
        :12
    ],
)
def test_a_checkpoint_the_engine_does_not_load_is_refused(checkpoint: str):
    """Whatever the hardware."""
    result = plan(PlanRequest(checkpoint=checkpoint, gpu="h200-sxm", count=8))

    assert not result.plans
    assert {each.rule for each in result.refused} == {"engine-cannot-load"}


def test_a_checkpoint_newer_than_the_release_is_refused():
    """With the span of releases that load it."""
    later = [
        each
        for each in CATALOG.checkpoints.values()
        if "vllm" in each.loads and each.loads["vllm"].supported and each.loads["vllm"].since not in {None, "0.8.3"}
    ]

    assert later
    for checkpoint in later:
        wish = PlanRequest(checkpoint=checkpoint.id, gpu="b200", count=8, engine_release="0.8.3")

        assert not plan(wish).plans, checkpoint.id
        assert any(each.rule == "engine-release" for each in plan(wish).refused), checkpoint.id


def test_too_many_requests_at_once_are_refused_with_how_many_fit():
    """At the lengths that were asked for."""
    numbers = _refused(
        "concurrency",
        model="scout",
        gpu="h100-sxm",
        count=8,
        prompt_tokens=500_000,
        output_tokens=1_000,
        concurrency=200,
    )

    assert "200 asked for" in numbers
    assert "requests of 501,000 tokens fit at once" in numbers


@pytest.mark.parametrize(
    ("wish", "nearest"),
    [
        ({"model": "scuot"}, "scout"),
        ({"gpu": "h100"}, "h100-sxm"),
        ({"gpu": "H200-SXM"}, "h200-sxm"),
        ({"checkpoint": "nvidia/Llama-4-Scout-17B-16E-Instruct-FP9"}, "nvidia/Llama-4-Scout-17B-16E-Instruct-FP8"),
    ],
)
def test_an_unknown_name_is_offered_the_nearest(wish: dict[str, str], nearest: str):
    """As an error that carries them."""
    with pytest.raises(UnknownNameError) as caught:
        plan(PlanRequest(**wish))

    assert nearest in caught.value.nearest
    assert nearest in str(caught.value)


@pytest.mark.parametrize("release", ["0.8.2", "99.0.0", "newest"])
def test_an_uncovered_release_is_an_error(release: str):
    """It says which ones are covered, or how to write one."""
    with pytest.raises(ReleaseError, match=r"0\.\d+\.\d+"):
        plan(PlanRequest(model="scout", gpu="h100-sxm", count=8, engine_release=release))


def test_a_checkpoint_of_another_model_contradicts():
    """Model and checkpoint must belong together."""
    with pytest.raises(RequestError, match="is of scout, the request is for maverick"):
        plan(
            PlanRequest(
                model="maverick", checkpoint="nvidia/Llama-4-Scout-17B-16E-Instruct-FP8", gpu="h200-sxm", count=8
            )
        )


def test_a_model_without_weights_is_refused():
    """Behemoth was announced."""
    assert "not published" in _refused("not-released", model="behemoth", gpu="b200", count=8)


def test_every_plan_holds_its_own_promise():
    """The promised context is accepted by the cache rules with the budget's own worst case, and one request of it fits."""
    for release in ("0.8.3", "0.13.0", "0.19.0", "0.32.0"):
        for wish in (
            {"model": "scout", "gpu": "h100-sxm", "count": 8},
            {"model": "maverick", "gpu": "h200-sxm", "count": 8},
        ):
            for each in _own(plan(PlanRequest(engine_release=release, **wish))):
                capacity = each.budget.cache.capacity(each.budget.kv_cache_at_least_bytes)

                assert each.budget.cache.max_model_len == each.context == each.settings["max-model-len"]
                assert capacity.fits
                assert capacity.num_blocks > each.budget.cache.blocks_per_request
                assert capacity.tokens == each.kv_cache_tokens
                assert each.budget.free_bytes >= 0
                assert each.context <= each.largest_context <= LIMIT[each.model.id]


def _sizes(each: Plan) -> tuple[float, ...]:
    """Everything but the length that the cache's room depends on."""
    config = each.config
    return config.max_num_seqs, config.max_num_batched_tokens, config.gpu_memory_utilization, config.enforce_eager


def test_one_token_more_than_the_largest_context_does_not_fit():
    """The largest context is found exactly."""
    for wish in (
        {"model": "scout", "gpu": "h100-sxm", "count": 4, "engine_release": "0.12.0", "hybrid": False},
        {"model": "scout", "gpu": "h100-sxm", "count": 8, "engine_release": "0.32.0"},
        {"model": "maverick", "gpu": "h100-sxm", "count": 8, "engine_release": "0.19.0", "hybrid": False},
    ):
        best = _best(cache_dtype="bfloat16", **wish)
        same = {
            "cache_dtype": "bfloat16", "checkpoint": best.checkpoint.id, "hybrid": best.config.hybrid,
            "tensor_parallel": best.config.layout.tensor_parallel, **wish,
        }  # fmt: skip

        assert best.largest_context < LIMIT[best.model.id]
        assert _best(context=best.largest_context, **same).context == best.largest_context
        more = plan(PlanRequest(context=best.largest_context + best.budget.cache.block_size, **same)).plans
        assert all(_sizes(each) != _sizes(best) for each in more)


@settings(max_examples=60, deadline=None)
@given(
    model=st.sampled_from(["scout", "maverick"]),
    gpu=st.sampled_from(["h100-sxm", "h200-sxm", "b200", "mi300x", "rtx-pro-6000"]),
    release=st.sampled_from(RELEASES),
    images=st.integers(0, 2),
)
def test_more_gpus_never_shorten_the_context(model: str, gpu: str, release: str, images: int):
    """For the same checkpoint, with one replica over all GPUs; batches are small, as what sampling takes beyond the profile grows
    while the profiled step is split."""
    longest: dict[str, int] = {}
    for count in (1, 2, 4, 8):
        wish = PlanRequest(
            model=model,
            gpu=gpu,
            count=count,
            tensor_parallel=count,
            engine_release=release,
            images=images,
            cache_dtype="bfloat16",
            max_num_seqs=64,
        )
        found = {each.checkpoint.id: each.largest_context for each in _own(plan(wish))}
        for checkpoint, context in found.items():
            assert context >= longest.get(checkpoint, 0), (checkpoint, count)
        assert set(found) >= set(longest)
        longest = found


@settings(max_examples=60, deadline=None)
@given(
    gpu=st.sampled_from(["h100-sxm", "h200-sxm"]),
    count=st.sampled_from([1, 2, 4, 8]),
    release=st.sampled_from(RELEASES),
    shorter=st.integers(1, 10_485_760),
    longer=st.integers(1, 10_485_760),
)
def test_where_a_context_fits_every_shorter_one_fits(gpu: str, count: int, release: str, shorter: int, longer: int):
    """A longer request never fits where a shorter does not."""
    shorter, longer = sorted((shorter, longer))
    wish = {"model": "scout", "gpu": gpu, "count": count, "engine_release": release}
    fits = {tokens: bool(plan(PlanRequest(context=tokens, **wish)).plans) for tokens in (shorter, longer)}

    assert fits[shorter] or not fits[longer]


@pytest.mark.parametrize("release", RELEASES)
def test_every_setting_exists_at_its_release(release: str):
    """Options and variables that the release knows, whatever is asked for."""
    options = set(VLLM.flags_at(release)) | {"model"}
    wishes = [
        {"model": "scout", "gpu": "h100-sxm", "count": 8},
        {
            "model": "scout",
            "gpu": "h100-sxm",
            "count": 8,
            "context": "1M",
            "images": 4,
            "tools": True,
            "cache_dtype": "fp8",
        },
        {"model": "scout", "gpu": "h100-sxm", "count": 8, "hybrid": True},
        {"model": "scout", "gpu": "h100-sxm", "count": 8, "hybrid": False, "enforce_eager": True},
        {"model": "maverick", "gpu": "h100-sxm", "count": 16, "nodes": 2, "goal": "throughput"},
        {"model": "scout", "gpu": "mi300x", "count": 8, "speculative": "a/head"},
    ]
    for wish in wishes:
        for each in _own(plan(PlanRequest(engine_release=release, **wish))):
            assert set(each.settings) <= options, each.settings
            for variable in each.environment:
                known = VLLM.environment[variable]
                assert known.since is UNKNOWN or _at(known.since) <= _at(release), variable
                assert known.until is None or _at(release) < _at(known.until), variable
            reasons = {reason.about for reason in each.reasons}
            assert set(each.settings) | set(each.environment) <= reasons


def _at(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


def test_a_request_is_answered_the_same_way_twice():
    """Planning keeps no state that shows."""
    wish = PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M")
    first, second = plan(wish), plan(wish)

    assert [each.settings for each in first.plans] == [each.settings for each in second.plans]
    assert first.refused == second.refused


def test_a_catalogue_of_ones_own_is_used(catalog: Catalog):
    """Plans can be made from other specs."""
    assert plan(PlanRequest(model="scout", gpu="h100-sxm", count=8), catalog).plans


def test_an_open_request_gets_both_kinds_of_plans():
    """Own GPUs and providers, without a refusal twice."""
    result = plan(PlanRequest(model="scout", context="128K"))

    assert any(isinstance(each, HostedPlan) for each in result.plans)
    assert _own(result)
    assert len(set(result.refused)) == len(result.refused)
