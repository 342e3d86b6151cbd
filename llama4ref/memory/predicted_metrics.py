"""What should a server state at its start? The figures of a budget by metric, each between its bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.units import GIB

if TYPE_CHECKING:
    from llama4ref.memory.budget_lines import BudgetLine
    from llama4ref.memory.gpu_budget import MemoryBudget
    from llama4ref.memory.stage_budget import StageBudget

_BY_LINE = {"non_torch": "driver and libraries", "cuda_graphs_estimated": "CUDA graphs", "cuda_graphs": "CUDA graphs"}
"""Metrics that are one line of the budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedMetric:
    """One figure between its bounds, in the unit of its metric."""

    value: float
    low: float
    high: float


def predicted_metrics(budget: MemoryBudget) -> dict[str, PredictedMetric]:
    """Memory and capacity by metric, as a server states them: of the fullest GPU what is used, of the emptiest what is left.

    Capacity is of one data-parallel replica; it is left out where the budget expects nothing to be left for the KV cache.
    """
    stages = budget.stages
    return {
        "model_loading": _loading(budget),
        "peak_activation": _gib(lambda field: max(_peak(stage, field) for stage in stages)),
        **_lines(budget.lines),
        "gpu_memory_used_serving": _serving(budget),
        "available_kv_cache": _gib(lambda field: min(_left(stage, field) for stage in stages)),
        **_capacity(budget),
    }


def loaded_bytes(budget: MemoryBudget, field: str = "bytes") -> int:
    """Of the weights, and of the tables that a model makes for itself while it is loaded, on the fullest GPU."""
    return max(
        _total(stage, field, lambda line: line.place == "weights" or line.name == "RoPE table")
        for stage in budget.stages
    )


def _loading(budget: MemoryBudget) -> PredictedMetric:
    ratio = budget.loading
    return PredictedMetric(
        value=loaded_bytes(budget) * ratio.value / GIB,
        low=loaded_bytes(budget, "low") * ratio.low / GIB,
        high=loaded_bytes(budget, "high") * ratio.high / GIB,
    )


def _serving(budget: MemoryBudget) -> PredictedMetric:
    """The whole device: the share, and what lies beside it. The peak of a step comes again with requests, or not yet."""

    def used(stage: StageBudget, field: str) -> int:
        beside = _total(stage, field, lambda line: line.place == "outside")
        return stage.requested_bytes + beside - (_peak(stage, "high") if field == "low" else 0)

    return _gib(lambda field: max(used(stage, field) for stage in budget.stages))


def _total(stage: StageBudget, field: str, counts: Callable[[BudgetLine], bool]) -> int:
    return sum(int(getattr(line, field)) for line in stage.lines if counts(line))


def _peak(stage: StageBudget, field: str) -> int:
    return max((getattr(line, field) for line in stage.lines if line.place == "peak"), default=0)


def _lines(lines: Iterable[BudgetLine]) -> Mapping[str, PredictedMetric]:
    by_name = {line.name: line for line in lines}
    return {
        metric: _gib(lambda field, line=by_name[name]: getattr(line, field))  # type: ignore[misc]  # bound at once
        for metric, name in _BY_LINE.items()
        if name in by_name
    }


_LEFT = {"bytes": "used_bytes", "low": "used_at_most_bytes", "high": "used_at_least_bytes"}
"""What is used where least, or most, is left."""


def _left(stage: StageBudget, field: str) -> int:
    used: int = getattr(stage, _LEFT[field])
    return stage.requested_bytes - used


def _capacity(budget: MemoryBudget) -> Mapping[str, PredictedMetric]:
    value, low, high = (
        budget.cache.capacity([max(0, _left(stage, field)) for stage in budget.stages])
        for field in ("bytes", "low", "high")
    )
    if not value.num_blocks:
        return {}
    return {
        "kv_cache_tokens": PredictedMetric(value=value.tokens, low=low.tokens, high=high.tokens),
        "num_gpu_blocks": PredictedMetric(value=value.num_blocks, low=low.num_blocks, high=high.num_blocks),
        "max_concurrency": PredictedMetric(
            value=value.max_concurrency, low=low.max_concurrency, high=high.max_concurrency
        ),
    }


def _gib(of: Callable[[str], int]) -> PredictedMetric:
    return PredictedMetric(value=of("bytes") / GIB, low=of("low") / GIB, high=of("high") / GIB)
