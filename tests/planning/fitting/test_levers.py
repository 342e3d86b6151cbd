"""Which smallest change of the engine's settings makes a candidate fit?"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import Layout
from llama4ref.facts import load
from llama4ref.memory.gpu_budget import memory_budget
from llama4ref.planning.fitting.candidates import Candidate, FittedCandidate
from llama4ref.planning.fitting.demand import Demand
from llama4ref.planning.fitting.fit import fit, table_lever
from llama4ref.planning.fitting.lever_search import LeverSearch
from llama4ref.planning.fitting.levers import Lever, Reach, levers_between, open_levers
from llama4ref.planning.outcomes import Plan, Refusal
from llama4ref.planning.settings.engine_settings import config_of

CATALOG = load()
VLLM = CATALOG.engine("vllm")


def _own(**wish: object) -> list[Plan]:
    return [each for each in plan(PlanRequest(**wish)).plans if isinstance(each, Plan)]


def _met(each: Plan, **changes: object) -> bool:
    """Whether other settings of a plan hold 2,000 tokens, by a budget made from nothing."""
    config = replace(each.config, max_model_len=2_000, **changes)
    budget = memory_budget(each.model, each.checkpoint, each.accelerator, config, VLLM.at(each.release))
    cache, room = budget.cache, budget.room()
    return budget.free_bytes >= 0 and cache.capacity(room).fits and cache.requests_held(2_000, room) >= 1


@pytest.mark.parametrize("gpu", ["l4", "rtx-4090"])
def test_small_gpus_fit_with_less_than_the_default_part_of_their_memory(gpu: str):
    """Driver context and collectives lie outside the budget and need more than 8 % of 22 to 24 GiB leave; a hundredth more does not fit."""
    plans = _own(model="scout", gpu=gpu, count=8)
    only_part = [each for each in plans if each.config.max_num_seqs == 256]

    assert only_part
    for each in only_part:
        part = each.config.gpu_memory_utilization
        assert part < VLLM.at(None).gpu_memory_utilization
        assert _met(each)
        assert not _met(each, gpu_memory_utilization=round(part + 0.01, 2))


BF16_ON_TWO = PlanRequest(model="scout", gpu="h200-sxm", count=2, tensor_parallel=2, min_weight_bits=16)


def _squeezed(spare: int, **wish: object) -> FittedCandidate | Refusal:
    """Scout in bf16 on two GPUs whose memory lacks so many bytes for 2,000 tokens with the engine's defaults."""
    best = plan(BF16_ON_TWO).best
    assert isinstance(best, Plan)
    start = replace(best.config, max_model_len=2_000, max_num_seqs=1024, max_num_batched_tokens=8192)
    budget = memory_budget(best.model, best.checkpoint, best.accelerator, start, VLLM.at(best.release))
    cache = budget.cache.bytes_per_block * (budget.cache.blocks_per_request + 1)
    memory = int((budget.used_at_most_bytes + cache - spare) / start.gpu_memory_utilization)
    candidate = Candidate(
        model=best.model, checkpoint=best.checkpoint, layout=best.config.layout, nodes=1, cache_dtype="bfloat16", hybrid=True,
        accelerator=replace(best.accelerator, memory_bytes=memory),
    )  # fmt: skip
    return fit(CATALOG, candidate, PlanRequest(**wish), VLLM.at(best.release))


def _holds(fitted: FittedCandidate, **changes: object) -> bool:
    """Whether its settings, some of them changed, hold a request of 2,000 tokens, by a budget made from nothing."""
    each = fitted.candidate
    config = replace(fitted.config.with_length(2_000), **changes)
    budget = memory_budget(each.model, each.checkpoint, each.accelerator, config, VLLM.at(config.release))
    room = budget.room()
    return budget.free_bytes >= 0 and budget.cache.capacity(room).fits and budget.cache.requests_held(2_000, room) >= 1


