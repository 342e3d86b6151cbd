"""What a Llama 4 model is: its shapes, its context, its vision, as published.

Only what cannot be computed is a field. Parameter counts, layer lists and bytes follow from these in
`llama4ref.facts.arithmetic.tensors` and `llama4ref.memory`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

from llama4ref.errors import UnknownFactError
from llama4ref.facts.types.claims import Claim
from llama4ref.facts.types.constraints import (
    Count,
    Day,
    NotNegative,
    NotNegativeFloat,
    PartialDay,
    Positive,
    PositiveFloat,
    Share,
)
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.states import UNKNOWN, Unknown
from llama4ref.facts.types.training import Training

Stage = Literal["base", "instruct", "draft"]
"""What a checkpoint was trained to be."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """The language model's frame."""

    layers: Count
    """Transformer layers."""
    hidden_size: Positive
    """Width of the residual stream."""
    vocab_size: Positive
    """Rows of the embedding and of the output head."""
    tie_word_embeddings: bool
    """Whether the output head is the embedding."""
    hidden_act: str
    """Activation of the gated feed-forward."""
    rms_norm_eps: PositiveFloat
    """Epsilon of every RMS norm."""
    dtype: str
    """The dtype the weights are published in."""
    norms_per_layer: Count
    """RMS norms with weights in one layer."""


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Attention heads and the chunked-local pattern."""

    heads: Positive
    """Query heads."""
    kv_heads: Positive
    """Key and value heads."""
    head_dim: Positive
    """Width of one head."""
    bias: bool
    """Whether projections carry a bias."""
    qk_norm: bool
    """Whether queries and keys of RoPE layers pass a weightless RMS norm."""
    chunk_size: Positive
    """Tokens of one chunk of the chunked-local layers."""
    nope_interval: Count
    """Every this-many-th layer is global and has no position embedding (NoPE)."""
    temperature_floor_scale: Positive
    """Positions per step of the attention temperature."""
    temperature_attn_scale: NotNegativeFloat
    """Strength of the attention temperature."""


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """Llama 3 style frequency scaling."""

    factor: PositiveFloat
    """Divisor of the low frequencies."""
    low_freq_factor: PositiveFloat
    """Lower edge of the smooth band, in original context lengths."""
    high_freq_factor: PositiveFloat
    """Upper edge of the smooth band, in original context lengths."""
    original_max_position_embeddings: Positive
    """Context length that the unscaled frequencies were made for."""


@dataclass(frozen=True, kw_only=True)
class Rope:
    """Rotary position embedding of the chunked-local layers."""

    theta: PositiveFloat
    """Base of the frequencies."""
    scaling: RopeScaling | None
    """Frequency scaling; none where the frequencies are not scaled."""


@dataclass(frozen=True, kw_only=True)
class Experts:
    """The mixture of experts."""

    count: Count
    """Routed experts in an MoE layer."""
    per_token: Count
    """Routed experts that one token visits."""
    shared: Count
    """Shared experts, which every token visits."""
    intermediate_size: Positive
    """Inner width of a routed expert and of the shared expert."""
    interleave_step: Count
    """Layer i is MoE when (i + 1) is divisible by this."""
    router_aux_loss_coef: NotNegativeFloat
    """Configuration field; the training recipe is not disclosed."""
    router_score: str
    """The function of the router's logit."""
    score_applied_to: str
    """Where the score multiplies: the expert's input or its output."""


@dataclass(frozen=True, kw_only=True)
class Dense:
    """The feed-forward of the layers that are not MoE."""

    intermediate_size: Positive
    """Inner width of the dense feed-forward."""


