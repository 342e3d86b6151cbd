"""What the members of the herd have in common: positions, images, prompts, training, safety, the shipped quantization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import Count, Day, NotNegative, PartialDay, PositiveFloat
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.prompting import Prompting
from llama4ref.facts.types.safeguards import SafetyWork
from llama4ref.facts.types.states import Unknown
from llama4ref.facts.types.training import HerdTraining


@dataclass(frozen=True, kw_only=True)
class Positions:
    """Interleaved attention without and with rotary positions (iRoPE)."""

    name: str
    """The published name, spelt out."""
    pattern: str
    """What the layers do in turn."""
    local_per_global: Count
    """Chunked-local layers before each global one."""
    chunk_rule: str
    """Which tokens a token of a local layer attends to."""
    chunks_overlap: bool
    """Whether chunks overlap or slide."""
    temperature_rule: str
    """Factor on the queries of global layers; positions count from 0."""
    temperature_layers: str
    """Layers it applies to."""
    temperature_default: dict[str, str]
    """Whether it is on by default, by implementation."""
    temperature_vllm_threshold_tokens: NotNegative
    """Context above which vLLM switches it on."""
    flag_encoding: str
    """What `no_rope_layers` means by 1 and 0."""
    qk_norm_kind: str
    """The norm on queries and keys, where a model has it."""
    qk_norm_place: str
    """Where it stands."""
    qk_norm_eps: PositiveFloat
    """Its epsilon."""
    papers: dict[str, str]
    """Papers the developer points to, as arXiv ids."""


@dataclass(frozen=True, kw_only=True)
class ImageProcessing:
    """From pixels to visual tokens, as far as it does not follow from shapes."""

    basis: str
    """What the encoder is based on."""
    fusion: str
    """How visual tokens meet text."""
    cross_attention: bool
    class_token: str
    """Where it stands and what becomes of it."""
    positions: str
    """How the encoder knows positions."""
    patch_embedding: str
    adapter: str
    projector: str
    norm_kind: str
    """Norm of the encoder."""
    canvases: str
    """Tile grids an image may take."""
    canvas_choice: str
    """Which grid an image takes."""
    upscale_limit: str
    """How far small images are enlarged."""
    padding: str
    global_tile_resize: str
    """How the global tile is made."""
    mean: float
    """Subtracted from each channel."""
    std: PositiveFloat
    """Divisor of each channel."""
    resampling: str
    transparency: str
    """What becomes of an alpha channel."""


@dataclass(frozen=True, kw_only=True)
class QuantizationMode:
    """A mode of the developer's reference code that quantizes while loading."""

    quantized: tuple[str, ...]
    """Components that are quantized."""
    layers: str
    """Layers where that happens."""
    kept: tuple[str, ...]
    """Components that stay in bfloat16."""
    weight_format: str
    granularity: str
    scheme: str
    activations: str
    kernels: str
    gpus_for_scout: Count
    """GPUs of 80 GB that Scout is said to need."""
    offline_script: str
    """What the offline script of the same repository quantizes."""


@dataclass(frozen=True, kw_only=True)
class HardwareClaim:
    """A published word on what a model fits."""

    model: str
    """Id of the model."""
    weights: str
    """Weights it speaks of."""
    gpus: Count
    """GPUs at least."""
    gpu_memory_gb: NotNegative | Unknown
    """Memory of one, in decimal gigabytes, where it is named."""
    stated: str
    """The claim, in our words."""
    doubt: str | None = None
    """What speaks against it."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to the herd."""

    day: PartialDay
    """ISO 8601; a month where the day is not known."""
    what: str
    kind: Literal["release", "correction", "evaluation", "report", "preprint", "tooling"]
    about: tuple[str, ...]
    """Ids of the models it is about."""
    contested: bool = False
    """Whether others say otherwise, or only one source says so."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Family(Entity):
    """A herd of models."""

    id: str
    name: str
    developer: str
    members: tuple[str, ...]
    """Ids of its models."""
    released: Day
    """Day the first members were released, ISO 8601."""
    status: str
    """What the developer says of further training."""
    firsts: tuple[str, ...]
    """What is new against earlier generations."""
    native_shards: Count
    """Files of a checkpoint in the developer's own layout."""
    transformers_since: str
    """First release of transformers that knows it."""
    vllm_since: str
    """First release of vLLM that knows it."""
    technical_report: str | None
    """The developer's technical report."""
    positions: Positions
    images: ImageProcessing
    prompting: Prompting
    training: HerdTraining
    safety: SafetyWork
    quantization: dict[str, QuantizationMode]
    """Modes of the reference code, by name."""
    quantization_unused: tuple[str, ...]
    """Schemes the reference code names and does not use."""
    hardware_claims: tuple[HardwareClaim, ...]
    undisclosed: tuple[str, ...]
    """What the developer does not publish."""
    events: tuple[Event, ...]
    """What happened, oldest first."""
    notes: tuple[str, ...] = ()
