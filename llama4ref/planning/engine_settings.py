"""Which options and environment variables does a candidate need, at a release, and why each?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import EngineConfig, Reason, Setting
from llama4ref.engine.option_values import object_text
from llama4ref.engine.settings_reading import HYBRID_VARIABLE
from llama4ref.facts.queries.membership import family_of
from llama4ref.facts.types.releases import holds_at
from llama4ref.planning.draft_heads import SPECULATIVE, draft_choice
from llama4ref.planning.layout_choice import described
from llama4ref.planning.lengths import Lengths, in_words, lengths_of
from llama4ref.units import format_bytes, format_tokens
from llama4ref.wording import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.engine.layout import Layout
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.engines import Behaviour, Engine
    from llama4ref.planning.fitting.candidates import FittedCandidate
    from llama4ref.planning.fitting.levers import LeverName
    from llama4ref.planning.request import PlanRequest

TEMPERATURE_BUG = "tuning-off-at-long-context"
"""Id of the fault that attention temperature is not turned on by itself at long context."""


class SettingsDraft:
    """Options of one server while they are gathered, each with its reason; leaves out what the release lacks."""

    def __init__(self, engine: Engine, release: str) -> None:
        self.engine, self.release = engine, release
        self.settings: dict[str, Setting] = {}
        self.environment: dict[str, str] = {}
        self.reasons: list[Reason] = []

    def has(self, flag: str) -> bool:
        """Whether the release has an option."""
        known = self.engine.flags.get(flag)
        return known is not None and holds_at(self.release, since=known.since, until=known.until)

    def takes(self, flag: str, value: str) -> bool:
        """Whether the release has an option that takes a value."""
        return self.has(flag) and self.engine.flags[flag].takes_at(value, self.release)

    def set(self, flag: str, value: Setting, because: str, *, source: str | None = None) -> None:
        """Set an option the release has."""
        if self.has(flag):
            self.settings[flag] = value
            self.reasons.append(Reason(about=flag, value=str(value), because=because, source=source))

    def set_object(self, flag: str, value: Mapping[str, object], because: str, *, source: str | None = None) -> None:
        """Set an option that takes an object, written as the release takes it."""
        if self.has(flag):
            self.set(flag, object_text(value, self.engine.flags[flag], self.release), because, source=source)

    def export(self, variable: str, value: str, because: str, *, source: str | None = None) -> None:
        """Set an environment variable the release reads."""
        known = self.engine.environment.get(variable)
        if known is not None and holds_at(self.release, since=known.since, until=known.until):
            self.environment[variable] = value
            self.reasons.append(Reason(about=variable, value=value, because=because, source=source))


def config_of(
    catalog: Catalog, fitted: FittedCandidate, request: PlanRequest, engine: Engine, behaviour: Behaviour
) -> EngineConfig:
    """The configuration of a fitted candidate, written: options, variables and a reason for each."""
    draft = SettingsDraft(engine, behaviour.release)
    checkpoint = fitted.candidate.checkpoint
    if checkpoint.repository:
        draft.set("model", checkpoint.repository, _why_checkpoint(catalog, fitted))
    _parallel(draft, fitted)
    _lengths(draft, fitted, request)
    _cache(draft, fitted, request, behaviour)
    _temperature(catalog, draft, fitted)
    _quantization(draft, fitted)
    _abilities(catalog, draft, fitted, request, behaviour)
    return replace(fitted.config, settings=draft.settings, environment=draft.environment, reasons=tuple(draft.reasons))


def _why_checkpoint(catalog: Catalog, fitted: FittedCandidate) -> str:
    checkpoint, stage = fitted.candidate.checkpoint, fitted.budget.stage
    weight = sum(line.bytes for line in fitted.budget.lines if line.place == "weights")
    coverage = checkpoint.coverage
    experts = catalog.format(coverage.routed_experts).name if coverage and coverage.routed_experts else "unknown format"
    place = f" of stage {stage}" if fitted.candidate.layout.pipeline_parallel > 1 else ""
    held = f"{format_bytes(weight)} of weights on a GPU{place}"
    if checkpoint.kind == "recipe":
        return f"published in bf16; the engine turns its routed experts into {experts} while loading: {held}"
    return f"published by {checkpoint.publisher}, routed experts in {experts}: {held}"


def _parallel(draft: SettingsDraft, fitted: FittedCandidate) -> None:
    layout, model = fitted.candidate.layout, fitted.candidate.model.architecture
    heads, kv_heads = model.attention.heads, model.attention.kv_heads
    draft.set(
        "tensor-parallel-size",
        layout.tensor_parallel,
        f"divides {heads} query heads and {kv_heads} KV heads ({described(layout)})",
        source="vllm-0.32.0",
    )
    if layout.pipeline_parallel > 1:
        draft.set(
            "pipeline-parallel-size",
            layout.pipeline_parallel,
            _stages(layout, model.text.layers, fitted.candidate.nodes),
        )
    if layout.data_parallel > 1:
        draft.set(
            "data-parallel-size",
            layout.data_parallel,
            "replicas of attention and cache; routed experts are shared among them",
        )
    if layout.expert_parallel:
        draft.set(
            "enable-expert-parallel",
            True,
            f"whole experts on each of {layout.ep_size} ranks instead of slices of all",
        )


def _stages(layout: Layout, layers: int, nodes: int) -> str:
    """How many layers the stages have, and where their borders lie.

    Examples:
        >>> from llama4ref.engine.layout import Layout
        >>> _stages(Layout(tensor_parallel=2, pipeline_parallel=3), 48, nodes=1)
        'stages of 16 layers, inside the node'
        >>> _stages(Layout(tensor_parallel=8, pipeline_parallel=2, data_parallel=2), 48, nodes=4)
        'stages of 24 layers, between nodes'
        >>> _stages(Layout(pipeline_parallel=5), 48, nodes=1)
        'stages of 9 to 10 layers, inside the node'
    """
    sizes = sorted({len(stage) for stage in layout.stages(layers)})
    fewest, most = sizes[0], sizes[-1]
    replica = layout.tensor_parallel * layout.pipeline_parallel
    place = "inside the node" if layout.gpus // nodes % replica == 0 else "between nodes"
    return f"stages of {fewest if fewest == most else f'{fewest} to {most}'} layers, {place}"


def _lengths(draft: SettingsDraft, fitted: FittedCandidate, request: PlanRequest) -> None:
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
    if config.enforce_eager:
        draft.set("enforce-eager", True, "as asked for: no CUDA graphs, slower and smaller")


_DEFAULT = "the engine's default on this GPU, written out so that it stays"


def _changed(fitted: FittedCandidate, name: LeverName) -> str | None:
    """That a setting differs from its default so that the model fits; None where it does not."""
    for lever in fitted.levers:
        if lever.name == name:
            return f"changed from {number(lever.was)} so that it fits: {fitted.shortage}"
    return None


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


def _cache(draft: SettingsDraft, fitted: FittedCandidate, request: PlanRequest, behaviour: Behaviour) -> None:
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


def _temperature(catalog: Catalog, draft: SettingsDraft, fitted: FittedCandidate) -> None:
    """Attention temperature at long context, where the release does not turn it on itself."""
    faults = [bug for bug in draft.engine.bugs if bug.id == TEMPERATURE_BUG]
    if not any(holds_at(draft.release, since=bug.since, until=bug.until) for bug in faults):
        return
    threshold = family_of(catalog, fitted.candidate.model).positions.temperature_vllm_threshold_tokens
    if fitted.config.max_model_len > threshold:
        draft.set_object(
            "override-generation-config",
            {"attn_temperature_tuning": True},
            f"attention temperature beyond {format_tokens(threshold)} tokens, which this release does not turn on itself",
            source="vllm-llama4-blog",
        )


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


def _quantization(draft: SettingsDraft, fitted: FittedCandidate) -> None:
    checkpoint = fitted.candidate.checkpoint
    if checkpoint.kind == "recipe":
        draft.set(
            "quantization",
            checkpoint.quantization_method,
            "quantized while loading; the published weights are bf16",
            source="vllm-0.32.0",
        )


def _abilities(
    catalog: Catalog, draft: SettingsDraft, fitted: FittedCandidate, request: PlanRequest, behaviour: Behaviour
) -> None:
    if request.images:
        lengths = lengths_of(request, fitted.candidate.model.architecture)
        draft.set_object(
            "limit-mm-per-prompt",
            {"image": request.images},
            f"a prompt has at most {in_words(lengths)}",
            source="vllm-llama4-blog",
        )
    elif behaviour.vision_left_out:
        draft.set_object(
            "limit-mm-per-prompt",
            {"image": 0},
            "text alone: the vision tower is not built, which leaves its memory to the cache",
            source="vllm-0.32.0",
        )
    if request.tools:
        draft.set("enable-auto-tool-choice", True, "tool calls are asked for")
        # `pythonic` reads the same form before.
        parser = "llama4_pythonic" if draft.takes("tool-call-parser", "llama4_pythonic") else "pythonic"
        draft.set("tool-call-parser", parser, "Meta's documented form of calls", source="vllm-tool-calling-docs")
    if request.speculative:
        head = draft_choice(catalog, request.speculative)
        draft.set_object(
            SPECULATIVE,
            {"method": head.algorithm, "model": head.repository, "num_speculative_tokens": head.tokens},
            "as asked for; it forces the hybrid KV cache off, so every layer keeps the full length",
            source="vllm-0.32.0",
        )
    if fitted.candidate.nodes > 1:
        if draft.has("nnodes"):
            draft.set(
                "nnodes", fitted.candidate.nodes, "machines; give each its --node-rank and all the same --master-addr"
            )
        else:
            draft.set(
                "distributed-executor-backend",
                "ray",
                f"{fitted.candidate.nodes} machines, joined by Ray before the start",
            )
