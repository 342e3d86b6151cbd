"""What a candidate's server would be started with, in the words that conditions of facts are written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from llama4ref.facts.types.conditions import Circumstances
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.planning.choices.checkpoints import served_on
from llama4ref.planning.choices.draft_heads import draft_choice

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.types.conditions import Feature, Size
    from llama4ref.planning.compatibility.engine_limits import EngineLimits
    from llama4ref.planning.fitting.candidates import Candidate
    from llama4ref.planning.request import PlanRequest

_FLOATS = frozenset({"bf16", "fp16", "fp32"})
"""Ids of formats that are no quantization."""


class ServerSizes(NamedTuple):
    """Of a server's configuration, what conditions of facts speak of."""

    max_model_len: int
    max_num_seqs: int
    max_num_batched_tokens: int
    enforce_eager: bool


def circumstances_of(
    limits: EngineLimits, candidate: Candidate, request: PlanRequest, config: EngineConfig | ServerSizes | None = None
) -> Circumstances:
    """Hardware, checkpoint, features and sizes of a server; before `config` is known, the sizes that are asked for."""
    sizes = _sizes(candidate, request, config)
    features = frozenset(_features(limits, candidate, request, config, sizes))
    of = served_on(candidate.checkpoint, candidate.accelerator, features, sizes)
    kernels = limits.kernels
    return of if kernels is None else replace(of, expert_kernel=kernels.chosen("experts", limits.release, of))


def _features(
    limits: EngineLimits,
    candidate: Candidate,
    request: PlanRequest,
    config: EngineConfig | ServerSizes | None,
    sizes: dict[Size, int],
) -> Iterator[Feature]:
    yield from _asked(request)
    if not (config.enforce_eager if config else request.enforce_eager):
        yield "compilation"
    if candidate.draft is not None:
        yield "speculative-decoding"
        yield draft_choice(limits.catalog, candidate.draft).algorithm
    yield "hybrid-kv-cache" if candidate.hybrid else "chunked-local-without-hybrid"
    if candidate.cache_dtype.startswith("fp8"):
        yield "fp8-kv-cache"
    yield from _layout(candidate)
    checkpoint = candidate.checkpoint
    if checkpoint.kind == "recipe":
        yield "online-quantization"
    attention = checkpoint.coverage.attention if checkpoint.coverage else UNKNOWN
    if attention is not UNKNOWN and attention not in _FLOATS:
        yield "quantized-attention"
    if sizes.get("context", 0) > candidate.model.architecture.context.trained_tokens:
        yield "above-trained-context"


def _asked(request: PlanRequest) -> Iterator[Feature]:
    if request.images:
        yield "images"
    if request.tools:
        yield "tools"
    if request.loras:
        yield "lora"
    if request.json_schema:
        yield "json-schema"


def _layout(candidate: Candidate) -> Iterator[Feature]:
    layout = candidate.layout
    if layout.tensor_parallel > 1:
        yield "tensor-parallel"
    if layout.pipeline_parallel > 1:
        yield "pipeline-parallel"
    if layout.data_parallel > 1:
        yield "data-parallel"
    if layout.expert_parallel:
        yield "expert-parallel"
    if candidate.nodes > 1:
        yield "multi-node"


def _sizes(candidate: Candidate, request: PlanRequest, config: EngineConfig | ServerSizes | None) -> dict[Size, int]:
    layout = candidate.layout
    sizes: dict[Size, int] = {
        "images": request.images,
        "gpus": layout.gpus,
        "nodes": candidate.nodes,
        "tensor-parallel": layout.tensor_parallel,
        "pipeline-parallel": layout.pipeline_parallel,
        "data-parallel": layout.data_parallel,
    }
    later: dict[Size, int | None] = {
        "context": config.max_model_len if config else request.context_tokens,
        "max-num-seqs": config.max_num_seqs if config else request.max_num_seqs,
        "max-num-batched-tokens": config.max_num_batched_tokens if config else request.max_num_batched_tokens,
    }
    return sizes | {name: value for name, value in later.items() if value is not None}
