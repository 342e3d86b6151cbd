"""Observed runs: what was run, on what, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One number that was seen."""

    metric: str
    """What was measured."""
    value: float
    unit: str
    concurrency: int | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
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
    as_of: str
    observations: tuple[Observation, ...]
    note: str | None = None
