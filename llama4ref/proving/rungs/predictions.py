"""What is predicted of a plan's configuration on each rung, and in which precision can the rung show it?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llama4ref.errors import ProofError
from llama4ref.facts import catalog_of
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.memory.predicted_metrics import predicted_metrics
from llama4ref.proving.rungs.full_size import HYBRID, Configuration
from llama4ref.units import GIB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.memory.attention_cache import KVCache
    from llama4ref.memory.gpu_budget import MemoryBudget
    from llama4ref.planning.outcomes import Plan
    from llama4ref.proving.model_files.architecture_files import JsonValue
    from llama4ref.proving.verdict import Number

PREDICTED = ("model_loading", "available_kv_cache", "kv_cache_tokens", "num_gpu_blocks", "max_concurrency")
"""What a full-size proof predicts of the server's log: the sums, whose parts are only estimates."""
MINIATURE_CACHE_LIMIT = 4 * GIB
"""Most KV cache that a miniature is given: it must fit beside other work on a small machine."""


def predicted_capacity(cache: KVCache, available: int | Sequence[int]) -> dict[str, Number]:
    """What the engine's own planner should answer for an amount of memory."""
    capacity = cache.capacity(available)
    largest: dict[str, Number] = {
        "fits": capacity.fits,
        "largest_max_model_len": cache.largest_max_model_len(available),
    }
    if not capacity.fits:
        return largest
    return {
        **largest,
        "num_gpu_blocks": capacity.num_blocks,
        "kv_cache_tokens": capacity.tokens,
        "max_concurrency": capacity.max_concurrency,
    }


def miniature_cache_bytes(plan: Plan, cache: KVCache) -> tuple[int, str]:
    """Bytes of the miniature's KV cache: room for the plan's tokens where a small machine can give it; and that in words."""
    planned = plan.budget.cache.capacity(plan.budget.room()).num_blocks
    wanted = planned * plan.config.block_size // cache.block_size
    given = min(wanted, MINIATURE_CACHE_LIMIT // cache.bytes_per_block) * cache.bytes_per_block
    whole = given == wanted * cache.bytes_per_block
    amount = "room for as many tokens as the plan's" if whole else "less room than the plan's"
    return given, f"KV cache: {given:,} bytes in blocks of {cache.block_size} tokens, {amount}"


def full_size_configuration(checkpoint: Checkpoint, config: EngineConfig, budget: MemoryBudget) -> Configuration:
    """What is predicted of a launch on the accelerator: memory with bounds, in GiB as the engine prints it."""
    predicted, bounds = full_size_predictions(config, budget)
    return Configuration(
        name=checkpoint.id,
        config=config,
        quantization=needed_quantization(checkpoint),
        predicted=predicted,
        bounds=bounds,
    )


def full_size_predictions(
    config: EngineConfig, budget: MemoryBudget
) -> tuple[dict[str, Number], dict[str, tuple[Number, Number]]]:
    """What a server of the full size should state, by metric, and between which bounds; what has none is exact."""
    figures = predicted_metrics(budget)
    chosen = {name: figures[name] for name in PREDICTED if name in figures}
    exact: dict[str, Number] = {"max_model_len": config.max_model_len, HYBRID: config.hybrid}
    return (
        {**{name: each.value for name, each in chosen.items()}, **exact},
        {name: (each.low, each.high) for name, each in chosen.items()},
    )


def needed_quantization(checkpoint: Checkpoint) -> Mapping[str, JsonValue] | None:
    """What the configuration files of a checkpoint must carry so that weights lie in its formats; None where they are published so.

    Raises:
        ProofError: where it is not known, so that random weights would lie in another format than the checkpoint's.
    """
    known = known_quantization(checkpoint)
    if known is None and quantized_experts(checkpoint) is not None:
        raise ProofError(
            f"the quantization_config of {checkpoint.id} is not among the facts, so its full size cannot be built with random "
            "weights; prove a recipe such as recipe-vllm-fp8-per-tensor-scout, or a lower rung"
        )
    return known


def known_quantization(checkpoint: Checkpoint) -> Mapping[str, JsonValue] | None:
    """The `quantization_config` of a checkpoint; None where it has none, or nobody published it."""
    if checkpoint.quantization_config is UNKNOWN:
        return None
    content: dict[str, JsonValue] = json.loads(checkpoint.quantization_config)
    return content


def quantized_experts(checkpoint: Checkpoint) -> str | None:
    """Format of the experts of a checkpoint that is published quantized; None of one that is not, or quantized while loading."""
    experts = checkpoint.coverage.routed_experts if checkpoint.coverage else UNKNOWN
    if checkpoint.kind == "recipe" or experts is UNKNOWN or not catalog_of(checkpoint).format(experts).quantizes:
        return None
    return experts


def precision_notes(checkpoint: Checkpoint, *, shown: bool) -> tuple[str, ...]:
    """Whether a checkpoint's own quantization is part of a proof, where it has one."""
    experts = quantized_experts(checkpoint)
    if experts is None:
        return ()
    if shown:
        return (f"with the checkpoint's own quantization_config: experts in {experts}",)
    return (f"shown in the published precision: experts in {experts} are not part of this proof",)
