"""Which plan comes first?

`balanced` keeps the published precision before speed: the developer's own and highest-precision weights that meet the request, then
fewer GPUs, then an unquantized cache, then speed. The other goals put what they name first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from llama4ref.planning.choices.checkpoints import publisher_rank

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.planning.outcomes import Plan
    from llama4ref.planning.request import PlanRequest

Rank = tuple[float | int | str, ...]


def rank(catalog: Catalog, request: PlanRequest, plan: Plan) -> Rank:
    """A key that sorts the best plan first."""
    publisher, bits, name = publisher_rank(catalog, plan.checkpoint)
    fidelity: Rank = (publisher, bits)
    cache = 0 if plan.config.cache_dtype == "bfloat16" else 1
    speed = plan.performance
    per_second = -speed.output_throughput.value if speed else 0.0
    wait = speed.itl_seconds.value if speed else math.inf
    plain = (
        plan.config.layout.data_parallel,
        plan.config.layout.pipeline_parallel,
        plan.config.layout.expert_parallel,
    )
    tail: Rank = (plan.count, plan.accelerator.id, *plain, name)
    match request.goal:
        case "latency":
            return (wait, *fidelity, cache, *tail)
        case "throughput":
            return (per_second, *fidelity, cache, *tail)
        case "cost":
            return (plan.count, per_second, *fidelity, cache, *tail)
        case _:
            return (*fidelity, plan.count, cache, *plain, per_second, *tail)
