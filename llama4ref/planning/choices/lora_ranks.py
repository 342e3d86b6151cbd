"""Which largest rank of LoRA adapters is a server told: the next one that the engine takes?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.request import PlanRequest

RANK_OPTION = "max-lora-rank"


def lora_rank(engine: Engine, request: PlanRequest) -> int:
    """The `max-lora-rank` of a request, 0 without adapters: the next larger rank that the engine takes, or the largest.

    Examples:
        >>> from llama4ref import PlanRequest, load
        >>> [lora_rank(load().engine("vllm"), PlanRequest(lora_adapters=2, lora_rank=rank)) for rank in (None, 8, 24)]
        [16, 8, 32]
    """
    if not request.loras:
        return 0
    option = engine.flags[RANK_OPTION]
    ranks = sorted(map(int, option.only))
    asked = request.lora_rank or int(option.default or ranks[0])
    return next((rank for rank in ranks if rank >= asked), ranks[-1])


def rank_refusal(engine: Engine, request: PlanRequest) -> Refusal | None:
    """Why adapters of the asked rank cannot be served; None where they can."""
    if not request.lora_rank:
        return None
    largest = max(map(int, engine.flags[RANK_OPTION].only))
    if request.lora_rank <= largest:
        return None
    return Refusal(
        subject=f"LoRA adapters of rank {request.lora_rank:,}",
        rule="lora-rank",
        numbers=f"{engine.name} takes ranks up to {largest:,}",
        instead=f"adapters of rank {largest:,} would be",
        changes=(("lora_rank", largest),),
        source="vllm-releases",
    )
