"""Which tables and buffers does the engine keep beside weights and KV cache?

Shapes are those that the engine allocates: `layers/rotary_embedding/base.py`, `v1/worker/block_table.py`,
`v1/worker/gpu/block_table.py`, `v1/worker/gpu/states.py`, `v1/worker/gpu/sample/penalties.py` and
`v1/worker/gpu_input_batch.py`. Here they are exact; small vectors of one number a request are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.memory.budget_lines import BudgetLine, exact_line

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.facts.types.models import Architecture

BF16 = 2
INT32 = 4
TABLE_ALIGNMENT_TOKENS = 128
"""Tokens that a row of a block table is padded to a multiple of."""
VOCABULARY_BITS = 32
"""Tokens that share one word of the mask of prompt tokens."""


def buffer_lines(
    architecture: Architecture, serving: EngineConfig, behaviour: Behaviour, *, cache_groups: int, positions: int
) -> Iterator[BudgetLine]:
    """Every table and buffer worth a line, on a GPU of the first stage.

    Args:
        architecture: of the model.
        serving: how the engine is told to serve.
        behaviour: what holds at the engine's release.
        cache_groups: groups of layers that share a block table.
        positions: `max_position_embeddings` of the checkpoint.
    """
    yield _rope_table(architecture, positions)
    yield from _block_tables(serving, behaviour, cache_groups)
    yield _input_buffers(architecture, serving, behaviour)
    if behaviour.v2_model_runner:
        yield _sampler_state(architecture, serving)
    yield _token_ids(serving)


def _rope_table(architecture: Architecture, positions: int) -> BudgetLine:
    width = architecture.attention.head_dim
    return exact_line(
        "RoPE table",
        "buffers",
        positions * width * BF16,
        formula=f"{positions:,} positions of the checkpoint (not of max_model_len) x {width} x {BF16} bytes",
        source="vllm-0.32.0",
    )


def block_table_width(max_model_len: int, block_size: int) -> int:
    """Entries of one row of a block table: one a block, padded to 128 tokens."""
    step = TABLE_ALIGNMENT_TOKENS // math.gcd(TABLE_ALIGNMENT_TOKENS, block_size)
    blocks = -(-max_model_len // block_size)
    return -(-blocks // step) * step


def _block_tables(serving: EngineConfig, behaviour: Behaviour, groups: int) -> Iterator[BudgetLine]:
    row = block_table_width(serving.max_model_len, serving.block_size) * INT32
    one = serving.max_num_seqs * row
    rows = f"{serving.max_num_seqs:,} requests x {row:,} bytes"
    if behaviour.v2_model_runner:
        yield exact_line(
            "block tables",
            "outside",
            2 * groups * one,
            formula=f"2 copies x {groups} groups x {rows}, made after the KV cache",
            source="vllm-0.32.0",
        )
        return
    yield exact_line(
        "block table", "buffers", one, formula=f"{rows}, made before memory is profiled", source="vllm-releases"
    )
    if groups > 1:
        yield exact_line(
            "block tables of further groups",
            "outside",
            (groups - 1) * one,
            formula=f"{groups - 1} more groups x {rows}, made after the KV cache",
            source="vllm-releases",
        )


def _input_buffers(architecture: Architecture, serving: EngineConfig, behaviour: Behaviour) -> BudgetLine:
    tokens, width = serving.max_num_batched_tokens, architecture.text.hidden_size
    served = serving.images_per_prompt > 0 or not behaviour.vision_left_out
    return exact_line(
        "input embeddings",
        "buffers",
        tokens * width * BF16 if served else 0,
        formula=f"{tokens:,} batched tokens x {width:,} x {BF16} bytes, where images can be served",
        source="vllm-0.32.0",
    )


def _sampler_state(architecture: Architecture, serving: EngineConfig) -> BudgetLine:
    vocabulary = architecture.text.vocab_size
    words = vocabulary + -(-vocabulary // VOCABULARY_BITS)
    return exact_line(
        "sampling penalties",
        "buffers",
        serving.max_num_seqs * words * INT32,
        formula=f"{serving.max_num_seqs:,} requests x ({vocabulary:,} counts + {words - vocabulary:,} mask words) x {INT32} bytes",
        source="vllm-0.32.0",
    )


def _token_ids(serving: EngineConfig) -> BudgetLine:
    return exact_line(
        "token ids",
        "host",
        serving.max_num_seqs * serving.max_model_len * INT32,
        formula=f"{serving.max_num_seqs:,} requests x {serving.max_model_len:,} tokens x {INT32} bytes, in host memory",
        source="vllm-0.32.0",
    )
