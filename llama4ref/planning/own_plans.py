"""Plans on own GPUs: every checkpoint on every accelerator, layout and cache that comes into question."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.facts.types.states import UNKNOWN
from llama4ref.planning.caveats import caveats_of
from llama4ref.planning.choices.caches import hybrid_refusal
from llama4ref.planning.choices.checkpoints import PLATFORMS, accelerator_refusals, candidate_checkpoints
from llama4ref.planning.choices.draft_heads import draft_refusal
from llama4ref.planning.choices.layouts import candidate_layouts
from llama4ref.planning.choices.lora_ranks import rank_refusal
from llama4ref.planning.choices.machines import placements
from llama4ref.planning.compatibility.engine_limits import limits_of
from llama4ref.planning.compatibility.workarounds import told
from llama4ref.planning.fitting.candidates import Candidate, FittedCandidate
from llama4ref.planning.fitting.compatible_fit import Wish, wish_of
from llama4ref.planning.fitting.fit import ALL_REACHES, Attempt, refusal_of
from llama4ref.planning.fitting.levers import Reach
from llama4ref.planning.fitting.trials import Trial
from llama4ref.planning.lengths import Lengths, in_words, lengths_of
from llama4ref.planning.outcomes import Plan, Refusal
from llama4ref.planning.ranking import rank
from llama4ref.planning.settings.engine_settings import config_of
from llama4ref.planning.stated_speed import performance_of, workload_of
from llama4ref.units import format_tokens
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig, Setting
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Behaviour, Engine
    from llama4ref.facts.types.models import Model
    from llama4ref.planning.choices.machines import Placement
    from llama4ref.planning.compatibility.engine_limits import EngineLimits
    from llama4ref.planning.request import PlanRequest


Outcome = FittedCandidate | Attempt | Refusal
"""What became of a candidate: it fits, does not fit as far as was tried, or is refused for another reason."""


@dataclass(frozen=True, kw_only=True)
class OwnGpuSearch:
    """What is searched, by which facts."""

    catalog: Catalog
    request: PlanRequest
    engine: Engine
    behaviour: Behaviour

    @functools.cached_property
    def limits(self) -> EngineLimits:
        """Abilities, faults and kernels of the engine at the release."""
        return limits_of(self.catalog, self.engine.id, self.behaviour.release)

    @functools.cached_property
    def wish(self) -> Wish:
        """What is asked of each candidate."""
        return wish_of(self.limits, self.request, self.behaviour)


def own_plans(catalog: Catalog, request: PlanRequest, models: Sequence[Model]) -> tuple[list[Plan], list[Refusal]]:
    """Plans of these models on own GPUs, best first, and refusals; where there are no plans these say what would lift them.

    Plans with batches below every default of the engine, or without CUDA graphs, come after those that need neither.
    """
    answer = _answer(catalog, request, tuple(models))
    return answer.own_plans(), list(answer.refusals)


def plans_alone(catalog: Catalog, request: PlanRequest, models: Sequence[Model]) -> list[Plan]:
    """The plans without the refusals, which take most of the time where nothing fits."""
    return _answer(catalog, request, tuple(models), with_refusals=False).own_plans()


@dataclass(slots=True)
class _Answer:
    """An answer that is kept. Each who asks gets plans of their own, with settings that may be changed without changing others'."""

    plans: tuple[Plan, ...]
    refusals: tuple[Refusal, ...]
    written: tuple[tuple[tuple[tuple[str, Setting], ...], tuple[tuple[str, str], ...]], ...]
    """Settings and environment of each plan."""
    given: bool = False
    """Whether the plans themselves were given away."""

    def own_plans(self) -> list[Plan]:
        if not self.given:
            self.given = True
            return list(self.plans)
        return [
            replace(plan, config=replace(plan.config, settings=dict(settings), environment=dict(environment)))
            for plan, (settings, environment) in zip(self.plans, self.written, strict=True)
        ]


