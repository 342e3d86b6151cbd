"""Which smallest change of the engine's settings makes a candidate fit?

The search asks only whether a demand is met, by a budget made in full. It relies on one thing: fewer requests, fewer tokens a step, a
shorter RoPE table and no CUDA graphs never take more memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.planning.fitting.budgets import with_part
from llama4ref.planning.fitting.levers import Reach

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.types.engines import Engine
    from llama4ref.memory.gpu_budget import MemoryBudget
    from llama4ref.planning.fitting.demand import Demand
    from llama4ref.planning.fitting.levers import LeverName

BudgetOf = Callable[["EngineConfig"], "MemoryBudget"]
FEWEST_TOKENS = 256
"""Smallest step that is tried: in one of fewer tokens the GPU reads all weights for next to nothing."""
_STEP = 100
"""`gpu_memory_utilization` is chosen in hundredths."""


@dataclass(frozen=True, slots=True)
class LeverSearch:
    """A search for settings that fit, from those that do not."""

    start: EngineConfig
    demand: Demand
    budget_of: BudgetOf
    may_change: frozenset[LeverName]
    engine: Engine

    def smallest_change(self, reach: Reach = Reach.EAGER) -> EngineConfig | None:
        """The configuration that fits and costs least, within a reach; None where none fits.

        Each value that it changes is the nearest to the one before that fits with the others.
        """
        if not self.holds(self.most_frugal(reach)):
            return None
        mild = [self._with(seqs=count) for count in self.fewer_requests(Reach.MILD)]
        found = self._gentlest(mild, part_is_open=False)
        if found is not None:
            return found
        for ladder in self._ladders(mild, reach):
            found = self._gentlest(ladder)
            if found is not None:
                return self._nearest(found)
        return None

    def most_frugal(self, reach: Reach = Reach.EAGER) -> EngineConfig:
        """The settings within a reach that leave most memory, but for the part of it."""
        config = self._shortened() if reach >= Reach.TABLE else self.start
        if reach >= Reach.EAGER and "enforce_eager" in self.may_change:
            config = replace(config, enforce_eager=True)
        seqs = self.fewer_requests(reach)
        tokens = self.fewer_tokens() if reach >= Reach.SMALL else []
        return _batch(
            config,
            seqs=seqs[-1] if seqs else config.max_num_seqs,
            tokens=tokens[-1] if tokens else config.max_num_batched_tokens,
        )

    def holds(self, config: EngineConfig) -> bool:
        """Whether the demand is met with some part of memory: the largest that may be taken, or else none."""
        return self.demand.met(self.roomiest(config)[1])

    def roomiest(self, config: EngineConfig) -> tuple[EngineConfig, MemoryBudget]:
        """The settings with the largest part of memory that leaves room for what lies outside it, and their budget.

        Where the part may not be changed it stays.
        """
        budget = self.budget_of(config)
        most = math.floor((budget.total_bytes - budget.outside_bytes) / budget.total_bytes * _STEP)
        if "gpu_memory_utilization" not in self.may_change or most < 1:
            return config, budget
        part = most / _STEP
        return replace(config, gpu_memory_utilization=part), with_part(budget, part)

    def fitting(self, config: EngineConfig, *, part_is_open: bool = True) -> EngineConfig | None:
        """The settings with the part of memory nearest to the one they have that fits, or None."""
        if self.demand.met(self.budget_of(config)):
            return config
        if not part_is_open or "gpu_memory_utilization" not in self.may_change:
            return None
        roomiest, most = self.roomiest(config)
        if not self.demand.met(most):
            return None
        low, high = (round(each.gpu_memory_utilization * _STEP) for each in (config, roomiest))
        while high - low > 1:
            middle = (low + high) // 2
            met = self.demand.met(self.budget_of(replace(config, gpu_memory_utilization=middle / _STEP)))
            low, high = (low, middle) if met else (middle, high)
        return replace(config, gpu_memory_utilization=high / _STEP)

    def fewer_requests(self, reach: Reach) -> list[int]:
        """Smaller powers of two of `max_num_seqs` within a reach, where it may be changed."""
        if "max_num_seqs" not in self.may_change or reach < Reach.MILD:
            return []
        least = self._least_default("max-num-seqs") if reach < Reach.SMALL else 1
        return powers_below(self.start.max_num_seqs, least)

    def fewer_tokens(self) -> list[int]:
        """Smaller powers of two of `max_num_batched_tokens`, where it may be changed; a step holds a token of every request."""
        if "max_num_batched_tokens" not in self.may_change:
            return []
        requests = 1 if "max_num_seqs" in self.may_change else self.start.max_num_seqs
        return powers_below(self.start.max_num_batched_tokens, max(FEWEST_TOKENS, requests))

    def _ladders(self, mild: Sequence[EngineConfig], reach: Reach) -> Iterator[Sequence[EngineConfig]]:
        """Settings from gentle to frugal, with another part of memory where needed; each ladder costs more than the one before."""
        yield [self.start]
        yield mild
        if reach < Reach.TABLE:
            return
        short = self._shortened()
        if short != self.start:
            yield [short]
            yield [replace(each, rope_positions=short.rope_positions) for each in mild]
        if reach >= Reach.SMALL:
            yield from self._smaller(short)
        if reach >= Reach.EAGER and "enforce_eager" in self.may_change:
            eager = replace(short, enforce_eager=True)
            yield [eager]
            yield from self._smaller(eager)

    def _smaller(self, config: EngineConfig) -> Iterator[Sequence[EngineConfig]]:
        """Fewer requests, fewer tokens a step, then both."""
        seqs, tokens = self.fewer_requests(Reach.SMALL), self.fewer_tokens()
        yield [_batch(config, seqs=count, tokens=config.max_num_batched_tokens) for count in seqs]
        yield [_batch(config, seqs=config.max_num_seqs, tokens=count) for count in tokens]
        yield [_batch(config, seqs=seqs[-1], tokens=count) for count in tokens if seqs]

    def _nearest(self, found: EngineConfig) -> EngineConfig:
        """The same with each setting as near to its start as the others leave room for, the dearest first."""
        start = self.start
        found = replace(found, gpu_memory_utilization=start.gpu_memory_utilization)
        tokens = [start.max_num_batched_tokens, *self.fewer_tokens()]
        ladder = [
            replace(found, max_num_batched_tokens=count) for count in tokens if count >= found.max_num_batched_tokens
        ]
        found = replace(self._gentlest(ladder) or found, gpu_memory_utilization=start.gpu_memory_utilization)
        seqs = [start.max_num_seqs, *self.fewer_requests(Reach.SMALL)]
        ladder = [
            replace(found, max_num_seqs=count)
            for count in seqs
            if found.max_num_seqs <= count <= found.max_num_batched_tokens
        ]
        found = self._gentlest(ladder) or found
        whole = replace(found, rope_positions=start.rope_positions, gpu_memory_utilization=start.gpu_memory_utilization)
        return self.fitting(whole) or found

    def _shortened(self) -> EngineConfig:
        """The settings to start from with a RoPE table of the longest request's positions, where it may be changed."""
        if "rope_positions" not in self.may_change:
            return self.start
        return replace(self.start, rope_positions=self.start.max_model_len)

    def _with(self, *, seqs: int) -> EngineConfig:
        return _batch(self.start, seqs=seqs, tokens=self.start.max_num_batched_tokens)

    def _least_default(self, flag: str) -> int:
        """The smallest value that the engine takes by itself on any GPU."""
        values = [row.value for row in self.engine.hardware_defaults if row.flag == flag and row.platform != "cpu"]
        return min(values, default=1)

    def _gentlest(self, ladder: Sequence[EngineConfig], *, part_is_open: bool = True) -> EngineConfig | None:
        """The gentlest settings of a ladder that fit; each leaves more memory than the one before."""
        found = self.fitting(ladder[-1], part_is_open=part_is_open) if ladder else None
        if found is None:
            return None
        low, high = -1, len(ladder) - 1
        while high - low > 1:
            middle = (low + high) // 2
            here = self.fitting(ladder[middle], part_is_open=part_is_open)
            low, high, found = (low, middle, here) if here is not None else (middle, high, found)
        return found


def _batch(config: EngineConfig, *, seqs: int, tokens: int) -> EngineConfig:
    """A batch of so many tokens, with a token of every request."""
    return replace(config, max_num_seqs=min(seqs, tokens), max_num_batched_tokens=tokens)


def powers_below(value: int, least: int) -> list[int]:
    """Powers of two below a value, largest first, and none below the least.

    Examples:
        >>> powers_below(1024, 256), powers_below(1000, 256), powers_below(256, 256)
        ([512, 256], [512, 256], [])
    """
    powers = (1 << exponent for exponent in reversed(range((value - 1).bit_length())))
    return [power for power in powers if power >= least]
