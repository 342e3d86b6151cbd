"""What does a proof say, for people and for programs?

A verdict names the rung of the ladder that was stood on, lays predicted beside observed, lists the probes, and says
what was changed for the proof and what it cannot show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TypeAlias

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.facts.types.metrics import METRICS
from llama4ref.field_words import described
from llama4ref.wording import json_object, json_text

Number: TypeAlias = int | float

RANDOM_WEIGHTS = "random weights prove start-up, memory, limits and the routing of requests; never quality"
"""What every verdict below the highest rung says about itself."""


class Rung(IntEnum):
    """The ladder of proof."""

    COMPUTED = 0
    """The arithmetic, from cited facts."""
    ACCEPTED = 1
    """The installed vLLM accepts the settings for the full-size architecture, and its cache planner agrees."""
    MINIATURE = 2
    """A structural miniature is served with the settings and probed."""
    FULL_SIZE = 3
    """The real shapes with random weights on the real accelerator."""
    REAL = 4
    """The real weights."""


class Outcome(StrEnum):
    """How one probe ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Conclusion(StrEnum):
    """What a verdict comes to."""

    HELD = "held"
    """Everything that was predicted was seen, and nothing failed."""
    DID_NOT_HOLD = "did not hold"
    """A launch or a probe failed, or something was not as predicted."""
    NOTHING_PREDICTED = "nothing predicted"
    """Nothing failed, but there was no prediction either, so that nothing could be shown wrong."""


class Agreement(StrEnum):
    """How an observed value stands to the predicted one."""

    EQUAL = "equal"
    WITHIN_BOUND = "within bound"
    DIFFERS = "differs"
    NOT_OBSERVED = "not observed"


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One value, predicted and observed."""

    name: str
    """What it is: a name of `facts.types.metrics`, or words for what is no number of the vocabulary."""
    predicted: Number
    observed: Number | None
    low: Number | None = None
    """Least that it may be; none where the prediction is exact."""
    high: Number | None = None
    """Most that it may be; none where the prediction is exact."""

    @property
    def agreement(self) -> Agreement:
        """How the two stand to each other.

        Examples:
            >>> Comparison(name="kv_cache_tokens", predicted=10, observed=10).agreement.value
            'equal'
            >>> Comparison(name="model_loading", predicted=10.0, observed=10.4, low=9.0, high=10.5).agreement.value
            'within bound'
        """
        if self.observed is None:
            return Agreement.NOT_OBSERVED
        if self.observed == self.predicted:
            return Agreement.EQUAL
        low = self.predicted if self.low is None else self.low
        high = self.predicted if self.high is None else self.high
        return Agreement.WITHIN_BOUND if low <= self.observed <= high else Agreement.DIFFERS

    @property
    def unit(self) -> str:
        """Unit of its metric; nothing where it is none.

        Examples:
            >>> Comparison(name="model_loading", predicted=10.0, observed=10.4).unit
            'GiB'
        """
        return METRICS[self.name].unit if self.name in METRICS else ""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One question to the server, and how it went."""

    name: str
    outcome: Outcome
    detail: str
    """What was seen, or why it failed or was skipped."""
    numbers: Mapping[str, Number] = field(default_factory=dict)
    """Observed numbers by name."""
    seconds: float = 0.0
    """How long it took."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTest:
    """What was seen while so many requests were sent at once."""

    concurrency: int
    prompt_tokens: int
    """Of every prompt."""
    output_tokens: int
    """Of every reply."""
    values: Mapping[str, float]
    """Latencies and throughput by name of their metric, in its unit."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a launch failed."""

    what: str
    """What failed, in one sentence."""
    line: int | None
    """Line of the log, from 1, that says so."""
    text: str
    """That line."""
    do: tuple[str, ...]
    """What to try."""
    suggested_max_model_len: int | None = None
    """The longest context the engine itself says would fit."""
    outside: bool = False
    """Whether it lies outside the configuration: a port, other programs' memory, a missing library, too little time."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of standing on one rung."""

    rung: Rung
    subject: str
    """What was proven: the model, or the miniature of it."""
    config: EngineConfig
    """What was launched, or asked about: the configuration that rendering made the server's words of."""
    comparisons: tuple[Comparison, ...] = ()
    probes: tuple[Probe, ...] = ()
    observed: Mapping[str, Number] = field(default_factory=dict)
    """Everything that the server stated about memory and capacity, by metric, in its unit; also what nothing was predicted of."""
    loads: tuple[LoadTest, ...] = ()
    """What was seen at each number of requests at once, where speed was measured."""
    kept: tuple[str, ...] = ()
    """What the miniature has in common with the original."""
    shrunk: tuple[str, ...] = ()
    """What it does not, in words."""
    plugins: tuple[str, ...] = ()
    """Changes to the engine that the proof needed."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Releases of what took part, by package."""
    log: str | None = None
    """Path of the server's log."""
    startup_seconds: float | None = None
    explanation: Explanation | None = None
    """Why the launch failed, where it did."""
    notes: tuple[str, ...] = (RANDOM_WEIGHTS,)
    """What the proof cannot show, and what was left out."""

    @property
    def conclusion(self) -> Conclusion:
        """What it comes to: a failure counts first, and without a prediction nothing holds."""
        agreed = all(row.agreement in (Agreement.EQUAL, Agreement.WITHIN_BOUND) for row in self.comparisons)
        failed = self.explanation is not None or any(probe.outcome == Outcome.FAILED for probe in self.probes)
        if failed or not agreed:
            return Conclusion.DID_NOT_HOLD
        return Conclusion.HELD if self.comparisons else Conclusion.NOTHING_PREDICTED

    @property
    def holds(self) -> bool:
        """Whether the launch succeeded, no probe failed, and every prediction, of which there is one, was seen within its bounds."""
        return self.conclusion is Conclusion.HELD

    def to_json(self) -> str:
        """The verdict as JSON, with what follows from it (`holds`, `conclusion`, each `unit` and `agreement`) written out."""
        rows = [json_object(row) | {"unit": row.unit, "agreement": row.agreement.value} for row in self.comparisons]
        follows = {"comparisons": rows, "holds": self.holds, "conclusion": self.conclusion.value}
        return json_text(json_object(self) | follows)


def compare(
    predicted: Mapping[str, Number],
    observed: Mapping[str, Number | None],
    *,
    bounds: Mapping[str, tuple[Number, Number]] | None = None,
) -> tuple[Comparison, ...]:
    """Lay predicted beside observed, a row for each prediction, in the predictions' order; `bounds` are least and most."""
    allowed = bounds or {}
    return tuple(
        Comparison(name=name, predicted=value, observed=observed.get(name), low=low, high=high)
        for name, value in predicted.items()
        for low, high in (allowed.get(name, (None, None)),)
    )