@functools.lru_cache(maxsize=16)
def _answer(
    catalog: Catalog, request: PlanRequest, models: tuple[Model, ...], *, with_refusals: bool = True
) -> _Answer:
    """Kept, as some ask the same again: for a plan that is rendered, then proven."""
    engine = catalog.engine("vllm")
    search = OwnGpuSearch(catalog=catalog, request=request, engine=engine, behaviour=engine.at(request.engine_release))
    outcomes = [outcome for model in models for outcome in _outcomes(search, model)]
    found = [each for each in outcomes if isinstance(each, FittedCandidate)]
    refusals = tuple(
        refusal_of(each, thorough=not found) if isinstance(each, Attempt) else each
        for each in outcomes
        if with_refusals and not isinstance(each, FittedCandidate)
    )
    plans = [
        (each.reach > Reach.TABLE, plan_of(search, each, config_of(catalog, each, request, engine, search.behaviour)))
        for each in found
    ]
    plans.sort(key=lambda each: (each[0], *rank(catalog, request, each[1])))
    written = ((tuple(each.config.settings.items()), tuple(each.config.environment.items())) for _, each in plans)
    return _Answer(tuple(each for _, each in plans), refusals, tuple(written))


def _outcomes(search: OwnGpuSearch, model: Model) -> Iterator[Outcome]:
    request = search.request
    refusal = model_refusal(request, model)
    if refusal is not None:
        yield refusal
        return
    no_rank = rank_refusal(search.engine, request)
    if no_rank is not None:
        yield no_rank
        return
    lengths = lengths_of(request, model.architecture)
    if request.speculative is not None:
        no_draft = draft_refusal(search.catalog, request.speculative, search.engine, search.behaviour.release)
        if no_draft is not None:
            yield no_draft
            return
    checkpoints, refused = candidate_checkpoints(
        search.catalog, request, model.id, search.engine, search.behaviour.release
    )
    yield from refused
    too_long = {each.id: _above_limit(each.id, each.limit(model), lengths) for each in checkpoints}
    yield from (each for each in too_long.values() if each is not None)
    for accelerator in _accelerators(search):
        for checkpoint in checkpoints:
            if too_long[checkpoint.id] is None:
                yield from _on_accelerator(search, model, checkpoint, accelerator)


def _above_limit(subject: str, limit: int, lengths: Lengths) -> Refusal | None:
    """Whether requests are asked for that a model or checkpoint has no positions for."""
    wanted = max(lengths.longest or 0, lengths.least)
    if wanted <= limit:
        return None
    of_images = f", {in_words(lengths)} among them" if lengths.images else ""
    return Refusal(
        subject=subject,
        rule="context-above-model",
        numbers=f"{counted(wanted, 'token')} asked for{of_images}, {subject} has positions for {format_tokens(limit)}",
    )


def model_refusal(request: PlanRequest, model: Model) -> Refusal | None:
    """Why a model cannot take such requests, whatever it runs on; None where it can."""
    if model.text is UNKNOWN:
        return Refusal(subject=model.id, rule="not-released", numbers="its architecture and weights are not published")
    lengths = lengths_of(request, model.architecture)
    limit = model.architecture.context.limit()
    if request.images > 0 and "image" not in model.modalities_in:
        return Refusal(subject=model.id, rule="images", numbers="the model reads no images")
    if lengths.context is not None and lengths.least > lengths.context:
        return Refusal(
            subject=model.id,
            rule="images-above-context",
            numbers=f"{in_words(lengths)} take {counted(lengths.images_tokens, 'token')} and a request at least {lengths.least:,}, "
            f"the context is {lengths.context:,}",
            instead=f"a context of {counted(lengths.least, 'token')} would" if lengths.least <= limit else None,
            changes=(("context", lengths.least),) if lengths.least <= limit else (),
        )
    return _above_limit(model.id, limit, lengths)


