"""Published benchmark results, who reported them and under which conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import NotNegative
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.states import UNKNOWN, Unknown


@dataclass(frozen=True, kw_only=True)
class Result:
    """One score of one system."""

    system: str
    """Id of a model here, or the name of another system."""
    score: float | Unknown
    """The score; unknown where the source prints none."""
    stage: Literal["base", "instruct", "experimental", "other"]
    """Which training stage was tested; `other` for systems outside the family."""
    label: Literal["developer", "independent", "secondary"]
    """Who measured: the model's developer, someone else, or someone quoting a measurement."""
    shots: NotNegative | Unknown = UNKNOWN
    """Examples in the prompt."""
    precision: str | Unknown = UNKNOWN
    """Weights evaluated."""
    checkpoint: str | None = None
    """Repository or file evaluated, where it is not the developer's own bfloat16 one."""
    engine: str | Unknown = UNKNOWN
    """What ran the model."""
    hardware: str | Unknown = UNKNOWN
    """What it ran on."""
    file_size: str | Unknown = UNKNOWN
    """Size of the weights as the source prints it."""
    note: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Benchmark(Entity):
    """One test with one metric and all results we know."""

    id: str
    name: str
    measures: str
    """What it asks of a model."""
    category: Literal["knowledge", "reasoning", "math", "code", "multilingual", "image", "long_context", "agents", "preference",
                      "instruction", "quantization", "cost"]  # fmt: skip
    """What kind of ability it belongs to."""
    metric: str
    unit: str
    higher_is_better: bool
    tokens: NotNegative | None = None
    """Prompt length, for tests of long context."""
    results: tuple[Result, ...]
    conditions: tuple[str, ...] = ()
    """How it was run, where the reporter says."""
    notes: tuple[str, ...] = ()
