"""The shape of a draft head: a small network that proposes tokens, which the model checks in one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import Count, Positive
from llama4ref.facts.types.states import UNKNOWN, Unknown

DraftAlgorithm = Literal["eagle", "eagle3"]


@dataclass(frozen=True, kw_only=True)
class DraftHead:
    """What the configuration of a draft head says."""

    algorithm: DraftAlgorithm
    """EAGLE reads the model's last hidden state, EAGLE3 those of several layers."""
    layers: Count | Unknown
    """Transformer layers of its own."""
    hidden_size: Positive | Unknown
    """Width of its residual stream."""
    heads: Positive | Unknown
    """Query heads."""
    kv_heads: Positive | Unknown
    """Key and value heads."""
    head_dim: Positive | Unknown
    """Width of one head."""
    intermediate_size: Positive | Unknown
    """Inner width of its feed-forward."""
    vocab_size: Positive | Unknown
    """Tokens that it can propose: rows of its output head."""
    max_position_embeddings: Positive | Unknown
    """Positions of its rotary embedding."""
    tapped_layers: Positive | Unknown | None
    """Layers of the model whose hidden states it reads; none where it reads the last one only."""
    own_embedding: bool | Unknown
    """Whether it has a token embedding that is not the model's."""
    own_lm_head: bool | Unknown
    """Whether it has an output head that is not the model's."""
    tokens: Positive | Unknown = UNKNOWN
    """Tokens that its publisher or an engine's guide lets it propose in a step."""
