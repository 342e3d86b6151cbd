"""Options, variables and their reasons, as a release spells them."""

from __future__ import annotations

import json

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.engine.settings_reading import HYBRID_VARIABLE
from llama4ref.facts import load
from llama4ref.planning.outcomes import Plan

CATALOG = load()


def _best(**wish: object) -> Plan:
    best = plan(PlanRequest(**({"model": "scout", "gpu": "h100-sxm", "count": 8} | wish))).best
    assert isinstance(best, Plan)
    return best


def test_what_memory_depends_on_is_written_out():
    """So that another default of another release changes nothing."""
    best = _best(context="1M")

    assert best.settings["max-model-len"] == best.config.max_model_len == 1_048_576
    assert best.settings["max-num-seqs"] == best.config.max_num_seqs
    assert best.settings["max-num-batched-tokens"] == best.config.max_num_batched_tokens
    assert best.settings["gpu-memory-utilization"] == best.config.gpu_memory_utilization
    assert best.settings["tensor-parallel-size"] == best.config.layout.tensor_parallel
    assert next(iter(best.settings)) == "model"
    assert best.settings["model"] == best.checkpoint.repository


def test_what_is_asked_for_is_set():
    """To the number."""
    best = _best(
        max_num_seqs=7, max_num_batched_tokens=4096, gpu_memory_utilization=0.8, enforce_eager=True, cache_dtype="fp8"
    )

    assert best.settings["max-num-seqs"] == 7
    assert best.settings["max-num-batched-tokens"] == 4096
    assert best.settings["gpu-memory-utilization"] == 0.8
    assert best.settings["enforce-eager"] is True
    assert best.settings["kv-cache-dtype"] == "fp8"


def test_concurrency_is_spread_over_replicas():
    """Each replica's batch holds its part, rounded up."""
    best = _best(
        concurrency=10, tensor_parallel=2, min_weight_bits=8, checkpoint="nvidia/Llama-4-Scout-17B-16E-Instruct-FP8"
    )

    assert best.config.layout.data_parallel == 4
    assert best.settings["data-parallel-size"] == 4
    assert best.settings["max-num-seqs"] == 3


@pytest.mark.parametrize(
    ("release", "written"), [("0.8.3", "image=3"), ("0.8.5", '{"image": 3}'), ("0.32.0", '{"image": 3}')]
)
def test_image_limits_are_spelled_as_the_release_reads_them(release: str, written: str):
    """JSON since 0.8.5."""
    assert _best(images=3, engine_release=release).settings["limit-mm-per-prompt"] == written


@pytest.mark.parametrize(
    ("release", "left_out"), [("0.8.3", False), ("0.10.0", False), ("0.10.1", True), ("0.32.0", True)]
)
def test_text_alone_leaves_the_vision_tower_out_where_it_can(release: str, left_out: bool):
    """Earlier releases build it whatever is asked, and the budget counts it."""
    best = _best(engine_release=release)
    held = any("vision_tower" in line.name for line in best.budget.lines)

    assert held is not left_out
    assert (best.settings.get("limit-mm-per-prompt") == '{"image": 0}') is left_out


@pytest.mark.parametrize(
    ("release", "context", "variable", "switch"),
    [
        ("0.12.0", 8_000_000, True, False),
        ("0.12.0", 8_192, False, False),
        ("0.32.0", 1_048_576, False, False),
    ],
)
def test_the_hybrid_cache_is_opted_into_where_it_is_needed(release: str, context: int, variable: bool, switch: bool):
    """From 0.10.1 to 0.13.0 it is off by default; a context that needs it turns it on by a variable."""
    best = _best(engine_release=release, context=context, min_weight_bits=16, cache_dtype="bfloat16", gpu="h200-sxm")

    assert (best.environment.get(HYBRID_VARIABLE) == "1") is variable
    assert ("disable-hybrid-kv-cache-manager" in best.settings) is switch


def test_the_hybrid_cache_is_turned_off_where_asked():
    """By the switch of the releases where it is on."""
    best = _best(hybrid=False)

    assert best.settings["disable-hybrid-kv-cache-manager"] is True
    assert not best.config.hybrid


@pytest.mark.parametrize(
    ("release", "parser"), [("0.8.3", "pythonic"), ("0.9.0", "llama4_pythonic"), ("0.32.0", "llama4_pythonic")]
)
def test_tool_calls_are_parsed_by_a_parser_the_release_has(release: str, parser: str):
    """And are turned on."""
    best = _best(tools=True, engine_release=release)

    assert best.settings["tool-call-parser"] == parser
    assert best.settings["enable-auto-tool-choice"] is True


