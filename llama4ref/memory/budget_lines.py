"""One named line of a budget: a figure, how sure it is, and where it comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llama4ref.field_words import described

if TYPE_CHECKING:
    from llama4ref.engine.estimates import Estimate

Place = Literal["weights", "buffers", "peak", "overhead", "outside", "host"]


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """Bytes of one thing on one GPU."""

    name: str
    """What it is."""
    place: Place
    """`weights`, `buffers` and `overhead` add up inside the gpu_memory_utilization budget. Of the `peak` lines only the largest
    counts: they are not there at the same time. `outside` is outside that budget, `host` in the host's memory."""
    bytes: int
    """The figure."""
    low: int
    """Least it is expected to be."""
    high: int
    """Most it is expected to be; a plan counts with this."""
    formula: str
    """How it follows from the facts."""
    source: str
    """Id of the source that the rule comes from."""

    @property
    def exact(self) -> bool:
        """Whether the figure follows from the facts to the byte."""
        return self.low == self.bytes == self.high


def exact_line(name: str, place: Place, count: int, *, formula: str, source: str) -> BudgetLine:
    """A line without uncertainty."""
    return BudgetLine(name=name, place=place, bytes=count, low=count, high=count, formula=formula, source=source)


def estimate_line(
    name: str, place: Place, count: int, estimate: Estimate, *, formula: str, exact: int = 0
) -> BudgetLine:
    """A line of `count` times an estimate, and what is known exactly beside it."""
    borrowed = f"; observed on {', '.join(estimate.borrowed)}, bounds widened" if estimate.borrowed else ""
    return BudgetLine(
        name=name,
        place=place,
        bytes=round(count * estimate.value) + exact,
        low=math.floor(count * estimate.low) + exact,
        high=math.ceil(count * estimate.high) + exact,
        formula=formula + borrowed,
        source=estimate.source or "",
    )
