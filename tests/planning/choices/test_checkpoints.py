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
    publisher_rank,
    runs,
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
        return [each.rule for each in accelerator_refusals(changed, a100, VLLM)]

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
        refused = list(accelerator_refusals(checkpoint, accelerator, VLLM))
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
            assert not list(accelerator_refusals(bf16, accelerator, VLLM)), accelerator.id


@pytest.mark.parametrize(
    ("low", "high", "fits"),
    [
        (None, None, {75, 80, 89, 90, 100, 120}),
        (90, None, {90, 100, 120}),
        (None, 90, {75, 80, 89, 90}),
        (89, 100, {89, 90, 100}),
        (90, 90, {90}),
    ],
)
def test_a_kernel_runs_between_its_floor_and_its_ceiling(low: int | None, high: int | None, fits: set[int]):
    """Both included, and nowhere else; where no capability is known, wherever it is there at all."""
    kernel = dataclasses.replace(VLLM.kernels[0], supported=True, min_capability=low, max_capability=high)

    assert {each for each in (75, 80, 89, 90, 100, 120) if runs(kernel, each)} == fits
    assert runs(kernel, None)
    assert not runs(dataclasses.replace(kernel, supported=False), 90)


PLANNED = [each for each in CATALOG.accelerators.values() if each.platform in {"cuda", "rocm"}]


@pytest.mark.parametrize("accelerator", PLANNED, ids=lambda each: each.id)
def test_hardware_that_the_facts_allow_is_not_refused(accelerator):
    """The other direction: every requirement met, and a kernel whose floor and ceiling hold the capability, is no refusal."""
    for id_ in _fitting():
        checkpoint = CATALOG.checkpoint(id_)
        needs, has = checkpoint.requirements, accelerator.capability
        method = VLLM.methods.get(checkpoint.quantization_method)
        floor = max(each or 0 for each in (needs.min_capability, method.min_capability if method else None))
        ours = [
            (kernel.min_capability or 0, kernel.max_capability or 999) if kernel.supported else (999, 0)
            for kernel in VLLM.kernels
            if kernel.format == checkpoint.coverage.routed_experts and kernel.platform == accelerator.platform
        ]
        allowed = accelerator.platform in (needs.platforms or ("cuda", "rocm"))
        if has is not None:
            allowed = allowed and floor <= has <= (needs.max_capability or 999)
            allowed = allowed and (not ours or any(low <= has <= high for low, high in ours))
        elif ours:
            allowed = allowed and any(low < high for low, high in ours)

        assert bool(list(accelerator_refusals(checkpoint, accelerator, VLLM))) is not allowed, id_
