"""Safety classifiers published beside the models, and what the developer says of safety work and evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import Day, NotNegative, Percent
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.states import Unknown


@dataclass(frozen=True, kw_only=True)
class Score:
    """One published figure of a classifier."""

    on: str
    """What it was tested on."""
    metric: str
    value: float
    unit: str
    higher_is_better: bool
    change: float | None = None
    """Difference from the classifier before, in the same unit."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Safeguard(Entity):
    """A classifier that guards prompts or replies."""

    id: str
    name: str
    developer: str
    released: Day | Unknown
    """Day of release, ISO 8601."""
    guards_against: str
    """What it looks for."""
    parameters: NotNegative
    """Parameters as published, rounded."""
    architecture: str
    """What kind of network it is."""
    derived_from: str
    """Id of the model here, or the name of the model, that it was made from."""
    modalities_in: tuple[str, ...]
    window_tokens: NotNegative | Unknown
    """Longest input."""
    labels: tuple[str, ...]
    """What it answers."""
    categories: dict[str, str]
    """Kinds of hazard by code; empty where it has none."""
    languages: tuple[str, ...]
    """Languages it was evaluated in."""
    scores: tuple[Score, ...]
    conditions: tuple[str, ...] = ()
    """How the scores were made."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CriticalRisk:
    """A risk that the developer examined on its own."""

    examined: str
    """What was done."""
    finding: str | Unknown
    """What came of it; unknown where nothing is said."""
    figures_published: bool
    """Whether any number was published."""


@dataclass(frozen=True, kw_only=True)
class RefusalFigure:
    """A published figure about refusals or leaning."""

    says: str
    percent_at_most: Percent | Unknown
    """The figure, as an upper bound in percent."""
    before_percent: Percent | Unknown
    """The same of the earlier model named."""
    compared_with: str | Unknown
    """The earlier model."""
    kind: Literal["rate", "share", "ratio"]


@dataclass(frozen=True, kw_only=True)
class SafetyWork:
    """Safety work on the herd as the developer describes it."""

    aims: tuple[str, ...]
    layers: tuple[str, ...]
    """Where mitigations act."""
    finetuning_data: str
    system_tools: tuple[str, ...]
    """Guards the developer recommends."""
    guard_in_evaluations: str
    """The guard that filtered input and output in the developer's evaluations."""
    evaluation_kinds: tuple[str, ...]
    capability_evaluations: tuple[str, ...]
    red_team_experts: tuple[str, ...]
    automated_red_teaming: str
    """The automated attacker."""
    cyber_suite: str
    """The suite of cyber evaluations."""
    critical_risks: dict[str, CriticalRisk]
    refusals: dict[str, RefusalFigure]
    system_prompt_template: str
    """What the developer's suggested system prompt covers."""
    reporting: dict[str, str]
    """Where faults can be reported."""