@pytest.mark.parametrize(("release", "there"), [("0.8.4", False), ("0.8.5", True), ("0.33.0", True)])
def test_calls_are_asked_for_in_the_form_that_the_parser_reads(release: str, there: bool):
    """By the template that the project documents for it, from the first release whose source has it."""
    best = _best(tools=True, engine_release=release)

    assert ("chat-template" in best.settings) is there
    assert not there or str(best.settings["chat-template"]).endswith("llama4_pythonic.jinja")
    assert "chat-template" not in _best(engine_release=release).settings


def test_the_first_releases_are_told_to_tune_the_temperature():
    """Beyond 32,768 tokens, where they do not do so themselves."""
    assert json.loads(str(_best(engine_release="0.8.3", context=100_000).settings["override-generation-config"])) == {
        "attn_temperature_tuning": True
    }
    assert "override-generation-config" not in _best(engine_release="0.8.3", context=32_768).settings
    assert "override-generation-config" not in _best(engine_release="0.9.0", context=100_000).settings


def test_a_draft_head_turns_the_hybrid_cache_off():
    """And is configured."""
    best = _best(speculative="somebody/head")

    assert not best.config.hybrid
    assert json.loads(str(best.settings["speculative-config"]))["model"] == "somebody/head"
    assert any("counted as the most" in each.because for each in best.caveats if each.about == "speculative decoding")


def test_a_draft_head_takes_its_memory_from_the_promise():
    """Weights, a table, inputs and a layer of every block: the plan without them holds more of the same requests. Its tokens are
    verified beside the share."""
    head = "lmsys/sglang-EAGLE3-Llama-4-Scout-17B-16E-Instruct-v1"
    drafted, plain = _best(speculative=head, context=131_072), _best(hybrid=False, context=131_072)
    names = {line.name for line in drafted.budget.lines} - {line.name for line in plain.budget.lines}

    assert names == {
        "draft head: weights",
        "draft head: RoPE table",
        "draft head: inputs",
        "sampling beyond the profile",
    }
    assert drafted.budget.cache.bytes_per_block * 48 == plain.budget.cache.bytes_per_block * 49
    assert drafted.kv_cache_tokens < plain.kv_cache_tokens
    assert drafted.max_concurrency < plain.max_concurrency


@pytest.mark.parametrize(("release", "flag"), [("0.32.0", "nnodes"), ("0.10.0", "distributed-executor-backend")])
def test_several_nodes_are_joined_as_the_release_can(release: str, flag: str):
    """By vLLM itself, or by Ray."""
    best = _best(count=16, nodes=2, engine_release=release)

    assert flag in best.settings
    assert best.config.layout.tensor_parallel <= 8


def test_online_quantization_is_asked_for():
    """A recipe starts from published bf16 weights and names its method."""
    recipe = next(
        each for each in CATALOG.checkpoints.values()
        if each.kind == "recipe" and each.model == "scout" and "vllm" in each.loads and each.loads["vllm"].supported
        and plan(PlanRequest(checkpoint=each.id, gpu="b200", count=4)).plans
    )  # fmt: skip
    best = _best(checkpoint=recipe.id, gpu="b200", count=4)

    assert best.settings["quantization"] == recipe.quantization_method


def test_every_reason_names_a_known_source():
    """Or none, where it is the request itself."""
    for release in ("0.8.3", "0.13.0", "0.32.0"):
        best = _best(engine_release=release, images=1, tools=True)

        for reason in (*best.reasons, *best.caveats):
            assert reason.because
            assert reason.source is None or reason.source in CATALOG.sources


@pytest.mark.parametrize("concurrency", [1, 10, 64, 500])
def test_an_open_context_leaves_room_for_every_request(concurrency: int):
    """Where a number of requests is asked for and no length, the longest is found that so many fit of."""
    best = _best(concurrency=concurrency)
    cache = best.budget.cache
    blocks = cache.capacity(best.budget.kv_cache_at_least_bytes).num_blocks

    assert best.context == best.largest_context
    assert blocks > concurrency * cache.blocks_at(best.context)
    assert best.context == 10_485_760 or blocks <= concurrency * cache.blocks_at(best.context + 2 * cache.block_size)


