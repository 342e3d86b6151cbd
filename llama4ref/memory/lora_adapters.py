"""What does a GPU hold for LoRA adapters: two narrow matrices beside each matrix of the language model, for each adapter?

The engine reserves them when it loads the model (vLLM `lora/layers/*.py`): the first matrix of a pair reads the layer's input, the second
one writes its output. Of both only the side that the layer itself is sliced on is sliced.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.arithmetic.tensors import moe_layers
from llama4ref.memory.budget_lines import BudgetLine, exact_line
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.engine.layout import Layout, PipelineStage
    from llama4ref.facts.types.models import Architecture

BF16 = 2
"""Bytes of an adapter's number: adapters take the dtype of the model."""


def lora_lines(architecture: Architecture, config: EngineConfig, stage: PipelineStage) -> Iterator[BudgetLine]:
    """The adapters of a GPU of a stage; nothing where the server takes none."""
    if not config.max_loras:
        return
    widths = sum(_widths(architecture, config.layout, stage))
    yield exact_line(
        "LoRA adapters",
        "weights",
        config.max_loras * config.max_lora_rank * widths * BF16,
        formula=f"{counted(config.max_loras, 'adapter')} x rank {config.max_lora_rank:,} x {widths:,} inputs and outputs of matrices "
        f"x {BF16} bytes",
        source="vllm-releases",
    )


def _widths(architecture: Architecture, layout: Layout, stage: PipelineStage) -> Iterator[int]:
    """Inputs and outputs of the matrices of a stage on one of its GPUs."""
    text, experts = architecture.text, set(moe_layers(architecture))
    for layer in stage.layers:
        yield _attention(architecture, layout)
        yield _expert_layer(architecture, layout) if layer in experts else _dense_layer(architecture, layout)
    if stage.first:
        yield text.vocab_size + text.hidden_size
    if stage.last:
        yield text.hidden_size + text.vocab_size


def _attention(architecture: Architecture, layout: Layout) -> int:
    """Query, key and value read the same input through a matrix each; the output projection reads its slice."""
    hidden, attention, ranks = architecture.text.hidden_size, architecture.attention, layout.tensor_parallel
    query = attention.heads // ranks * attention.head_dim
    key = max(1, attention.kv_heads // ranks) * attention.head_dim
    return 3 * hidden + query + 2 * key + (query + hidden)


def _gated(hidden: int, inner: int) -> int:
    """Gate, up and down projection of a feed-forward of that slice."""
    return 2 * (hidden + inner) + (inner + hidden)


def _dense_layer(architecture: Architecture, layout: Layout) -> int:
    dense = architecture.dense
    inner = dense.intermediate_size if dense is not None else 0
    return _gated(architecture.text.hidden_size, inner // layout.tensor_parallel)


def _expert_layer(architecture: Architecture, layout: Layout) -> int:
    """The router, the shared expert and a GPU's routed experts."""
    hidden, experts = architecture.text.hidden_size, architecture.experts
    routed = -(-experts.count // layout.ep_size) * _gated(hidden, experts.intermediate_size // layout.moe_tp_size)
    shared = experts.shared * _gated(hidden, experts.intermediate_size // layout.shared_expert_slices)
    return hidden + experts.count + shared + routed
