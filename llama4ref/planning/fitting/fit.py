"""Does a candidate fit, with which settings, and how long may its requests be?

Every answer counts estimates at their upper bound, so that a promised context is a lower bound of what the engine grants. What is
asked for stays as it is. Other settings are the engine's defaults, and are changed only where what is asked for does not fit with
them: as little as does, see `levers.Reach`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.memory.device_buffers import rope_bytes
from llama4ref.memory.draft_head import draft_bounds, draft_refusal
from llama4ref.planning.fitting.budgets import budget_of, largest_context, weights_held
from llama4ref.planning.fitting.candidates import Candidate, FittedCandidate
from llama4ref.planning.fitting.demand import Demand, demand_of
from llama4ref.planning.fitting.lever_search import LeverSearch
from llama4ref.planning.fitting.levers import LEAST_WON, LEVERS_ASKED, Reach, levers_between, open_levers
from llama4ref.planning.fitting.lifting import Lifting
from llama4ref.planning.fitting.memory_refusals import not_enough, shortage_of, too_large_weights
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

ALL_REACHES = tuple(Reach)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A candidate, what is asked of it, and the settings it starts from."""

    catalog: Catalog
    candidate: Candidate
    behaviour: Behaviour
    demand: Demand
    start: EngineConfig
    """What is asked for and the engine's defaults, at the shortest longest request that will do."""
    open: frozenset[LeverName]
    """Settings that nobody asked for."""
    concurrency_is_asked: bool
    """Whether requests at once were asked for; they are then the batch, where `max_num_seqs` was not."""

    def budget(self, config: EngineConfig) -> MemoryBudget:
        """The budget with other settings."""
        return budget_of(self.catalog, self.candidate, self.behaviour, config)

    def search(self, may_change: frozenset[LeverName]) -> LeverSearch:
        """The search for settings that fit."""
        return LeverSearch(self.start, self.demand, self.budget, may_change, self.catalog.engine("vllm"))


def fit(
    catalog: Catalog,
    candidate: Candidate,
    request: PlanRequest,
    behaviour: Behaviour,
    *,
    reaches: tuple[Reach, ...] = ALL_REACHES,
    thorough: bool = False,
) -> FittedCandidate | Refusal:
    """The candidate with its settings and budget, or why it does not fit.

    Args:
        catalog: the facts.
        candidate: what is tried.
        request: what is asked for.
        behaviour: what holds at the engine's release.
        reaches: how far settings that nobody asked for may be changed, one after the other.
        thorough: whether a refusal names the settings that were asked for and would lift it; finding them takes a few milliseconds.
    """
    attempt = attempt_of(catalog, candidate, request, behaviour)
    if isinstance(attempt, Refusal):
        return attempt
    for reach in reaches:
        found = fitted(attempt, reach)
        if found is not None:
            return found
    return refusal_of(attempt, thorough=thorough)


def attempt_of(catalog: Catalog, candidate: Candidate, request: PlanRequest, behaviour: Behaviour) -> Attempt | Refusal:
    """What is tried, or why nothing is: no default is known, a draft head does not divide, or the weights exceed all memory."""
    demand = demand_of(request, lengths_of(request, candidate.model.architecture), candidate.layout)
    start = starting_config(candidate, request, demand, catalog=catalog, behaviour=behaviour)
    if isinstance(start, Refusal):
        return start
    if candidate.draft is not None:
        undivided = draft_refusal(draft_bounds(candidate.model, candidate.draft), candidate.layout)
        if undivided is not None:
            return Refusal(subject=str(candidate), rule="draft-head", numbers=undivided)
    weights = weights_held(catalog, candidate.model, candidate.checkpoint, candidate.layout)
    if weights.largest.bytes > candidate.accelerator.memory_bytes:
        return too_large_weights(catalog, candidate, start, weights)
    return Attempt(
        catalog=catalog,
        candidate=candidate,
        behaviour=behaviour,
        demand=demand,
        start=start,
        open=open_levers(request) | table_lever(candidate, behaviour, start),
        concurrency_is_asked=request.concurrency is not None,
    )


def table_lever(candidate: Candidate, behaviour: Behaviour, start: EngineConfig) -> frozenset[LeverName]:
    """The RoPE table, where the release can shorten it and that is worth it on a GPU."""
    won = (candidate.limit - start.max_model_len) * rope_bytes(candidate.model.architecture)
    worth = won >= LEAST_WON * candidate.accelerator.memory_bytes * start.gpu_memory_utilization
    return frozenset({"rope_positions"} if behaviour.nested_overrides and worth else ())


@functools.lru_cache(maxsize=8192)
def fitted(attempt: Attempt, reach: Reach) -> FittedCandidate | None:
    """The candidate with the smallest change within a reach that fits; None where none does.

    Kept, as requests that differ in other things ask for the same.
    """
    config = _settings(attempt, reach)
    if config is None:
        return None
    found = with_capacity(
        attempt.catalog, attempt.candidate, attempt.behaviour, _at_full_length(attempt, config), attempt.demand
    )
    if config is attempt.start:
        return found
    shortage = shortage_of(attempt.budget(attempt.start), attempt.demand)[1]
    return replace(found, levers=levers_between(attempt.start, config), shortage=shortage, reach=reach)


def _at_full_length(attempt: Attempt, config: EngineConfig) -> EngineConfig:
    """The settings at the longest request: the one that is asked for, or the longest that fits."""
    if attempt.demand.longest is not None:
        return config
    limit = config.with_length(attempt.candidate.limit)  # as it is kept
    demand = attempt.demand.of_full_length
    longest = largest_context(attempt.catalog, attempt.candidate, attempt.behaviour, limit, demand)
    return config.with_length(longest)


def _settings(attempt: Attempt, reach: Reach) -> EngineConfig | None:
    """The settings within a reach that meet the demand."""
    if reach == Reach.DEFAULTS:
        return attempt.start if attempt.demand.met(attempt.budget(attempt.start)) else None
    return attempt.search(attempt.open).smallest_change(reach) if liftable(attempt) else None


@functools.lru_cache(maxsize=8192)
def liftable(attempt: Attempt) -> bool:
    """Whether settings that nobody asked for make the candidate fit, however far they are changed."""
    search = attempt.search(attempt.open)
    return search.holds(search.most_frugal())


@functools.lru_cache(maxsize=8192)
def refusal_of(attempt: Attempt, *, thorough: bool) -> Refusal:
    """Why the candidate does not fit, at the most frugal of the settings that nobody asked for, and what would lift it."""
    catalog, candidate = attempt.catalog, attempt.candidate
    search = attempt.search(attempt.open)
    frugal, budget = search.roomiest(search.most_frugal())
    weights = weights_held(catalog, candidate.model, candidate.checkpoint, candidate.layout)
    lifting = Lifting(search, frozenset(LEVERS_ASKED) - attempt.open, concurrency_is_asked=attempt.concurrency_is_asked)
    pinned = lifting.by_settings() if thorough else ()
    if weights.largest.bytes > candidate.accelerator.memory_bytes * frugal.gpu_memory_utilization:
        return too_large_weights(catalog, candidate, frugal, weights, options=pinned)
    options = (*pinned, *lifting.by_wishes())
    return not_enough(candidate, budget, attempt.demand, options=options, frugal=frugal != attempt.start)
