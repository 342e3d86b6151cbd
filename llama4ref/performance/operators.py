"""What does one GPU compute, read and send in one forward pass?

A pass handles tokens of prompts (prefill) or one new token of each sequence (decode). Every operator is summed over the
layers that have it, and is what one rank of a layout does. Multiplying by a matrix of (outputs, inputs) takes
2 x outputs x inputs operations a token; a routed expert's weights are read when at least one token of the pass goes there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from llama4ref.engine.layout import Layout
from llama4ref.performance.stored_model import Shapes, Stored

ACTIVATION_BYTES = 2
"""Bytes of one number of the residual stream: bfloat16."""

Arithmetic = Literal["bf16", "fp8", "int8", "fp4"]


@dataclass(frozen=True, slots=True)
class Operator:
    """The work of one rank, all layers together."""

    name: str
    arithmetic: Arithmetic
    """Number format of the multiplications."""
    operations: float = 0.0
    """Multiplications and additions."""
    weight_bytes: float = 0.0
    """Weights read."""
    activation_bytes: float = 0.0
    """Activations read and written."""
    cache_bytes: float = 0.0
    """Keys and values read and written."""
    logits: float = 0.0
    """Logits that are sampled from."""
    link_bytes: float = 0.0
    """Bytes that leave the GPU over its link."""
    collectives: int = 0
    """Times that ranks wait for each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One forward pass of one data-parallel replica."""

    tokens: float
    """Tokens that go through the layers."""
    sequences: float
    """Sequences whose next token is sampled."""
    attended_global: float
    """Query and key pairs of one global layer."""
    attended_local: float
    """Query and key pairs of one chunked-local layer."""
    read_global: float
    """Cached tokens that one global layer reads."""
    read_local: float
    """Cached tokens that one chunked-local layer reads."""

    @staticmethod
    def decode(shapes: Shapes, *, batch: float, context: float) -> Pass:
        """One new token of each of `batch` sequences that are `context` tokens long.

        A chunked-local layer sees its current chunk only. How full that is depends on where a sequence stands; the most it can
        be is counted, so that a longer context never looks faster.
        """
        seen = batch * context
        near = batch * min(context, shapes.chunk)
        return Pass(
            tokens=batch,
            sequences=batch,
            attended_global=seen,
            attended_local=near,
            read_global=seen,
            read_local=near,
        )

    @staticmethod
    def prefill(shapes: Shapes, *, prompt: float, cached: float = 0.0, prompts: float = 1.0) -> Pass:
        """The tokens of `prompts` prompts after their first `cached` ones, which are in the cache already."""
        new = prompt - cached
        attended_local = within_chunks(prompt, shapes.chunk) - within_chunks(cached, shapes.chunk)
        return Pass(
            tokens=prompts * new,
            sequences=prompts,
            attended_global=prompts * (prompt * (prompt + 1) - cached * (cached + 1)) / 2,
            attended_local=prompts * attended_local,
            read_global=prompts * prompt,
            read_local=prompts * (new + cached % shapes.chunk),
        )


def within_chunks(tokens: float, chunk: int) -> float:
    """Query and key pairs where every token sees those of its own chunk up to itself.

    Examples:
        >>> within_chunks(4, 8), within_chunks(8, 8), within_chunks(10, 8)
        (10.0, 36.0, 39.0)
    """
    whole, rest = divmod(tokens, chunk)
    return (whole * chunk * (chunk + 1) + rest * (rest + 1)) / 2


def distinct_experts(experts: int, tokens: float) -> float:
    """Experts of one layer that at least one of so many tokens visits, each token choosing evenly and on its own.

    Examples:
        >>> distinct_experts(16, 1), round(distinct_experts(128, 64), 1)
        (1.0, 50.5)
    """
    return float(experts * (1 - (1 - 1 / experts) ** tokens))


def operators(shapes: Shapes, stored: Stored, layout: Layout, step: Pass, *, cache_bytes: int) -> tuple[Operator, ...]:
    """Every operator of a pass on one rank.

    Args:
        shapes: of the model.
        stored: bytes a weight and arithmetic, by component.
        layout: how the model lies over GPUs.
        step: the pass of one data-parallel replica.
        cache_bytes: of one number of the KV cache.
    """
    return (
        *_attention(shapes, stored, layout, step, cache_bytes),
        *_feed_forward(shapes, stored, layout, step),
        *_frame(shapes, stored, layout, step),
    )


def _matrix(
    name: str, stored: Stored, component: str, *, tokens: float, weights: float, width: float, read: float | None = None
) -> Operator:
    """Matrices of one component on one rank.

    Args:
        name: of the operator.
        stored: bytes a weight and arithmetic.
        component: that the matrices belong to.
        tokens: that meet them.
        weights: that one token meets.
        width: numbers of one token read and written around them.
        read: weights that are read; those that one token meets where not given.
    """
    per_weight, arithmetic = stored.of(component)
    return Operator(
        name,
        arithmetic,
        2.0 * tokens * weights,
        per_weight * (weights if read is None else read),
        ACTIVATION_BYTES * tokens * width,
    )


def _attention(shapes: Shapes, stored: Stored, layout: Layout, step: Pass, cache_bytes: int) -> Iterator[Operator]:
    slices, layers = layout.tensor_parallel, shapes.layers
    weights = layers * shapes.attention_weights / slices
    width = layers * (2 * shapes.hidden + (2 * shapes.query_width + 2 * shapes.kv_dim) / slices)
    yield _matrix("attention projections", stored, "attention", tokens=step.tokens, weights=weights, width=width)
    pairs = shapes.global_layers * step.attended_global + shapes.local_layers * step.attended_local
    read = shapes.global_layers * step.read_global + shapes.local_layers * step.read_local
    written = layers * step.tokens
    yield Operator(
        "attention",
        "bf16",
        4.0 * pairs * shapes.query_width / slices,
        0.0,
        ACTIVATION_BYTES * layers * step.tokens * 2 * shapes.query_width / slices,
        2.0 * (read + written) * shapes.kv_dim / slices * cache_bytes,
    )
    if slices > 1:
        yield _all_reduce("attention all-reduce", shapes, slices, step.tokens, layers)


def _feed_forward(shapes: Shapes, stored: Stored, layout: Layout, step: Pass) -> Iterator[Operator]:
    slices, hidden = layout.tensor_parallel, shapes.hidden
    if shapes.dense_layers:
        weights = shapes.dense_layers * shapes.dense_weights / slices
        width = shapes.dense_layers * (2 * hidden + 3 * shapes.dense_width / slices)
        yield _matrix("dense feed-forward", stored, "dense_mlp", tokens=step.tokens, weights=weights, width=width)
    moe, experts = shapes.moe_layers, shapes.experts
    router = moe * experts * hidden
    yield _matrix("router", stored, "router", tokens=step.tokens, weights=router, width=moe * (hidden + experts))
    shared_slices = layout.shared_expert_slices
    weights = moe * shapes.shared_weights / shared_slices
    width = moe * (2 * hidden + 3 * shapes.shared_width / shared_slices)
    tokens = step.tokens * shared_slices / slices
    yield _matrix("shared expert", stored, "shared_expert", tokens=tokens, weights=weights, width=width)
    ranks = slices * layout.data_parallel
    together = step.tokens * layout.data_parallel
    visits = together * shapes.experts_per_token
    weights = moe * shapes.expert_weights / ranks
    yield _matrix(
        "routed experts",
        stored,
        "routed_experts",
        tokens=visits,
        weights=weights,
        width=moe * (2 * hidden / layout.ep_size + 3 * shapes.expert_width / ranks),
        read=distinct_experts(experts, visits) * weights,
    )
    if slices > 1:
        yield _all_reduce("feed-forward all-reduce", shapes, slices, step.tokens, shapes.layers)
    if layout.data_parallel > 1:
        yield Operator(
            "experts all-gather and reduce-scatter",
            "bf16",
            link_bytes=2 * moe * (together - step.tokens) * hidden * ACTIVATION_BYTES / slices,
            collectives=2 * moe,
        )


def _frame(shapes: Shapes, stored: Stored, layout: Layout, step: Pass) -> Iterator[Operator]:
    slices, hidden = layout.tensor_parallel, shapes.hidden
    passes = 2 * shapes.norms
    yield Operator("embedding", "bf16", activation_bytes=2.0 * step.tokens * hidden * ACTIVATION_BYTES)
    yield Operator("norms", "bf16", activation_bytes=2.0 * passes * step.tokens * hidden * ACTIVATION_BYTES)
    weights = shapes.vocabulary * hidden / slices
    width = hidden + shapes.vocabulary / slices
    yield _matrix("output head", stored, "lm_head", tokens=step.sequences, weights=weights, width=width)
    gathered = step.sequences * shapes.vocabulary * ACTIVATION_BYTES * (slices - 1) / slices
    yield Operator(
        "sampling",
        "bf16",
        logits=step.sequences * shapes.vocabulary,
        link_bytes=gathered,
        collectives=int(slices > 1),
    )
    if layout.pipeline_parallel > 1:
        hops = layout.pipeline_parallel - 1
        yield Operator(
            "pipeline hops",
            "bf16",
            link_bytes=hops * step.tokens * hidden * ACTIVATION_BYTES,
            collectives=hops,
        )


def _all_reduce(name: str, shapes: Shapes, slices: int, tokens: float, layers: int) -> Operator:
    """A ring all-reduce sends 2 (n - 1) / n of the data from each of n ranks."""
    sent = 2 * (slices - 1) / slices * tokens * shapes.hidden * ACTIVATION_BYTES
    return Operator(name, "bf16", link_bytes=layers * sent, collectives=layers)


def vision_operators(shapes: Shapes, stored: Stored, layout: Layout, *, tiles: float) -> tuple[Operator, ...]:
    """The vision tower and the projector over so many tiles on one rank."""
    slices = layout.vision_slices
    tokens = tiles * shapes.vision_positions * slices / layout.tensor_parallel  # replicated towers share the tiles out
    tower = shapes.vision_weights / slices
    out = tiles * shapes.tile_tokens
    projector = shapes.projector_weights / layout.tensor_parallel
    attention = Operator(
        "vision attention",
        "bf16",
        4.0 * shapes.vision_layers * tokens * shapes.vision_positions * shapes.vision_width / slices,
    )
    work = [
        _matrix("vision tower", stored, "vision_tower", tokens=tokens, weights=tower, width=0.0),
        attention,
        _matrix("projector", stored, "projector", tokens=out, weights=projector, width=2.0 * shapes.hidden),
    ]
    if slices > 1:
        sent = 2 * (slices - 1) / slices * tokens * shapes.vision_width * ACTIVATION_BYTES
        work.append(
            Operator(
                "vision all-reduce",
                "bf16",
                link_bytes=2 * shapes.vision_layers * sent,
                collectives=2 * shapes.vision_layers,
            )
        )
    return tuple(work)
