"""Observed runs: what was run, on what, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One number that was seen."""

    metric: str
    """What was measured."""
    value: float
    unit: str
    concurrency: int | None = None
    """Requests in progress at once; none where all were queued at once, or it is not stated."""
    requests: int | None = None
    """Requests of the run, where all were queued at once."""
    prompt_tokens: int | None = None
    """Tokens of a prompt, on average."""
    output_tokens: int | None = None
    """Tokens of a reply, on average."""
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
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
