"""What a sized plan says: its lines of memory, its rules with their sources, its faults, and how the server is started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import Reason
from llama4ref.planning.choices.checkpoints import served_on
from llama4ref.planning.compatibility.engine_limits import EngineLimits
from llama4ref.planning.outcomes import SizedLine
from llama4ref.units import format_bytes, format_tokens
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.conditions import Circumstances, Feature
    from llama4ref.planning.compatibility.workarounds import Workaround
    from llama4ref.planning.other_engines.sizes import DeviceMemory, Served
    from llama4ref.planning.request import PlanRequest


def cited(catalog: Catalog, served: Served, field: str) -> str | None:
    """Id of the first source of a leaf of the engine's rules."""
    found = catalog.cite(f"engines/{served.engine.id}", f"sizing.{field}")
    return found[0].source.id if found else None


def lines_of(catalog: Catalog, served: Served, memory: DeviceMemory, context: int) -> Iterator[SizedLine]:
    """The parts of the fullest device, in the order in which they are taken."""
    on = "of one device" if served.count > 1 else f"as {served.engine.name} holds them"
    yield SizedLine(
        name="weights", least_bytes=memory.weights, most_bytes=memory.weights,
        because=f"formats of {served.checkpoint.id}, {on}", source=None,
    )  # fmt: skip
    yield SizedLine(
        name="KV cache", least_bytes=memory.cache, most_bytes=memory.cache,
        because=_cache_words(served, context), source=cited(catalog, served, f"cache.{_place(served)}.local_layers"),
    )  # fmt: skip
    unstated = (
        "nobody states how much" if memory.most_overhead is None else "buffers of one step, activations, the driver"
    )
    field = "overhead" if memory.most_overhead is None else "overhead.most_bytes"
    yield SizedLine(
        name="overhead", least_bytes=memory.least_overhead, most_bytes=memory.most_overhead,
        because=unstated, source=cited(catalog, served, field),
    )  # fmt: skip
    kept = served.accelerator.memory_bytes - served.granted_bytes
    if kept:
        yield SizedLine(
            name="kept back", least_bytes=kept, most_bytes=kept, because="not for weights and cache, by the release's default",
            source=cited(catalog, served, f"memory.{served.sizing.memory.index(served.share)}.share"),
        )  # fmt: skip


def _place(served: Served) -> int:
    return served.sizing.cache.index(served.rule)


def _cache_words(served: Served, context: int) -> str:
    requests = counted(served.requests, "request")
    kept = {
        "all": "all tokens in every layer",
        "chunk": f"all tokens in global layers, a chunk and {served.rule.beside_chunk:,} tokens in chunked-local ones",
        "share": f"all tokens in global layers, room for {served.rule.local_share:g} of them in chunked-local ones",
    }[served.rule.local_layers]
    return f"{requests} of {format_tokens(context)} in {served.cache_type.name}: {kept}"


def reasons_of(catalog: Catalog, served: Served) -> Iterator[Reason]:
    """The rules that were taken, each with its source."""
    device = served.accelerator
    note = _note(catalog, f"accelerators/{device.id}", "memory_bytes")
    yield Reason(
        about="memory",
        value=format_bytes(device.memory_bytes),
        because=f"what a process may use of {device.name}" + (f": {note}" if note else ""),
        source=_first(catalog, f"accelerators/{device.id}", "memory_bytes"),
    )
    platform = served.accelerator.platform
    note = served.engine.platforms[platform].note
    yield Reason(
        about="engine", value=served.engine.name, because=f"it runs on {platform}" + (f", {note}" if note else ""),
        source=_first(catalog, f"engines/{served.engine.id}", f"platforms.{platform}.since"),
    )  # fmt: skip
    yield Reason(
        about="checkpoint", value=served.checkpoint.id, because=f"{served.engine.name} loads it",
        source=_first(catalog, f"checkpoints/{served.checkpoint.id}", f"loads.{served.engine.id}.supported"),
    )  # fmt: skip


