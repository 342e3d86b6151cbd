"""Estimates of a step against published starts of other models with the same sampler, and their own properties."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.estimates import EstimateScope, EstimatesFor, spread_over
from llama4ref.engine.layout import Layout, PipelineStage
from llama4ref.facts import load
from llama4ref.memory.activation_peaks import peak_lines, token_widths
from llama4ref.units import GIB

if TYPE_CHECKING:
    from llama4ref.facts.types.starts import Start
    from llama4ref.memory.budget_lines import BudgetLine

CATALOG = load()
VLLM = CATALOG.engine("vllm")
SCOUT = CATALOG.model("scout")
SERVING = EngineConfig(release="0.32.0",
    layout=Layout(tensor_parallel=4), max_model_len=8192, max_num_seqs=1024, max_num_batched_tokens=8192,
    gpu_memory_utilization=0.95,
)  # fmt: skip
ONLY = PipelineStage(index=0, layers=range(48), last=True)

STARTS = [start for start in CATALOG.starts.values() if "peak_activation" in start.gib and start.vocab_size]
"""Starts of other models whose vocabulary is known."""
OF_STEP = [start for start in CATALOG.starts.values() if "activation_tensors" in start.gib]
"""Starts whose step was larger than their sampling."""


def estimates(release: str = "0.32.0", layout: Layout = SERVING.layout) -> EstimatesFor:
    """What holds on an H100."""
    where = EstimateScope(release=release, accelerator=CATALOG.accelerator("h100-sxm"), gpus=spread_over(layout))
    return EstimatesFor(CATALOG, "vllm", where)


def lines(
    architecture: object, config: EngineConfig, release: str, stage: PipelineStage = ONLY
) -> dict[str, BudgetLine]:
    """The phases of a step by name."""
    found = peak_lines(architecture, config, VLLM.at(release), estimates(release, config.layout), stage=stage)
    return {line.name: line for line in found}


@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.id)
def test_sampling_of_other_models_lies_within_the_bounds(start: Start):
    """Their vocabularies and widths in place of Llama 4's; FlashInfer may sample where the release is a range."""
    if start in OF_STEP:
        return
    text = replace(SCOUT.architecture.text, vocab_size=start.vocab_size, hidden_size=start.hidden_size)
    config = replace(
        SERVING, max_num_seqs=start.max_num_seqs, max_num_batched_tokens=start.max_num_batched_tokens,
        layout=Layout(tensor_parallel=start.tensor_parallel),
    )  # fmt: skip
    line = lines(replace(SCOUT.architecture, text=text), config, start.earliest_release)["logits and sampling"]

    assert line.low <= start.gib["peak_activation"] * GIB <= line.high


def dense(width: int, inner: int, heads: int, kv_heads: int) -> object:
    """An architecture of another model without experts, as far as a step's tensors depend on it."""
    architecture = SCOUT.architecture
    return replace(
        architecture,
        text=replace(architecture.text, hidden_size=width),
        attention=replace(architecture.attention, heads=heads, kv_heads=kv_heads),
        dense=replace(architecture.dense, intermediate_size=inner),
        experts=replace(architecture.experts, intermediate_size=0, interleave_step=2),
    )


@pytest.mark.parametrize(
    ("architecture", "printed_gib"),
    [(dense(4096, 14_336, 32, 8), 1.1), (dense(4096, 11_008, 32, 32), 0.77)],
    ids=["first stage of Llama-3.1-8B", "CodeLlama-7B"],
)
def test_a_step_of_other_models_takes_what_was_printed(architecture: object, printed_gib: float):
    """One GPU, 8,192 tokens, vLLM 0.19.0; what was printed lies within the bounds, and the figure within a quarter of it."""
    line = lines(architecture, replace(SERVING, layout=Layout()), "0.19.0")["activations and MoE workspace"]

    assert line.low <= printed_gib * GIB <= line.high
    assert line.bytes == pytest.approx(printed_gib * GIB, rel=0.25)


def test_images_take_what_their_tensors_take_by_hand():
    """Four GPUs, three images of 17 tiles and 577 patches: residual, input and output of attention of 1,408, then 5,632 twice."""
    line = lines(SCOUT.architecture, SERVING, "0.32.0")["vision profile"]
    patches, pixels = 3 * 17 * 577, 3 * 17 * 3 * 336 * 336

    assert line.bytes == 2 * (patches * (3 * 1408 + 2 * 5632 // 4) + pixels)
    assert line.low < line.bytes < line.high


def test_text_alone_profiles_no_image():
    """Two phases instead of three."""
    names = list(lines(SCOUT.architecture, replace(SERVING, images_per_prompt=0), "0.32.0"))

    assert names == ["activations and MoE workspace", "logits and sampling"]


@pytest.mark.parametrize(("release", "images_on"), [("0.28.0", {0, 1, 2}), ("0.29.0", {0})])
def test_each_stage_profiles_its_own_part(release: str, images_on: set[int]):
    """The last one samples; images are encoded on every stage, by the V2 runner on the first alone."""
    stages = Layout(pipeline_parallel=3).pipeline(48)
    found = {stage.index: lines(SCOUT.architecture, SERVING, release, stage) for stage in stages}

    assert {index for index, names in found.items() if "vision profile" in names} == images_on
    assert {index for index, names in found.items() if "logits and sampling" in names} == {2}
    assert all("activations and MoE workspace" in names for names in found.values())


def test_wider_tensor_parallel_never_needs_more_for_a_token():
    """Each part of a layer is split or stays."""
    widths = [
        token_widths(SCOUT.architecture, replace(SERVING, layout=Layout(tensor_parallel=size))) for size in (1, 2, 4, 8)
    ]

    for part in ("residual", "attention", "experts", "dense"):
        values = [getattr(each, part) for each in widths]
        assert values == sorted(values, reverse=True), part
