"""How long and how many, in options: the longest request, the batch, and the part of memory that the engine takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.engine.settings_reading import OVERRIDES
from llama4ref.memory.device_buffers import rope_bytes
from llama4ref.planning.lengths import Lengths, in_words, lengths_of
from llama4ref.units import format_bytes, format_tokens
from llama4ref.wording import number

if TYPE_CHECKING:
    from llama4ref.planning.fitting.candidates import FittedCandidate
    from llama4ref.planning.fitting.levers import LeverName
    from llama4ref.planning.request import PlanRequest
    from llama4ref.planning.settings.draft import SettingsDraft

_DEFAULT = "the engine's default on this GPU, written out so that it stays"


def set_sizes(draft: SettingsDraft, fitted: FittedCandidate, request: PlanRequest) -> None:
    """Everything that memory depends on, written out so that another default of another release changes nothing."""
    config = fitted.config
    lengths = lengths_of(request, fitted.candidate.model.architecture)
    draft.set(
        "max-model-len",
        config.max_model_len,
        f"{_why_length(lengths, fitted)}; up to {format_tokens(fitted.largest_context)} would fit, and "
        f"{fitted.max_concurrency:.2f} x that length at once",
    )
    draft.set("max-num-seqs", config.max_num_seqs, _why_seqs(fitted, request), source="vllm-0.32.0")
    draft.set(
        "max-num-batched-tokens", config.max_num_batched_tokens, _why_batched(fitted, request), source="vllm-0.32.0"
    )
    part = f"{format_bytes(fitted.budget.requested_bytes)} of {format_bytes(fitted.budget.total_bytes)}"
    changed = _changed(fitted, "gpu_memory_utilization")
    draft.set(
        "gpu-memory-utilization",
        config.gpu_memory_utilization,
        f"{part}; {changed}" if changed else f"{part}; the rest is for what comes after",
    )
    if config.rope_positions is not None:
        positions = {"text_config": {"max_position_embeddings": config.rope_positions}}
        draft.set_object(OVERRIDES, positions, _why_positions(fitted), source="vllm-0.32.0")
    if config.enforce_eager:
        draft.set("enforce-eager", True, _why_eager(fitted))


def _changed(fitted: FittedCandidate, name: LeverName) -> str | None:
    """That a setting differs from its default so that the model fits; None where it does not."""
    for lever in fitted.levers:
        if lever.name == name:
            return f"changed from {number(lever.was or 0)} so that it fits: {fitted.shortage}"
    return None


def _why_positions(fitted: FittedCandidate) -> str:
    spared = (fitted.candidate.limit - fitted.budget.cache.limit) * rope_bytes(fitted.candidate.model.architecture)
    return (
        f"so that it fits: {fitted.shortage}; the RoPE table has the positions of max-model-len alone, not the checkpoint's "
        f"{format_tokens(fitted.candidate.limit)}, which leaves {format_bytes(spared)} a GPU; a longer max-model-len needs more of them"
    )


def _why_eager(fitted: FittedCandidate) -> str:
    if _changed(fitted, "enforce_eager") is None:
        return "as asked for: no CUDA graphs, slower and smaller"
    return f"turned on so that it fits: {fitted.shortage}; without CUDA graphs decoding is several times slower"


def _why_seqs(fitted: FittedCandidate, request: PlanRequest) -> str:
    replicas = fitted.config.layout.data_parallel
    if request.max_num_seqs:
        return "as asked for"
    if request.concurrency:
        over = f" over {replicas:,} replicas" if replicas > 1 else ""
        return f"{request.concurrency:,} at once{over}; buffers grow with it"
    changed = _changed(fitted, "max_num_seqs")
    if changed is not None:
        return changed
    if request.max_num_batched_tokens == fitted.config.max_num_seqs:
        return "no more than max-num-batched-tokens, as each request takes a token of every step"
    return _DEFAULT


def _why_batched(fitted: FittedCandidate, request: PlanRequest) -> str:
    if request.max_num_batched_tokens:
        return "as asked for"
    changed = _changed(fitted, "max_num_batched_tokens")
    if changed is not None:
        return changed
    if fitted.config.max_num_batched_tokens == fitted.config.max_num_seqs:
        return "as many as max-num-seqs, as each request takes a token of every step"
    return _DEFAULT


def _why_length(lengths: Lengths, fitted: FittedCandidate) -> str:
    """Where the longest request comes from."""
    images = in_words(lengths)
    with_images = f", with {images}" if images else ""
    if lengths.context is not None:
        return f"as asked for{with_images}"
    if lengths.longest is not None:
        return f"prompt and reply as given{with_images}: a longer request is refused, --context makes room for it"
    if fitted.config.max_model_len == fitted.candidate.limit:
        return f"all positions that the model has{with_images}"
    return f"the longest that fits where every estimate is at its upper bound{with_images}"
