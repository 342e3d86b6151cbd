"""Which settings does a candidate start from: what is asked for, and the engine's own defaults on the hardware?"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.planning.choices.draft_heads import draft_choice
from llama4ref.planning.choices.lora_ranks import lora_rank
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.planning.fitting.candidates import Candidate
    from llama4ref.planning.fitting.demand import Demand
    from llama4ref.planning.request import PlanRequest


def starting_config(
    candidate: Candidate, request: PlanRequest, demand: Demand, *, catalog: Catalog, behaviour: Behaviour
) -> EngineConfig | Refusal:
    """The configuration before anything is changed to make it fit, at the shortest context that will do."""
    batch = _batch(candidate, request, demand, catalog=catalog, behaviour=behaviour)
    if isinstance(batch, Refusal):
        return batch
    seqs, batched = batch
    utilization = request.gpu_memory_utilization
    return EngineConfig(
        release=behaviour.release,
        layout=candidate.layout,
        max_model_len=demand.wanted,
        max_num_seqs=seqs,
        max_num_batched_tokens=batched,
        gpu_memory_utilization=behaviour.gpu_memory_utilization if utilization is None else utilization,
        cache_dtype=candidate.cache_dtype,
        hybrid=candidate.hybrid,
        enforce_eager=bool(request.enforce_eager),
        images_per_prompt=max(request.images, int(candidate.layout.vision)),
        nodes=candidate.nodes,
        max_loras=request.loras,
        max_lora_rank=lora_rank(catalog.engine("vllm"), request),
        draft_tokens=draft_choice(catalog, candidate.draft).tokens if candidate.draft else 0,
    )


def _batch(
    candidate: Candidate, request: PlanRequest, demand: Demand, *, catalog: Catalog, behaviour: Behaviour
) -> tuple[int, int] | Refusal:
    """Requests and tokens of a step: as asked for, and what is open so that every request has its token.

    The engine refuses fewer tokens than requests, and lowers a number of requests that nobody asked for.
    """

    def default(flag: str) -> int | None:
        return _default(catalog, candidate.accelerator, flag, behaviour.release)

    seqs = request.max_num_seqs or (demand.concurrency if request.concurrency else None)
    batched = request.max_num_batched_tokens
    if batched is None:
        known = default("max-num-batched-tokens")
        if known is None:
            return _unknown(candidate, catalog, behaviour, "max_num_batched_tokens")
        batched = max(known, seqs or 1)
    if seqs is None:
        known = default("max-num-seqs")
        if known is None:
            return _unknown(candidate, catalog, behaviour, "max_num_seqs")
        seqs = min(known, batched)
    return seqs, batched


@functools.lru_cache(maxsize=1024)
def _default(catalog: Catalog, accelerator: Accelerator, flag: str, release: str) -> int | None:
    """What the engine takes by itself on an accelerator."""
    return catalog.engine("vllm").default_on(
        flag,
        platform=accelerator.platform,
        memory_bytes=accelerator.memory_bytes,
        device=accelerator.name,
        release=release,
    )


def _unknown(candidate: Candidate, catalog: Catalog, behaviour: Behaviour, name: str) -> Refusal:
    return Refusal(
        subject=str(candidate),
        rule="default-unknown",
        numbers=f"no source says which {name} {catalog.engine('vllm').name} {behaviour.release} takes on {candidate.accelerator.name}",
        instead=f"naming {name} would do",
    )
