"""What holds although it may disappoint: limits of quality, of proof and of speed that a plan must say."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import Reason
from llama4ref.facts.queries.membership import family_of
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.planning.choices.checkpoints import dotted, expert_rule, served_on
from llama4ref.planning.choices.draft_heads import draft_choice
from llama4ref.units import format_bytes, format_tokens

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import Setting
    from llama4ref.engine.layout import Layout
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.conditions import Feature
    from llama4ref.facts.types.engines import Behaviour, Engine
    from llama4ref.facts.types.models import Model
    from llama4ref.planning.fitting.candidates import FittedCandidate

HOST_NOTICE_BYTES = 2**30
CHECKPOINT_KEY_OF_COMPONENT = "coverage.routed_experts"


def caveats_of(
    catalog: Catalog, fitted: FittedCandidate, engine: Engine, behaviour: Behaviour, settings: Mapping[str, Setting]
) -> Iterator[Reason]:
    """Everything a person should know before relying on a plan whose server is started with these settings."""
    yield from long_context(catalog, fitted.candidate.model, fitted.config.max_model_len)
    yield from _host_memory(fitted)
    candidate = fitted.candidate
    if settings.get("moe-backend", "auto") == "auto":
        yield from _expert_kernel(
            catalog, engine.id, behaviour.release, candidate.checkpoint, candidate.accelerator, _split(candidate.layout)
        )
    yield from _of_checkpoint(catalog, candidate.checkpoint)
    yield from _without_graphs(fitted)
    yield from _speculation(catalog, fitted)
    yield from _many_images(catalog, fitted)
    yield from _machines(fitted)


def _without_graphs(fitted: FittedCandidate) -> Iterator[Reason]:
    """That no speed is stated where the engine runs eagerly."""
    if fitted.config.enforce_eager:
        yield Reason(
            about="speed",
            value="not known",
            because="without CUDA graphs every step waits for the host; the speeds that estimates rest on were measured with graphs",
        )


def _speculation(catalog: Catalog, fitted: FittedCandidate) -> Iterator[Reason]:
    """What is not known of a draft head, and that speed is stated without it."""
    draft = fitted.budget.draft
    if draft is None or fitted.candidate.draft is None:
        return
    choice = draft_choice(catalog, fitted.candidate.draft)
    if not choice.is_known:
        yield Reason(
            about="speculative decoding",
            value=choice.algorithm.upper(),
            because=f"no facts of {choice.repository}: its name is all that says so, and it is taken to propose as many tokens as others",
        )
    if not draft.exact:
        yield Reason(
            about="speculative decoding",
            value=draft.name,
            because="what the configuration of the draft head leaves unknown is counted as the most that other heads and the model "
            "have; a head of several layers takes more",
        )
    if not fitted.config.enforce_eager:
        yield Reason(
            about="speed",
            value="without speculation",
            because="how many proposed tokens are accepted depends on the text; the estimate counts none",
        )


def _many_images(catalog: Catalog, fitted: FittedCandidate) -> Iterator[Reason]:
    """More images in a prompt than the developer supports; one is."""
    if fitted.config.images_per_prompt <= 1:
        return
    family = family_of(catalog, fitted.candidate.model)
    supported = family.prompting.images.supported_by_card
    if fitted.config.images_per_prompt > supported:
        cited = catalog.cite(f"families/{family.id}", "prompting.images.supported_by_card")
        yield Reason(
            about="images",
            value=f"{fitted.config.images_per_prompt:,} in a prompt",
            because=f"the developer supports up to {supported}",
            source=cited[0].source.id,
        )


def _machines(fitted: FittedCandidate) -> Iterator[Reason]:
    """Links between machines, and machines whose size nobody states."""
    candidate = fitted.candidate
    if candidate.nodes > 1:
        yield Reason(
            about="nodes",
            value=str(candidate.nodes),
            because="the link between nodes is not modelled; expect lower speed",
        )
    if candidate.layout.gpus > candidate.nodes and not candidate.accelerator.per_node:
        yield Reason(
            about="nodes",
            value=str(candidate.nodes),
            because=f"no source says how many {candidate.accelerator.name} a machine holds; "
            f"{candidate.layout.gpus // candidate.nodes:,} are taken to be in one",
        )


def long_context(catalog: Catalog, model: Model, tokens: int) -> Iterator[Reason]:
    """What a context beyond training rests on, and what independent tests found."""
    trained = model.architecture.context.trained_tokens
    if tokens <= trained:
        return
    yield Reason(
        about="quality",
        value=f"beyond {format_tokens(trained)} tokens",
        because="the developer's claim of generalization, not training, vouches for quality there",
        source=catalog.cite(f"models/{model.id}", "context.trained_tokens")[0].source.id,
    )
    yield from _independent_tests(catalog, model)


@functools.lru_cache(maxsize=64)
def _independent_tests(catalog: Catalog, model: Model) -> tuple[Reason, ...]:
    """The longest prompt of an independent long-context test with a score for the model."""
    found = [
        (benchmark.tokens, benchmark, result)
        for benchmark in catalog.benchmarks.values()
        for result in benchmark.results
        if benchmark.tokens
        and result.system == model.id
        and result.label == "independent"
        and result.score is not UNKNOWN
    ]
    if not found:
        return ()
    tokens, benchmark, result = max(found, key=lambda each: each[0])
    place = f"benchmarks/{benchmark.id}"
    index = benchmark.results.index(result)
    return (
        Reason(
            about="independent tests",
            value=f"{result.score:g} {benchmark.unit}",
            because=f"{benchmark.name}, the longest prompt of an independent test here: {format_tokens(tokens)} tokens",
            source=catalog.cite(place, f"results.{index}.score")[0].source.id,
        ),
    )


def _host_memory(fitted: FittedCandidate) -> Iterator[Reason]:
    if fitted.budget.host_bytes >= HOST_NOTICE_BYTES:
        yield Reason(
            about="host memory",
            value=format_bytes(fitted.budget.host_bytes),
            because="for the token ids of each GPU's process, beside the usual",
            source="vllm-0.32.0",
        )


@functools.lru_cache(maxsize=4096)
def _expert_kernel(  # noqa: PLR0917  # kept by position in the cache
    catalog: Catalog,
    engine: str,
    release: str,
    checkpoint: Checkpoint,
    accelerator: Accelerator,
    split: frozenset[Feature],
) -> tuple[Reason, ...]:
    """What the kernel that the engine takes by itself costs, or that none is known."""
    found = expert_rule(catalog, catalog.engine(engine), release, served_on(checkpoint, accelerator, split))
    if found is None or found[1].chosen is UNKNOWN:
        where = f"which kernel of {catalog.engine(engine).name} {release} runs them on {accelerator.name}"
        experts = str(checkpoint.coverage.routed_experts if checkpoint.coverage else UNKNOWN)
        return (Reason(about="routed experts", value=experts, because=f"no source says {where}"),)
    id_, rule = found
    if not rule.note:
        return ()
    cited = catalog.cite(f"kernels/{engine}", f"rules.{id_}.chosen")
    source = cited[0].source.id if cited else None
    return (Reason(about="routed experts", value=f"by {rule.chosen}", because=rule.note, source=source),)


@functools.lru_cache(maxsize=64)
def _split(layout: Layout) -> frozenset[Feature]:
    """The features of a layout that decide over the kernel of the routed experts."""
    ways: dict[Feature, bool] = {
        "expert-parallel": layout.expert_parallel,
        "data-parallel": layout.data_parallel > 1,
        "tensor-parallel": layout.tensor_parallel > 1,
    }
    return frozenset(name for name, used in ways.items() if used)


@functools.lru_cache(maxsize=1024)
def _of_checkpoint(catalog: Catalog, checkpoint: Checkpoint) -> tuple[Reason, ...]:
    """What to know of a checkpoint, whatever it runs on."""
    return (*_disputed_requirement(catalog, checkpoint), *_coverage_note(catalog, checkpoint))


def _disputed_requirement(catalog: Catalog, checkpoint: Checkpoint) -> Iterator[Reason]:
    leaf = catalog.provenance.get(f"checkpoints/{checkpoint.id}", {}).get("requirements.min_capability")
    if leaf is not None and leaf.disputed:
        words = "; ".join(
            f"{each.source.publisher} says {dotted(each.value)}"
            for each in leaf.citations
            if not each.agrees and isinstance(each.value, int)
        )
        needed = checkpoint.requirements.min_capability
        yield Reason(
            about="compute capability",
            value=str(UNKNOWN) if needed is UNKNOWN else f"{dotted(needed)} is enough",
            because=f"{leaf.because}; {words}",
            source=leaf.citations[0].source.id,
        )


def _coverage_note(catalog: Catalog, checkpoint: Checkpoint) -> Iterator[Reason]:
    entity = f"checkpoints/{checkpoint.id}"
    leaf = catalog.provenance.get(entity, {}).get(CHECKPOINT_KEY_OF_COMPONENT)
    note = leaf.citations[0].note if leaf and leaf.citations else None
    if note:
        yield Reason(
            about="coverage",
            value=checkpoint.id,
            because=note,
            source=leaf.citations[0].source.id if leaf else None,
        )
