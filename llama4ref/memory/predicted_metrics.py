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

LOADING_SPREAD = 0.01
"""How far the memory that loading takes may lie from that of the tensors, as a share: the logged starts of Llama 4 lie within a
thousandth of it, and kernels that keep their weights in another shape round each of them up."""
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
        "model_loading": _spread(max(_loaded_bytes(stage) for stage in stages) / GIB, LOADING_SPREAD),
        "peak_activation": _gib(lambda field: max(_peak(stage, field) for stage in stages)),
        **_lines(budget.lines),
        "available_kv_cache": _gib(lambda field: min(_left(stage, field) for stage in stages)),
        **_capacity(budget),
    }


def _loaded_bytes(stage: StageBudget) -> int:
    """Of the weights, and of the tables that a model makes for itself while it is loaded."""
    return sum(line.bytes for line in stage.lines if line.place == "weights" or line.name == "RoPE table")


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


def _spread(value: float, share: float) -> PredictedMetric:
    return PredictedMetric(value=value, low=value * (1 - share), high=value * (1 + share))
