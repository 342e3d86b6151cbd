"""The memory budget of a logged start of Llama 4, to be laid beside what the server printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import Layout
from llama4ref.errors import UnknownFactError
from llama4ref.facts.types.states import is_stated, known
from llama4ref.memory.gpu_budget import MemoryBudget, memory_budget

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.starts import Start


def budget_of_start(start: Start, catalog: Catalog) -> MemoryBudget:
    """The budget of a start, with the engine's defaults for what its log does not say.

    Raises:
        UnknownFactError: where the start says too little: no release, no share of memory, or a model that is not in the facts.
    """
    entity = f"starts/{start.id}"
    release, utilization = start.earliest_release, known(start.gpu_memory_utilization, entity, "gpu_memory_utilization")
    if not is_stated(release) or start.model is None or start.checkpoint is None:
        raise UnknownFactError(entity, "release" if start.model else "model")
    behaviour = catalog.engine(start.engine).at(release)
    config = EngineConfig(
        release=release,
        layout=Layout(
            tensor_parallel=start.tensor_parallel,
            pipeline_parallel=start.pipeline_parallel,
            data_parallel=start.data_parallel,
        ),
        max_model_len=start.max_model_len or 1,
        max_num_seqs=start.max_num_seqs or _default(start, catalog, "max-num-seqs"),
        max_num_batched_tokens=start.max_num_batched_tokens or _default(start, catalog, "max-num-batched-tokens"),
        gpu_memory_utilization=utilization,
        cache_dtype=start.cache_dtype,
        hybrid=behaviour.hybrid_kv_cache if start.hybrid_kv_cache is None else start.hybrid_kv_cache,
        enforce_eager=start.enforce_eager,
    )
    return memory_budget(
        catalog.model(start.model),
        catalog.checkpoint(start.checkpoint),
        catalog.accelerator(start.accelerator),
        config,
        behaviour,
    )


def _default(start: Start, catalog: Catalog, flag: str) -> int:
    """What the engine takes where nobody says; raises UnknownFactError where that is not recorded."""
    accelerator = catalog.accelerator(start.accelerator)
    found = catalog.engine(start.engine).default_on(
        flag,
        platform=accelerator.platform,
        memory_bytes=accelerator.memory_bytes,
        device=accelerator.name,
        release=start.earliest_release or None,
    )
    if found is None:
        raise UnknownFactError(f"engines/{start.engine}", f"hardware_defaults of {flag}")
    return found
