"""The KV cache in options: its dtype, and whether chunked-local layers keep one chunk only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.engine.settings_reading import HYBRID_VARIABLE
from llama4ref.units import format_tokens

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.planning.fitting.candidates import FittedCandidate
    from llama4ref.planning.request import PlanRequest
    from llama4ref.planning.settings.draft import SettingsDraft


def set_cache(draft: SettingsDraft, fitted: FittedCandidate, request: PlanRequest, behaviour: Behaviour) -> None:
    """The cache's dtype, and the hybrid cache where it differs from the release's default."""
    cache = fitted.budget.cache
    _cache_dtype(draft, fitted, request)
    platform = fitted.candidate.accelerator.platform
    can = platform in behaviour.hybrid_platforms.split()
    if cache.hybrid and not behaviour.hybrid_kv_cache:
        local = sum(stage.chunked_local_layers for stage in cache.stages)
        layers = sum(len(stage.layers) for stage in cache.stages)
        draft.export(
            HYBRID_VARIABLE,
            "1",
            f"off by default in {behaviour.release}; {local} of {layers} layers then keep "
            f"{format_tokens(cache.chunked_local_tokens)} tokens at most",
            source="llama4-engine-prs",
        )
    elif can and behaviour.hybrid_kv_cache and not cache.hybrid:
        why = "a draft head turns it off" if request.speculative else "as asked for"
        draft.set("disable-hybrid-kv-cache-manager", True, f"{why}: every layer keeps the full length")


def _cache_dtype(draft: SettingsDraft, fitted: FittedCandidate, request: PlanRequest) -> None:
    """The cache's dtype, written wherever the checkpoint might ask for another."""
    own = fitted.candidate.checkpoint.kv_cache_dtype
    if fitted.candidate.cache_dtype == "fp8":
        why = (
            "as asked for"
            if request.cache_dtype == "fp8"
            else "the checkpoint asks for it"
            if own == "fp8"
            else "bf16 does not fit"
        )
        draft.set("kv-cache-dtype", "fp8", f"half the bytes of bf16: {why}", source="vllm-llama4-blog")
    elif own is not None and draft.takes("kv-cache-dtype", "bfloat16"):
        # Earlier releases take the model's dtype whatever a checkpoint asks for.
        asks = f"asks for {own}" if own else "may ask for another"
        draft.set(
            "kv-cache-dtype",
            "bfloat16",
            f"{'as asked for' if request.cache_dtype == 'bfloat16' else 'as planned'}; the checkpoint {asks}, which the engine "
            "would take",
            source="vllm-releases",
        )
