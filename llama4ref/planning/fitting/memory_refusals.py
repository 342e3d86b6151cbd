"""Why does a candidate not fit, with the lines of its budget that leave too little, and what would lift it?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llama4ref.engine.layout import tensor_parallel_sizes
from llama4ref.planning.fitting.budgets import weights_held
from llama4ref.planning.outcomes import Refusal
from llama4ref.units import format_bytes
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.catalog import Catalog
    from llama4ref.memory.budget_lines import BudgetLine
    from llama4ref.memory.gpu_budget import MemoryBudget
    from llama4ref.memory.weight_shards import Weights
    from llama4ref.planning.fitting.candidates import Candidate
    from llama4ref.planning.fitting.demand import Demand
    from llama4ref.planning.fitting.lifting import Changes

LARGEST_NAMED = 3
"""Lines of a budget that a refusal names."""
_FRUGAL = ", with the settings left open at their most frugal"


def too_large_weights(
    catalog: Catalog, candidate: Candidate, config: EngineConfig, weights: Weights, *, options: Sequence[Changes] = ()
) -> Refusal:
    """The weights alone exceed the part of a GPU's memory that the engine takes."""
    memory, part = candidate.accelerator.memory_bytes, config.gpu_memory_utilization
    budget = math.ceil(memory * part)
    return Refusal(
        subject=str(candidate),
        rule="weights-too-large",
        numbers=f"weights take {format_bytes(weights.largest.bytes)} a GPU, gpu_memory_utilization ({part:g}) of its "
        f"{format_bytes(memory)} is {format_bytes(budget)}",
        instead=_in_words(options) or _enough_gpus(catalog, candidate, budget),
        changes=options[0] if options else (),
    )


def _enough_gpus(catalog: Catalog, candidate: Candidate, budget: int) -> str | None:
    """The fewest GPUs of the kind that hold the weights, by tensor parallel alone."""
    for tensor in tensor_parallel_sizes(candidate.model.architecture):
        layout = replace(candidate.layout, tensor_parallel=tensor, pipeline_parallel=1, data_parallel=1)
        if weights_held(catalog, candidate.model, candidate.checkpoint, layout).largest.bytes <= budget:
            return f"{tensor} of them hold the weights"
    return None


def not_enough(
    candidate: Candidate, budget: MemoryBudget, demand: Demand, *, options: Sequence[Changes], frugal: bool
) -> Refusal:
    """What is asked for does not fit, or not so often at once.

    Args:
        candidate: what was tried.
        budget: with the settings that come nearest.
        demand: what is asked for.
        options: changes of the request that lift it, the first of which the refusal carries.
        frugal: whether these settings are not those that were asked for or are the engine's own.
    """
    rule, numbers = shortage_of(budget, demand)
    return Refusal(
        subject=str(candidate),
        rule=rule,
        numbers=numbers + (_FRUGAL if frugal else ""),
        instead=_in_words(options),
        changes=options[0] if options else (),
    )


def shortage_of(budget: MemoryBudget, demand: Demand) -> tuple[str, str]:
    """The rule that a budget breaks, and its numbers."""
    if budget.kv_cache_at_least_bytes <= 0:
        return "nothing-left-for-kv-cache", _nothing_left(budget)
    if budget.free_bytes < 0:
        return "buffers-beside-the-cache", _too_much_outside(budget)
    if demand.starts(budget):
        return "concurrency", _too_few(budget, demand)
    return "kv-cache-too-small", _cache_too_small(budget, demand)


def _nothing_left(budget: MemoryBudget) -> str:
    others = [line for line in budget.lines if line.place not in {"outside", "host", "weights"}]
    weights = sum(line.bytes for line in budget.lines if line.place == "weights")
    return (
        f"weights ({format_bytes(weights)}), {_named(others)} and the rest take up to "
        f"{format_bytes(budget.used_at_most_bytes)} of {format_bytes(budget.requested_bytes)}"
    )


def _too_much_outside(budget: MemoryBudget) -> str:
    outside = [line for line in budget.lines if line.place == "outside"]
    there = format_bytes(budget.total_bytes - budget.requested_bytes)
    return (
        f"outside the gpu_memory_utilization budget {_named(outside)} take up to {format_bytes(budget.outside_bytes)}, "
        f"{there} is there"
    )


def _cache_too_small(budget: MemoryBudget, demand: Demand) -> str:
    stage, cache, requests = budget.binding, budget.cache, demand.of_full_length.concurrency
    need = format_bytes(requests * stage.bytes_per_block * cache.blocks_per_request)
    who = "a request" if requests == 1 else f"{requests:,} requests at once"
    return (
        f"{who} of {counted(cache.max_model_len, 'token')} need{'s' if requests == 1 else ''} {need} of KV cache a GPU, "
        f"{format_bytes(budget.room(demand.headroom)[stage.index])} is left at least"
    )


def _too_few(budget: MemoryBudget, demand: Demand) -> str:
    held = demand.held(budget)
    fit = "fits" if held == 1 else "fit"
    tokens = counted(demand.counted(budget), "token")
    return f"{counted(held, 'request')} of {tokens} {fit} at once on a replica, {demand.concurrency:,} asked for"


def _named(lines: Iterable[BudgetLine]) -> str:
    """The largest lines, with their upper bounds."""
    largest = sorted(lines, key=lambda line: -line.high)[:LARGEST_NAMED]
    return ", ".join(f"{line.name} ({format_bytes(line.high)})" for line in largest)


def _in_words(options: Sequence[Changes]) -> str | None:
    """What would lift a refusal, in words; None where nothing does.

    Examples:
        >>> _in_words(((("max_num_seqs", 256),), (("gpu_memory_utilization", 0.84),), (("context", 4490880),)))
        'up to 4,490,880 tokens fit; max_num_seqs 256 or gpu_memory_utilization 0.84 would do'
    """
    lengths = [
        f"up to {counted(int(each[0][1]), 'token fits', 'tokens fit')}" for each in options if each[0][0] == "context"
    ]
    others = [" with ".join(_named_value(*change) for change in each) for each in options if each[0][0] != "context"]
    would = [f"{' or '.join(others)} would do"] if others else []
    return "; ".join(lengths + would) or None


def _named_value(name: str, value: float) -> str:
    if isinstance(value, bool):
        return name
    return f"{name} {value:,g}" if value < 1 else f"{name} {value:,}"
