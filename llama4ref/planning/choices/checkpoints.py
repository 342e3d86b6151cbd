"""Which checkpoints come into question, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import UNKNOWN, Unknown, is_stated
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Engine, Kernel
    from llama4ref.planning.request import PlanRequest

PLATFORMS = ("cuda", "rocm")
"""Platforms that memory is planned for."""
VENDORS = frozenset({"AMD", "NVIDIA", "Red Hat"})
"""Publishers whose checkpoints come right after the developer's own: they make the hardware or maintain the engine. A policy of
this planner, no fact."""


def candidate_checkpoints(
    catalog: Catalog, request: PlanRequest, model_id: str, engine: Engine, release: str
) -> tuple[tuple[Checkpoint, ...], tuple[Refusal, ...]]:
    """Checkpoints of a model that the engine's release loads, in the order of their publishers, and refusals of the others."""
    if request.checkpoint is not None:
        named = catalog.checkpoint(request.checkpoint)
        pool: Sequence[Checkpoint] = [named] if named.model == model_id else []
    else:
        pool = [each for each in catalog.checkpoints.values() if each.model == model_id and each.stage == "instruct"]
    fitting: list[Checkpoint] = []
    refused: list[Refusal] = []
    for checkpoint in pool:
        refusal = _release_refusal(catalog, checkpoint, request, engine, release)
        if refusal is None:
            fitting.append(checkpoint)
        else:
            refused.append(refusal)
    return tuple(sorted(fitting, key=lambda each: publisher_rank(catalog, each))), tuple(refused)


def publisher_rank(catalog: Catalog, checkpoint: Checkpoint) -> tuple[int, int, str]:
    """Place of a checkpoint in the list: the developer's own first, then those of vendors, recipes, and all others.

    Within each, more bits of the routed experts come first.
    """
    if checkpoint.kind == "recipe":
        place = 2
    elif checkpoint.publisher == catalog.model(checkpoint.model).developer:
        place = 0
    else:
        place = 1 if checkpoint.publisher in VENDORS else 3
    return place, -expert_bits(catalog, checkpoint), checkpoint.id


def expert_bits(catalog: Catalog, checkpoint: Checkpoint) -> int:
    """Bits of one weight of a routed expert, 0 where the coverage is unknown."""
    coverage = checkpoint.coverage
    if coverage is UNKNOWN or coverage.routed_experts is UNKNOWN:
        return 0
    return catalog.format(coverage.routed_experts).element.bits


def _release_refusal(
    catalog: Catalog, checkpoint: Checkpoint, request: PlanRequest, engine: Engine, release: str
) -> Refusal | None:
    loading = checkpoint.loads.get(engine.id)
    if loading is None or loading.supported is not True:
        refused = loading is not None and loading.supported is False
        said = f"{engine.name} does not load it" if refused else f"no source says that {engine.name} loads it"
        why = loading.note if loading and loading.note else said
        return Refusal(subject=checkpoint.id, rule="engine-cannot-load", numbers=why, source=None)
    if not holds_at(release, since=loading.since, until=loading.until):
        span = _releases(loading.since, loading.until)
        return Refusal(
            subject=checkpoint.id,
            rule="engine-release",
            numbers=f"{engine.name} {release} does not load it, releases {span} do",
        )
    method = engine.methods.get(checkpoint.quantization_method)
    if method is not None and not holds_at(release, since=method.since, until=method.until):
        span = _releases(method.since, method.until)
        return Refusal(
            subject=checkpoint.id,
            rule="engine-release",
            numbers=f"method {checkpoint.quantization_method} exists {span}, not in {release}",
        )
    coverage = checkpoint.coverage
    if coverage is UNKNOWN or coverage.routed_experts is UNKNOWN:
        return Refusal(
            subject=checkpoint.id,
            rule="coverage-unknown",
            numbers="which modules are quantized is not published, so its size cannot be computed",
        )
    bits = expert_bits(catalog, checkpoint)
    if bits < request.min_weight_bits:
        return Refusal(
            subject=checkpoint.id,
            rule="quality",
            numbers=f"{bits} bits a routed weight, {request.min_weight_bits} asked for",
        )
    return None