_SHOWN = {
    "stated": "stated, neither a start nor a request is shown",
    "started": "a server started with it, no request of that length is shown",
    "served": "a request of that length was answered",
}
"""What a published context length was shown by, in words."""


def claims_of(catalog: Catalog, served: Served) -> Iterator[Reason]:
    """What is published of the same checkpoint on the same devices with this engine, and what it was shown by."""
    for index, claim in enumerate(served.engine.claims_of_capacity):
        if (claim.accelerator, claim.count, claim.checkpoint) == (
            served.accelerator.id,
            served.count,
            served.checkpoint.id,
        ):
            options = f" with {' '.join(claim.flags)}" if claim.flags else ""
            yield Reason(
                about="published context",
                value=format_tokens(claim.max_context),
                because=f"{_SHOWN[claim.shown]}: {served.engine.name} {claim.release}{options}",
                source=_first(catalog, f"engines/{served.engine.id}", f"claims_of_capacity.{index}.max_context"),
            )


def _note(catalog: Catalog, entity: str, field: str) -> str | None:
    """What stands beside a leaf in words."""
    found = catalog.cite(entity, field)
    return found[0].note if found else None


def _first(catalog: Catalog, entity: str, field: str) -> str | None:
    leaf = catalog.provenance.get(entity, {}).get(field)
    return leaf.citations[0].source.id if leaf is not None and leaf.citations else None


def caveats_of(served: Served, memory: DeviceMemory) -> Iterator[Reason]:
    """What is not known of a plan that is only sized."""
    yield Reason(
        about="proof", value="",
        because=f"computed from facts; nothing of {served.engine.name} was started or measured for it", source=None,
    )  # fmt: skip
    if memory.most_overhead is None:
        yield Reason(
            about="overhead", value="",
            because="nobody states it, so that the longest request is not known and whether this one fits is not either",
            source=None,
        )  # fmt: skip
    if served.projector_parameters:
        yield Reason(
            about="images",
            value="",
            because="the vision tower lies in a file of its own; its size is counted between 8 and 32 bits a number, in the overhead",
            source=None,
        )
    if served.checkpoint.stage != "instruct":
        yield Reason(
            about="checkpoint", value=served.checkpoint.stage, because="it follows no instructions; a chat needs an instruct one",
            source=None,
        )  # fmt: skip


def got_round(workarounds: Iterable[Workaround]) -> Iterator[Reason]:
    """Faults that something gets round; it is told and not set, as nothing of another engine's settings is planned."""
    for each in workarounds:
        yield Reason(about="known fault", value=each.id, because=each.because, source=each.source)


def limits_of(catalog: Catalog, served: Served) -> EngineLimits:
    """What is recorded of the engine at the release."""
    return EngineLimits(catalog=catalog, engine=served.engine, release=served.release)


def circumstances(served: Served, request: PlanRequest, context: int) -> Circumstances:
    """What the server runs on and is started with, as far as it is known."""
    features: dict[Feature, bool] = {
        "images": bool(request.images),
        "tools": request.tools,
        "json-schema": request.json_schema,
        "fp8-kv-cache": request.cache_dtype == "fp8",
        "tensor-parallel": served.sizing.split == "tensor" and served.count > 1,
    }
    return replace(
        served_on(served.checkpoint, served.accelerator, frozenset(name for name, used in features.items() if used)),
        sizes={"context": context, "images": request.images, "gpus": served.count, "nodes": 1, "tensor-parallel": served.layout.tensor_parallel},
    )  # fmt: skip


def command_of(served: Served, context: int) -> str | None:
    """The server's command line; a repository with an owner before it and a file's name behind is one of Hugging Face."""
    repository = served.checkpoint.repository
    if repository is None:
        return None
    words = [*served.sizing.command, *served.cache_type.options]
    if served.images:
        words += served.sizing.image_options
    filled = {
        "repository": repository,
        "hub": "hf.co/" if "/" in repository and ":" in repository else "",
        "context": context,
        "all_contexts": context * served.requests,
        "requests": served.requests,
        "devices": served.count,
    }
    return " ".join(word.format_map(filled) for word in words)
