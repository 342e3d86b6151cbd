"""Tables and buffers that the engine keeps beside weights and KV cache.

Shapes are those that the engine allocates: `layers/rotary_embedding/base.py`, `v1/worker/block_table.py`,
`v1/worker/gpu/block_table.py`, `v1/worker/gpu/states.py`, `v1/worker/gpu/sample/` and `v1/worker/gpu_input_batch.py`. Here they
are exact; vectors of one number a request or token are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.memory.budget_lines import BudgetLine, exact_line
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.engine.layout import PipelineStage
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.facts.types.models import Architecture
    from llama4ref.memory.attention_cache import KVCache

BF16 = 2
INT32 = 4
VOCABULARY_BITS = 32
"""Tokens that share one word of a mask over the vocabulary."""


def buffer_lines(
    architecture: Architecture,
    config: EngineConfig,
    behaviour: Behaviour,
    *,
    cache: KVCache,
    stage: PipelineStage,
) -> Iterator[BudgetLine]:
    """Every table and buffer worth a line, on a GPU of a pipeline stage; those of a draft head are its own."""
    if any((layer + 1) % architecture.attention.nope_interval for layer in stage.layers):
        yield rope_line(architecture, config, positions=cache.limit)
    yield from length_lines(config, behaviour, cache_groups=len(cache.groups))
    if not behaviour.v2_model_runner or (config.images_per_prompt > 0 and stage.first):
        yield _input_embeddings(architecture, config, behaviour)
    if not stage.first:
        yield _pipeline_inputs(architecture, config)
    if behaviour.v2_model_runner and stage.last:
        yield from _sampling_state(architecture, config, behaviour)


def length_lines(config: EngineConfig, behaviour: Behaviour, *, cache_groups: int) -> Iterator[BudgetLine]:
    """The buffers that grow with `max_model_len`; they are the same on every stage."""
    yield from _block_tables(config, behaviour, cache_groups)
    yield from _host_buffers(config, behaviour, cache_groups)


def rope_bytes(architecture: Architecture) -> int:
    """Bytes of one position of the model's rotary table."""
    return architecture.attention.head_dim * BF16


def rope_line(architecture: Architecture, config: EngineConfig, *, positions: int) -> BudgetLine:
    """The model's rotary table, of as many positions as the checkpoint has or as are set, whatever `max_model_len` is."""
    width = architecture.attention.head_dim
    whose = "of the checkpoint (not of max_model_len)" if config.rope_positions is None else "as set"
    return exact_line(
        "RoPE table",
        "buffers",
        positions * rope_bytes(architecture),
        formula=f"{positions:,} positions {whose} x {width} x {BF16} bytes",
        source="vllm-0.32.0",
    )


def block_table_width(max_model_len: int, block_size: int, *, alignment: int) -> int:
    """Entries of one row of a block table: one a block, padded to a multiple of so many tokens."""
    step = alignment // math.gcd(alignment, block_size)
    blocks = -(-max_model_len // block_size)
    return -(-blocks // step) * step


def _row_bytes(config: EngineConfig, behaviour: Behaviour) -> int:
    return INT32 * block_table_width(config.max_model_len, config.block_size, alignment=behaviour.block_table_alignment)


def _block_tables(config: EngineConfig, behaviour: Behaviour, groups: int) -> Iterator[BudgetLine]:
    """A table for each group; the V1 runner makes the first before it profiles, the others once the KV cache is sized."""
    row = _row_bytes(config, behaviour)
    one = config.max_num_seqs * row
    rows = f"{counted(config.max_num_seqs, 'request')} x {row:,} bytes"
    if behaviour.v2_model_runner:
        yield exact_line(
            "block tables",
            "outside",
            2 * groups * one,
            formula=f"2 copies x {counted(groups, 'group')} x {rows}, made after the KV cache",
            source="vllm-0.32.0",
        )
        return
    in_budget = behaviour.early_buffers_in_budget
    yield exact_line(
        "block table",
        "buffers" if in_budget else "outside",
        one,
        formula=f"{rows}, made before memory is profiled" + ("" if in_budget else ", which does not count it"),
        source="vllm-releases",
    )
    if groups > 1:
        yield exact_line(
            "block tables of further groups",
            "outside",
            (groups - 1) * one,
            formula=f"{groups - 1} more groups x {rows}, made after the KV cache",
            source="vllm-releases",
        )


def _input_embeddings(architecture: Architecture, config: EngineConfig, behaviour: Behaviour) -> BudgetLine:
    """The V1 runner has the buffer in any case, the V2 runner on the first stage where images can be served."""
    tokens, width = config.max_num_batched_tokens, architecture.text.hidden_size
    in_budget = behaviour.v2_model_runner or behaviour.early_buffers_in_budget
    return exact_line(
        "input embeddings",
        "buffers" if in_budget else "outside",
        tokens * width * BF16,
        formula=f"{tokens:,} batched tokens x {width:,} x {BF16} bytes"
        + ("" if in_budget else ", made before memory is profiled, which does not count it"),
        source="vllm-releases",
    )


def _pipeline_inputs(architecture: Architecture, config: EngineConfig) -> BudgetLine:
    tokens, width = config.max_num_batched_tokens, architecture.text.hidden_size
    return exact_line(
        "pipeline inputs",
        "buffers",
        2 * tokens * width * BF16,
        formula=f"hidden states and residual of the stage before: 2 x {tokens:,} batched tokens x {width:,} x {BF16} bytes",
        source="vllm-releases",
    )


def _sampling_state(architecture: Architecture, config: EngineConfig, behaviour: Behaviour) -> Iterator[BudgetLine]:
    """Settings of each request; the grammar has a mask for each token that is sampled in one step."""
    vocabulary, requests = architecture.text.vocab_size, config.max_num_seqs
    mask_words = -(-vocabulary // VOCABULARY_BITS)
    masks, kept = (1 + config.draft_tokens) * mask_words, behaviour.sampling_words
    yield exact_line(
        "sampling penalties",
        "buffers",
        requests * (vocabulary + mask_words) * INT32,
        formula=f"{counted(requests, 'request')} x ({vocabulary:,} counts + {mask_words:,} mask words) x {INT32} bytes",
        source="vllm-0.32.0",
    )
    yield exact_line(
        "sampling settings",
        "buffers",
        requests * (kept + masks) * INT32,
        formula=f"{counted(requests, 'request')} x ({kept:,} tokens and biases + {masks:,} words of the grammar's mask) x "
        f"{INT32} bytes",
        source="vllm-0.32.0",
    )


def _host_buffers(config: EngineConfig, behaviour: Behaviour, groups: int) -> Iterator[BudgetLine]:
    each = INT32 + (1 if behaviour.token_kinds_kept else 0)
    yield exact_line(
        "token ids",
        "host",
        config.max_num_seqs * config.max_model_len * each,
        formula=f"{counted(config.max_num_seqs, 'request')} x {counted(config.max_model_len, 'token')} x {each} bytes, in host memory",
        source="vllm-releases",
    )
    if not behaviour.v2_model_runner:
        row = _row_bytes(config, behaviour)
        yield exact_line(
            "block tables on the host",
            "host",
            groups * config.max_num_seqs * row,
            formula=f"{counted(groups, 'group')} x {counted(config.max_num_seqs, 'request')} x {row:,} bytes, the copy that is filled",
            source="vllm-releases",
        )
