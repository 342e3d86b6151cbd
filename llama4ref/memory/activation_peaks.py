"""How much more memory does a step need for a moment?

The engine runs one step on dummy input before it sizes the KV cache: images, then a full batch of tokens, then sampling. What it keeps
free for good is the largest of the three. The tensors counted are those alive together in
`models/llama4.py`, `layers/fused_moe/fused_moe.py`, `models/mllama4.py` and the sampler; compilers and kernels add workspaces of
their own, so each line has a bound.

Figures and bounds come from published logs, all with 1,024 requests and 8,192 tokens a step. Sampling, per logit: 38.3 to 38.5 bytes
sorted (five models, 0.15 and 0.16, and before), 16 for Scout at 0.19.0. Memory that no tensor holds, on an H100 at 0.19.0: 0.25 to
0.46 GiB while profiling on one GPU and 2.06 to 2.21 on two or four; before that 0.51 on one, 1.5 to 2.1 on several. Scout itself on
four H100: 2.17 and 2.05 GiB, graphs 1.13. Where both count (until 0.10.2), vLLM issues 16118 and 19407 leave 4 to 4.6 GiB for them
on eight GPUs. Nothing is known yet of eight GPUs since, nor of sampling since 0.29.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.arithmetic.image_tokens import encoded_tiles, largest_image_tokens
from llama4ref.memory.budget_lines import BudgetLine, estimated_line
from llama4ref.memory.draft_head import DraftBounds, draft_token_numbers, tapped_numbers
from llama4ref.units import MIB

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.engine.layout import PipelineStage
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.facts.types.models import Architecture

BF16 = 2
SAMPLER_BYTES = {"sort": 38, "threshold": 16, "draw": 10}
"""Bytes alive for each logit while sampling: bf16 gathered and fp32 copy, and what the step adds. `sort`: sorted values
and 64-bit indices, twice (result and scratch), and probabilities; less where FlashInfer samples instead."""
SAMPLER_BOUNDS = {"sort": (0.4, 1.025), "threshold": (0.8, 1.2), "draw": (0.8, 1.6)}


@dataclass(frozen=True, slots=True)
class Widths:
    """Numbers of one token that live on one GPU."""

    residual: int
    attention: int
    experts: int
    dense: int


def peak_lines(
    architecture: Architecture,
    serving: EngineConfig,
    behaviour: Behaviour,
    *,
    stage: PipelineStage,
    draft: DraftBounds | None = None,
) -> Iterator[BudgetLine]:
    """One line for each phase of the profiled step on a GPU of a pipeline stage; only the largest counts.

    The V1 runner encodes images on every stage, the V2 runner on the first; the last stage alone samples, and has the draft head.
    """
    if serving.images_per_prompt and (stage.first or not behaviour.v2_model_runner):
        yield _vision_peak(architecture, serving)
    yield _forward_peak(architecture, serving, draft if stage.last else None)
    if stage.last:
        yield _sampling_peak(architecture, serving, behaviour, drafted=draft is not None)


def overhead_lines(serving: EngineConfig, behaviour: Behaviour, *, platform: str) -> Iterator[BudgetLine]:
    """What the driver, the communication library and captured graphs take."""
    yield _library_overhead(serving, behaviour)
    if platform in {"cuda", "rocm"} and not serving.enforce_eager:
        inside = behaviour.cuda_graphs_in_budget
        yield BudgetLine(
            name="CUDA graphs",
            place="overhead" if inside else "outside",
            bytes=1152 * MIB,
            low=512 * MIB,
            high=1536 * MIB,
            formula="graphs of the decode batch sizes; "
            + ("counted by the engine" if inside else "captured afterwards"),
            source="llm-d-planner-logs",
        )


def _library_overhead(serving: EngineConfig, behaviour: Behaviour) -> BudgetLine:
    several = serving.layout.tensor_parallel > 1 or serving.layout.data_parallel > 1
    if behaviour.collectives_in_budget:
        low, figure, high = (2048, 4352, 4760) if several else (640, 768, 1280)
        formula = "driver context, communication buffers and kernel modules, all counted by the engine"
    else:
        low, figure, high = (512, 2208, 2560) if several else (128, 256, 768)
        formula = "kernel modules, communication buffers and library workspaces loaded while profiling"
    return BudgetLine(
        name="driver and libraries", place="overhead", bytes=figure * MIB, low=low * MIB, high=high * MIB, formula=formula,
        source="vllm-issue-16118" if behaviour.collectives_in_budget else "llm-d-planner-logs",
    )  # fmt: skip


def outside_overhead(serving: EngineConfig, behaviour: Behaviour) -> BudgetLine:
    """What lies beside the engine's share before it starts to count; nothing where it counts from zero."""
    several = serving.layout.gpus > 1
    low, figure, high = (1408, 2112, 2304) if several else (448, 522, 768)
    count = 0 if behaviour.collectives_in_budget else MIB
    return BudgetLine(
        name="driver context and collectives",
        place="outside",
        bytes=figure * count,
        low=low * count,
        high=high * count,
        formula="driver context and, where several GPUs work together, NCCL's buffers, before the engine starts to count",
        source="llm-d-planner-logs",
    )


