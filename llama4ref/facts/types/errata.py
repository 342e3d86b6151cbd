"""What public catalogues and pages get wrong about Llama 4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import Day
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.states import Unknown

Plain = str | bool | int | float


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A fact of this catalogue, or what follows from its facts; one of the two is named."""

    entity: str
    """Whose, such as `models/scout`."""
    field: str | None = None
    """A leaf of it, such as `text.layers`."""
    quantity: str | None = None
    """A computed quantity of it, such as `parameters.total`."""


@dataclass(frozen=True, kw_only=True)
class Saying:
    """What a source says, and since when."""

    printed: str
    """The wrong value as it is printed."""
    figure: Plain | None
    """It as a value, in the unit of ours; none where it stands for a fact."""
    stands_for: Reference | None = None
    """The fact that it stands for, such as the memory of a GPU that is said to be enough."""
    step: float | None = None
    """One step of the last place printed; none where it is exact."""
    first_seen: Day | Unknown
    """Day of the earliest copy that says so, ISO 8601; unknown where copies are undated."""
    checked: Day
    """Day of the newest copy read, or the day an undated one was read, ISO 8601."""
    status: Literal["there", "corrected"] | Unknown
    """Whether the newest copy still says so; unknown where no newer one could be read."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Erratum(Entity):
    """One wrong value, ours, and how the two exclude each other."""

    id: str
    """The file's name."""
    title: str
    """What is claimed, in a few words."""
    model: str | None
    """Id of the model it is about; none where it is about hardware or an engine."""
    said: Saying
    """The wrong value."""
    should: Literal["equal", "at_most", "at_least", "be_unpublished"]
    """How it would have to relate to ours to be right; `be_unpublished` where there is no such value, or nobody who could
    know has said."""
    ours: Reference
    """What proves it wrong."""
    why: str
    """Why ours is right, or where the wrong one comes from."""
    note: str | None = None
    """What else to know."""


@dataclass(frozen=True, kw_only=True)
class CheckedErratum:
    """An erratum beside what the facts say today."""

    erratum: Erratum
    wrong: Plain | Unknown | None
    """What the source says; a value of this catalogue where it stands for one."""
    right: Plain | Unknown | None
    """What the facts say; UNKNOWN where the fact is recorded as not published."""
    proven: bool
    """Whether the two exclude each other."""