def _releases(since: str | Unknown | None, until: str | None) -> str:
    """Releases in words; a `since` that is not stated lies before those that the facts cover."""
    return f"from {since if is_stated(since) else 'the first release'}" + (f" until {until}" if until else "")


def accelerator_refusals(checkpoint: Checkpoint, accelerator: Accelerator, engine: Engine) -> Iterator[Refusal]:
    """Why a checkpoint does not run on an accelerator; nothing where it does.

    What a checkpoint is not known to ask for rules nothing out here: the engine's own kernels decide, see `kernels_for`.
    """
    subject = f"{checkpoint.id} on {accelerator.id}"
    if accelerator.platform not in PLATFORMS:
        yield Refusal(
            subject=subject,
            rule="platform",
            numbers=f"plans are made for {' and '.join(PLATFORMS)}, {accelerator.name} is {accelerator.platform}",
        )
        return
    needs, has = checkpoint.requirements, accelerator.capability
    if needs.platforms is not UNKNOWN and accelerator.platform not in needs.platforms:
        yield Refusal(
            subject=subject,
            rule="platform",
            numbers=f"it needs {' or '.join(needs.platforms)}, {accelerator.name} is {accelerator.platform}",
        )
    if has is not None and needs.min_capability is not UNKNOWN and has < needs.min_capability:
        yield _capability(subject, accelerator, f"at least {dotted(needs.min_capability)}", needs.note)
    if has is not None and is_stated(needs.max_capability) and has > needs.max_capability:
        yield _capability(subject, accelerator, f"at most {dotted(needs.max_capability)}", needs.note)
    method = engine.methods.get(checkpoint.quantization_method)
    if has is not None and method is not None and method.min_capability is not UNKNOWN and has < method.min_capability:
        yield _capability(
            subject, accelerator, f"at least {dotted(method.min_capability)} for {checkpoint.quantization_method}", None
        )
    kernels = [each for each in kernels_for(checkpoint, engine) if each.platform == accelerator.platform]
    if kernels and not any(runs(kernel, has) for kernel in kernels):
        spans = "; ".join(_span(kernel) for kernel in kernels)
        format_ = checkpoint.coverage.routed_experts if checkpoint.coverage else UNKNOWN
        yield Refusal(
            subject=subject,
            rule="no-expert-kernel",
            numbers=f"routed experts in {format_} run on {spans}; {accelerator.name} is {accelerator.compute_capability or accelerator.architecture}",
            source="vllm-0.32.0",
        )


def kernels_for(checkpoint: Checkpoint, engine: Engine) -> tuple[Kernel, ...]:
    """What the engine is known to have for the format of a checkpoint's routed experts."""
    if checkpoint.coverage is UNKNOWN:
        return ()
    return tuple(kernel for kernel in engine.kernels if kernel.format == checkpoint.coverage.routed_experts)


def runs(kernel: Kernel, capability: int | None) -> bool:
    """Whether a kernel runs at a compute capability; where none is known, whether it runs at all."""
    if not kernel.supported:
        return False
    return capability is None or (
        (kernel.min_capability is None or capability >= kernel.min_capability)
        and (kernel.max_capability is None or capability <= kernel.max_capability)
    )


def _span(kernel: Kernel) -> str:
    if not kernel.supported:
        return f"no {kernel.platform} kernel"
    low = f"from {dotted(kernel.min_capability)}" if kernel.min_capability else "any"
    return f"{kernel.platform} {low}" + (f" to {dotted(kernel.max_capability)}" if kernel.max_capability else "")


def _capability(subject: str, accelerator: Accelerator, expected: str, note: str | None) -> Refusal:
    return Refusal(
        subject=subject,
        rule="compute-capability",
        numbers=f"compute capability {expected}, {accelerator.name} has {accelerator.compute_capability}"
        + (f" ({note})" if note else ""),
    )


def dotted(capability: int) -> str:
    """A compute capability times ten, as it is written: 90 is 9.0."""
    return f"{capability // 10}.{capability % 10}"