PINNED = [
    {},
    {"gpu_memory_utilization": 0.92},
    {"max_num_seqs": 1024},
    {"max_num_batched_tokens": 8192},
    {"gpu_memory_utilization": 0.92, "max_num_seqs": 1024},
    {"gpu_memory_utilization": 0.92, "max_num_batched_tokens": 8192},
]


@pytest.mark.parametrize("wish", PINNED, ids=lambda each: "-".join(each) or "nothing")
@pytest.mark.parametrize("missing", [1, 64 * 2**20, 2**29, 2**30, 2 * 2**30, 3 * 2**30])
def test_the_change_is_small_and_only_of_what_nobody_asked_for(missing: int, wish: dict[str, float]):
    """It holds a usual request; the next larger value of any setting that was changed does not."""
    found = _squeezed(missing, **wish)
    if isinstance(found, Refusal):
        assert wish, "some of the levers hold so little"
        return
    config = found.config

    assert found.levers
    assert {name: getattr(config, name) for name in wish} == wish
    assert _holds(found)
    for lever in found.levers:
        assert lever.name not in wish
        if lever.name == "gpu_memory_utilization":
            nearer = round(config.gpu_memory_utilization + (0.01 if lever.value < lever.was else -0.01), 2)
            assert not _holds(found, gpu_memory_utilization=nearer)
        elif lever.name == "enforce_eager":
            assert not _holds(found, enforce_eager=False)
        elif lever.name == "rope_positions":
            assert not _holds(found, rope_positions=None)
        else:
            assert not _holds(found, **{lever.name: 2 * int(lever.value)})


def test_where_nothing_is_missing_nothing_is_changed():
    """The engine's defaults stay."""
    found = _squeezed(0)
    assert isinstance(found, FittedCandidate)

    assert found.levers == ()
    assert (found.config.max_num_seqs, found.config.max_num_batched_tokens) == (1024, 8192)
    assert found.config.gpu_memory_utilization == VLLM.at(None).gpu_memory_utilization


def test_fewer_requests_are_the_first_lever_and_are_told():
    """Half of them leave more than half a gibibyte."""
    found = _squeezed(2**28)
    assert isinstance(found, FittedCandidate)
    config = config_of(CATALOG, found, PlanRequest(), VLLM, VLLM.at(None))
    reasons = {reason.about: reason.because for reason in config.reasons}

    assert found.levers == (Lever(name="max_num_seqs", was=1024, value=512),)
    assert reasons["max-num-seqs"].startswith("changed from 1,024 so that it fits: ")
    assert "GiB" in reasons["max-num-seqs"]


def test_what_is_asked_for_is_never_changed():
    """Not even where something else would fit."""
    for wish in (
        {"gpu_memory_utilization": 0.92},
        {"max_num_seqs": 256},
        {"max_num_batched_tokens": 2_048},
        {"max_num_seqs": 64, "gpu_memory_utilization": 0.9, "max_num_batched_tokens": 4_096},
    ):
        for each in _own(model="scout", gpu="l4", count=8, **wish):
            assert {name: getattr(each.config, name) for name in wish} == wish
    assert not _own(model="scout", gpu="l4", count=8, gpu_memory_utilization=0.92)


def test_graphs_are_given_up_last_and_that_is_told():
    """Where nothing else that is open makes it fit."""
    pinned = {"gpu_memory_utilization": 0.92, "max_num_seqs": 1024}
    smaller, shorter = _squeezed(2**30, gpu_memory_utilization=0.92), _squeezed(2**30, **pinned)
    pinned |= {"max_num_batched_tokens": 8192}
    eager = _squeezed(3 * 2**30, **pinned)
    assert isinstance(smaller, FittedCandidate)
    assert isinstance(shorter, FittedCandidate)
    assert isinstance(eager, FittedCandidate)
    config = config_of(CATALOG, eager, PlanRequest(**pinned), VLLM, VLLM.at(None))
    (because,) = [reason.because for reason in config.reasons if reason.about == "enforce-eager"]

    assert (smaller.reach, smaller.config.enforce_eager) == (Reach.MILD, False)
    assert (shorter.reach, [each.name for each in shorter.levers]) == (Reach.TABLE, ["rope_positions"])
    assert (eager.reach, [each.name for each in eager.levers]) == (Reach.EAGER, ["rope_positions", "enforce_eager"])
    assert because.startswith("turned on so that it fits: ")
    assert "slower" in because