@dataclass(frozen=True, kw_only=True)
class Vision:
    """The vision tower and the way into the language model."""

    image_size: Positive
    """Pixels on the side of a tile."""
    patch_size: Positive
    """Pixels on the side of a patch."""
    channels: Positive
    """Colour channels."""
    hidden_size: Positive
    """Width of the tower."""
    layers: Count
    """Transformer layers of the tower."""
    heads: Positive
    """Attention heads of the tower."""
    intermediate_size: Positive
    """Inner width of the tower's feed-forward."""
    attention_bias: bool
    """Whether the tower's attention projections carry a bias."""
    mlp_bias: bool
    """Whether the tower's feed-forward carries a bias."""
    feature_layer: int
    """Layer whose output is used; -1 is the last."""
    pixel_shuffle_ratio: Share
    """Factor on each side of the patch grid before the adapter."""
    projector_input_dim: Positive
    """Inner width of the adapter."""
    projector_output_dim: Positive
    """Outer width of the adapter."""
    output_dim: Positive
    """Width that enters the multimodal projector."""
    norm_eps: PositiveFloat
    """Epsilon of the tower's layer norms."""
    rope_theta: PositiveFloat
    """Base of the two-dimensional rotary embedding."""
    max_tiles: Count
    """Tiles of one image at most, the global one not counted."""
    global_tile: bool
    """Whether an image of several tiles also gets a downscaled global tile."""
    hidden_act: str
    """Activation of the tower's feed-forward."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """How long a prompt may be, and how long training was."""

    instruct_max_position_embeddings: Positive
    """Positions of the instruct checkpoints: the model's own limit."""
    base_max_position_embeddings: Positive
    """Positions of the base checkpoints."""
    trained_tokens: Positive
    """Longest context seen in training, in tokens."""

    def limit(self, stage: Stage = "instruct") -> int:
        """Positions of the checkpoints of a stage, in tokens; a draft head follows the instruct model it drafts for."""
        return self.base_max_position_embeddings if stage == "base" else self.instruct_max_position_embeddings


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """Ids of the special tokens that a server needs."""

    bos: NotNegative
    """Begin of text."""
    eos: tuple[NotNegative, ...]
    """Ids that end a reply of the instruct models."""
    pad: NotNegative
    """Padding."""
    image_start: NotNegative
    """Begin of an image block."""
    image_end: NotNegative
    """End of an image block."""
    patch: NotNegative
    """Placeholder of one visual token (`image_token_index`)."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Every group of an architecture, all known."""

    text: Text
    attention: Attention
    rope: Rope
    experts: Experts
    dense: Dense
    vision: Vision
    context: Context


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Model(Entity):
    """One member of the Llama 4 family. A model equals itself alone."""

    id: str
    """The file's name."""
    name: str
    """The published name."""
    developer: str
    """Who made it."""
    released: Day | None
    """Day of release, ISO 8601."""
    status: Literal["released", "previewed"]
    """Whether weights were published."""
    modalities_in: tuple[str, ...]
    """What it reads."""
    modalities_out: tuple[str, ...]
    """What it writes."""
    license: str | Unknown
    """Id of the licence."""
    knowledge_cutoff: PartialDay | Unknown
    """Month of the newest training data."""
    languages: tuple[str, ...]
    """Languages the developer supports."""
    architecture_class: str | Unknown
    """Name of the architecture in the published configuration."""
    repositories: dict[str, str]
    """Published repositories by stage."""
    text: Text | Unknown
    attention: Attention | Unknown
    rope: Rope | Unknown
    experts: Experts | Unknown
    dense: Dense | Unknown
    vision: Vision | Unknown
    context: Context | Unknown
    tokens: Tokens | Unknown
    training: Training | Unknown = UNKNOWN
    """How it was trained."""
    claims: tuple[Claim, ...] = ()
    """Published figures about what can be computed."""

    @property
    def architecture(self) -> Architecture:
        """All groups of the architecture.

        Raises:
            UnknownFactError: where the developer has not published one of them.
        """
        return _architecture(self)


@functools.lru_cache(maxsize=64)
def _architecture(model: Model) -> Architecture:
    groups = {name: getattr(model, name) for name in Architecture.__dataclass_fields__}
    missing = [name for name, group in groups.items() if group is UNKNOWN]
    if missing:
        raise UnknownFactError(f"models/{model.id}", missing[0])
    return Architecture(**groups)
