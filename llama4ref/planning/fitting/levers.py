"""Which smallest change of the engine's settings makes a candidate fit?

Four settings trade something else for memory. The cheapest are tried first: fewer requests in a batch, as long as they stay as many
as some default of the engine; then another part of the GPU's memory; then smaller batches still; CUDA graphs are given up last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.types.engines import Engine
    from llama4ref.memory.gpu_budget import MemoryBudget
    from llama4ref.planning.fitting.demand import Demand
    from llama4ref.planning.request import PlanRequest

LeverName = Literal["max_num_seqs", "gpu_memory_utilization", "max_num_batched_tokens", "enforce_eager"]
LEVERS: tuple[LeverName, ...] = get_args(LeverName)
BudgetOf = Callable[["EngineConfig"], "MemoryBudget"]
_STEP = 100
"""`gpu_memory_utilization` is chosen in hundredths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """A setting that is changed so that a candidate fits."""

    name: LeverName
    was: float
    value: float

    def __str__(self) -> str:
        if self.name == "enforce_eager":
            return "enforce_eager"
        return f"{self.name} {self.value:g}" if self.name == "gpu_memory_utilization" else f"{self.name} {self.value:,}"


def open_levers(request: PlanRequest) -> frozenset[LeverName]:
    """Levers that the request leaves to the planner; requests at once are asked for with `concurrency` too.

    CUDA graphs are given up only where that is asked for: decoding without them is several times slower.
    """
    asked: dict[LeverName, object] = {
        "max_num_seqs": request.max_num_seqs or request.concurrency,
        "gpu_memory_utilization": request.gpu_memory_utilization,
        "max_num_batched_tokens": request.max_num_batched_tokens,
    }
    return frozenset(name for name, value in asked.items() if value is None)


def levers_of(request: PlanRequest) -> frozenset[LeverName]:
    """Levers that a person could move although they asked for something else; not those that `concurrency` sets."""
    return frozenset(LEVERS) - ({"max_num_seqs"} if request.concurrency else frozenset())


def levers_between(before: EngineConfig, after: EngineConfig) -> tuple[Lever, ...]:
    """What was changed."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in LEVERS)
    return tuple(Lever(name=name, was=was, value=value) for name, was, value in pairs if was != value)


@dataclass(frozen=True, slots=True)
class LeverSearch:
    """A search for settings that fit, from those that do not."""

    start: EngineConfig
    demand: Demand
    budget_of: BudgetOf
    may_change: frozenset[LeverName]
    engine: Engine

    def smallest_change(self) -> EngineConfig | None:
        """The configuration that fits and costs least; None where none fits."""
        if self._fitting(self._most_frugal()) is None:
            return None
        usual = self._least_default("max-num-seqs")
        mild = [self._with(max_num_seqs=count) for count in self._fewer("max_num_seqs") if count >= usual]
        found = self._first_on(mild, part_is_open=False)
        if found is not None:
            return found
        for ladder in self._ladders():
            found = self._first_on(ladder)
            if found is not None:
                return self._with_more_requests(found)
        return None

    def _ladders(self) -> Iterator[Sequence[EngineConfig]]:
        """Settings from gentle to frugal, with another part of memory where needed; each ladder costs more than the one before."""
        start, seqs, batched = self.start, self._fewer("max_num_seqs"), self._fewer("max_num_batched_tokens")
        yield [start]
        yield [self._with(max_num_seqs=count) for count in seqs]
        yield [self._with(max_num_batched_tokens=count) for count in batched]
        fewest = seqs[-1] if seqs else start.max_num_seqs
        yield [self._with(max_num_seqs=fewest, max_num_batched_tokens=count) for count in batched]
        if "enforce_eager" in self.may_change and not start.enforce_eager:
            yield [replace(start, enforce_eager=True)]
            yield [self._with(max_num_seqs=count, enforce_eager=True) for count in seqs]
            yield [self._most_frugal()]

    def _most_frugal(self) -> EngineConfig:
        """The settings that leave most memory."""
        seqs, batched = self._fewer("max_num_seqs"), self._fewer("max_num_batched_tokens")
        return self._with(
            max_num_seqs=seqs[-1] if seqs else self.start.max_num_seqs,
            max_num_batched_tokens=batched[-1] if batched else self.start.max_num_batched_tokens,
            enforce_eager=self.start.enforce_eager or "enforce_eager" in self.may_change,
        )

    def _with(self, **changes: int) -> EngineConfig:
        """The start with some settings changed; a step holds a token of every request."""
        changed = replace(self.start, **changes)  # type: ignore[arg-type]  # the names are those of the configuration
        return replace(changed, max_num_seqs=min(changed.max_num_seqs, changed.max_num_batched_tokens))

    def _fewer(self, name: LeverName) -> list[int]:
        """Smaller values of a batch setting, each half of the one before, where it may be changed."""
        if name not in self.may_change:
            return []
        least = 1 if name == "max_num_seqs" else self._least_default("max-num-batched-tokens")
        if name == "max_num_batched_tokens" and "max_num_seqs" not in self.may_change:
            least = max(least, self.start.max_num_seqs)
        value: int = getattr(self.start, name)
        values = []
        while value // 2 >= least:
            value //= 2
            values.append(value)
        return values

    def _least_default(self, flag: str) -> int:
        """The smallest value that the engine takes by itself on any GPU."""
        values = [row.value for row in self.engine.hardware_defaults if row.flag == flag and row.platform != "cpu"]
        return min(values, default=1)

    def _first_on(self, ladder: Sequence[EngineConfig], *, part_is_open: bool = True) -> EngineConfig | None:
        """The gentlest settings of a ladder that fit; each leaves more memory than the one before."""
        found = self._fitting(ladder[-1], part_is_open=part_is_open) if ladder else None
        if found is None:
            return None
        low, high = -1, len(ladder) - 1
        while high - low > 1:
            middle = (low + high) // 2
            here = self._fitting(ladder[middle], part_is_open=part_is_open)
            low, high, found = (low, middle, here) if here is not None else (middle, high, found)
        return found

    def _with_more_requests(self, found: EngineConfig) -> EngineConfig:
        """The same, with as many requests as other changes leave room for."""
        counts = [self.start.max_num_seqs, *self._fewer("max_num_seqs")]
        ladder = [
            replace(found, max_num_seqs=count)
            for count in counts
            if found.max_num_seqs <= count <= found.max_num_batched_tokens
        ]
        return self._first_on(ladder) or found

    def _fitting(self, config: EngineConfig, *, part_is_open: bool = True) -> EngineConfig | None:
        """The settings with the part of memory nearest to the one they have that fits, or None."""
        budget = self.budget_of(config)
        if self.demand.met(budget):
            return config
        if not part_is_open or "gpu_memory_utilization" not in self.may_change:
            return None
        most = math.floor((budget.total_bytes - budget.outside_bytes) / budget.total_bytes * _STEP)
        now = config.gpu_memory_utilization * _STEP
        parts = [most] if most < now else list(range(math.floor(now) + 1, most + 1))
        return self._least_part(config, parts)

    def _least_part(self, config: EngineConfig, parts: Sequence[int]) -> EngineConfig | None:
        """The first of growing parts that holds the demand."""
        low, high = -1, len(parts) - 1
        if not parts or parts[-1] < 1 or not self._met_at(config, parts[-1]):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._met_at(config, parts[middle]) else (middle, high)
        return replace(config, gpu_memory_utilization=parts[high] / _STEP)

    def _met_at(self, config: EngineConfig, part: int) -> bool:
        return self.demand.met(self.budget_of(replace(config, gpu_memory_utilization=part / _STEP)))
