"""Memory of a draft head for speculative decoding: weights, tables, buffers and pages of the KV cache.

The head lies on the last pipeline stage. What its configuration leaves unknown lies between the least and the most that the other
heads in the catalogue and the model itself have, so its lines are bounds.

Sources: vLLM 0.32.0 `models/llama_eagle3.py`, `models/llama4_eagle.py`, `v1/worker/gpu/spec_decode/eagle/utils.py` (what is shared
with the model), `v1/worker/gpu/spec_decode/target_dependent_ar/speculator.py` (buffers).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError
from llama4ref.facts import catalog_of
from llama4ref.facts.types.checkpoints import Checkpoint
from llama4ref.facts.types.drafts import DraftAlgorithm, DraftHead
from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.memory.budget_lines import BudgetLine, Place
from llama4ref.memory.weight_shards import VOCAB_PADDING

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.engine.layout import Layout
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.facts.types.models import Architecture, Model

BF16 = 2
TOKEN_ID_BYTES = 8
"""Of one entry of the map from the head's tokens to the model's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftShape:
    """A draft head with nothing left open; fields as in `llama4ref.facts.types.drafts.DraftHead`."""

    algorithm: DraftAlgorithm
    layers: int
    hidden_size: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    tapped_layers: int
    own_embedding: bool
    own_lm_head: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftBounds:
    """The least and the most that a draft head can be; the same where its configuration is known."""

    name: str
    """Its id in the catalogue, or the repository."""
    least: DraftShape
    most: DraftShape

    @property
    def exact(self) -> bool:
        """Whether everything that its size depends on is known."""
        return self.least == self.most


def draft_bounds(model: Model, draft: Checkpoint | str) -> DraftBounds:
    """The least and the most that a draft head for a model can be.

    Args:
        model: that it drafts for.
        draft: a checkpoint with a draft head, its id, or a repository; of one that the model's catalogue does not have, everything
            is unknown.

    Raises:
        RequestError: for a checkpoint that is no draft head, or drafts for another model.

    Examples:
        >>> from llama4ref.facts import load
        >>> bounds = draft_bounds(load().model("scout"), "lmsys/sglang-EAGLE3-Llama-4-Scout-17B-16E-Instruct-v1")
        >>> bounds.most.intermediate_size, bounds.exact
        (32768, False)
    """
    catalog = catalog_of(model) if isinstance(draft, str) else catalog_of(draft, model)
    checkpoint = _found(catalog, draft) if isinstance(draft, str) else draft
    if checkpoint is not None and (checkpoint.draft is None or checkpoint.model != model.id):
        what = "no draft head" if checkpoint.draft is None else f"a draft head for {checkpoint.model}"
        raise RequestError(f"draft: {checkpoint.id} is {what}; name a draft head for {model.id}")
    head = None if checkpoint is None else checkpoint.draft
    name = checkpoint.id if checkpoint is not None else str(draft)
    return DraftBounds(name=name, least=_shape(head, model, catalog, min), most=_shape(head, model, catalog, max))


def _found(catalog: Catalog, name: str) -> Checkpoint | None:
    return next((each for each in catalog.checkpoints.values() if each.is_called(name)), None)


