"""What must one replica hold: how long a request, and how many of them at once?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama4ref.engine.layout import Layout
    from llama4ref.memory.gpu_budget import MemoryBudget
    from llama4ref.planning.lengths import Lengths
    from llama4ref.planning.request import PlanRequest


USUAL_TOKENS = 2_000
"""A prompt of 1,000 tokens and a reply of 1,000, as in most published measurements; a longest request below that, which nobody asked
for, is next to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a replica must hold."""

    longest: int | None
    """Longest request, in tokens; None is as long as fits."""
    least: int
    """Fewest tokens that the longest request must have."""
    stated: int | None
    """Tokens of the requests that concurrency counts; None counts those of the full length."""
    concurrency: int
    """Requests at once on this replica."""
    headroom: float
    """Part of the KV cache to leave free."""

    @property
    def wanted(self) -> int:
        """The shortest context that will do."""
        return self.longest or self.least

    @property
    def of_full_length(self) -> Demand:
        """How many requests of the full length must fit at once: one, or all where no length is given."""
        at_once = self.concurrency if self.longest is None else 1
        return Demand(longest=None, least=1, stated=None, concurrency=at_once, headroom=self.headroom)

    def counted(self, budget: MemoryBudget) -> int:
        """Tokens of the requests that concurrency counts."""
        return self.stated or budget.cache.max_model_len

    def held(self, budget: MemoryBudget) -> int:
        """Requests that concurrency counts, as many as fit at once."""
        return budget.cache.requests_held(self.counted(budget), budget.room(self.headroom))

    def starts(self, budget: MemoryBudget) -> bool:
        """Whether the engine starts with a budget and one request of the full length then really fits.

        The two are not the same in every release: some start with less memory than one request needs, and every pool keeps
        one block empty.
        """
        return budget.free_bytes >= 0 and self._holds(budget, budget.cache.max_model_len, 1)

    def met(self, budget: MemoryBudget) -> bool:
        """Whether a budget holds all of it."""
        longest, counted = budget.cache.max_model_len, self.counted(budget)
        if budget.free_bytes < 0 or not self._holds(budget, longest, self.concurrency if counted == longest else 1):
            return False
        return counted == longest or self.held(budget) >= self.concurrency

    def _holds(self, budget: MemoryBudget, tokens: int, requests: int) -> bool:
        """Whether the engine starts, and so many requests of so many tokens fit at once."""
        room = budget.room(self.headroom)
        return budget.cache.fits(room) and budget.cache.requests_held(tokens, room) >= requests


def demand_of(request: PlanRequest, lengths: Lengths, layout: Layout) -> Demand:
    """The part of a request that falls to one replica of a layout."""
    lengths_are_open = lengths.prompt is None and lengths.reply is None and lengths.context is None
    return Demand(
        longest=lengths.longest,
        least=USUAL_TOKENS + lengths.images_tokens if lengths_are_open else lengths.least,
        stated=lengths.stated,
        concurrency=-(-(request.concurrency or 1) // layout.data_parallel),
        headroom=request.headroom,
    )
