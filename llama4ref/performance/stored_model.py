"""How wide is the model, and in which format does each part meet the tensor cores?

What only depends on the model, or on the model and a checkpoint, is worked out once and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llama4ref.errors import RequestError, UnknownFactError
from llama4ref.facts.arithmetic.image_tokens import tokens_per_tile
from llama4ref.facts.arithmetic.stored_bytes import matrix_bytes
from llama4ref.facts.arithmetic.tensors import COMPONENTS, dense_layers, moe_layers
from llama4ref.facts.types.states import UNKNOWN, is_stated, known
from llama4ref.memory.parameter_count import parameters

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.formats import Format
    from llama4ref.facts.types.models import Architecture, Model, Vision

    Arithmetic = Literal["bf16", "fp8", "int8", "fp4"]

PLAIN_BYTES = 2.0
"""Bytes of one weight of the published dtype, bfloat16."""
_BYTE_BITS = 8
_HALF_BYTE_BITS = 4
_SKIPPABLE = ("routed_experts", "shared_expert")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """Widths and counts of a model; weights are those of one layer."""

    layers: int
    global_layers: int
    local_layers: int
    moe_layers: int
    dense_layers: int
    chunk: int
    hidden: int
    query_width: int
    kv_dim: int
    attention_weights: int
    experts: int
    experts_per_token: int
    expert_width: int
    expert_weights: int
    """Of one routed expert."""
    shared_width: int
    shared_weights: int
    dense_width: int
    dense_weights: int
    vocabulary: int
    norms: int
    """Norms of all layers, the final one included."""
    vision_layers: int
    vision_width: int
    vision_positions: int
    """Patches of one tile and the class token."""
    vision_weights: int
    """Of the whole tower."""
    projector_weights: int
    tile_tokens: int
    """Tokens that one tile becomes."""
    vision: Vision
    """What images are cut by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Bytes of one weight, and the arithmetic it is multiplied in, by component."""

    bytes_per_weight: dict[str, float]
    arithmetic: dict[str, Arithmetic]

    def of(self, component: str) -> tuple[float, Arithmetic]:
        """Both of one component."""
        return self.bytes_per_weight[component], self.arithmetic[component]


def shapes_of(model: Model) -> Shapes:
    """Widths and counts of a model; raises UnknownFactError where its architecture is not published."""
    key = (model.text, model.attention, model.experts, model.dense, model.vision)
    if key not in _SHAPES:
        _SHAPES[key] = _shapes(model, model.architecture)
    return _SHAPES[key]


_SHAPES: dict[object, Shapes] = {}


def _shapes(model: Model, architecture: Architecture) -> Shapes:
    text, attention, experts, vision = (
        architecture.text, architecture.attention, architecture.experts, architecture.vision,
    )  # fmt: skip
    query, key = attention.heads * attention.head_dim, attention.kv_heads * attention.head_dim
    patches = (vision.image_size // vision.patch_size) ** 2
    counted = parameters(model).by_component
    return Shapes(
        layers=text.layers,
        global_layers=text.layers // attention.nope_interval,
        local_layers=text.layers - text.layers // attention.nope_interval,
        moe_layers=len(moe_layers(architecture)),
        dense_layers=len(dense_layers(architecture)),
        chunk=attention.chunk_size,
        hidden=text.hidden_size,
        query_width=query,
        kv_dim=key,
        attention_weights=text.hidden_size * (2 * query + 2 * key),
        experts=experts.count,
        experts_per_token=experts.per_token,
        expert_width=experts.intermediate_size,
        expert_weights=3 * text.hidden_size * experts.intermediate_size,
        shared_width=experts.intermediate_size * experts.shared,
        shared_weights=3 * text.hidden_size * experts.intermediate_size * experts.shared,
        dense_width=architecture.dense.intermediate_size,
        dense_weights=3 * text.hidden_size * architecture.dense.intermediate_size,
        vocabulary=text.vocab_size,
        norms=text.layers * text.norms_per_layer + 1,
        vision_layers=vision.layers,
        vision_width=vision.hidden_size,
        vision_positions=patches + 1,
        vision_weights=counted["vision_tower"],
        projector_weights=counted["projector"],
        tile_tokens=tokens_per_tile(vision),
        vision=vision,
    )


def stored_in(model: Model, checkpoint: Checkpoint | None, accelerator: Accelerator, catalog: Catalog) -> Stored:
    """How a checkpoint lies in memory and is multiplied on an accelerator; None is the published dtype throughout.

    Raises:
        RequestError: for a checkpoint of another model.
        UnknownFactError: where the format of a component is not known.
    """
    if checkpoint is None:
        return _PLAIN
    if checkpoint.model != model.id:
        raise RequestError(
            f"checkpoint {checkpoint.id} is of {checkpoint.model}, not of {model.id}; name one of {model.id}"
        )
    known(checkpoint.coverage, f"checkpoints/{checkpoint.id}", "coverage")
    known(checkpoint.skipped_moe_layers, f"checkpoints/{checkpoint.id}", "skipped_moe_layers")
    key = (checkpoint.coverage, checkpoint.skipped_moe_layers, checkpoint.omitted_components, accelerator.native_fp8, accelerator.native_fp4,
           is_stated(accelerator.peak.int8), model.id, id(catalog))  # fmt: skip
    kept = _STORED.get(key)
    if kept is None or kept[0] is not catalog:
        kept = _STORED[key] = (catalog, _stored(shapes_of(model), checkpoint, accelerator, catalog))
    return kept[1]


_STORED: dict[object, tuple[Catalog, Stored]] = {}
_PLAIN = Stored(
    bytes_per_weight=dict.fromkeys(COMPONENTS, PLAIN_BYTES),
    arithmetic=dict.fromkeys(COMPONENTS, "bf16"),
)


def _stored(shapes: Shapes, checkpoint: Checkpoint, accelerator: Accelerator, catalog: Catalog) -> Stored:
    sizes: dict[str, float] = {}
    arithmetic: dict[str, Arithmetic] = {}
    for component in COMPONENTS:
        if component in checkpoint.omitted_components:
            sizes[component], arithmetic[component] = 0.0, "bf16"
            continue
        format_ = _format(checkpoint, component, shapes, catalog)
        size = PLAIN_BYTES if format_ is None else matrix_bytes(format_, shapes.hidden, shapes.expert_width) / (
            shapes.hidden * shapes.expert_width
        )  # fmt: skip
        skipped = len(checkpoint.skipped_moe_layers or ()) / shapes.moe_layers if component in _SKIPPABLE else 0.0
        sizes[component] = skipped * PLAIN_BYTES + (1 - skipped) * size
        arithmetic[component] = "bf16" if format_ is None else arithmetic_of(format_, accelerator)
    return Stored(bytes_per_weight=sizes, arithmetic=arithmetic)


def _format(checkpoint: Checkpoint, component: str, shapes: Shapes, catalog: Catalog) -> Format | None:
    id_ = checkpoint.coverage.of(component) if checkpoint.coverage else UNKNOWN
    if is_stated(id_):
        return catalog.format(id_)
    if component == "norms" or (component == "dense_mlp" and not shapes.dense_layers):
        return None
    raise UnknownFactError(f"checkpoints/{checkpoint.id}", f"coverage.{component}")


def arithmetic_of(format_: Format, accelerator: Accelerator) -> Arithmetic:
    """The number format that a stored weight is multiplied in: bf16 unless activations are quantized and the device is known to."""
    bits = None if format_.activation is None else format_.activation.bits
    if bits == _HALF_BYTE_BITS and accelerator.native_fp4 is True:
        return "fp4"
    if bits == _BYTE_BITS and format_.element.kind == "int":
        return "int8" if is_stated(accelerator.peak.int8) else "bf16"
    return "fp8" if bits == _BYTE_BITS and accelerator.native_fp8 is True else "bf16"
