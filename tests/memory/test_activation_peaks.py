"""Estimates of a step against published starts of other models with the same sampler, and their own properties."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import Layout, PipelineStage
from llama4ref.facts import load
from llama4ref.memory.activation_peaks import (
    SAMPLER_BOUNDS,
    SAMPLER_BYTES,
    outside_overhead,
    overhead_lines,
    peak_lines,
    token_widths,
)
from llama4ref.units import GIB

CATALOG = load()
VLLM = CATALOG.engine("vllm")
SCOUT = CATALOG.model("scout")
SERVING = EngineConfig(release="0.32.0",
    layout=Layout(tensor_parallel=4), max_model_len=8192, max_num_seqs=1024, max_num_batched_tokens=8192,
    gpu_memory_utilization=0.95,
)  # fmt: skip
ONLY = PipelineStage(index=0, layers=range(48), last=True)
# Peaks in GiB printed by vLLM on one H100 with 1,024 requests and 8,192 tokens a step (source llm-d-planner-logs), for models
# whose step is small beside its sampling: release, vocabulary, width, peak.
PRINTED = [
    ("0.15.0", 151_936, 5120, 5.64),
    ("0.16.0", 151_936, 5120, 5.64),
    ("0.17.0", 151_936, 5120, 2.23),
    ("0.18.0", 151_936, 5120, 2.23),
    ("0.19.0", 128_256, 4096, 1.89),
    ("0.19.0", 151_936, 4096, 2.21),
    ("0.19.0", 128_256, 8192, 1.96),
]


@pytest.mark.parametrize(("release", "vocabulary", "width", "peak"), PRINTED)
def test_sampling_of_other_models_lies_within_the_bounds(release: str, vocabulary: int, width: int, peak: float):
    """Their vocabularies and widths in place of Llama 4's."""
    text = replace(SCOUT.architecture.text, vocab_size=vocabulary, hidden_size=width)
    architecture = replace(SCOUT.architecture, text=text)
    line = next(
        line
        for line in peak_lines(architecture, SERVING, VLLM.at(release), stage=ONLY)
        if line.name == "logits and sampling"
    )

    assert line.low <= peak * GIB <= line.high


@pytest.mark.parametrize(
    ("release", "layout", "inside", "outside"),
    [
        ("0.19.0", Layout(), 0.25, 0.51),
        ("0.18.0", Layout(), 0.25, 0.51),
        ("0.15.0", Layout(), 0.13, 0.51),
        ("0.19.0", Layout(tensor_parallel=2), 2.07, 1.53),
        ("0.19.0", Layout(tensor_parallel=2), 2.11, 2.01),
        ("0.19.0", Layout(tensor_parallel=4), 2.21, 1.55),
        ("0.19.0", Layout(tensor_parallel=4), 2.17, 2.07),
    ],
)
def test_libraries_take_what_was_printed(release: str, layout: Layout, inside: float, outside: float):
    """While profiling, and before the engine starts to count, in GiB of the same logs."""
    serving = replace(SERVING, layout=layout)
    libraries = next(iter(overhead_lines(serving, VLLM.at(release), platform="cuda")))
    context = outside_overhead(serving, VLLM.at(release))

    assert libraries.low <= inside * GIB <= libraries.high
    assert context.low <= outside * GIB <= context.high


def test_every_sampler_of_the_facts_is_known():
    """And its bounds hold its figure."""
    profiles = {step.holds for step in VLLM.behaviours.sampler_profile}

    assert profiles <= set(SAMPLER_BYTES) == set(SAMPLER_BOUNDS)
    assert all(low <= 1 <= high for low, high in SAMPLER_BOUNDS.values())


def test_graphs_are_inside_the_share_once_the_engine_counts_them():
    """Since 0.20.0; outside before, and nowhere in eager mode."""
    places = {
        release: [
            line.place
            for line in overhead_lines(SERVING, VLLM.at(release), platform="cuda")
            if line.name == "CUDA graphs"
        ]
        for release in ("0.19.0", "0.20.0")
    }

    assert places == {"0.19.0": ["outside"], "0.20.0": ["overhead"]}
    eager = replace(SERVING, enforce_eager=True)
    assert not [line for line in overhead_lines(eager, VLLM.at(), platform="cuda") if line.name == "CUDA graphs"]


def test_text_alone_profiles_no_image():
    """Two phases instead of three."""
    names = [
        line.name
        for line in peak_lines(SCOUT.architecture, replace(SERVING, images_per_prompt=0), VLLM.at(), stage=ONLY)
    ]

    assert names == ["activations and MoE workspace", "logits and sampling"]


@pytest.mark.parametrize(("release", "images_on"), [("0.28.0", {0, 1, 2}), ("0.29.0", {0})])
def test_each_stage_profiles_its_own_part(release: str, images_on: set[int]):
    """The last one samples; images are encoded on every stage, by the V2 runner on the first alone."""
    stages = Layout(pipeline_parallel=3).pipeline(48)
    lines = {
        stage.index: {line.name for line in peak_lines(SCOUT.architecture, SERVING, VLLM.at(release), stage=stage)}
        for stage in stages
    }

    assert {index for index, names in lines.items() if "vision profile" in names} == images_on
    assert {index for index, names in lines.items() if "logits and sampling" in names} == {2}
    assert all("activations and MoE workspace" in names for names in lines.values())


def test_wider_tensor_parallel_never_needs_more_for_a_token():
    """Each part of a layer is split or stays."""
    widths = [
        token_widths(SCOUT.architecture, replace(SERVING, layout=Layout(tensor_parallel=size))) for size in (1, 2, 4, 8)
    ]

    for part in ("residual", "attention", "experts", "dense"):
        values = [getattr(each, part) for each in widths]
        assert values == sorted(values, reverse=True), part
