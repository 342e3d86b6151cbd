"""What does a plan file hold? The fields of format 1, as they are written and as they are read.

Settings and variables are what is launched, and may be edited. All that follows from them (`sizes`, `promises`) is written down to be
compared: it is computed again when the file is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge

from llama4ref.engine.engine_config import Reason, Setting
from llama4ref.memory.budget_lines import BudgetLine
from llama4ref.performance.roofline import Resource
from llama4ref.performance.throughput import Estimated
from llama4ref.performance.workload import Workload

FORMAT = 1
"""Number of the format that is written; readers refuse every other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What the settings amount to."""

    release: str
    """Release of vLLM that they are for."""
    tensor_parallel: int
    pipeline_parallel: int
    data_parallel: int
    expert_parallel: bool
    vision: bool
    """Whether the vision tower is built."""
    vision_replicated: bool
    """Whether every rank holds the whole vision tower."""
    max_model_len: int
    max_num_seqs: int
    max_num_batched_tokens: int
    gpu_memory_utilization: float
    cache_dtype: str
    block_size: int
    hybrid: bool
    """Whether chunked-local layers keep one chunk only."""
    enforce_eager: bool
    images_per_prompt: int
    nodes: int
    max_loras: int = 0
    max_lora_rank: int = 0
    draft_tokens: int = 0
    """Tokens that a draft head proposes in a step; 0 without one."""
    rope_positions: int | None = None
    """Positions that the model's RoPE table is built for; left out where they are those of the checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedConfig:
    """The configuration of the engine."""

    release: str
    """Release of vLLM that it is for."""
    settings: Mapping[str, Setting]
    """Server options by name without dashes, in the order they are written; `model` is the positional one."""
    environment: Mapping[str, str]
    """Environment variables of the server."""
    sizes: Sizes
    reasons: tuple[Reason, ...]
    """Why each setting and variable is there, by `about`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedBudget:
    """Memory of the fullest GPU, in bytes."""

    total_bytes: int
    """All memory of the GPU."""
    requested_bytes: int
    """What the engine is told to take."""
    kv_cache_bytes: int
    """Left for the KV cache, as expected."""
    kv_cache_at_least_bytes: int
    """Left for the KV cache where every estimate is at its upper bound; the promises count with this."""
    free_bytes: int
    """Left outside of what the engine is told to take."""
    lines: tuple[BudgetLine, ...]
    """What takes memory, the KV cache not among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPerformance:
    """How fast the workload should be served."""

    workload: Workload
    """The requests that speed is stated for."""
    batch: int
    """Sequences computed at once, over the whole deployment."""
    largest_batch: int
    """Most sequences that memory and the engine's limit allow."""
    bottleneck: Resource
    """What most of the time goes to."""
    figures: Mapping[str, Estimated]
    """Times in seconds and rates in tokens a second, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """What follows from the configuration."""

    context: int
    """Longest request, in tokens."""
    largest_context: int
    """Longest request that would fit with these settings."""
    max_concurrency: float
    """Requests of `context` tokens that fit at once, over all replicas: a lower bound."""
    kv_cache_tokens: int
    """KV cache size that the engine prints, of one replica: a lower bound."""
    budget: SavedBudget
    caveats: tuple[Reason, ...]
    """What to know before relying on it."""
    performance: SavedPerformance | None = None
    """Left out where the accelerator's rates are not known, and without CUDA graphs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDocument:
    """One plan on own GPUs."""

    plan_format: Literal[1]
    """Number of this format."""
    made_by: str
    """Program and release that computed the promises."""
    model: str
    """Id of the model."""
    checkpoint: str
    """Id of the checkpoint whose formats are counted."""
    accelerator: str
    """Id of the accelerator."""
    count: Annotated[int, Ge(1)]
    """GPUs in all."""
    nodes: Annotated[int, Ge(1)]
    """Machines that share the GPUs evenly."""
    request: Mapping[str, Setting]
    """What was asked for, by field of a request."""
    config: SavedConfig
    promises: Promises
