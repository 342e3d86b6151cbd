"""Observed runs: what was run, on what, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass

from llama4ref.facts.types.entities import Entity


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One number that was seen."""

    metric: str
    """What was measured: a name of `metrics.METRICS`."""
    value: float
    unit: str
    """That of the metric, written out so that a value in another one is noticed."""
    concurrency: int | None = None
    """Requests in progress at once; none where all were queued at once, or it is not stated."""
    requests: int | None = None
    """Requests of the run, where all were queued at once."""
    prompt_tokens: int | None = None
    """Tokens of a prompt, on average."""
    output_tokens: int | None = None
    """Tokens of a reply, on average."""
    disturbed: str | None = None
    """What spoiled the number, where the source says that something did; it is then compared with no estimate."""
    note: str | None = None
    """What else to know; it changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Measurement(Entity):
    """One run, or one published row."""

    id: str
    model: str
    checkpoint: str | None
    """Id of the checkpoint, or unknown."""
    engine: str
    release: str | None
    accelerator: str
    count: int
    tensor_parallel: int | None
    pipeline_parallel: int | None
    data_parallel: int | None
    expert_parallel: bool | None
    precision: str | None
    """Formats as printed."""
    as_of: str
    observations: tuple[Observation, ...]
    parallelism: str | None = None
    """Parallelism as printed."""
    cache_dtype: str | None = None
    """Dtype of the KV cache."""
    hybrid_kv_cache: bool | None = None
    """Whether chunked-local layers kept one chunk only."""
    note: str | None = None