def test_levers_are_open_where_nothing_is_asked():
    """Requests at once set the batch too."""
    every = {"max_num_seqs", "gpu_memory_utilization", "max_num_batched_tokens", "enforce_eager"}

    assert open_levers(PlanRequest()) == every
    assert open_levers(PlanRequest(concurrency=4)) == every - {"max_num_seqs"}
    assert open_levers(PlanRequest(max_num_seqs=4, gpu_memory_utilization=0.9, enforce_eager=True)) == {
        "max_num_batched_tokens"
    }


TEN_MILLION = {"model": "scout", "gpu": "h200-sxm", "count": 8, "context": "10M"}


def test_a_batch_that_nobody_asked_for_is_made_smaller_so_that_the_context_fits():
    """The engine's default of 1,024 requests is no wish; 512 have no room, 256 have."""
    best = _own(**TEN_MILLION)[0]
    (because,) = [reason.because for reason in best.reasons if reason.about == "max-num-seqs"]

    assert best.context == 10_485_760
    assert best.settings["max-num-seqs"] == 256
    assert best.config.gpu_memory_utilization == VLLM.at(None).gpu_memory_utilization
    assert because.startswith("changed from 1,024 so that it fits: ")
    assert "block tables (20.00 GiB)" in because
    assert not _own(**TEN_MILLION, max_num_seqs=512, gpu_memory_utilization=0.92)


def test_a_batch_that_was_asked_for_is_named_with_the_largest_that_fits():
    """It stays as it was asked for."""
    refused = plan(PlanRequest(**TEN_MILLION, max_num_seqs=1024, gpu_memory_utilization=0.92)).refused

    assert refused[0].rule == "buffers-beside-the-cache"
    assert refused[0].changes == (("max_num_seqs", 256),)
    assert "max_num_seqs 256 or gpu_memory_utilization 0.83 would do" in (refused[0].instead or "")


def test_requests_at_once_that_were_asked_for_are_named_with_the_most_that_fit():
    """To the request: one more does not fit."""
    wish = {"model": "scout", "gpu": "h100-sxm", "count": 8, "prompt_tokens": 500_000, "output_tokens": 1_000}
    (changes, *_) = [each.changes for each in plan(PlanRequest(**wish, concurrency=200)).refused if each.changes]
    ((name, most),) = changes

    assert name == "concurrency"
    assert _own(**wish, concurrency=most)
    more = plan(PlanRequest(**wish, concurrency=int(most) + 1))
    assert not [each for each in more.plans if each.checkpoint.id.startswith("meta-llama-4-scout-17b-16e-instruct-")]


def test_a_lever_that_does_not_move_the_binding_line_is_not_named():
    """Weights that leave nothing, whatever the batch, name no batch."""
    result = plan(PlanRequest(model="scout", gpu="rtx-4090", count=4, min_weight_bits=8))

    assert not result.plans
    assert all(not each.changes for each in result.refused if each.rule == "weights-too-large")


def test_a_search_finds_nothing_where_nothing_holds():
    """And the start itself where it holds."""
    best = _own(model="scout", gpu="h100-sxm", count=8)[0]
    start = replace(best.config, max_model_len=100_000)

    def found(requests: int) -> EngineConfig | None:
        return LeverSearch(
            start,
            Demand(longest=None, least=1, stated=None, concurrency=requests, headroom=0.0),
            lambda config: memory_budget(best.model, best.checkpoint, best.accelerator, config, VLLM.at(best.release)),
            frozenset({"max_num_batched_tokens", "gpu_memory_utilization"}),
            VLLM,
        ).smallest_change()

    assert found(10**9) is None
    assert found(1) == start


