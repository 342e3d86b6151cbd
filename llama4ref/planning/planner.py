"""From a request to plans, best first, and to refusals with their rules and numbers."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError, UnknownFactError
from llama4ref.facts import load
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.performance import Workload, estimate
from llama4ref.planning.caveats import caveats_of
from llama4ref.planning.checkpoint_choice import accelerator_refusals, candidate_checkpoints
from llama4ref.planning.engine_settings import config_of
from llama4ref.planning.layout_choice import candidate_layouts
from llama4ref.planning.lengths import Lengths, in_words, lengths_of
from llama4ref.planning.machines import placements
from llama4ref.planning.offers.hosted import hosted_plans
from llama4ref.planning.outcomes import HostedPlan, Plan, PlanResult, Refusal
from llama4ref.planning.ranking import rank
from llama4ref.planning.sizing import Candidate, Sized, size
from llama4ref.units import format_tokens

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Behaviour, Engine
    from llama4ref.facts.types.models import Model
    from llama4ref.memory.attention_cache import KVCache
    from llama4ref.performance import Performance
    from llama4ref.planning.request import PlanRequest

DEFAULT_PROMPT, DEFAULT_REPLY = 1_000, 1_000
"""Lengths that speed is stated for where the request says nothing: those of most published rows."""
_TELLING = (
    "context-above-model", "images-above-context", "hybrid", "nodes", "layout", "tensor-parallel-across-nodes", "images", "kv-cache-too-small", "concurrency",
    "buffers-beside-the-cache", "nothing-left-for-kv-cache", "weights-too-large", "no-expert-kernel", "compute-capability",
    "platform", "quality",
)  # fmt: skip
"""Rules in the order in which a refusal by them helps; all others come last."""
FP8_CACHE_CAPABILITY = 80
"""Lowest CUDA compute capability, times ten, with a kernel for an fp8 cache."""


def plan(request: PlanRequest, catalog: Catalog | None = None) -> PlanResult:
    """Every way to meet a request that the facts support, best first, and what was refused.

    Raises:
        UnknownNameError: for a model, accelerator or checkpoint that is not in the catalogue.
        ReleaseError: for a release of vLLM that the facts do not cover.
        RequestError: for a request that contradicts itself.

    Examples:
        >>> from llama4ref import PlanRequest, plan
        >>> best = plan(PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M")).best
        >>> best.settings["tensor-parallel-size"], best.context
        (8, 1048576)
    """
    facts = catalog if catalog is not None else load()
    plans: list[Plan | HostedPlan] = []
    refused: list[Refusal] = []
    models = _models(facts, request)
    if request.wants_own_gpus:
        own, own_refused = _own_plans(facts, request, models)
        plans += own
        refused += own_refused
    if request.wants_providers:
        hosted, hosted_refused = hosted_plans(facts, request)
        plans += hosted
        refused += hosted_refused
    refused.sort(key=lambda each: _TELLING.index(each.rule) if each.rule in _TELLING else len(_TELLING))
    return PlanResult(request=request, plans=tuple(plans), refused=tuple(_distinct(refused)))


def _models(catalog: Catalog, request: PlanRequest) -> tuple[Model, ...]:
    if request.model is not None:
        return (catalog.model(request.model),)
    if request.checkpoint is not None:
        return (catalog.model(catalog.checkpoint(request.checkpoint).model),)
    return tuple(model for model in catalog.models.values() if model.status == "released")


def _own_plans(catalog: Catalog, request: PlanRequest, models: Sequence[Model]) -> tuple[list[Plan], list[Refusal]]:
    engine = catalog.engine("vllm")
    behaviour = engine.at(request.engine_release)
    _check_checkpoint(catalog, request, models)
    _check_draft(catalog, request, models)
    fitting: list[Sized] = []
    refused: list[Refusal] = []
    for model in models:
        if model.text is UNKNOWN:
            refused.append(
                Refusal(subject=model.id, rule="not-released", numbers="its architecture and weights are not published")
            )
            continue
        for outcome in _outcomes(catalog, request, model, engine, behaviour):
            if isinstance(outcome, Refusal):
                refused.append(outcome)
            else:
                fitting.append(outcome)
    made = [_plan(catalog, sized, request, engine, behaviour) for sized in fitting]
    return sorted(made, key=lambda each: rank(catalog, request, each)), refused


def _check_checkpoint(catalog: Catalog, request: PlanRequest, models: Sequence[Model]) -> None:
    if request.checkpoint is None:
        return
    checkpoint = catalog.checkpoint(request.checkpoint)
    if checkpoint.model not in {model.id for model in models}:
        raise RequestError(f"checkpoint: {checkpoint.id} is of {checkpoint.model}, the request is for {request.model}")


def _check_draft(catalog: Catalog, request: PlanRequest, models: Sequence[Model]) -> None:
    """A draft head that the facts know must be one, and of the model; another repository is its owner's own business."""
    name = request.speculative
    known = {checkpoint.id for checkpoint in catalog.checkpoints.values() if name and checkpoint.is_called(name)}
    if name is None or (not known and "/" in name):
        return
    draft = catalog.checkpoint(name)
    if draft.stage != "draft":
        raise RequestError(f"speculative: {draft.id} is no draft head, but a checkpoint of stage {draft.stage}")
    if draft.model not in {model.id for model in models}:
        raise RequestError(f"speculative: {draft.id} drafts for {draft.model}, the request is for {request.model}")


def _outcomes(
    catalog: Catalog, request: PlanRequest, model: Model, engine: Engine, behaviour: Behaviour
) -> Iterator[Sized | Refusal]:
    lengths = lengths_of(request, model.architecture)
    refusal = _model_refusal(request, model, lengths)
    if refusal is not None:
        yield refusal
        return
    checkpoints, refused = candidate_checkpoints(catalog, request, model.id, engine, behaviour.release)
    yield from refused
    too_long = {each.id: _above_limit(each.id, each.limit(model), lengths) for each in checkpoints}
    yield from (each for each in too_long.values() if each is not None)
    checkpoints = tuple(each for each in checkpoints if too_long[each.id] is None)
    for accelerator in _accelerators(catalog, request):
        no_hybrid = _hybrid_refusal(request, accelerator, engine, behaviour)
        if no_hybrid is not None:
            yield no_hybrid
            continue
        runnable = []
        for checkpoint in checkpoints:
            reasons = tuple(accelerator_refusals(checkpoint, accelerator, engine))
            if reasons:
                yield from reasons if request.gpu is not None else ()
            else:
                runnable.append(checkpoint)
        for checkpoint in runnable:
            yield from _on_fewest(catalog, request, model, checkpoint, accelerator=accelerator, behaviour=behaviour)


def _above_limit(subject: str, limit: int, lengths: Lengths) -> Refusal | None:
    """Whether requests are asked for that a model or checkpoint has no positions for."""
    wanted = max(lengths.longest or 0, lengths.least)
    if wanted <= limit:
        return None
    of_images = f", {in_words(lengths)} among them" if lengths.images else ""
    return Refusal(
        subject=subject,
        rule="context-above-model",
        numbers=f"{format_tokens(wanted)} tokens asked for{of_images}, {subject} has positions for {format_tokens(limit)}",
    )


def _model_refusal(request: PlanRequest, model: Model, lengths: Lengths) -> Refusal | None:
    """Why a model cannot take such requests, whatever it runs on."""
    limit = model.architecture.context.limit()
    if request.images > 0 and "image" not in model.modalities_in:
        return Refusal(subject=model.id, rule="images", numbers="the model reads no images")
    if lengths.context is not None and lengths.least > lengths.context:
        return Refusal(
            subject=model.id,
            rule="images-above-context",
            numbers=f"{in_words(lengths)} take {lengths.images_tokens:,} tokens and a request at least {lengths.least:,}, "
            f"the context is {lengths.context:,}",
            instead=f"a context of {lengths.least:,} tokens" if lengths.least <= limit else None,
        )
    return _above_limit(model.id, limit, lengths)


def _on_fewest(
    catalog: Catalog,
    request: PlanRequest,
    model: Model,
    checkpoint: Checkpoint,
    *,
    accelerator: Accelerator,
    behaviour: Behaviour,
) -> Iterator[Sized | Refusal]:
    """What fits on the fewest GPUs that hold it, or why the most GPUs do not."""
    outcomes: list[Sized | Refusal] = []
    placed = placements(request, accelerator)
    if isinstance(placed, Refusal):
        yield placed
        return
    for placement in placed:
        layouts, broken = candidate_layouts(
            model, request, placement, vision=request.images > 0 or not behaviour.vision_left_out
        )
        outcomes = [*broken]
        for layout in layouts:
            template = Candidate(
                model=model, checkpoint=checkpoint, accelerator=accelerator, layout=layout,
                nodes=placement.nodes, cache_dtype="bfloat16", hybrid=True,
            )  # fmt: skip
            outcomes += _best_of_variants(catalog, template, request, behaviour)
        if any(isinstance(outcome, Sized) for outcome in outcomes):
            break
    yield from outcomes


def _accelerators(catalog: Catalog, request: PlanRequest) -> tuple[Accelerator, ...]:
    if request.gpu is not None:
        return (catalog.accelerator(request.gpu),)
    return tuple(each for each in catalog.accelerators.values() if each.platform in {"cuda", "rocm"})


def _best_of_variants(
    catalog: Catalog, template: Candidate, request: PlanRequest, behaviour: Behaviour
) -> Iterator[Sized | Refusal]:
    """The first cache variant that fits, or why the last one does not."""
    outcome: Sized | Refusal | None = None
    for dtype in _cache_dtypes(template.checkpoint, template.accelerator, request):
        for hybrid in _hybrid_choices(template.accelerator, request, behaviour):
            outcome = size(catalog, _with(template, dtype, hybrid=hybrid), request, behaviour)
            if isinstance(outcome, Sized):
                yield outcome
                return
    if outcome is not None:
        yield outcome


def _with(template: Candidate, cache_dtype: str, *, hybrid: bool) -> Candidate:
    return Candidate(
        model=template.model,
        checkpoint=template.checkpoint,
        accelerator=template.accelerator,
        layout=template.layout,
        nodes=template.nodes,
        cache_dtype=cache_dtype,
        hybrid=hybrid,
    )


def _cache_dtypes(checkpoint: Checkpoint, accelerator: Accelerator, request: PlanRequest) -> tuple[str, ...]:
    if request.cache_dtype != "auto":
        return (request.cache_dtype,)
    if checkpoint.kv_cache_dtype == "fp8":
        return ("fp8",)
    # A checkpoint that asks for nothing (None) and one that is not known to ask for anything (UNKNOWN) rule neither out.
    capability = accelerator.capability
    if accelerator.platform == "cuda" and capability is not None and capability < FP8_CACHE_CAPABILITY:
        return ("bfloat16",)
    return ("bfloat16", "fp8")


def _hybrid_refusal(
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
        source="vllm-releases",
    )


def _hybrid_choices(accelerator: Accelerator, request: PlanRequest, behaviour: Behaviour) -> tuple[bool, ...]:
    if request.speculative is not None or accelerator.platform not in behaviour.hybrid_platforms.split():
        return (False,)
    if request.hybrid is not None:
        return (request.hybrid,)
    return (True,) if behaviour.hybrid_kv_cache else (False, True)


def _plan(catalog: Catalog, sized: Sized, request: PlanRequest, engine: Engine, behaviour: Behaviour) -> Plan:
    candidate = sized.candidate
    workload = _workload(request, lengths_of(request, candidate.model.architecture), sized.config.max_model_len)
    performance = _performance(catalog, sized, workload) if workload is not None else None
    return Plan(
        model=candidate.model,
        checkpoint=candidate.checkpoint,
        accelerator=candidate.accelerator,
        count=candidate.layout.gpus,
        nodes=candidate.nodes,
        config=config_of(catalog, sized, request, engine, behaviour),
        budget=sized.budget,
        context=sized.config.max_model_len,
        largest_context=sized.largest_context,
        max_concurrency=sized.max_concurrency,
        kv_cache_tokens=sized.kv_cache_tokens,
        caveats=tuple(caveats_of(catalog, sized, request, engine, behaviour)),
        performance=performance,
        workload=workload if performance is not None else None,
    )


def _workload(request: PlanRequest, lengths: Lengths, context: int) -> Workload | None:
    """The requests that speed is stated for: as given, or of the usual lengths where the context has room; None where it has none."""
    room = context - lengths.images_tokens
    prompt = lengths.prompt or min(DEFAULT_PROMPT, room - lengths.reply if lengths.reply else max(1, room // 2))
    reply = lengths.reply or min(DEFAULT_REPLY, room - prompt)
    if prompt < 1 or reply < 1:
        return None
    return Workload(
        prompt_tokens=prompt,
        output_tokens=reply,
        concurrency=request.concurrency or 1,
        images=request.images,
        tiles_per_image=max(1, lengths.tiles),
    )


def _performance(catalog: Catalog, sized: Sized, workload: Workload) -> Performance | None:
    candidate = sized.candidate
    if candidate.accelerator.bandwidth is UNKNOWN or candidate.accelerator.peak.bf16 is UNKNOWN:
        return None
    room = sized.budget.room()
    try:
        return _estimate(catalog, candidate, workload, sized.budget.cache, room, sized.config)
    except UnknownFactError:
        return None


@functools.lru_cache(maxsize=4096)
def _estimate(  # noqa: PLR0917  # kept by position in the cache
    catalog: Catalog,
    candidate: Candidate,
    workload: Workload,
    cache: KVCache,
    room: tuple[int, ...],
    config: EngineConfig,
) -> Performance:
    return estimate(
        candidate.model,
        candidate.checkpoint,
        candidate.accelerator,
        candidate.layout,
        workload,
        cache_dtype=candidate.cache_dtype,
        hybrid=candidate.hybrid,
        cache=cache,
        catalog=catalog,
        cache_room=room,
        max_batch=config.max_num_seqs,
        release=config.release,
    )


def _distinct(refusals: Sequence[Refusal]) -> Iterator[Refusal]:
    seen: set[Refusal] = set()
    for refusal in refusals:
        if refusal not in seen:
            seen.add(refusal)
            yield refusal
