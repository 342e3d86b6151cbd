"""Published figures about what can be computed, beside what follows from the facts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A published figure about a thing that can be computed, kept as it was stated."""

    about: str
    """Name of the computed quantity, such as `parameters.total`."""
    stated: str
    """The figure as printed, such as `400B`."""
    figure: float
    """The figure as a number, in the quantity's own unit."""
    precision: float
    """One step of the last place stated; agreement is within half of it."""
    note: str | None = None
    """What explains a difference."""

    def agrees_with(self, computed: float) -> bool:
        """Whether a computed figure rounds to the one stated."""
        return abs(computed - self.figure) <= self.precision / 2


@dataclass(frozen=True, kw_only=True)
class CheckedClaim:
    """A claim beside what follows from the facts."""

    entity: str
    """Who the claim is about, such as `models/maverick`."""
    field: str
    """The claim's place in that spec."""
    claim: Claim
    computed: int | float | None
    """What follows from the facts; None where nothing computes it, as for a model whose shapes are unknown."""
    agrees: bool | None
    """None where nothing computes it."""
