"""Observed runs: what was run, on what, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass, field

from llama4ref.facts.types.constraints import Count, Day, NotNegative
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.states import UNKNOWN, Unknown


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One number that was seen."""

    metric: str
    """What was measured: a name of `metrics.METRICS`."""
    value: float
    unit: str
    """That of the metric, written out so that a value in another one is noticed."""
    concurrency: NotNegative | None = None
    """Requests in progress at once; none where all were queued at once."""
    requests: NotNegative | None = None
    """Requests of the run, where all were queued at once."""
    prompt_tokens: NotNegative | Unknown = UNKNOWN
    """Tokens of a prompt, on average."""
    output_tokens: NotNegative | Unknown = UNKNOWN
    """Tokens of a reply, on average."""
    disturbed: str | None = None
    """What spoiled the number, where the source says that something did; it is then compared with no estimate."""
    note: str | None = None
    """What else to know; it changes nothing."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Measurement(Entity):
    """One run, or one published row."""

    id: str
    model: str
    checkpoint: str | Unknown
    """Id of the checkpoint, or unknown."""
    engine: str
    release: str | Unknown
    accelerator: str
    count: Count
    tensor_parallel: Count | Unknown
    pipeline_parallel: Count | Unknown
    data_parallel: Count | Unknown
    expert_parallel: bool | Unknown
    precision: str | Unknown
    """Formats as printed."""
    as_of: Day
    observations: tuple[Observation, ...]
    parallelism: str | None = None
    """Parallelism as printed."""
    cache_dtype: str | Unknown = UNKNOWN
    """Dtype of the KV cache."""
    hybrid_kv_cache: bool | Unknown = UNKNOWN
    """Whether chunked-local layers kept one chunk only."""
    settings: dict[str, str | int | float | bool] | Unknown = UNKNOWN
    """Server options that it was started with, by name without dashes, model and port left out; unknown where the source does
    not give them all."""
    environment: dict[str, str] = field(default_factory=dict)
    """Environment variables that the server was started with, beyond those of the machine."""
    device: str | Unknown = UNKNOWN
    """What the driver calls the accelerator, to the letter."""
    note: str | None = None
