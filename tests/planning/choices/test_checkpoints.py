"""Which checkpoints come into question, in which order, and why the others do not."""

from __future__ import annotations

import dataclasses

import pytest

from llama4ref.facts import load
from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.planning.choices.checkpoints import (
    accelerator_refusals,
    candidate_checkpoints,
    expert_bits,
    expert_rule,
    publisher_rank,
    served_on,
)
from llama4ref.planning.request import PlanRequest

CATALOG = load()
VLLM = CATALOG.engine("vllm")
NEWEST = VLLM.newest_release


def _fitting(model: str = "scout", release: str = NEWEST, **wish: object) -> list[str]:
    fitting, _ = candidate_checkpoints(CATALOG, PlanRequest(**wish), model, VLLM, release)
    return [each.id for each in fitting]


def _rules(model: str = "scout", release: str = NEWEST, **wish: object) -> dict[str, str]:
    _, refused = candidate_checkpoints(CATALOG, PlanRequest(**wish), model, VLLM, release)
    return {each.subject: each.rule for each in refused}


@pytest.mark.parametrize("model", ["scout", "maverick"])
def test_the_developers_own_come_first_then_vendors_then_recipes(model: str):
    """Within each, more bits of the routed experts come first."""
    fitting = [CATALOG.checkpoint(id_) for id_ in _fitting(model)]
    standing = [publisher_rank(CATALOG, each)[:2] for each in fitting]

    assert fitting[0].publisher == "Meta"
    assert standing == sorted(standing)
    kinds = [
        each.kind for each in fitting if each.publisher in {"Meta", "NVIDIA", "Red Hat", "AMD"} or each.kind == "recipe"
    ]
    assert kinds == sorted(kinds, key=lambda kind: kind == "recipe")


@pytest.mark.parametrize("model", ["scout", "maverick"])
def test_every_instruct_checkpoint_is_considered(model: str):
    """Chosen or refused, none forgotten."""
    of_model = {each.id for each in CATALOG.checkpoints.values() if each.model == model and each.stage == "instruct"}

    assert set(_fitting(model)) | set(_rules(model)) == of_model
    assert not set(_fitting(model)) & set(_rules(model))


@pytest.mark.parametrize(
    ("supported", "why"), [(False, "vLLM does not load it"), (UNKNOWN, "no source says that vLLM loads it")]
)
def test_a_refusal_tells_unsupported_from_unknown(supported: object, why: str):
    """One is a fact, the other the lack of one."""
    id_ = _fitting()[0]
    checkpoint = CATALOG.checkpoint(id_)
    loading = dataclasses.replace(checkpoint.loads["vllm"], supported=supported, note=None)
    changed = dataclasses.replace(checkpoint, loads={"vllm": loading})
    catalog = dataclasses.replace(CATALOG, checkpoints={id_: changed})
    _, (refusal,) = candidate_checkpoints(catalog, PlanRequest(), "scout", VLLM, NEWEST)

    assert (refusal.rule, refusal.numbers) == ("engine-cannot-load", why)


def test_unknown_requirements_rule_nothing_out_and_stated_ones_do():
    """The lowest capability that a checkpoint is known to ask for stops an older GPU; an unknown one does not."""
    checkpoint, a100 = CATALOG.checkpoint(_fitting()[0]), CATALOG.accelerator("a100-sxm")

    def refused(**needs: object) -> list[str]:
        wish = dataclasses.replace(checkpoint.requirements, **needs)
        changed = dataclasses.replace(checkpoint, requirements=wish)
        return [each.rule for each in accelerator_refusals(CATALOG, changed, a100, VLLM, NEWEST)]

    assert refused(min_capability=UNKNOWN, max_capability=UNKNOWN, platforms=UNKNOWN) == []
    assert refused(max_capability=None) == []
    assert refused(min_capability=90) == refused(max_capability=75) == ["compute-capability"]
    assert refused(platforms=("rocm",)) == ["platform"]


