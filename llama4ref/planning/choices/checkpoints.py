"""Which checkpoints come into question, and why the others do not."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from llama4ref.facts.types.conditions import Circumstances
from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import UNKNOWN, Unknown, is_stated
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.conditions import Feature, Size
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.kernels import KernelRule
    from llama4ref.planning.request import PlanRequest

PLATFORMS = ("cuda", "rocm")
"""Platforms that memory is planned for."""
_WAYS_TO_SPLIT: tuple[frozenset[Feature], ...] = (frozenset(), frozenset({"expert-parallel"}))
"""Routed experts cut over the GPUs, and kept whole."""
VENDORS = frozenset({"AMD", "NVIDIA", "Red Hat"})
"""Publishers whose checkpoints come right after the developer's own: they make the hardware or maintain the engine. A policy of
this planner, no fact."""


def candidate_checkpoints(
    catalog: Catalog, request: PlanRequest, model_id: str, engine: Engine, release: str
) -> tuple[tuple[Checkpoint, ...], tuple[Refusal, ...]]:
    """Checkpoints of a model that the engine's release loads, in the order of their publishers, and refusals of the others."""
    return _candidates(catalog, request.checkpoint, request.min_weight_bits, model_id, engine.id, release)


@functools.lru_cache(maxsize=256)
def _candidates(  # noqa: PLR0917  # kept by position in the cache
    catalog: Catalog, asked: str | None, min_weight_bits: int, model_id: str, engine_id: str, release: str
) -> tuple[tuple[Checkpoint, ...], tuple[Refusal, ...]]:
    if asked is not None:
        named = catalog.checkpoint(asked)
        pool: Sequence[Checkpoint] = [named] if named.model == model_id else []
    else:
        pool = [each for each in catalog.checkpoints.values() if each.model == model_id and each.stage == "instruct"]
    fitting: list[Checkpoint] = []
    refused: list[Refusal] = []
    for checkpoint in pool:
        refusal = _release_refusal(catalog, checkpoint, min_weight_bits, catalog.engine(engine_id), release)
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
    catalog: Catalog, checkpoint: Checkpoint, min_weight_bits: int, engine: Engine, release: str
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
    if bits < min_weight_bits:
        return Refusal(
            subject=checkpoint.id,
            rule="quality",
            numbers=f"{bits} bits a routed weight, {min_weight_bits} asked for",
        )
    return None


def _releases(since: str | Unknown | None, until: str | None) -> str:
    """Releases in words; a `since` that is not stated lies before those that the facts cover."""
    return f"from {since if is_stated(since) else 'the first release'}" + (f" until {until}" if until else "")


def accelerator_refusals(
    catalog: Catalog, checkpoint: Checkpoint, accelerator: Accelerator, engine: Engine, release: str
) -> Iterator[Refusal]:
    """Why a checkpoint does not run on an accelerator with a release of the engine; nothing where it does.

    What a checkpoint is not known to ask for rules nothing out here: the engine's own kernels decide, see `expert_rule`.
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
    yield from _no_expert_kernel(catalog, checkpoint, accelerator, engine, release)


def _no_expert_kernel(
    catalog: Catalog, checkpoint: Checkpoint, accelerator: Accelerator, engine: Engine, release: str
) -> Iterator[Refusal]:
    """Routed experts that nothing runs, whether they are split or kept whole; where one way is not recorded, nothing."""
    split, whole = (
        expert_rule(catalog, engine, release, served_on(checkpoint, accelerator, features))
        for features in _WAYS_TO_SPLIT
    )
    if split is None or whole is None or split[1].chosen is not None or whole[1].chosen is not None:
        return
    id_, rule = split
    cited = catalog.cite(f"kernels/{engine.id}", f"rules.{id_}.chosen")
    yield Refusal(
        subject=f"{checkpoint.id} on {accelerator.id}",
        rule="no-expert-kernel",
        numbers=f"no kernel of {engine.name} {release} runs routed experts in {_expert_format(checkpoint)} on "
        f"{accelerator.name}, {accelerator.compute_capability or accelerator.architecture}"
        + (f": {rule.note}" if rule.note else ""),
        source=cited[0].source.id if cited else None,
    )


def expert_rule(
    catalog: Catalog, engine: Engine, release: str, circumstances: Circumstances
) -> tuple[str, KernelRule] | None:
    """What is recorded of the kernel that a release runs the routed experts with, and its name; None where nothing is."""
    recorded = catalog.kernels.get(engine.id)
    return None if recorded is None else recorded.rule("experts", release, circumstances)


def served_on(
    checkpoint: Checkpoint,
    accelerator: Accelerator,
    features: frozenset[Feature] = frozenset(),
    sizes: Mapping[Size, int] | None = None,
) -> Circumstances:
    """A checkpoint on an accelerator, with what is known of its server's features and sizes."""
    return Circumstances(
        platform=accelerator.platform,
        accelerator=accelerator.id,
        architecture=accelerator.architecture,
        capability=accelerator.capability,
        model=checkpoint.model,
        checkpoint=checkpoint.id,
        quantization_method=checkpoint.quantization_method,
        expert_format=_expert_format(checkpoint),
        attention_format=checkpoint.coverage.attention if checkpoint.coverage else UNKNOWN,
        features=features,
        sizes=sizes or {},
    )


def _expert_format(checkpoint: Checkpoint) -> str | Unknown:
    return checkpoint.coverage.routed_experts if checkpoint.coverage else UNKNOWN


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
