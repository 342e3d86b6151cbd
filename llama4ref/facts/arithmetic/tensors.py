"""The tensors of a model: names, components, layers and shapes.

All of it follows from the architecture. Names and shapes are those of the published Hugging Face checkpoints: a weight of
a linear layer is (outputs, inputs), and the routed experts of one layer lie in one tensor of (experts, inputs, outputs).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts.types.models import Architecture, Model

COMPONENTS = (
    "vision_tower",
    "projector",
    "embed",
    "attention",
    "router",
    "shared_expert",
    "routed_experts",
    "dense_mlp",
    "norms",
    "lm_head",
)
"""Every tensor belongs to exactly one. `vision_tower` is all of `vision_model`, the pixel-shuffle adapter included;
`projector` is `multi_modal_projector` alone; `norms` are those of the language model."""

VISION_COMPONENTS = ("vision_tower", "projector")

_DECODER = "language_model.model.layers.{layer}."
_ENCODER = "vision_model.model.layers.{layer}."


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One tensor, or one tensor of the same shape in each of several layers."""

    name: str
    """Published name, with `{layer}` where the layer's index stands."""
    component: str
    """One of `COMPONENTS`."""
    shape: tuple[int, ...]
    """Published shape."""
    layers: tuple[int, ...] | None = None
    """Layers that have it, of the decoder or of the vision encoder; None outside of layers."""

    @property
    def count(self) -> int:
        """How many there are."""
        return 1 if self.layers is None else len(self.layers)

    @property
    def elements(self) -> int:
        """Numbers in one of them."""
        return math.prod(self.shape)

    @property
    def parameters(self) -> int:
        """Numbers in all of them."""
        return self.count * self.elements

    @property
    def is_matrix(self) -> bool:
        """Whether it is the weight of a linear layer, of experts or of an embedding: what number formats apply to."""
        return len(self.shape) > 1 and "positional_embedding" not in self.name

    @property
    def is_decoder(self) -> bool:
        """Whether `layers` are layers of the language model."""
        return self.name.startswith(_DECODER)

    def names(self) -> Iterator[str]:
        """The published name of each of them."""
        yield from [self.name] if self.layers is None else [self.name.format(layer=layer) for layer in self.layers]


def moe_layers(architecture: Architecture) -> tuple[int, ...]:
    """Indices of the layers with experts, from 0.

    Source: `modeling_llama4.py` and vLLM's `llama4.py`: layer i is MoE when i + 1 is divisible by the interleave step.
    """
    step = architecture.experts.interleave_step
    return tuple(range(step - 1, architecture.text.layers, step))


def dense_layers(architecture: Architecture) -> tuple[int, ...]:
    """Indices of the layers with a dense feed-forward, from 0."""
    return tuple(sorted(set(range(architecture.text.layers)) - set(moe_layers(architecture))))


def model_tensors(model: Model) -> tuple[Tensor, ...]:
    """Every tensor of a model, vision first.

    Raises:
        UnknownFactError: for a model whose architecture is not published.
    """
    architecture = model.architecture
    return (*_vision(architecture), *_frame(architecture), *_attention(architecture), *_feed_forward(architecture))


