"""Does a candidate fit, with which settings, and how long may its requests be?

Every answer counts estimates at their upper bound, so that a promised context is a lower bound of what the engine grants. Settings
that nobody asked for are the engine's defaults; they are changed only where next to nothing would fit with them, whatever length is
asked for, so that the longest context does not depend on the question.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.memory.draft_head import draft_bounds, draft_refusal
from llama4ref.planning.fitting.budgets import budget_of, largest_context, weights_held
from llama4ref.planning.fitting.candidates import Candidate, FittedCandidate
from llama4ref.planning.fitting.demand import USUAL_TOKENS, Demand, demand_of
from llama4ref.planning.fitting.levers import LeverSearch, levers_between, levers_of, open_levers
from llama4ref.planning.fitting.memory_refusals import shortage_of, too_few, too_large_weights, too_small
from llama4ref.planning.fitting.settings_capacity import with_capacity
from llama4ref.planning.fitting.starting_settings import starting_config
from llama4ref.planning.lengths import lengths_of
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.memory.gpu_budget import MemoryBudget
    from llama4ref.planning.fitting.levers import LeverName
    from llama4ref.planning.request import PlanRequest


def fit(
    catalog: Catalog, candidate: Candidate, request: PlanRequest, behaviour: Behaviour, *, thorough: bool = False
) -> FittedCandidate | Refusal:
    """The candidate with its settings and budget, or why it does not fit.

    Args:
        catalog: the facts.
        candidate: what is tried.
        request: what is asked for.
        behaviour: what holds at the engine's release.
        thorough: whether a refusal names the settings that would lift it; finding them takes a few milliseconds.
    """
    lengths = lengths_of(request, candidate.model.architecture)
    demand = demand_of(request, lengths, candidate.layout)
    start = starting_config(candidate, request, demand, catalog=catalog, behaviour=behaviour)
    if isinstance(start, Refusal):
        return start
    if candidate.draft is not None:
        undivided = draft_refusal(draft_bounds(candidate.model, candidate.draft), candidate.layout)
        if undivided is not None:
            return Refusal(subject=str(candidate), rule="draft-head", numbers=undivided)
    weights = weights_held(catalog, candidate.model, candidate.checkpoint, candidate.layout)
    if weights.largest.bytes > candidate.accelerator.memory_bytes * start.gpu_memory_utilization:
        return too_large_weights(catalog, candidate, start, weights)
    attempt = _Attempt(
        catalog=catalog,
        candidate=candidate,
        behaviour=behaviour,
        demand=demand,
        start=start,
        usual=min(USUAL_TOKENS + lengths.images_tokens, candidate.limit),
        open=open_levers(request),
        any=levers_of(request),
    )
    return _outcome(attempt, thorough=thorough)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """A candidate, what is asked of it, and the settings it starts from."""

    catalog: Catalog
    candidate: Candidate
    behaviour: Behaviour
    demand: Demand
    start: EngineConfig
    usual: int
    """Tokens of a request of usual length."""
    open: frozenset[LeverName]
    """Settings that nobody asked for."""
    any: frozenset[LeverName]
    """Settings that could be changed at all."""

    def budget(self, config: EngineConfig) -> MemoryBudget:
        return budget_of(self.catalog, self.candidate, self.behaviour, config)

    def largest(self, config: EngineConfig) -> int:
        return largest_context(self.catalog, self.candidate, self.behaviour, config, self.demand.of_full_length)

    def changed(self, config: EngineConfig, demand: Demand, may_change: frozenset[LeverName]) -> EngineConfig | None:
        engine = self.catalog.engine("vllm")
        return LeverSearch(config, demand, self.budget, may_change, engine).smallest_change()

    def relieved(self) -> tuple[EngineConfig, int]:
        """Settings and the longest request that fits: the start, or a small change of it where that holds no usual request."""
        largest = self.largest(self.start)
        for length in (self.usual, 1):
            if largest >= length:
                break
            found = self.changed(replace(self.start, max_model_len=length), self.demand.of_full_length, self.open)
            if found is not None:
                config = replace(found, max_model_len=self.candidate.limit)
                return config, self.largest(config)
        return self.start, largest

    def lifting(self, config: EngineConfig, *, thorough: bool) -> tuple[tuple[str, float], ...]:
        """The smallest change of settings that would lift a refusal: of those nobody asked for, or else of any."""
        for may_change in (self.open, self.any) if thorough else ():
            found = self.changed(config, self.demand, may_change)
            if found is not None:
                return tuple((lever.name, lever.value) for lever in levers_between(config, found))
        return ()

    def shortage(self) -> str:
        """What the defaults leave too little of, for a request of usual length."""
        return shortage_of(self.budget(replace(self.start, max_model_len=self.usual)), self.demand)[1]


@functools.lru_cache(maxsize=8192)
def _outcome(attempt: _Attempt, *, thorough: bool) -> FittedCandidate | Refusal:
    """Kept, as requests that differ in other things ask for the same."""
    candidate, demand = attempt.candidate, attempt.demand
    relieved, largest = attempt.relieved()
    if largest < demand.wanted:
        short = replace(relieved, max_model_len=demand.wanted)
        return too_small(candidate, attempt.budget(short), demand, largest, attempt.lifting(short, thorough=thorough))
    config = replace(relieved, max_model_len=demand.longest or largest)
    budget = attempt.budget(config)
    if demand.held(budget) < demand.concurrency:
        return too_few(candidate, budget, demand, attempt.lifting(config, thorough=thorough))
    levers = levers_between(attempt.start, config)
    fitted = with_capacity(attempt.catalog, candidate, attempt.behaviour, config, demand)
    return replace(fitted, levers=levers, shortage=attempt.shortage() if levers else None)