W4A16 = "RedHatAI/Llama-4-Scout-17B-16E-Instruct-quantized.w4a16"
ON_SMALL_GPUS = {
    "model": "scout", "gpu": "rtx-4090", "count": 4, "tensor_parallel": 4, "checkpoint": W4A16, "max_num_seqs": 4,
    "enforce_eager": True,
}  # fmt: skip


@pytest.mark.parametrize("wish", [{"context": "16K"}, {}, {"prompt_tokens": 4_000, "output_tokens": 96}], ids=str)
def test_a_rope_table_of_unreachable_positions_is_left_out_where_memory_binds(wish: dict[str, object]):
    """10,485,760 positions x 128 x 2 bytes are 2.5 GiB; the table is as long as the longest request, and as all of it it does not fit."""
    best = _own(**ON_SMALL_GPUS, **wish)[0]
    (line,) = [each for each in best.budget.lines if each.name == "RoPE table"]
    (because,) = [each.because for each in best.reasons if each.about == "hf-overrides"]

    assert best.config.rope_positions == best.config.max_model_len == best.context
    assert best.settings["hf-overrides"] == f'{{"text_config": {{"max_position_embeddings": {best.context}}}}}'
    assert line.bytes == best.context * 128 * 2
    assert re.search(r"leaves 2\.(48|50) GiB a GPU", because)
    assert not _met(best, rope_positions=None)


def test_the_rope_table_is_left_alone_where_memory_does_not_bind():
    """Or where next to nothing is won: a base checkpoint's takes 64 MiB, and Maverick's 256 MiB, below a hundredth of 80 GiB."""
    assert all(each.config.rope_positions is None for each in _own(model="scout", gpu="h100-sxm", count=8))
    for model, stage, gpu, worth in [
        ("scout", "instruct", "h100-sxm", True),
        ("scout", "base", "rtx-4090", False),
        ("maverick", "instruct", "h100-sxm", False),
        ("maverick", "instruct", "rtx-4090", True),
    ]:
        facts = CATALOG.model(model)
        published = next(each for each in CATALOG.checkpoints.values() if each.repository == facts.repositories[stage])
        candidate = Candidate(
            model=facts, checkpoint=published, accelerator=CATALOG.accelerator(gpu), layout=Layout(), nodes=1,
            cache_dtype="bfloat16", hybrid=True,
        )  # fmt: skip
        start = replace(_own(model="scout", gpu="h100-sxm", count=8)[0].config, max_model_len=2_000)

        assert bool(table_lever(candidate, VLLM.at(None), start)) is worth, (model, stage, gpu)


@pytest.mark.parametrize(("release", "planned"), [("0.11.0", False), ("0.11.1", True)])
def test_the_rope_table_is_shortened_from_the_release_on_that_can(release: str, *, planned: bool):
    """0.11.0 replaces all of text_config by what `--hf-overrides` gives."""
    found = _own(**{**ON_SMALL_GPUS, "gpu": "l4"}, context="16K", engine_release=release)

    assert bool(found) is planned
    assert all(each.config.rope_positions == 16_384 for each in found)


def test_levers_are_named_with_their_values():
    """As fields of a request."""
    best = _own(model="scout", gpu="h100-sxm", count=8)[0]
    other = replace(best.config, max_num_seqs=512, gpu_memory_utilization=0.85, enforce_eager=True)

    assert levers_between(best.config, other) == (
        Lever(name="max_num_seqs", was=1024, value=512),
        Lever(name="gpu_memory_utilization", was=0.92, value=0.85),
        Lever(name="enforce_eager", was=False, value=True),
    )
