"""How much does a candidate hold with given settings, whether or not that is enough?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.planning.fitting.budgets import budget_of, largest_context
from llama4ref.planning.fitting.candidates import Candidate, FittedCandidate

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.planning.fitting.demand import Demand


def with_capacity(
    catalog: Catalog, candidate: Candidate, behaviour: Behaviour, config: EngineConfig, demand: Demand
) -> FittedCandidate:
    """The candidate with these settings: its budget, the longest request that would fit, and how many of them at once."""
    budget = budget_of(catalog, candidate, behaviour, config)
    at_the_limit = config.with_length(candidate.limit)  # as it is kept
    capacity = budget.cache.capacity(budget.room(demand.headroom))
    return FittedCandidate(
        candidate=candidate,
        config=config,
        budget=budget,
        largest_context=largest_context(catalog, candidate, behaviour, at_the_limit, demand.of_full_length),
        max_concurrency=capacity.max_concurrency * candidate.layout.data_parallel,
        kv_cache_tokens=capacity.tokens,
    )
