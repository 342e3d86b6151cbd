"""A plan for programs: ids instead of whole facts, sizes in bytes, nothing rounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.cli.budget_table import budget_json
from llama4ref.planning.outcomes import HostedPlan
from llama4ref.planning.planner import alternatives_to

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.planning.outcomes import Alternative, Plan, PlanResult, SizedPlan


def result_json(result: PlanResult, catalog: Catalog) -> dict[str, object]:
    """The answer to a request, with the sources it names."""
    plans = [plan_json(plan) for plan in result.plans]
    named = {reason.source for plan in result.plans for reason in (*plan.reasons, *plan.caveats)}
    named |= {line.source for plan in result.plans if plan.budget is not None for line in plan.budget.lines}
    named |= {refusal.source for refusal in result.refused}
    named |= {line.source for plan in result.sized for line in plan.lines}
    named |= {reason.source for plan in result.sized for reason in (*plan.reasons, *plan.caveats)}
    return {
        "request": result.request.as_dict(),
        "plans": plans,
        "sized": [sized_json(each) for each in result.sized],
        "refused": result.refused,
        "alternatives": [_alternative(each) for each in alternatives_to(result, catalog)],
        "sources": {id_: catalog.sources[id_] for id_ in sorted(filter(None, named)) if id_ in catalog.sources},
    }


def _alternative(alternative: Alternative) -> dict[str, object]:
    """A request that would be planned, by what it changes, and its best plan in short."""
    plan = alternative.plan
    return {
        "request": alternative.request.as_dict(),
        "changes": dict(alternative.changes),
        "checkpoint": plan.checkpoint.id,
        "accelerator": plan.accelerator.id,
        "count": plan.count,
        "context": plan.context,
        "largest_context": plan.largest_context,
    }


def sized_json(plan: SizedPlan) -> dict[str, object]:
    """A plan for another engine that is only sized."""
    return {
        "kind": "sized",
        "rung": plan.rung,
        "model": plan.model.id,
        "checkpoint": plan.checkpoint.id,
        "repository": plan.checkpoint.repository,
        "accelerator": plan.accelerator.id,
        "count": plan.count,
        "engine": plan.engine.id,
        "release": plan.release,
        "fits": plan.fits,
        "context": plan.context,
        "requests": plan.requests,
        "largest_context": plan.largest_context,
        "cache_type": plan.cache_type,
        "memory_bytes": plan.memory_bytes,
        "lines": plan.lines,
        "command": plan.command,
        "reasons": plan.reasons,
        "caveats": plan.caveats,
    }


def plan_json(plan: Plan | HostedPlan) -> dict[str, object]:
    """One plan."""
    if isinstance(plan, HostedPlan):
        return {
            "kind": "hosted",
            "model": plan.model.id,
            "provider": plan.provider.id,
            "offer": plan.offer,
            "context": plan.context,
            "max_output_tokens": plan.max_output_tokens,
            "price": plan.price,
            "settings": plan.settings,
            "reasons": plan.reasons,
            "caveats": plan.caveats,
        }
    return {
        "kind": "self-hosted",
        "model": plan.model.id,
        "checkpoint": plan.checkpoint.id,
        "repository": plan.checkpoint.repository,
        "accelerator": plan.accelerator.id,
        "count": plan.count,
        "nodes": plan.nodes,
        "engine": "vllm",
        "release": plan.release,
        "context": plan.context,
        "largest_context": plan.largest_context,
        "max_concurrency": plan.max_concurrency,
        "kv_cache_tokens": plan.kv_cache_tokens,
        "config": plan.config,
        "settings": plan.settings,
        "environment": plan.environment,
        "budget": budget_json(plan.budget),
        "performance": plan.performance,
        "workload": plan.workload,
        "reasons": plan.reasons,
        "caveats": plan.caveats,
    }
