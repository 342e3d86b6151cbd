"""Where does the memory of one GPU go, and what is left for the KV cache?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.memory.activation_peaks import outside_overhead, overhead_lines, peak_lines
from llama4ref.memory.attention_cache import PLATFORMS, KVCache, kv_cache
from llama4ref.memory.budget_lines import BudgetLine, exact_line
from llama4ref.memory.device_buffers import buffer_lines
from llama4ref.memory.weight_shards import Stage, Weights, weights_of

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.facts.types.models import Architecture, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBudget:
    """The memory of one GPU of the pipeline stage that has the least left, line by line, in bytes."""

    total_bytes: int
    """All memory of the GPU."""
    requested_bytes: int
    """The gpu_memory_utilization budget: the part of it that the engine takes."""
    lines: tuple[BudgetLine, ...]
    """What takes memory, KV cache not among them."""
    stage: int
    """Index of the pipeline stage."""
    cache: KVCache
    """The KV cache of the configuration."""

    @property
    def used_bytes(self) -> int:
        """Used of the budget, as expected."""
        return _taken(self.lines, "bytes")

    @property
    def used_at_most_bytes(self) -> int:
        """Used of the budget where every estimate is at its upper bound."""
        return _taken(self.lines, "high")

    @property
    def used_at_least_bytes(self) -> int:
        """Used of the budget where every estimate is at its lower bound."""
        return _taken(self.lines, "low")

    @property
    def kv_cache_bytes(self) -> int:
        """Left for the KV cache, as expected; below zero where nothing is."""
        return self.requested_bytes - self.used_bytes

    @property
    def kv_cache_at_least_bytes(self) -> int:
        """Left for the KV cache, a lower bound: a plan counts with this."""
        return self.requested_bytes - self.used_at_most_bytes

    @property
    def kv_cache_at_most_bytes(self) -> int:
        """Left for the KV cache at best."""
        return self.requested_bytes - self.used_at_least_bytes

    @property
    def outside_bytes(self) -> int:
        """Outside the budget, at most."""
        return sum(line.high for line in self.lines if line.place == "outside")

    @property
    def free_bytes(self) -> int:
        """Free outside the budget, a lower bound; below zero where the server runs out of memory after its start."""
        return self.total_bytes - self.requested_bytes - self.outside_bytes

    @property
    def host_bytes(self) -> int:
        """In the host's memory, for this GPU's process."""
        return sum(line.bytes for line in self.lines if line.place == "host")


def memory_budget(
    model: Model,
    checkpoint: Checkpoint | None,
    accelerator: Accelerator,
    serving: EngineConfig,
    behaviour: Behaviour,
    *,
    weights: Weights | None = None,
) -> MemoryBudget:
    """The budget of the GPU that has the least left.

    Args:
        model: whose architecture is known.
        checkpoint: what is stored in which format; None is the published dtype.
        accelerator: all GPUs are of this kind.
        serving: how the engine is told to serve.
        behaviour: what holds at the engine's release.
        weights: of this checkpoint in this layout, where they are at hand.

    Raises:
        RequestError: for a layout or a length that the engine refuses, with the rule and the numbers.
        UnknownFactError: where the checkpoint's coverage is not known.
    """
    cache = cache_of(model, checkpoint, serving, platform=accelerator.platform, rules=behaviour)
    stages = (weights or weights_of(model, checkpoint, serving.layout)).stages
    heaviest = max(range(len(stages)), key=lambda index: stages[index].bytes)
    lines = (
        *_weight_lines(stages[heaviest]),
        *buffer_lines(model.architecture, serving, behaviour, cache_groups=len(cache.groups), positions=cache.limit),
        *peak_lines(model.architecture, serving, behaviour),
        *overhead_lines(serving, behaviour, platform=accelerator.platform),
        outside_overhead(serving, behaviour),
    )
    return MemoryBudget(
        total_bytes=accelerator.memory_bytes,
        requested_bytes=math.ceil(accelerator.memory_bytes * serving.gpu_memory_utilization),
        lines=tuple(line for line in lines if line.high),
        stage=heaviest,
        cache=cache,
    )


def cache_of(
    model: Model, checkpoint: Checkpoint | None, serving: EngineConfig, *, platform: str, rules: Behaviour
) -> KVCache:
    """The KV cache of a server's settings, by the rules of a release; platforms that are not planned for count as CUDA."""
    return kv_cache(
        model,
        max_model_len=serving.max_model_len,
        tensor_parallel=serving.layout.tensor_parallel,
        pipeline_parallel=serving.layout.pipeline_parallel,
        cache_dtype=serving.cache_dtype,
        block_size=serving.block_size,
        max_num_batched_tokens=serving.max_num_batched_tokens,
        hybrid=serving.hybrid,
        limit=None if checkpoint is None else checkpoint.limit(model),
        rules=rules,
        platform=platform if platform in PLATFORMS else "cuda",
    )


def resized(
    budget: MemoryBudget, architecture: Architecture, serving: EngineConfig, behaviour: Behaviour
) -> MemoryBudget:
    """The same budget for another `max_model_len`: only buffers and the cache depend on it."""
    names = {
        line.name: line
        for line in buffer_lines(
            architecture, serving, behaviour, cache_groups=len(budget.cache.groups), positions=budget.cache.limit
        )
    }
    return replace(
        budget,
        lines=tuple(names.get(line.name, line) for line in budget.lines),
        cache=replace(budget.cache, max_model_len=serving.max_model_len),
    )


def _weight_lines(stage: Stage) -> Iterable[BudgetLine]:
    for component, share in stage.by_component.items():
        if share.bytes:
            yield exact_line(
                f"weights: {component}",
                "weights",
                share.bytes,
                formula=f"{share.parameters:,} parameters on this GPU",
                source="vllm-0.32.0",
            )


def _taken(lines: Iterable[BudgetLine], field: str) -> int:
    inside, peak = 0, 0
    for line in lines:
        count: int = getattr(line, field)
        if line.place == "peak":
            peak = max(peak, count)
        elif line.place in {"weights", "buffers", "overhead"}:
            inside += count
    return inside + peak