def _accelerators(search: OwnGpuSearch) -> tuple[Accelerator, ...]:
    if search.request.gpu is not None:
        return (search.catalog.accelerator(search.request.gpu),)
    return tuple(each for each in search.catalog.accelerators.values() if each.platform in PLATFORMS)


def _on_accelerator(
    search: OwnGpuSearch, model: Model, checkpoint: Checkpoint, accelerator: Accelerator
) -> Iterator[Outcome]:
    no_hybrid = hybrid_refusal(search.request, accelerator, search.engine, search.behaviour)
    if no_hybrid is not None:
        yield no_hybrid
        return
    reasons = _accelerator_refusals(search.catalog, search.engine.id, search.behaviour.release, checkpoint, accelerator)
    if not reasons:
        yield from _on_fewest(search, model, checkpoint, accelerator)
    elif search.request.gpu is not None:
        yield from reasons


@functools.lru_cache(maxsize=4096)
def _accelerator_refusals(
    catalog: Catalog, engine: str, release: str, checkpoint: Checkpoint, accelerator: Accelerator
) -> tuple[Refusal, ...]:
    return tuple(accelerator_refusals(catalog, checkpoint, accelerator, catalog.engine(engine), release))


def _on_fewest(
    search: OwnGpuSearch, model: Model, checkpoint: Checkpoint, accelerator: Accelerator
) -> Iterator[Outcome]:
    """What fits on the fewest GPUs that hold it, or why the most GPUs do not.

    Where the number of GPUs is open, more of them are tried before settings are changed further.
    """
    placed = placements(search.request, accelerator)
    if isinstance(placed, Refusal):
        yield placed
        return
    tried: list[tuple[list[Trial], tuple[Refusal, ...]]] = []
    for reach in ALL_REACHES:
        for index, placement in enumerate(placed):
            if index == len(tried):
                tried.append(_trials(search, model, checkpoint, accelerator, placement))
            trials, broken = tried[index]
            if any(each.fitted(reach) is not None for each in trials):
                yield from broken
                yield from (each.outcome() for each in trials)
                return
    trials, broken = tried[-1]
    yield from broken
    yield from (each.outcome() for each in trials)


def _trials(
    search: OwnGpuSearch, model: Model, checkpoint: Checkpoint, accelerator: Accelerator, placement: Placement
) -> tuple[list[Trial], tuple[Refusal, ...]]:
    """Every layout on some GPUs, and refusals of layouts that were asked for."""
    vision = search.request.images > 0 or not search.behaviour.vision_left_out
    layouts, broken = candidate_layouts(model, search.request, placement, vision=vision)
    templates = (
        Candidate(
            model=model, checkpoint=checkpoint, accelerator=accelerator, layout=layout,
            nodes=placement.nodes, cache_dtype="bfloat16", hybrid=True, draft=search.request.speculative,
        )
        for layout in layouts
    )  # fmt: skip
    return [Trial(search.wish, each) for each in templates], broken


def plan_of(search: OwnGpuSearch, fitted: FittedCandidate, config: EngineConfig) -> Plan:
    """The plan of a fitted candidate whose settings are written, with its caveats and its speed."""
    candidate, request = fitted.candidate, search.request
    workload = workload_of(request, lengths_of(request, candidate.model.architecture), fitted.config.max_model_len)
    performance = performance_of(search.catalog, fitted, workload) if workload is not None else None
    return Plan(
        model=candidate.model,
        checkpoint=candidate.checkpoint,
        accelerator=candidate.accelerator,
        count=candidate.layout.gpus,
        nodes=candidate.nodes,
        request=request,
        config=config,
        budget=fitted.budget,
        context=fitted.config.max_model_len,
        largest_context=fitted.largest_context,
        max_concurrency=fitted.max_concurrency,
        kv_cache_tokens=fitted.kv_cache_tokens,
        caveats=(
            *told(search.limits, fitted.faults),
            *caveats_of(search.catalog, fitted, search.engine, search.behaviour, config.settings),
        ),
        performance=performance,
        workload=workload if performance is not None else None,
    )