@pytest.mark.parametrize("release", ["0.8.3", "0.10.0", "0.20.0", NEWEST])
def test_what_is_chosen_is_loaded_by_the_release(release: str):
    """By the facts of the checkpoint and of its method."""
    for id_ in _fitting(release=release):
        loading = CATALOG.checkpoint(id_).loads["vllm"]
        method = VLLM.methods.get(CATALOG.checkpoint(id_).quantization_method)

        assert loading.supported
        assert holds_at(release, since=loading.since, until=loading.until)
        assert method is None or holds_at(release, since=method.since, until=method.until)
        assert CATALOG.checkpoint(id_).coverage is not UNKNOWN


@pytest.mark.parametrize("bits", [4, 8, 16])
def test_too_few_bits_are_refused_for_quality(bits: int):
    """As many as asked for, or more."""
    assert all(expert_bits(CATALOG, CATALOG.checkpoint(id_)) >= bits for id_ in _fitting(min_weight_bits=bits))
    if bits > 4:
        assert "quality" in _rules(min_weight_bits=bits).values()


def test_a_named_checkpoint_is_the_only_one():
    """By id or repository, and nothing for another model."""
    repository = "nvidia/Llama-4-Scout-17B-16E-Instruct-FP8"

    assert _fitting(checkpoint=repository) == [CATALOG.checkpoint(repository).id]
    assert _fitting("maverick", checkpoint=repository) == []


def test_every_refusal_says_why():
    """In words with numbers."""
    _, refused = candidate_checkpoints(CATALOG, PlanRequest(), "scout", VLLM, NEWEST)

    assert refused
    assert {each.rule for each in refused} <= {"engine-cannot-load", "engine-release", "coverage-unknown", "quality"}
    assert all(each.numbers for each in refused)


def test_bitsandbytes_leaves_the_experts_as_they_are():
    """The engine has no 4-bit method for fused experts, so such a checkpoint is refused."""
    found = {
        id_: rule for id_, rule in _rules().items() if CATALOG.checkpoint(id_).quantization_method == "bitsandbytes"
    }

    assert found
    assert set(found.values()) <= {"engine-cannot-load", "engine-release"}


@pytest.mark.parametrize("accelerator", list(CATALOG.accelerators.values()), ids=lambda each: each.id)
def test_hardware_refusals_follow_the_facts(accelerator):
    """A capability that is too low or too high, or a platform plans are not made for, never passes; others say why not."""
    for id_ in _fitting():
        checkpoint = CATALOG.checkpoint(id_)
        refused = list(accelerator_refusals(CATALOG, checkpoint, accelerator, VLLM, NEWEST))
        needs, has = checkpoint.requirements, accelerator.capability
        impossible = accelerator.platform not in {"cuda", "rocm"} or (
            has is not None
            and ((needs.min_capability or 0) > has or (is_stated(needs.max_capability) and has > needs.max_capability))
        )

        assert bool(refused) or not impossible
        for each in refused:
            assert each.rule in {"platform", "compute-capability", "no-expert-kernel"}
            assert accelerator.name in each.numbers


def test_bf16_runs_on_every_nvidia_gpu_since_ampere():
    """Nothing is asked of the hardware but memory."""
    bf16 = CATALOG.checkpoint("meta-llama/Llama-4-Scout-17B-16E-Instruct")
    for accelerator in CATALOG.accelerators.values():
        if accelerator.platform == "cuda" and accelerator.capability is not None and accelerator.capability >= 80:
            assert not list(accelerator_refusals(CATALOG, bf16, accelerator, VLLM, NEWEST)), accelerator.id


