"""The memory of a server's GPUs, line by line, and what is left for the KV cache."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.engine.estimates import EstimateScope, EstimatesFor, estimates_of, experts_format, spread_over
from llama4ref.errors import RequestError
from llama4ref.facts import catalog_of
from llama4ref.field_words import described
from llama4ref.memory.activation_peaks import peak_lines
from llama4ref.memory.attention_cache import PLATFORMS, KVCache, kv_cache
from llama4ref.memory.budget_lines import BudgetLine, exact_line
from llama4ref.memory.device_buffers import buffer_lines, length_lines, rope_line
from llama4ref.memory.draft_head import DraftBounds, draft_bounds, draft_lines, draft_rope_line
from llama4ref.memory.lora_adapters import lora_lines
from llama4ref.memory.overheads import overhead_lines
from llama4ref.memory.served_sampling import served_sampling
from llama4ref.memory.stage_budget import StageBudget
from llama4ref.memory.weight_shards import Stage, Weights, weights_of

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.engine.estimates import Estimate
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.facts.types.models import Architecture, Model


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBudget:
    """The memory of the GPUs of a server.

    Every pipeline stage has a budget of its own. Figures of one GPU are those of the stage that binds: the one whose GPUs hold the
    fewest blocks of KV cache, which all stages must have in equal number.
    """

    stages: tuple[StageBudget, ...]
    """Pipeline stages, first stage first."""
    cache: KVCache
    """The KV cache of the configuration."""
    loading: Estimate
    """What loading leaves on a GPU over the tensors of the weights and tables."""
    draft: DraftBounds | None = None
    """The draft head for speculative decoding, where there is one."""

    @property
    def binding(self) -> StageBudget:
        """The stage that holds the fewest blocks at worst."""
        if len(self.stages) == 1:
            return self.stages[0]
        return min(self.stages, key=lambda each: each.kv_cache_at_least_bytes // each.bytes_per_block)

    @property
    def stage(self) -> int:
        """Index of the stage that binds."""
        return self.binding.index

    @property
    def total_bytes(self) -> int:
        """All memory of a GPU."""
        return self.stages[0].total_bytes

    @property
    def requested_bytes(self) -> int:
        """The gpu_memory_utilization budget of a GPU."""
        return self.stages[0].requested_bytes

    @property
    def lines(self) -> tuple[BudgetLine, ...]:
        """What takes memory on the stage that binds, KV cache not among them."""
        return self.binding.lines

    @property
    def used_bytes(self) -> int:
        """Used of the gpu_memory_utilization budget, as expected."""
        return self.binding.used_bytes

    @property
    def used_at_most_bytes(self) -> int:
        """Used of it where every estimate is at its upper bound."""
        return self.binding.used_at_most_bytes

    @property
    def used_at_least_bytes(self) -> int:
        """Used of it where every estimate is at its lower bound."""
        return self.binding.used_at_least_bytes

    @property
    def kv_cache_bytes(self) -> int:
        """Left for the KV cache, as expected; below zero where nothing is."""
        return self.requested_bytes - self.used_bytes

    @property
    def kv_cache_at_least_bytes(self) -> int:
        """Left for the KV cache, a lower bound: a plan counts with this."""
        return self.binding.kv_cache_at_least_bytes

    @property
    def kv_cache_at_most_bytes(self) -> int:
        """Left for the KV cache at best."""
        return self.requested_bytes - self.used_at_least_bytes

    @property
    def outside_bytes(self) -> int:
        """Taken outside the gpu_memory_utilization budget of the fullest GPU, at most."""
        return max(stage.outside_bytes for stage in self.stages)

    @property
    def free_bytes(self) -> int:
        """Free outside it on the fullest GPU, a lower bound; below zero where the server runs out of memory after its start."""
        return min(stage.free_bytes for stage in self.stages)

    @property
    def host_bytes(self) -> int:
        """In the host's memory, for one GPU's process."""
        return sum(line.bytes for line in self.lines if line.place == "host")

    def room(self, headroom: float = 0.0) -> tuple[int, ...]:
        """What a GPU of each stage has for the KV cache at worst, less a part that is kept free; what `capacity` takes."""
        return tuple(max(0, math.floor(stage.kv_cache_at_least_bytes * (1 - headroom))) for stage in self.stages)


def memory_budget(
    model: Model,
    checkpoint: Checkpoint | None,
    accelerator: Accelerator,
    config: EngineConfig,
    behaviour: Behaviour,
    *,
    weights: Weights | None = None,
    draft: Checkpoint | str | None = None,
) -> MemoryBudget:
    """The budget of every pipeline stage.

    Args:
        model: whose architecture is known.
        checkpoint: what is stored in which format; None is the published dtype.
        accelerator: all GPUs are of this kind.
        config: how the engine is told to serve.
        behaviour: what holds at the engine's release.
        weights: of this checkpoint in this layout, where they are at hand.
        draft: the draft head for speculative decoding, or its id or repository; the configuration says how many tokens it proposes.

    Raises:
        RequestError: for a layout or a length that the engine refuses, with the rule and the numbers, or a draft head that is none
            or proposes nothing.
        UnknownFactError: where the checkpoint's coverage is not known.
    """
    bounds = None if draft is None else draft_bounds(model, draft)
    if bounds is not None and config.draft_tokens < 1:
        raise RequestError(
            f"draft_tokens: {bounds.name} proposes {config.draft_tokens} tokens in a step; give at least 1"
        )
    cache = cache_of(model, checkpoint, config, platform=accelerator.platform, rules=behaviour, draft=draft)
    held = (weights or weights_of(model, checkpoint, config.layout)).stages
    requested = math.ceil(accelerator.memory_bytes * config.gpu_memory_utilization)
    estimates = estimates_for(checkpoint, accelerator, config, behaviour)
    shared = tuple(overhead_lines(config, behaviour, estimates, platform=accelerator.platform))
    stages = []
    for stage in config.layout.pipeline(model.architecture.text.layers):
        peaks = tuple(peak_lines(model.architecture, config, behaviour, estimates, stage=stage, draft=bounds))
        lines = (
            *_weight_lines(held[stage.index]),
            *lora_lines(model.architecture, config, stage),
            *buffer_lines(
                model.architecture,
                config,
                behaviour,
                cache=cache,
                stage=stage,
            ),
            *(draft_lines(bounds, model.architecture, config, behaviour) if bounds and stage.last else ()),
            *peaks,
            *shared,
            *(served_sampling(model.architecture, config, estimates, profiled=peaks) if stage.last else ()),
        )
        stages.append(
            StageBudget(
                index=stage.index,
                total_bytes=accelerator.memory_bytes,
                requested_bytes=requested,
                bytes_per_block=cache.stages[stage.index].bytes_per_block,
                lines=tuple(line for line in lines if line.high),
            )
        )
    return MemoryBudget(stages=tuple(stages), cache=cache, loading=estimates.of("memory.loading"), draft=bounds)


def estimates_for(
    checkpoint: Checkpoint | None, accelerator: Accelerator, config: EngineConfig, behaviour: Behaviour
) -> EstimatesFor:
    """The estimates of memory that hold for a configuration, of the catalogue that the accelerator is from."""
    where = EstimateScope(
        release=behaviour.release,
        accelerator=accelerator,
        gpus=spread_over(config.layout),
        experts=experts_format(checkpoint),
    )
    return estimates_of(catalog_of(accelerator), "vllm", where)


_kept_cache = functools.lru_cache(maxsize=1024)(kv_cache)
"""Kept, as all checkpoints of a model have the same one in a layout."""


def cache_of(
    model: Model,
    checkpoint: Checkpoint | None,
    config: EngineConfig,
    *,
    platform: str,
    rules: Behaviour,
    draft: Checkpoint | str | None = None,
) -> KVCache:
    """The KV cache of a server's settings, by the rules of a release; platforms that are not planned for count as CUDA."""
    return _kept_cache(
        model,
        max_model_len=config.max_model_len,
        tensor_parallel=config.layout.tensor_parallel,
        pipeline_parallel=config.layout.pipeline_parallel,
        cache_dtype=config.cache_dtype,
        block_size=config.block_size,
        max_num_batched_tokens=config.max_num_batched_tokens,
        hybrid=config.hybrid,
        limit=_positions(model, checkpoint, config),
        rules=rules,
        platform=platform if platform in PLATFORMS else "cuda",
        draft=draft,
    )