def token_widths(architecture: Architecture, serving: EngineConfig) -> Widths:
    """Numbers of one token alive at once in each part of a layer, on one GPU."""
    hidden, layout = architecture.text.hidden_size, serving.layout
    heads = architecture.attention
    local_heads = heads.heads // layout.tensor_parallel
    query_key_value = (local_heads + 2 * layout.local_kv_heads(heads.kv_heads)) * heads.head_dim
    inner = architecture.experts.intermediate_size
    routed = max(2 * inner // layout.moe_tp_size, hidden) + inner // layout.moe_tp_size + 2 * hidden
    shared = 3 * inner // layout.shared_expert_slices + hidden
    return Widths(
        residual=2 * hidden,
        attention=query_key_value + local_heads * heads.head_dim + hidden,
        experts=routed * layout.data_parallel + shared,
        dense=3 * architecture.dense.intermediate_size // layout.tensor_parallel + hidden,
    )


def _forward_peak(architecture: Architecture, serving: EngineConfig, draft: DraftBounds | None) -> BudgetLine:
    widths = token_widths(architecture, serving)
    mlp = widths.experts if architecture.experts.interleave_step == 1 else max(widths.experts, widths.dense)
    alive = widths.residual + max(widths.attention, mlp)
    if draft is not None:
        alive = max(alive + tapped_numbers(draft, architecture), draft_token_numbers(draft, serving.layout))
    per_token = alive * BF16
    return estimated_line(
        "activations and MoE workspace",
        "peak",
        serving.max_num_batched_tokens * per_token,
        low=0.7,
        high=2.0,
        formula=f"{serving.max_num_batched_tokens:,} batched tokens x {per_token:,} bytes: residual stream, expert inputs, "
        "inner activations and outputs" + ("" if draft is None else ", and hidden states for the draft head"),
        source="vllm-0.32.0",
    )


def _sampling_peak(
    architecture: Architecture, serving: EngineConfig, behaviour: Behaviour, *, drafted: bool
) -> BudgetLine:
    """The V1 runner also rejects drafts of every request in its profile, from two rows of bf16 logits each."""
    each = SAMPLER_BYTES[behaviour.sampler_profile] + (2 * BF16 if drafted and not behaviour.v2_model_runner else 0)
    low, high = SAMPLER_BOUNDS[behaviour.sampler_profile]
    vocabulary = architecture.text.vocab_size
    hidden = serving.max_num_batched_tokens * architecture.text.hidden_size * BF16
    rows = min(serving.max_num_seqs, serving.max_num_batched_tokens)
    return estimated_line(
        "logits and sampling",
        "peak",
        rows * vocabulary * each + hidden,
        low=low,
        high=high,
        formula=f"{rows:,} requests x {vocabulary:,} logits x {each} bytes ({behaviour.sampler_profile}), and the hidden states",
        source="vllm-releases",
    )


def _vision_peak(architecture: Architecture, serving: EngineConfig) -> BudgetLine:
    vision = architecture.vision
    images = max(1, serving.max_num_batched_tokens // largest_image_tokens(vision))
    tiles = images * encoded_tiles(vision, vision.max_tiles)
    patches = (vision.image_size // vision.patch_size) ** 2 + 1
    slices = serving.layout.vision_slices
    inner = max(3 * vision.hidden_size, 2 * vision.intermediate_size) // slices
    per_patch = (3 * vision.hidden_size + inner) * BF16
    pixels = tiles * vision.channels * vision.image_size**2 * BF16
    return estimated_line(
        "vision profile",
        "peak",
        tiles * patches * per_patch + pixels,
        low=0.6,
        high=2.0,
        formula=f"{images} images of {vision.max_tiles} tiles and a global one x {patches} patches x {per_patch:,} bytes, and pixels",
        source="vllm-0.32.0",
    )