@pytest.mark.parametrize(
    ("checkpoint", "wish", "written"),
    [
        ("nvidia-llama-4-scout-17b-16e-instruct-nvfp4", {"cache_dtype": "bfloat16"}, "bfloat16"),
        ("nvidia-llama-4-scout-17b-16e-instruct-nvfp4", {"cache_dtype": "bfloat16", "engine_release": "0.11.0"}, "bfloat16"),
        ("nvidia-llama-4-scout-17b-16e-instruct-nvfp4", {"cache_dtype": "bfloat16", "engine_release": "0.10.2"}, None),
        ("nvidia-llama-4-scout-17b-16e-instruct-nvfp4", {}, "fp8"),
        ("nvidia-llama-4-scout-17b-16e-instruct-fp8", {"cache_dtype": "bfloat16"}, "bfloat16"),
        ("nvidia-llama-4-scout-17b-16e-instruct-fp8", {}, "bfloat16"),
        ("meta-llama-4-scout-17b-16e-instruct", {"cache_dtype": "bfloat16"}, None),
        ("meta-llama-4-scout-17b-16e-instruct", {}, None),
    ],
)  # fmt: skip
def test_the_cache_dtype_is_written_where_the_checkpoint_asks_for_another(
    checkpoint: str, wish: dict[str, str], written: str | None
):
    """The engine takes a checkpoint's own dtype where none is named, and what nobody published may be any.

    Releases before 0.11.0 know no `bfloat16`.
    """
    best = _best(checkpoint=checkpoint, gpu="b200", **wish)

    assert best.settings.get("kv-cache-dtype") == written
    assert best.config.cache_dtype == (written or "bfloat16")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"count": 3}, "stages of 16 layers, inside the node"),
        ({"count": 6}, "stages of 16 layers, inside the node"),
        ({"count": 5}, "stages of 9 to 10 layers, inside the node"),
        ({"count": 16, "pipeline_parallel": 2}, "stages of 24 layers, between nodes"),
        ({"count": 16, "pipeline_parallel": 2, "data_parallel": 2}, "stages of 24 layers, inside the node"),
    ],
)
def test_stages_are_described_as_they_are(wish: dict[str, int], words: str):
    """With their layers, and whether their borders lie between nodes."""
    reasons = [
        reason.because
        for each in plan(PlanRequest(model="scout", gpu="h200-sxm", **wish)).plans
        for reason in each.reasons
        if reason.about == "pipeline-parallel-size"
    ]

    assert reasons
    assert words in reasons


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"context": "1M"}, "as asked for;"),
        ({"prompt_tokens": "8K", "output_tokens": "1K"}, "prompt and reply as given: a longer request is refused"),
        ({"model": "maverick", "min_weight_bits": 8}, "all positions that the model has;"),
        ({}, "the longest that fits where every estimate is at its upper bound;"),
        (
            {"context": "1M", "images": 2},
            "as asked for, with 2 images of 2,467 tokens each (16 tiles and a global one);",
        ),
        (
            {"context": "1M", "images": 1, "image_size": "336x336"},
            "as asked for, with an image of 147 tokens (1 tile);",
        ),
    ],
)
def test_the_longest_request_says_where_it_comes_from(wish: dict[str, object], words: str):
    """And what its images count."""
    reasons = {reason.about: reason.because for reason in _best(gpu="h200-sxm", **wish).reasons}

    assert reasons["max-model-len"].startswith(words)


def test_nobody_asked_to_turn_the_hybrid_cache_off_for_a_draft_head():
    """The reason says what does."""
    reasons = {reason.about: reason.because for reason in _best(speculative="somebody/head").reasons}

    assert reasons["disable-hybrid-kv-cache-manager"] == "a draft head turns it off: every layer keeps the full length"


@pytest.mark.parametrize(("release", "gpu"), [("0.9.0", "h100-sxm"), ("0.8.3", "mi300x")])
def test_a_hybrid_cache_that_cannot_be_had_is_refused(release: str, gpu: str):
    """With the first release that has one."""
    result = plan(PlanRequest(model="scout", gpu=gpu, count=8, hybrid=True, engine_release=release))
    (refusal,) = [each for each in result.refused if each.rule == "hybrid"]

    assert not result.plans
    assert refusal.instead == "releases from 0.10.0 have one"
    assert plan(PlanRequest(model="scout", gpu=gpu, count=8, hybrid=True, engine_release="0.10.0")).plans