def _positions(model: Model, checkpoint: Checkpoint | None, config: EngineConfig) -> int | None:
    """Positions that a server has; None are those of the instruct checkpoints."""
    if config.rope_positions is not None or checkpoint is None:
        return config.rope_positions
    return checkpoint.limit(model)


def resized(
    budget: MemoryBudget, config: EngineConfig, behaviour: Behaviour, architecture: Architecture
) -> MemoryBudget:
    """The budget of a server with all of its checkpoint's positions, for another `max_model_len`, part of memory or RoPE table.

    Only a few tables, token ids and the cache depend on them.
    """
    cache = replace(budget.cache, max_model_len=config.max_model_len, limit=config.rope_positions or budget.cache.limit)
    changed = {line.name: line for line in length_lines(config, behaviour, cache_groups=len(cache.groups))}
    if config.rope_positions is not None:
        rope = rope_line(architecture, config, positions=cache.limit)
        changed[rope.name] = rope
    if budget.draft is not None:
        table = draft_rope_line(budget.draft, config, behaviour)
        changed[table.name] = table
    requested = math.ceil(budget.total_bytes * config.gpu_memory_utilization)
    stages = tuple(
        replace(stage, requested_bytes=requested, lines=tuple([changed.get(line.name, line) for line in stage.lines]))
        for stage in budget.stages
    )
    return replace(budget, stages=stages, cache=cache)


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
