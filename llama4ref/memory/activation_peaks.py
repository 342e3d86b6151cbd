"""How much more memory does a step need for a moment?

The engine runs one step on dummy input before it sizes the KV cache: images, then a full batch of tokens, then sampling. What it keeps
free for good is the largest of the three. The tensors counted are those alive together in
`models/llama4.py`, `layers/fused_moe/fused_moe.py`, `models/mllama4.py` and the sampler; compilers and kernels add workspaces of
their own, so each line is multiplied by an estimate of `specs/estimates` with bounds, set by what servers printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.arithmetic.image_tokens import encoded_tiles, largest_image_tokens
from llama4ref.memory.budget_lines import BudgetLine, estimate_line
from llama4ref.memory.draft_head import DraftBounds, draft_token_numbers, tapped_numbers
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.engine.estimates import EstimatesFor
    from llama4ref.engine.layout import PipelineStage
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.facts.types.models import Architecture

BF16 = 2
FP32 = 4
VERIFIED_REQUEST_BYTES = 2 * BF16 + 3 * FP32
"""Alive for each logit of a request while its drafts are verified, beside theirs: the logits twice in bf16 and once in fp32, noise and
its reciprocal in fp32."""
SAMPLING = "logits and sampling"
"""Name of the line of the sampling step."""


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
    estimates: EstimatesFor,
    *,
    stage: PipelineStage,
    draft: DraftBounds | None = None,
) -> Iterator[BudgetLine]:
    """One line for each phase of the profiled step on a GPU of a pipeline stage; only the largest counts.

    The V1 runner encodes images on every stage, the V2 runner on the first; the last stage alone samples, and has the draft head.
    """
    if serving.images_per_prompt and (stage.first or not behaviour.v2_model_runner):
        yield _vision_peak(architecture, serving, estimates)
    yield _forward_peak(architecture, serving, estimates, draft if stage.last else None)
    if stage.last:
        yield _sampling_peak(architecture, serving, behaviour, estimates)
        yield from _draft_peak(architecture, serving, estimates)


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


def _forward_peak(
    architecture: Architecture, serving: EngineConfig, estimates: EstimatesFor, draft: DraftBounds | None
) -> BudgetLine:
    widths = token_widths(architecture, serving)
    mlp = widths.experts if architecture.experts.interleave_step == 1 else max(widths.experts, widths.dense)
    alive = widths.residual + max(widths.attention, mlp)
    if draft is not None:
        alive = max(alive + tapped_numbers(draft, architecture), draft_token_numbers(draft, serving.layout))
    per_token = alive * BF16
    tokens = serving.max_num_batched_tokens
    return estimate_line(
        "activations and MoE workspace",
        "peak",
        tokens * per_token,
        estimates.of("memory.activations"),
        formula=f"{tokens:,} batched tokens x {per_token:,} bytes: residual stream, expert inputs, inner activations and outputs"
        + ("" if draft is None else ", and hidden states for the draft head"),
    )


def _sampling_peak(
    architecture: Architecture, serving: EngineConfig, behaviour: Behaviour, estimates: EstimatesFor
) -> BudgetLine:
    each = estimates.of("memory.logit_bytes")
    vocabulary = architecture.text.vocab_size
    rows = min(serving.max_num_seqs, serving.max_num_batched_tokens)
    return estimate_line(
        SAMPLING,
        "peak",
        rows * vocabulary,
        each,
        exact=serving.max_num_batched_tokens * architecture.text.hidden_size * BF16,
        formula=f"{counted(rows, 'request')} x {vocabulary:,} logits x {each.value:g} bytes ({behaviour.sampler_profile}), and the hidden states",
    )


def _draft_peak(architecture: Architecture, serving: EngineConfig, estimates: EstimatesFor) -> Iterator[BudgetLine]:
    """The V1 runner also verifies a drafted token of every request in its profile."""
    each = estimates.find("memory.draft_logit_bytes")
    if each is None or not serving.draft_tokens:
        return
    rows, vocabulary = min(serving.max_num_seqs, serving.max_num_batched_tokens), architecture.text.vocab_size
    own = rows * vocabulary * VERIFIED_REQUEST_BYTES
    yield estimate_line(
        "drafts verified",
        "peak",
        rows * vocabulary,
        each,
        exact=serving.max_num_batched_tokens * architecture.text.hidden_size * BF16 + own,
        formula=f"{counted(rows, 'request')} x {vocabulary:,} logits x {VERIFIED_REQUEST_BYTES} bytes of its own and {each.value:g} of a drafted "
        "token, and the hidden states",
    )


def _vision_peak(architecture: Architecture, serving: EngineConfig, estimates: EstimatesFor) -> BudgetLine:
    vision = architecture.vision
    images = max(1, serving.max_num_batched_tokens // largest_image_tokens(vision))
    tiles = images * encoded_tiles(vision, vision.max_tiles)
    patches = (vision.image_size // vision.patch_size) ** 2 + 1
    slices = serving.layout.vision_slices
    inner = max(3 * vision.hidden_size, 2 * vision.intermediate_size) // slices
    per_patch = (3 * vision.hidden_size + inner) * BF16
    pixels = tiles * vision.channels * vision.image_size**2 * BF16
    return estimate_line(
        "vision profile",
        "peak",
        tiles * patches * per_patch + pixels,
        estimates.of("memory.vision_activations"),
        formula=f"{counted(images, 'image')} of {vision.max_tiles} tiles and a global one x {patches} patches x {per_patch:,} bytes, and pixels",
    )
