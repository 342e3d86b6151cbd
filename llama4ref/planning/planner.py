"""From a request to plans, best first, and to refusals with their rules and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError
from llama4ref.facts import load
from llama4ref.planning.alternatives import alternatives
from llama4ref.planning.choices.draft_heads import check_draft
from llama4ref.planning.offers.hosted import hosted_plans
from llama4ref.planning.outcomes import Alternative, HostedPlan, Plan, PlanResult, Refusal, SizedPlan
from llama4ref.planning.own_plans import model_refusal, own_plans, plans_alone
from llama4ref.planning.unplanned_hardware import is_only_sized, unplanned

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.models import Model
    from llama4ref.planning.request import PlanRequest

_RULES_BY_USE = (
    "context-above-model", "images-above-context", "engine-ability", "engine-fault", "hybrid", "draft-head", "nodes", "layout", "tensor-parallel-across-nodes", "images", "kv-cache-too-small", "concurrency",
    "buffers-beside-the-cache", "nothing-left-for-kv-cache", "weights-too-large", "no-expert-kernel", "compute-capability",
    "platform", "quality",
)  # fmt: skip
"""Rules in the order in which a refusal by them helps; all others come last."""


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
    facts = _facts(catalog)
    plans: list[Plan | HostedPlan] = []
    refused: list[Refusal] = []
    models = _models(facts, request)
    sized: tuple[SizedPlan, ...] = ()
    if request.wants_own_gpus and is_only_sized(facts, request):
        _check_checkpoint(facts, request, models)
        sized, sized_refused = _sized(facts, request, models)
        refused += sized_refused
    elif request.wants_own_gpus:
        _check_checkpoint(facts, request, models)
        check_draft(facts, request, models)
        own, own_refused = own_plans(facts, request, models)
        plans += own
        refused += own_refused
    if request.wants_providers:
        hosted, hosted_refused = hosted_plans(facts, request)
        plans += hosted
        refused += hosted_refused
    refused.sort(key=_place)
    return PlanResult(request=request, plans=tuple(plans), refused=tuple(_distinct(refused)), sized=sized)


def _sized(
    catalog: Catalog, request: PlanRequest, models: Sequence[Model]
) -> tuple[tuple[SizedPlan, ...], list[Refusal]]:
    """What other engines would serve of the models that can take such requests, after why nothing is planned in full."""
    from llama4ref.planning.other_engines.sized_plans import sized_plans  # a plan in full needs none of it

    cannot = [each for model in models if (each := model_refusal(request, model)) is not None]
    able = [model for model in models if model_refusal(request, model) is None]
    sized, refused = sized_plans(catalog, request, able)
    return sized, [*unplanned(catalog, request), *cannot, *refused]


def alternatives_to(result: PlanResult, catalog: Catalog | None = None) -> tuple[Alternative, ...]:
    """Where nothing fits: similar requests for own GPUs that were planned, those that change least first.

    It takes a tenth of a second, as many requests are planned.

    Examples:
        >>> from llama4ref import PlanRequest, plan
        >>> wish = PlanRequest(model="scout", gpu="h200-sxm", count=8, context="10M", max_num_seqs=1024, gpu_memory_utilization=0.92)
        >>> found = alternatives_to(plan(wish))
        >>> found[0].changes, found[0].plan.context
        ((('max_num_seqs', 256),), 10485760)
    """
    request = result.request
    facts = _facts(catalog)
    if result.plans or not request.wants_own_gpus or is_only_sized(facts, request):
        return ()
    return alternatives(request, result.refused, lambda changed: plans_alone(facts, changed, _models(facts, changed)))


def _facts(catalog: Catalog | None) -> Catalog:
    """The catalogue that is given, or the packaged one: the only place where planning reads it by itself."""
    return catalog if catalog is not None else load()


def _models(catalog: Catalog, request: PlanRequest) -> tuple[Model, ...]:
    if request.model is not None:
        return (catalog.model(request.model),)
    if request.checkpoint is not None:
        return (catalog.model(catalog.checkpoint(request.checkpoint).model),)
    return tuple(model for model in catalog.models.values() if model.status == "released")


def _check_checkpoint(catalog: Catalog, request: PlanRequest, models: Sequence[Model]) -> None:
    if request.checkpoint is None:
        return
    checkpoint = catalog.checkpoint(request.checkpoint)
    if checkpoint.model not in {model.id for model in models}:
        raise RequestError(f"checkpoint: {checkpoint.id} is of {checkpoint.model}, the request is for {request.model}")


def _place(refusal: Refusal) -> int:
    """Where a refusal stands: those that help most come first."""
    return _RULES_BY_USE.index(refusal.rule) if refusal.rule in _RULES_BY_USE else len(_RULES_BY_USE)


def _distinct(refusals: Iterable[Refusal]) -> Iterator[Refusal]:
    seen: set[Refusal] = set()
    for refusal in refusals:
        if refusal not in seen:
            seen.add(refusal)
            yield refusal