NOTHING_RUNS = (
    ("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", "a100-sxm", "0.8.5"),
    ("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", "mi300x", "0.8.3"),
    ("nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4", "rtx-pro-6000", "0.10.2"),
    ("nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4", "mi355x", "0.13.0"),
    ("recipe-vllm-mxfp4-scout", "h100-sxm", "0.31.0"),
    ("recipe-vllm-nvfp4-per-token-scout", "h200-sxm", "0.33.0"),
)
"""Checkpoint, accelerator and release of which wheels or threads show that no kernel runs the routed experts."""
SOMETHING_RUNS = (
    ("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", "a100-sxm", "0.9.2"),
    ("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", "mi300x", "0.8.4"),
    ("nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4", "rtx-pro-6000", "0.33.0"),
    ("nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4", "h100-sxm", "0.10.2"),
    ("recipe-vllm-mxfp4-scout", "h100-sxm", "0.32.0"),
    ("recipe-vllm-nvfp4-per-token-scout", "b200", "0.33.0"),
)
"""The same at another release or on another accelerator."""


@pytest.mark.parametrize(("checkpoint", "accelerator", "release"), NOTHING_RUNS)
def test_experts_that_no_kernel_of_the_release_runs_are_refused(checkpoint: str, accelerator: str, release: str):
    """Whichever way they are split over the GPUs, and the refusal says why."""
    named, gpu = CATALOG.checkpoint(checkpoint), CATALOG.accelerator(accelerator)
    (refusal,) = (
        each for each in accelerator_refusals(CATALOG, named, gpu, VLLM, release) if each.rule == "no-expert-kernel"
    )

    assert release in refusal.numbers
    assert gpu.name in refusal.numbers
    assert refusal.source is not None


@pytest.mark.parametrize(("checkpoint", "accelerator", "release"), SOMETHING_RUNS)
def test_experts_that_a_kernel_runs_are_not_refused(checkpoint: str, accelerator: str, release: str):
    """A release or an accelerator apart from the refused ones."""
    named, gpu = CATALOG.checkpoint(checkpoint), CATALOG.accelerator(accelerator)

    assert not list(accelerator_refusals(CATALOG, named, gpu, VLLM, release))


def test_experts_that_run_when_cut_are_not_refused_because_whole_ones_do_not():
    """NVFP4 of 0.11.0 runs on Blackwell, only not with whole experts on each GPU."""
    nvfp4, b200 = CATALOG.checkpoint("nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4"), CATALOG.accelerator("b200")
    cut = expert_rule(CATALOG, VLLM, "0.11.0", served_on(nvfp4, b200))
    whole = expert_rule(CATALOG, VLLM, "0.11.0", served_on(nvfp4, b200, frozenset({"expert-parallel"})))

    assert (cut[1].chosen, whole[1].chosen) == ("cutlass", None)
    assert not list(accelerator_refusals(CATALOG, nvfp4, b200, VLLM, "0.11.0"))


PLANNED = [each for each in CATALOG.accelerators.values() if each.platform in {"cuda", "rocm"}]


@pytest.mark.parametrize("accelerator", PLANNED, ids=lambda each: each.id)
def test_hardware_that_the_facts_allow_is_not_refused(accelerator):
    """The other direction: every requirement met, and a kernel that runs the experts, is no refusal."""
    for id_ in _fitting():
        checkpoint = CATALOG.checkpoint(id_)
        needs, has = checkpoint.requirements, accelerator.capability
        method = VLLM.methods.get(checkpoint.quantization_method)
        floor = max(each or 0 for each in (needs.min_capability, method.min_capability if method else None))
        rule = expert_rule(CATALOG, VLLM, NEWEST, served_on(checkpoint, accelerator))
        allowed = accelerator.platform in (needs.platforms or ("cuda", "rocm"))
        if has is not None:
            allowed = allowed and floor <= has <= (needs.max_capability or 999)
        allowed = allowed and (rule is None or rule[1].chosen is not None)

        assert bool(list(accelerator_refusals(CATALOG, checkpoint, accelerator, VLLM, NEWEST))) is not allowed, id_
