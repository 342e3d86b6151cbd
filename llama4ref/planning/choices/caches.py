"""Which KV caches may a candidate have: of which dtype, and with one chunk only in chunked-local layers or all tokens?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Behaviour, Engine
    from llama4ref.planning.request import PlanRequest

FP8_CACHE_CAPABILITY = 80
"""Lowest CUDA compute capability, times ten, with a kernel for an fp8 cache."""


def cache_dtypes(checkpoint: Checkpoint, accelerator: Accelerator, request: PlanRequest) -> tuple[str, ...]:
    """Dtypes to try, in this order: the published precision first."""
    if request.cache_dtype != "auto":
        return (request.cache_dtype,)
    if checkpoint.kv_cache_dtype == "fp8":
        return ("fp8",)
    # A checkpoint that asks for nothing (None) and one that is not known to ask for anything (UNKNOWN) rule neither out.
    capability = accelerator.capability
    if accelerator.platform == "cuda" and capability is not None and capability < FP8_CACHE_CAPABILITY:
        return ("bfloat16",)
    return ("bfloat16", "fp8")


def hybrid_choices(accelerator: Accelerator, request: PlanRequest, behaviour: Behaviour) -> tuple[bool, ...]:
    """Whether the hybrid cache is on, in the order to try: the release's default first."""
    if request.speculative is not None or accelerator.platform not in behaviour.hybrid_platforms.split():
        return (False,)
    if request.hybrid is not None:
        return (request.hybrid,)
    return (True,) if behaviour.hybrid_kv_cache else (False, True)


def hybrid_refusal(
    request: PlanRequest, accelerator: Accelerator, engine: Engine, behaviour: Behaviour
) -> Refusal | None:
    """Why the hybrid KV cache that is asked for cannot be had."""
    if not request.hybrid or accelerator.platform in behaviour.hybrid_platforms.split():
        return None
    steps = engine.behaviours.hybrid_platforms if engine.behaviours is not None else ()
    first = next((step.since for step in steps if accelerator.platform in step.holds.split()), None)
    return Refusal(
        subject=f"{engine.name} {behaviour.release} on {accelerator.platform}",
        rule="hybrid",
        numbers="it has no hybrid KV cache for chunked-local layers, which is asked for",
        instead=f"releases from {first} have one" if first else None,
        changes=(("engine_release", first),) if first else (),
        source="vllm-releases",
    )
