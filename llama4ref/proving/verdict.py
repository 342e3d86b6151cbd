"""What does a proof say, for people and for programs?

A verdict names the rung of the ladder that was stood on, lays predicted beside observed, lists the probes, and says
what was changed for the proof and what it cannot show.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TypeAlias

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


class Agreement(StrEnum):
    """How an observed value stands to the predicted one."""

    EQUAL = "equal"
    WITHIN_BOUND = "within bound"
    DIFFERS = "differs"
    NOT_OBSERVED = "not observed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One value, predicted and observed."""

    name: str
    """What it is, with its unit."""
    predicted: Number
    observed: Number | None
    bound: Number = 0
    """How far observed may lie from predicted; 0 where the prediction is exact."""

    @property
    def agreement(self) -> Agreement:
        """How the two stand to each other.

        Examples:
            >>> Comparison(name="tokens", predicted=10, observed=10).agreement.value
            'equal'
            >>> Comparison(name="GiB", predicted=10.0, observed=10.4, bound=0.5).agreement.value
            'within bound'
        """
        if self.observed is None:
            return Agreement.NOT_OBSERVED
        if self.observed == self.predicted:
            return Agreement.EQUAL
        return Agreement.WITHIN_BOUND if abs(self.observed - self.predicted) <= self.bound else Agreement.DIFFERS


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of standing on one rung."""

    rung: Rung
    subject: str
    """What was proven: the model, or the miniature of it."""
    settings: Mapping[str, object]
    """Engine settings by flag name."""
    comparisons: tuple[Comparison, ...] = ()
    probes: tuple[Probe, ...] = ()
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
    def holds(self) -> bool:
        """Whether the launch succeeded, no probe failed, and every prediction was observed and within its bound."""
        agreed = all(row.agreement in (Agreement.EQUAL, Agreement.WITHIN_BOUND) for row in self.comparisons)
        return self.explanation is None and agreed and all(probe.outcome != Outcome.FAILED for probe in self.probes)

    def to_json(self) -> str:
        """The verdict as JSON, with the derived `holds` and each `agreement` for readers that cannot compute them."""
        content = dataclasses.asdict(self)
        content["holds"] = self.holds
        for row, comparison in zip(content["comparisons"], self.comparisons, strict=True):
            row["agreement"] = comparison.agreement.value
        return json.dumps(content, indent=2, default=str)

    @staticmethod
    def from_json(text: str) -> Verdict:
        """A verdict as `to_json` wrote it."""
        content = json.loads(text)
        content.pop("holds")
        for row in content["comparisons"]:
            row.pop("agreement")
        explanation = content["explanation"]
        return Verdict(
            **content
            | {
                "rung": Rung(content["rung"]),
                "comparisons": tuple(Comparison(**row) for row in content["comparisons"]),
                "probes": tuple(Probe(**probe | {"outcome": Outcome(probe["outcome"])}) for probe in content["probes"]),
                "explanation": explanation and Explanation(**explanation | {"do": tuple(explanation["do"])}),
                **{name: tuple(content[name]) for name in ("kept", "shrunk", "plugins", "notes")},
            }
        )


def compare(
    predicted: Mapping[str, Number],
    observed: Mapping[str, Number | None],
    *,
    bounds: Mapping[str, Number] | None = None,
) -> tuple[Comparison, ...]:
    """Lay predicted beside observed, a row for each prediction, in the predictions' order."""
    allowed = bounds or {}
    return tuple(
        Comparison(name=name, predicted=value, observed=observed.get(name), bound=allowed.get(name, 0))
        for name, value in predicted.items()
    )


def failed_probes(probes: Sequence[Probe]) -> tuple[Probe, ...]:
    """The probes that failed, in order."""
    return tuple(probe for probe in probes if probe.outcome == Outcome.FAILED)
