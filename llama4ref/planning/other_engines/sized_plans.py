"""From a request to plans that are sized by the rules of engines, and to refusals: what serves where vLLM is not planned for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from llama4ref.errors import ReleaseError, RequestError, UnknownFactError
from llama4ref.planning.choices.checkpoints import publisher_rank
from llama4ref.planning.choices.machines import placements
from llama4ref.planning.compatibility.workarounds import compatibility, told
from llama4ref.planning.lengths import lengths_of
from llama4ref.planning.other_engines.candidates import Host, host_of
from llama4ref.planning.other_engines.sizes import DeviceMemory, Served, device_memory, largest_context
from llama4ref.planning.other_engines.words import (
    caveats_of,
    circumstances,
    claims_of,
    command_of,
    got_round,
    limits_of,
    lines_of,
    reasons_of,
)
from llama4ref.planning.outcomes import Refusal, SizedPlan
from llama4ref.units import format_bytes, format_tokens

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.models import Model
    from llama4ref.planning.request import PlanRequest

_READ = frozenset(
    {
        "model", "gpu", "count", "nodes", "hosted", "context", "concurrency", "prompt_tokens", "output_tokens", "images", "image_size",
        "tools", "json_schema", "checkpoint", "min_weight_bits", "engine", "engine_release", "cache_dtype", "goal",
    }
)  # fmt: skip
"""Fields of a request that a sized plan heeds."""


def sized_plans(
    catalog: Catalog, request: PlanRequest, models: Sequence[Model]
) -> tuple[tuple[SizedPlan, ...], tuple[Refusal, ...]]:
    """What the named engine, or each that serves a model on the accelerator, would hold, those that surely fit first; and refusals.

    Raises:
        ReleaseError: for a release that the engine's facts do not cover, or one without an engine.
    """
    unread = [each.name for each in fields(request) if each.name not in _READ and each.name in request.as_dict()]
    if unread:
        said = "that is planned with vLLM alone"
        return (), (Refusal(subject=unread[0].replace("_", " "), rule="engine-setting", numbers=said),)
    if request.engine_release is not None and request.engine is None:
        raise ReleaseError(f"{request.engine_release}: name the engine too, as each has releases of its own")
    hosts = tuple(_hosts(catalog, request))
    if not hosts and request.gpu is not None:
        return (), (_nobody(catalog.accelerator(request.gpu)),)
    outcomes = [each for host in hosts for each in _on_host(host, models)]
    plans = [each for each in outcomes if isinstance(each, SizedPlan)]
    plans.sort(key=lambda each: _rank(catalog, each))
    return tuple(plans), tuple(each for each in outcomes if isinstance(each, Refusal))


def _nobody(accelerator: Accelerator) -> Refusal:
    said = f"nobody states that an engine serves Llama 4 on {accelerator.platform}"
    return Refusal(subject=accelerator.name, rule="not-planned", numbers=said)


def _rank(catalog: Catalog, plan: SizedPlan) -> tuple[object, ...]:
    """Those that surely fit first, instruct ones, fewer devices, then as checkpoints are ranked."""
    base = plan.checkpoint.stage != "instruct"
    return plan.fits is None, base, plan.count, publisher_rank(catalog, plan.checkpoint)


def _hosts(catalog: Catalog, request: PlanRequest) -> Iterator[Host | Refusal]:
    gpus = [catalog.accelerator(request.gpu)] if request.gpu is not None else list(catalog.accelerators.values())
    engines = [catalog.engine(request.engine)] if request.engine is not None else list(catalog.engines.values())
    for accelerator in gpus:
        for engine in engines:
            host = host_of(catalog, request, engine, accelerator)
            if host is not None:
                yield host


def _on_host(host: Host | Refusal, models: Sequence[Model]) -> Iterator[SizedPlan | Refusal]:
    if isinstance(host, Refusal):
        yield host
        return
    loaded = [(model, checkpoint) for model in models for checkpoint in host.checkpoints(model)]
    if not loaded and host.request.gpu is not None:
        said = f"nobody states that {host.engine.name} {host.release} loads what is asked for"
        yield Refusal(subject=f"{host.engine.id} on {host.accelerator.id}", rule="engine-cannot-load", numbers=said)
    for model, checkpoint in loaded:
        yield from _on_fewest(host, model, checkpoint)


def _on_fewest(host: Host, model: Model, checkpoint: Checkpoint) -> Iterator[SizedPlan | Refusal]:
    """What fits on the fewest devices, or why the most that it runs on do not hold it."""
    cannot = tuple(host.cannot_run(checkpoint))
    if cannot:
        yield from cannot
        return
    placed = placements(host.request, host.accelerator)
    if isinstance(placed, Refusal):
        yield placed
        return
    if any(each.nodes > 1 for each in placed):
        subject, said = (
            f"{host.engine.id} on {host.accelerator.id}",
            "plans over several machines are made with vLLM alone",
        )
        yield Refusal(subject=subject, rule="nodes", numbers=said)
        return
    last: Refusal | None = None
    for placement in placed:
        served = host.served(model, checkpoint, placement.count)
        if isinstance(served, Refusal):
            last = last or served
            continue
        outcome = _sized(host, served)
        if isinstance(outcome, SizedPlan):
            yield outcome
            return
        last = outcome
    if last is not None:
        yield last


def _sized(host: Host, served: Served) -> SizedPlan | Refusal:
    subject = f"{served.checkpoint.id} with {served.engine.id} on {served.count:,} x {served.accelerator.id}"
    try:
        longest = largest_context(host.catalog, served)
        context = lengths_of(host.request, served.model.architecture).longest or longest or 1
        memory = device_memory(host.catalog, served, context)
    except UnknownFactError as error:
        return Refusal(subject=subject, rule="coverage-unknown", numbers=str(error))
    except RequestError as error:
        return Refusal(subject=subject, rule="layout", numbers=str(error))
    if context > served.limit:
        said = f"{format_tokens(context)} asked for, it has positions for {format_tokens(served.limit)}"
        return Refusal(subject=subject, rule="context-above-model", numbers=said)
    if memory.fits is False:
        return _too_large(served, memory, context, longest)
    return _plan(host, served, memory, context, longest)


def _plan(host: Host, served: Served, memory: DeviceMemory, context: int, longest: int | None) -> SizedPlan | Refusal:
    """The plan, unless a fault rules it out."""
    limits = limits_of(host.catalog, served)
    subject = f"{served.checkpoint.id} with {served.engine.id} on {served.accelerator.id}"
    met = compatibility(limits, host.request, lambda request: circumstances(served, request, context), subject=subject)
    if isinstance(met, Refusal):
        return met
    return SizedPlan(
        model=served.model,
        checkpoint=served.checkpoint,
        accelerator=served.accelerator,
        count=served.count,
        engine=served.engine,
        release=served.release,
        request=host.request,
        lines=tuple(lines_of(host.catalog, served, memory, context)),
        memory_bytes=served.accelerator.memory_bytes,
        context=context,
        requests=served.requests,
        largest_context=longest,
        fits=memory.fits,
        cache_type=served.cache_type.name,
        command=command_of(served, context),
        reasons=(*reasons_of(host.catalog, served), *claims_of(host.catalog, served)),
        caveats=(*told(limits, met.remaining), *got_round(met.workarounds), *caveats_of(served, memory)),
    )


def _too_large(served: Served, memory: DeviceMemory, context: int, longest: int | None) -> Refusal:
    """Why not even the least that is known fits, and the longest request that surely would."""
    subject = f"{served.checkpoint.id} with {served.engine.id} on {served.count:,} x {served.accelerator.id}"
    weights, room = format_bytes(memory.weights), format_bytes(served.granted_bytes)
    if memory.weights > served.granted_bytes:
        said = f"{weights} of weights on a device, {room} for weights and cache"
        return Refusal(subject=subject, rule="weights-too-large", numbers=said)
    cache = format_bytes(memory.cache)
    return Refusal(
        subject=subject,
        rule="kv-cache-too-small",
        numbers=f"{weights} of weights and {cache} of cache for {format_tokens(context)} on a device, {room} for both and overhead",
        instead=f"up to {format_tokens(longest)} would fit" if longest else None,
        changes=(("context", longest),) if longest else (),
    )