def _shape(head: DraftHead | None, model: Model, catalog: Catalog, pick: Callable[..., int]) -> DraftShape:
    """A head with the least or the most for what is unknown: of the other heads, and of the model where it has the like."""
    heads = [each.draft for each in catalog.checkpoints.values() if each.draft is not None]
    a = model.architecture

    def value(name: str, *of_the_model: int) -> int:
        stated = UNKNOWN if head is None else getattr(head, name)
        if is_stated(stated):
            return int(stated)
        return pick(*of_the_model, *(each for each in (getattr(other, name) for other in heads) if is_stated(each)))

    return DraftShape(
        algorithm="eagle3" if head is None else head.algorithm,
        layers=value("layers", 1),
        hidden_size=value("hidden_size", a.text.hidden_size),
        heads=value("heads", a.attention.heads),
        kv_heads=value("kv_heads", a.attention.kv_heads),
        head_dim=value("head_dim", a.attention.head_dim),
        intermediate_size=value("intermediate_size", a.experts.intermediate_size, a.dense.intermediate_size),
        vocab_size=head.vocab_size if head and is_stated(head.vocab_size) else a.text.vocab_size,
        max_position_embeddings=value("max_position_embeddings", a.context.limit("draft")),
        tapped_layers=0 if head is not None and head.tapped_layers is None else value("tapped_layers", 1),
        own_embedding=bool(value("own_embedding", False, True)),
        own_lm_head=bool(value("own_lm_head", False, True)),
    )


def draft_weight_bytes(shape: DraftShape, architecture: Architecture, layout: Layout) -> int:
    """Bytes of a head's weights on a rank of the last stage, in bf16.

    With pipeline stages the model's embedding lies elsewhere, so the head has its own.

    Raises:
        RequestError: where tensor parallelism does not divide the head.
    """
    undivided = _undivided(shape, layout)
    if undivided is not None:
        raise RequestError(undivided)
    slices = layout.tensor_parallel
    numbers = sum(_layer_numbers(shape, layout, index) for index in range(shape.layers))
    numbers += shape.hidden_size  # the final norm
    numbers += _projection_inputs(shape, architecture) * shape.hidden_size
    if shape.own_embedding or layout.pipeline_parallel > 1:
        numbers += _rows(architecture.text.vocab_size, slices) * shape.hidden_size
    other_tokens = shape.vocab_size != architecture.text.vocab_size
    if shape.own_lm_head or other_tokens:
        numbers += _rows(shape.vocab_size, slices) * shape.hidden_size
    token_map = shape.vocab_size * TOKEN_ID_BYTES if other_tokens and shape.algorithm == "eagle3" else 0
    return numbers * BF16 + token_map


def draft_refusal(bounds: DraftBounds, layout: Layout) -> str | None:
    """Why a head cannot be served in a layout, with the numbers; None where it can."""
    return _undivided(bounds.most, layout)


def _undivided(shape: DraftShape, layout: Layout) -> str | None:
    for what, size in {"heads": shape.heads, "inner width": shape.intermediate_size}.items():
        if size % layout.tensor_parallel:
            return f"tensor_parallel {layout.tensor_parallel} does not divide the {what} of the draft head, {size}; use fewer"
    return None


def _layer_numbers(shape: DraftShape, layout: Layout, index: int) -> int:
    """Numbers of one layer on a rank; the first layer of EAGLE3 reads the embedding beside the hidden state."""
    slices, hidden = layout.tensor_parallel, shape.hidden_size
    joined = shape.algorithm == "eagle3" and index == 0
    queries, keys = shape.heads // slices, layout.local_kv_heads(shape.kv_heads)
    return (
        (queries + 2 * keys) * shape.head_dim * hidden * (2 if joined else 1)
        + hidden * queries * shape.head_dim
        + 3 * hidden * shape.intermediate_size // slices
        + (3 if shape.algorithm == "eagle3" else 2) * hidden
    )


def _projection_inputs(shape: DraftShape, architecture: Architecture) -> int:
    """Inputs of the matrix in front of the layers: of EAGLE the embedding and the last hidden state, of EAGLE3 the tapped ones."""
    if shape.algorithm == "eagle":
        return 2 * shape.hidden_size
    return shape.tapped_layers * architecture.text.hidden_size


def _rows(vocabulary: int, slices: int) -> int:
    return math.ceil(vocabulary / VOCAB_PADDING) * VOCAB_PADDING // slices


def draft_page_bytes(bounds: DraftBounds, layout: Layout, *, block_size: int, element_bytes: int) -> int:
    """Bytes that one block of the KV cache takes in all layers of a head, at most."""
    shape = bounds.most
    return shape.layers * 2 * block_size * layout.local_kv_heads(shape.kv_heads) * shape.head_dim * element_bytes


