"""Does a candidate fit, and how long may its requests be?"""

from __future__ import annotations

import dataclasses

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.engine.layout import Layout
from llama4ref.facts import load
from llama4ref.planning.fitting.candidates import Candidate, FittedCandidate
from llama4ref.planning.fitting.fit import ALL_REACHES, fit
from llama4ref.planning.fitting.levers import Reach
from llama4ref.planning.outcomes import Refusal

CATALOG = load()
VLLM = CATALOG.engine("vllm")
SCOUT = CATALOG.model("scout")


def _fit(release: str = "0.32.0", *, gpu: str = "h100-sxm", checkpoint: str = "meta-llama/Llama-4-Scout-17B-16E-Instruct",
          tensor: int = 8, dtype: str = "bfloat16", hybrid: bool = True, reaches: tuple[Reach, ...] = ALL_REACHES,
          **wish: object) -> FittedCandidate | Refusal:  # fmt: skip
    candidate = Candidate(
        model=SCOUT, checkpoint=CATALOG.checkpoint(checkpoint), accelerator=CATALOG.accelerator(gpu),
        layout=Layout(tensor_parallel=tensor, vision=False), nodes=1, cache_dtype=dtype, hybrid=hybrid,
    )  # fmt: skip
    return fit(CATALOG, candidate, PlanRequest(**wish), VLLM.at(release), reaches=reaches, thorough=True)


def _fitted(release: str = "0.32.0", **given: object) -> FittedCandidate:
    found = _fit(release, **given)
    assert isinstance(found, FittedCandidate), str(found)
    return found


def _refused(rule: str, **given: object) -> Refusal:
    found = _fit(**given)
    assert isinstance(found, Refusal)
    assert found.rule == rule, str(found)
    return found


@pytest.mark.parametrize("release", ["0.8.3", "0.10.0", "0.14.0", "0.19.0", "0.32.0"])
def test_the_largest_context_is_the_last_that_holds(release: str):
    """A block more does not with the same settings, by the budget made for that length."""
    fitted = _fitted(release, hybrid=VLLM.at(release).hybrid_kv_cache)
    step = fitted.budget.cache.block_size

    assert fitted.config.max_model_len == fitted.largest_context
    assert (
        _fitted(release, hybrid=fitted.candidate.hybrid, context=fitted.largest_context).largest_context
        == fitted.largest_context
    )
    longer = {"hybrid": fitted.candidate.hybrid, "context": fitted.largest_context + step}
    assert isinstance(_fit(release, reaches=(Reach.DEFAULTS,), **longer), Refusal)


def test_an_fp8_cache_holds_longer_requests():
    """About twice as long, where the cache is what limits."""
    plain, small = (_fitted(dtype=dtype, hybrid=False, max_num_seqs=8) for dtype in ("bfloat16", "fp8"))

    assert 1.9 < small.largest_context / plain.largest_context < 2.1


def test_the_hybrid_cache_holds_longer_requests():
    """About four times as long, or all that the model has."""
    plain, hybrid = (_fitted(hybrid=on, max_num_seqs=8, max_num_batched_tokens=2048) for on in (False, True))

    assert hybrid.largest_context > 3 * plain.largest_context


def test_headroom_is_left_free():
    """More of it never lengthens the context."""
    contexts = [_fitted(headroom=part, max_num_seqs=8).largest_context for part in (0.0, 0.1, 0.5, 0.9)]

    assert contexts == sorted(contexts, reverse=True)
    assert contexts[0] > contexts[-1]


def test_fewer_requests_at_once_leave_more_room():
    """Tables and sampling shrink."""
    contexts = [_fitted(max_num_seqs=count).largest_context for count in (1024, 256, 16)]

    assert contexts == sorted(contexts)


def test_the_batch_holds_every_request():
    """The engine refuses fewer tokens a step than requests at once: what is open follows what is asked for."""
    for wish, expected in (
        ({"max_num_batched_tokens": 512}, (512, 512)),
        ({"max_num_seqs": 9_000}, (9_000, 9_000)),
        ({"concurrency": 9_000}, (9_000, 9_000)),
        ({"max_num_batched_tokens": 512, "concurrency": 64}, (64, 512)),
        ({"max_num_seqs": 8}, (8, 8_192)),
    ):
        config = _fitted(gpu="h200-sxm", context=8192, prompt_tokens=1, output_tokens=1, **wish).config

        assert (config.max_num_seqs, config.max_num_batched_tokens) == expected, wish


def test_defaults_are_those_of_the_hardware():
    """1,024 requests and 8,192 tokens a step on an H100, as the log of one says."""
    fitted = _fitted("0.19.0")

    assert (fitted.config.max_num_seqs, fitted.config.max_num_batched_tokens) == (1024, 8192)


def test_weights_above_the_share_are_refused_first():
    """With what they take, what is there, and how many GPUs would hold them."""
    refusal = _refused("weights-too-large", tensor=1)

    assert "GiB a GPU" in refusal.numbers
    assert refusal.instead == "4 of them hold the weights"


def test_a_context_that_does_not_fit_is_refused_with_the_one_that_does():
    """And that one is accepted."""
    refusal = _refused("kv-cache-too-small", tensor=4, context=10_000_000, hybrid=False, max_num_seqs=8)
    assert refusal.instead is not None
    fitting = int(refusal.instead.split(" tokens")[0].removeprefix("up to ").replace(",", ""))

    assert _fitted(tensor=4, context=fitting, hybrid=False, max_num_seqs=8).config.max_model_len == fitting


def test_tables_beside_the_cache_can_be_too_large():
    """They are made after the cache, from what the engine left alone."""
    refusal = _refused(
        "buffers-beside-the-cache", gpu="b200", context=10_000_000, gpu_memory_utilization=0.98, max_num_seqs=1024
    )

    assert "block tables" in refusal.numbers
    assert refusal.changes


def test_a_prompt_alone_asks_for_room_for_it():
    """And for one token of reply."""
    assert _fitted(tensor=4, prompt_tokens=100_000).largest_context > 100_000
    refusal = _refused("kv-cache-too-small", tensor=4, prompt_tokens=10_000_000, hybrid=False, max_num_seqs=8)

    assert "10,000,001" in refusal.numbers


def test_the_largest_context_does_not_depend_on_the_one_asked_for():
    """Whatever the batch is."""
    for wish in ({"max_num_batched_tokens": 16}, {"max_num_batched_tokens": 2048}, {"max_num_seqs": 8}):
        found = {_fitted(context=context, **wish).largest_context for context in (8, 8_192, 500_000, None)}

        assert len(found) == 1, wish


def test_a_default_that_nobody_states_is_not_made_up():
    """It is refused with the setting to name, and named it is planned."""
    engine = dataclasses.replace(VLLM, hardware_defaults=())
    catalog = dataclasses.replace(CATALOG, engines={**CATALOG.engines, "vllm": engine})
    wish = {"model": "scout", "gpu": "h100-sxm", "count": 8}
    refused = plan(PlanRequest(**wish), catalog).refused

    assert {each.numbers for each in refused if each.rule == "default-unknown"} == {
        f"no source says which max_num_batched_tokens vLLM {VLLM.newest_release} takes on H100 SXM"
    }
    named = plan(PlanRequest(max_num_seqs=256, max_num_batched_tokens=2_048, **wish), catalog)
    assert {each.config.max_num_batched_tokens for each in named.plans} == {2_048}
