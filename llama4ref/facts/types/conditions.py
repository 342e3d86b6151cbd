"""Conditions: on which hardware, of which checkpoint and with which features and sizes something holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from llama4ref.facts.types.accelerators import Platform
from llama4ref.facts.types.constraints import NotNegative
from llama4ref.facts.types.states import Unknown

Feature = Literal[
    "images",
    "tools",
    "json-schema",
    "lora",
    "tower-lora",
    "speculative-decoding",
    "eagle",
    "eagle3",
    "hybrid-kv-cache",
    "chunked-local-without-hybrid",
    "fp8-kv-cache",
    "compilation",
    "prefix-caching",
    "chunked-prefill",
    "async-scheduling",
    "tensor-parallel",
    "pipeline-parallel",
    "data-parallel",
    "expert-parallel",
    "expert-load-balancing",
    "encoder-data-parallel",
    "multi-node",
    "online-quantization",
    "quantized-attention",
    "above-trained-context",
]
"""What a server is started with or asked for. `tensor-parallel` and the like mean more than one; `compilation` is what
`enforce-eager` turns off; `chunked-local-without-hybrid` keeps all tokens in every layer; `tower-lora` are adapters of the vision
tower and the projector; `expert-load-balancing` moves and doubles experts between GPUs while serving; `encoder-data-parallel` keeps
the whole vision tower on each GPU of a tensor parallel group and splits the images."""
Size = Literal[
    "context",
    "images",
    "max-num-seqs",
    "max-num-batched-tokens",
    "gpus",
    "nodes",
    "tensor-parallel",
    "pipeline-parallel",
    "data-parallel",
]
"""A number of the server: `context` is the longest request in tokens, `images` are those of a prompt, `gpus` all of them."""


@dataclass(frozen=True, kw_only=True)
class SizeRange:
    """Bounds of one size, both included."""

    size: Size
    at_least: NotNegative | None = None
    """None where there is no lower bound."""
    at_most: NotNegative | None = None
    """None where there is no upper bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a server runs on, and what it is started with."""

    platform: str
    accelerator: str
    """Id of the accelerator."""
    architecture: str | Unknown
    """Architecture of the accelerator, as its facts name it."""
    capability: int | None
    """CUDA compute capability times ten; None on other platforms."""
    model: str
    checkpoint: str
    quantization_method: str
    """What the engine calls the checkpoint's quantization."""
    expert_format: str | Unknown
    """Id of the format of the routed experts."""
    attention_format: str | Unknown
    """Id of the format of the attention's weights."""
    features: frozenset[Feature]
    sizes: Mapping[Size, int] = field(hash=False)
    """Sizes that are known; a condition on another one is not met."""
    expert_kernel: str | Unknown | None = None
    """What the engine runs the routed experts with; None before it is looked up."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """All of them must be met; an empty list leaves that side open."""

    platforms: tuple[Platform, ...] = ()
    min_capability: NotNegative | None = None
    """Lowest CUDA compute capability, times ten; none where any is meant, on other platforms too."""
    max_capability: NotNegative | None = None
    """Highest CUDA compute capability, times ten."""
    accelerators: tuple[str, ...] = ()
    """Ids of accelerators."""
    architectures: tuple[str, ...] = ()
    """Architectures as the accelerators' facts name them."""
    models: tuple[str, ...] = ()
    """Ids of models."""
    checkpoints: tuple[str, ...] = ()
    """Ids of checkpoints."""
    quantization_methods: tuple[str, ...] = ()
    """Names of methods, as checkpoints name theirs."""
    expert_formats: tuple[str, ...] = ()
    """Ids of formats of the routed experts."""
    expert_kernels: tuple[str, ...] = ()
    """Kernels that the routed experts are run with."""
    features: tuple[Feature, ...] = ()
    """Features of which all are used."""
    any_features: tuple[Feature, ...] = ()
    """Features of which at least one is used."""
    without: tuple[Feature, ...] = ()
    """Features of which none is used."""
    sizes: tuple[SizeRange, ...] = ()

    def met_by(self, circumstances: Circumstances) -> bool:
        """Whether a server's circumstances meet every condition; what is not known of them meets none."""
        return (
            self.hardware_met_by(circumstances)
            and self._checkpoint(circumstances)
            and circumstances.features.issuperset(self.features)
            and (not self.any_features or not circumstances.features.isdisjoint(self.any_features))
            and circumstances.features.isdisjoint(self.without)
            and all(_inside(bounds, circumstances.sizes.get(bounds.size)) for bounds in self.sizes)
        )

    def hardware_met_by(self, of: Circumstances) -> bool:
        """Whether the conditions on hardware are met, whatever else is."""
        return (
            _among(of.platform, self.platforms)
            and _among(of.accelerator, self.accelerators)
            and _among(of.architecture, self.architectures)
            and (self.min_capability is None or (of.capability is not None and of.capability >= self.min_capability))
            and (self.max_capability is None or (of.capability is not None and of.capability <= self.max_capability))
        )

    def _checkpoint(self, of: Circumstances) -> bool:
        return (
            _among(of.model, self.models)
            and _among(of.checkpoint, self.checkpoints)
            and _among(of.quantization_method, self.quantization_methods)
            and _among(of.expert_format, self.expert_formats)
            and _among(of.expert_kernel, self.expert_kernels)
        )


def _among(value: object, allowed: tuple[str, ...]) -> bool:
    return not allowed or value in allowed


def _inside(bounds: SizeRange, value: int | None) -> bool:
    return (
        value is not None
        and (bounds.at_least is None or value >= bounds.at_least)
        and (bounds.at_most is None or value <= bounds.at_most)
    )


__all__ = ["Circumstances", "Conditions", "Feature", "Size", "SizeRange"]