def _vision(architecture: Architecture) -> Iterator[Tensor]:
    vision = architecture.vision
    width, inner, layers = vision.hidden_size, vision.intermediate_size, tuple(range(vision.layers))
    positions = (vision.image_size // vision.patch_size) ** 2 + 1

    def tower(name: str, *shape: int) -> Tensor:
        return Tensor(name=f"vision_model.{name}", component="vision_tower", shape=shape)

    def block(name: str, *shape: int) -> Tensor:
        return Tensor(name=_ENCODER + name, component="vision_tower", shape=shape, layers=layers)

    yield tower("class_embedding", width)
    yield tower("positional_embedding_vlm", positions, width)
    yield tower("patch_embedding.linear.weight", width, vision.channels * vision.patch_size**2)
    for norm in ("layernorm_pre", "layernorm_post"):
        yield from (tower(f"{norm}.{part}", width) for part in ("weight", "bias"))
    for projection in ("q_proj", "k_proj", "v_proj", "o_proj"):
        yield block(f"self_attn.{projection}.weight", width, width)
        if vision.attention_bias:
            yield block(f"self_attn.{projection}.bias", width)
    for name, outputs, inputs in (("fc1", inner, width), ("fc2", width, inner)):
        yield block(f"mlp.{name}.weight", outputs, inputs)
        if vision.mlp_bias:
            yield block(f"mlp.{name}.bias", outputs)
    for norm in ("input_layernorm", "post_attention_layernorm"):
        yield from (block(f"{norm}.{part}", width) for part in ("weight", "bias"))
    yield tower("vision_adapter.mlp.fc1.weight", vision.projector_input_dim, inner)
    yield tower("vision_adapter.mlp.fc2.weight", vision.projector_output_dim, vision.projector_input_dim)
    yield Tensor(
        name="multi_modal_projector.linear_1.weight",
        component="projector",
        shape=(architecture.text.hidden_size, vision.output_dim),
    )


def _frame(architecture: Architecture) -> Iterator[Tensor]:
    text = architecture.text
    rows = (text.vocab_size, text.hidden_size)
    yield Tensor(name="language_model.model.embed_tokens.weight", component="embed", shape=rows)
    for norm in ("input_layernorm", "post_attention_layernorm"):
        yield Tensor(
            name=f"{_DECODER}{norm}.weight",
            component="norms",
            shape=(text.hidden_size,),
            layers=tuple(range(text.layers)),
        )
    yield Tensor(name="language_model.model.norm.weight", component="norms", shape=(text.hidden_size,))
    if not text.tie_word_embeddings:
        yield Tensor(name="language_model.lm_head.weight", component="lm_head", shape=rows)


def _attention(architecture: Architecture) -> Iterator[Tensor]:
    attention, hidden = architecture.attention, architecture.text.hidden_size
    queries, keys = attention.heads * attention.head_dim, attention.kv_heads * attention.head_dim
    shapes = {
        "q_proj": (queries, hidden),
        "k_proj": (keys, hidden),
        "v_proj": (keys, hidden),
        "o_proj": (hidden, queries),
    }
    for projection, shape in shapes.items():
        parts = {"weight": shape, "bias": shape[:1]} if attention.bias else {"weight": shape}
        for part, dimensions in parts.items():
            yield Tensor(
                name=f"{_DECODER}self_attn.{projection}.{part}",
                component="attention",
                shape=dimensions,
                layers=tuple(range(architecture.text.layers)),
            )


def _feed_forward(architecture: Architecture) -> Iterator[Tensor]:
    experts, hidden, moe = architecture.experts, architecture.text.hidden_size, moe_layers(architecture)

    def of_moe(name: str, component: str, *shape: int) -> Tensor:
        return Tensor(name=f"{_DECODER}feed_forward.{name}", component=component, shape=shape, layers=moe)

    inner = experts.intermediate_size
    shared = inner * experts.shared
    yield of_moe("router.weight", "router", experts.count, hidden)
    yield of_moe("shared_expert.gate_proj.weight", "shared_expert", shared, hidden)
    yield of_moe("shared_expert.up_proj.weight", "shared_expert", shared, hidden)
    yield of_moe("shared_expert.down_proj.weight", "shared_expert", hidden, shared)
    yield of_moe("experts.gate_up_proj", "routed_experts", experts.count, hidden, 2 * inner)
    yield of_moe("experts.down_proj", "routed_experts", experts.count, inner, hidden)
    dense, inner = dense_layers(architecture), architecture.dense.intermediate_size
    for name, outputs, inputs in (
        ("gate_proj", inner, hidden),
        ("up_proj", inner, hidden),
        ("down_proj", hidden, inner),
    ):
        if dense:
            yield Tensor(
                name=f"{_DECODER}feed_forward.{name}.weight",
                component="dense_mlp",
                shape=(outputs, inputs),
                layers=dense,
            )
