"""Published benchmark results, who reported them and under which conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One score of one system."""

    system: str
    """Id of a model here, or the name of another system."""
    score: float | None
    """The score; unknown where the source prints none."""
    stage: Literal["base", "instruct", "experimental", "other"]
    label: Literal["developer", "independent", "secondary"]
    """Who measured."""
    shots: int | None = None
    precision: str | None = None
    """Weights evaluated."""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One test with one metric and all results we know."""

    id: str
    name: str
    measures: str
    """What it asks of a model."""
    metric: str
    unit: str
    higher_is_better: bool
    tokens: int | None = None
    """Prompt length, for tests of long context."""
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()
