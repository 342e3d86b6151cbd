"""The memory budget of a candidate with given settings, at any length, and the longest request that fits.

Answers are kept, as planning asks for the same ones again and again; they are frozen and hold nothing that can be changed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from llama4ref.memory.gpu_budget import MemoryBudget, memory_budget, resized
from llama4ref.memory.weight_shards import Weights, weights_of

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.engine.layout import Layout
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.facts.types.models import Model
    from llama4ref.planning.fitting.candidates import Candidate
    from llama4ref.planning.fitting.demand import Demand


@functools.lru_cache(maxsize=4096)
def weights_held(catalog: Catalog, model: Model, checkpoint: Checkpoint, layout: Layout) -> Weights:
    """Weights of every pipeline stage."""
    return weights_of(model, checkpoint, layout, formats=catalog.formats)


@functools.lru_cache(maxsize=8192)
def budget_of(catalog: Catalog, candidate: Candidate, behaviour: Behaviour, config: EngineConfig) -> MemoryBudget:
    """The budget of a candidate with settings."""
    longest = replace(config, max_model_len=candidate.limit, gpu_memory_utilization=1.0, rope_positions=None)
    return resized(_longest(catalog, candidate, behaviour, longest), config, behaviour, candidate.model.architecture)


def with_part(budget: MemoryBudget, part: float) -> MemoryBudget:
    """The same budget where the engine takes another part of a GPU's memory."""
    requested = math.ceil(budget.total_bytes * part)
    return replace(budget, stages=tuple(replace(stage, requested_bytes=requested) for stage in budget.stages))


@functools.lru_cache(maxsize=4096)
def _longest(catalog: Catalog, candidate: Candidate, behaviour: Behaviour, config: EngineConfig) -> MemoryBudget:
    """The budget at the checkpoint's own limit and all of the memory, from which those of other lengths and parts follow."""
    weights = weights_held(catalog, candidate.model, candidate.checkpoint, candidate.layout)
    return memory_budget(
        candidate.model,
        candidate.checkpoint,
        candidate.accelerator,
        config,
        behaviour,
        weights=weights,
        draft=candidate.draft,
    )


@functools.lru_cache(maxsize=4096)
def largest_context(
    catalog: Catalog, candidate: Candidate, behaviour: Behaviour, config: EngineConfig, demand: Demand
) -> int:
    """The longest request for which a demand of the full length is met, in tokens; 0 where none does.

    The `max_model_len` of the configuration does not matter. A RoPE table that was shortened is as long as the request.

    Buffers grow with the length in proportion, so memory left is a straight line between the shortest and the longest. The
    answer lies near where it meets the cache's need, and is found from there by budgets made in full.
    """
    limit = candidate.limit

    def at(length: int) -> MemoryBudget:
        return budget_of(catalog, candidate, behaviour, config.with_length(length))

    def fits(length: int) -> bool:
        return length <= limit and demand.met(at(length))

    if fits(limit):
        return limit
    short = at(1)
    if short.kv_cache_at_least_bytes <= 0 or short.free_bytes < 0:
        return 0
    block = short.cache.block_size
    whole = block * _last_that_fits(lambda blocks: fits(blocks * block), _guess(short, at(limit), demand) // block)
    if not fits(whole + 1):
        return whole
    return whole + _last_that_fits(lambda tokens: fits(whole + tokens), 1)


def _guess(short: MemoryBudget, long: MemoryBudget, demand: Demand) -> int:
    """Where the straight lines of memory left meet the need, by halving."""
    limit, cache = long.cache.max_model_len, short.cache
    span = max(1, limit - 1)
    rooms = zip(short.room(demand.headroom), long.room(demand.headroom), short.stages, strict=True)
    lines = [(left, (left - least) / span, stage.bytes_per_block) for left, least, stage in rooms]
    fall = (short.free_bytes - long.free_bytes) / span
    low, high = 0, limit
    while high - low > 1:
        middle = (low + high) // 2
        blocks = min((left - slope * middle) // block for left, slope, block in lines)
        if blocks > demand.concurrency * cache.blocks_at(middle) and short.free_bytes >= fall * middle:
            low = middle
        else:
            high = middle
    return low


def _last_that_fits(fits: Callable[[int], bool], guess: int) -> int:
    """The largest count that fits, from a guess near it by steps that double, then by halving; 0 fits always."""
    low, high, step = guess, guess + 1, 1
    while low > 0 and not fits(low):
        low, high, step = max(0, low - step), low, 2 * step
    while fits(high):
        low, high, step = high, high + step, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
