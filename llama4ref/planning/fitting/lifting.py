"""Nothing that nobody asked for makes a candidate fit: which smallest change of what was asked for does?

Each change is of one wish alone, beside whatever else was left open, and the next value nearer to the wish does not fit. Where no
wish alone does, several settings are changed together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.planning.fitting.lever_search import FEWEST_TOKENS, powers_below
from llama4ref.planning.fitting.levers import LEVERS, LEVERS_ASKED, levers_between

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.planning.fitting.demand import Demand
    from llama4ref.planning.fitting.lever_search import LeverSearch
    from llama4ref.planning.fitting.levers import LeverName

Changes = tuple[tuple[str, float], ...]
"""Fields of the request with the values that lift a refusal."""


@dataclass(frozen=True, slots=True)
class Lifting:
    """Changes of a request that make a candidate fit."""

    search: LeverSearch
    """Among the settings that nobody asked for."""
    pinned: frozenset[LeverName]
    """Settings that were asked for."""
    concurrency_is_asked: bool

    def by_settings(self) -> tuple[Changes, ...]:
        """Each setting that was asked for with the nearest value that fits, or several together; nothing where none do."""
        alone = tuple(((name, value),) for name in LEVERS for value in self._nearest(name))
        return alone or self._together()

    def by_wishes(self) -> Iterator[Changes]:
        """A shorter context, or fewer requests at once, as near as fits."""
        demand, start = self.search.demand, self.search.start
        context = demand.longest
        if context is not None and context > demand.least:
            frugal = self.search.most_frugal()
            most = _last(lambda tokens: self.search.holds(frugal.with_length(tokens)), demand.least - 1, context)
            if most >= demand.least:
                yield (("context", most),)
        if self.concurrency_is_asked and demand.concurrency > 1:
            most = _last(self._holds_requests, 0, demand.concurrency)
            if most:
                yield (("concurrency", most * start.layout.data_parallel),)

    def _nearest(self, name: LeverName) -> Iterator[float]:
        """The nearest value of a setting that was asked for with which the others hold; nothing where none does."""
        if name not in self.pinned or name == "enforce_eager":
            return
        if name == "gpu_memory_utilization":
            yield from self._part()
            return
        start = self.search.start
        values = powers_below(getattr(start, name), self._least(name))
        place = _last(lambda index: not self._holds(_with(start, name, values[index - 1])), 0, len(values) + 1)
        yield from values[place : place + 1]

    def _least(self, name: LeverName) -> int:
        """The smallest value of a batch setting: every request has its place, and its token of each step."""
        if name == "max_num_seqs":
            return self.search.demand.concurrency if self.concurrency_is_asked else 1
        return max(FEWEST_TOKENS, self.search.start.max_num_seqs if "max_num_seqs" in self.pinned else 1)

    def _part(self) -> Iterator[float]:
        """The part of memory nearest to the one asked for."""
        search = replace(self.search, may_change=self.search.may_change | {"gpu_memory_utilization"})
        found = search.fitting(search.most_frugal())
        if found is not None:
            yield found.gpu_memory_utilization

    def _together(self) -> tuple[Changes, ...]:
        """Several settings, where none alone is enough."""
        pinned = self.pinned - ({"max_num_seqs"} if self.concurrency_is_asked else set())
        found = replace(self.search, may_change=self.search.may_change | pinned).smallest_change()
        if found is None:
            return ()
        changed = levers_between(self.search.start, found)
        return (tuple((each.name, each.value) for each in changed if each.name in LEVERS_ASKED),)

    def _holds(self, start: EngineConfig) -> bool:
        """Whether other settings to start from hold what is asked for."""
        return _holds(self.search, start, self.search.demand)

    def _holds_requests(self, count: int) -> bool:
        """Whether so many requests at once are held; they are the batch, where nothing else is said of it."""
        start, demand = self.search.start, self.search.demand
        batch = count if start.max_num_seqs == demand.concurrency else start.max_num_seqs
        return _holds(self.search, replace(start, max_num_seqs=batch), replace(demand, concurrency=count))


def _holds(search: LeverSearch, start: EngineConfig, demand: Demand) -> bool:
    other = replace(search, start=start, demand=demand)
    return other.holds(other.most_frugal())


def _with(start: EngineConfig, name: LeverName, value: int) -> EngineConfig:
    changed = replace(start, **{name: value})  # type: ignore[arg-type]  # the names are those of the configuration
    return replace(changed, max_num_seqs=min(changed.max_num_seqs, changed.max_num_batched_tokens))


def _last(fits: Callable[[int], bool], low: int, high: int) -> int:
    """The last whole number above `low` and below `high` that fits, where all before it do; `low` where none does."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