def draft_lines(
    bounds: DraftBounds, architecture: Architecture, config: EngineConfig, behaviour: Behaviour
) -> Iterator[BudgetLine]:
    """What a head takes on a rank of the last stage, beside its part of the KV cache."""
    yield _line(
        "draft head: weights",
        "weights",
        [draft_weight_bytes(shape, architecture, config.layout) for shape in (bounds.least, bounds.most)],
        formula=_description(bounds),
    )
    yield draft_rope_line(bounds, config, behaviour)
    embedded = not behaviour.v2_model_runner or config.images_per_prompt > 0
    counted = behaviour.v2_model_runner or behaviour.early_buffers_in_budget
    copies = 2 if embedded else 1
    yield _line(
        "draft head: inputs",
        "buffers" if counted else "outside",
        [copies * config.max_num_batched_tokens * shape.hidden_size * BF16 for shape in (bounds.least, bounds.most)],
        formula=f"hidden states{' and input embeddings' * embedded}: {config.max_num_batched_tokens:,} batched tokens x "
        f"{_between(bounds, 'hidden_size')} x {BF16} bytes{' each' * embedded}",
    )


def tapped_numbers(bounds: DraftBounds, architecture: Architecture) -> int:
    """Numbers of one token that are kept through the model's step for a head, at most: a hidden state of each tapped layer."""
    return 0 if bounds.most.algorithm == "eagle" else bounds.most.tapped_layers * architecture.text.hidden_size


def draft_token_numbers(bounds: DraftBounds, layout: Layout) -> int:
    """Numbers of one token that are alive at once in a head's own step, at most."""
    shape, slices = bounds.most, layout.tensor_parallel
    queries, keys = shape.heads // slices, layout.local_kv_heads(shape.kv_heads)
    attention = (2 * queries + 2 * keys) * shape.head_dim
    return 4 * shape.hidden_size + max(attention, 3 * shape.intermediate_size // slices) + shape.hidden_size


def draft_rope_line(bounds: DraftBounds, config: EngineConfig, behaviour: Behaviour) -> BudgetLine:
    """The head's rotary table. EAGLE's layers are the model's kind and may share its table, if that has as many positions.

    EAGLE3 has its own; overrides of the model's configuration do not reach that of a head.
    """
    shortest = config.max_model_len if behaviour.draft_positions_raised else 0
    low, high = (max(shape.max_position_embeddings, shortest) for shape in (bounds.least, bounds.most))
    width = bounds.most.head_dim * BF16
    shared = bounds.least.algorithm == "eagle" and (
        config.rope_positions is None or low <= config.rope_positions <= high
    )
    return _line(
        "draft head: RoPE table",
        "buffers",
        [0 if shared else low * width, high * width],
        formula=f"{low:,}{'' if low == high else f' to {high:,}'} positions x {bounds.most.head_dim} x {BF16} bytes"
        + (", as many as max_model_len at least" if behaviour.draft_positions_raised else ""),
    )


def _line(name: str, place: Place, sizes: list[int], *, formula: str) -> BudgetLine:
    low, high = min(sizes), max(sizes)
    return BudgetLine(
        name=name, place=place, bytes=(low + high) // 2, low=low, high=high, formula=formula, source="vllm-0.32.0"
    )


def _description(bounds: DraftBounds) -> str:
    known = (
        "" if bounds.exact else "; what its configuration leaves unknown is between the other heads' and the model's"
    )
    return (
        f"{bounds.name}: {_between(bounds, 'layers')} layer of inner width {_between(bounds, 'intermediate_size')}, "
        f"{_between(bounds, 'vocab_size')} tokens{known}"
    )


def _between(bounds: DraftBounds, name: str) -> str:
    low, high = sorted((getattr(bounds.least, name), getattr(bounds.most, name)))
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
