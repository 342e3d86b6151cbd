"""How much of each device do weights and cache take with an engine that is not planned in full, and how long may a request be?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.engine.layout import Layout
from llama4ref.facts.arithmetic.tensors import VISION_COMPONENTS, model_tensors
from llama4ref.facts.types.states import UNKNOWN, known
from llama4ref.planning.fitting.budgets import weights_held
from llama4ref.units import MIB

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.models import Model
    from llama4ref.facts.types.sizing import CacheRule, CacheType, MemoryShare, Sizing
    from llama4ref.memory.weight_shards import Stage

PROJECTOR_BYTES = (1, 4)
"""Least and most bytes of a number in the file of a vision tower: such files are published from 8 to 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A checkpoint on devices, served by a release of an engine under its rules of memory."""

    model: Model
    checkpoint: Checkpoint
    accelerator: Accelerator
    count: int
    engine: Engine
    release: str
    sizing: Sizing
    share: MemoryShare
    rule: CacheRule
    cache_type: CacheType
    images: bool
    requests: int
    """Requests at once, each of the full context."""

    @property
    def layout(self) -> Layout:
        """How the model lies over the devices.

        Raises:
            RequestError: where the model cannot be split so.
        """
        tensor = self.sizing.split == "tensor"
        layout = Layout(tensor_parallel=self.count) if tensor else Layout(pipeline_parallel=self.count)
        layout.check(self.model.architecture)
        return layout

    @property
    def projector_parameters(self) -> int:
        """Numbers of a vision tower that is read from a file beside the checkpoint; 0 where none is."""
        if not self.images or "vision_tower" not in self.checkpoint.omitted_components:
            return 0
        return sum(each.parameters for each in model_tensors(self.model) if each.component in VISION_COMPONENTS)

    @property
    def limit(self) -> int:
        """Positions of the checkpoint."""
        return self.checkpoint.limit(self.model)

    @property
    def granted_bytes(self) -> int:
        """Bytes of a device that may be used, where the share is of all of its memory; else all of them."""
        if self.share.of == "left":
            return self.accelerator.memory_bytes
        reserved = self.share.reserved_mib + self.share.reserved_mib_per_device * self.count
        part = self.share.share * (self.share.share_with_images if self.images else 1.0)
        left = self.accelerator.memory_bytes - math.ceil(reserved * MIB)
        return max(0, math.floor(left * part))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMemory:
    """The fullest device at one context, in bytes; an interval where only bounds are known."""

    weights: int
    cache: int
    least_overhead: int
    most_overhead: int | None
    """None where nobody states it."""
    cache_room: int | None
    """Most that the cache may take where the overhead is at its most; None where nobody states that."""
    best_cache_room: int
    """The same where the overhead is at its least."""

    @property
    def fits(self) -> bool | None:
        """Whether it fits whatever the overhead is, or not even with the least; None between."""
        if self.cache > self.best_cache_room:
            return False
        return True if self.cache_room is not None and self.cache <= self.cache_room else None


def device_memory(catalog: Catalog, served: Served, context: int) -> DeviceMemory:
    """The device that has least room left, for requests of so many tokens.

    Raises:
        UnknownFactError: where the checkpoint's formats are not published.
        RequestError: where the model cannot be split over so many devices.
    """
    layout = served.layout
    stages = weights_held(catalog, served.model, served.checkpoint, layout).stages
    memories = [_stage_memory(served, layout, stage, context) for stage in stages]
    return min(memories, key=lambda each: each.best_cache_room - each.cache)


def largest_context(catalog: Catalog, served: Served) -> int | None:
    """Longest request that fits whatever the overhead is: a lower bound in tokens. None where the overhead is not stated.

    Room that is left falls with each token, so that halving finds it.
    """
    if served.sizing.overhead is UNKNOWN:
        return None
    low, high = 0, served.limit + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if device_memory(catalog, served, middle).fits else (low, middle)
    return low


def _stage_memory(served: Served, layout: Layout, stage: Stage, context: int) -> DeviceMemory:
    weights = stage.bytes
    least, most = _overhead(served, context)
    rooms = tuple(None if each is None else _cache_room(served, weights, each) for each in (least, most))
    return DeviceMemory(
        weights=weights,
        cache=served.requests * cache_bytes(served, layout, stage.layers, context),
        least_overhead=least,
        most_overhead=most,
        cache_room=rooms[1],
        best_cache_room=rooms[0] or 0,
    )


def _overhead(served: Served, context: int) -> tuple[int, int | None]:
    """Least and most beside weights and cache; nothing, and None, where nobody states it."""
    overhead = served.sizing.overhead
    if overhead is UNKNOWN:
        return 0, None
    tokens = served.requests * context
    least, most = (served.projector_parameters * each for each in PROJECTOR_BYTES)
    return (
        least + overhead.least_bytes + tokens * overhead.least_bytes_per_token,
        most + overhead.most_bytes + tokens * overhead.most_bytes_per_token,
    )


def _cache_room(served: Served, weights: int, overhead: int) -> int:
    left = max(0, served.granted_bytes - weights - overhead)
    return math.floor(left * served.share.share) if served.share.of == "left" else left


def cache_bytes(served: Served, layout: Layout, layers: range, context: int) -> int:
    """Bytes of one request's keys and values in some layers of a device, by the rule of the engine."""
    attention = served.model.architecture.attention
    chunk = known(attention.chunk_size, f"models/{served.model.id}", "attention.chunk_size")
    of_one_token = 2 * layout.local_kv_heads(attention.kv_heads) * attention.head_dim * served.cache_type.bits / 8
    whole = sum((layer + 1) % attention.nope_interval == 0 for layer in layers)
    tokens = whole * served.rule.padded(context) + (len(layers) - whole) * served.rule.local_tokens(context, chunk)
    return math.ceil(tokens * of_one_token)


def rules_at(
    engine: Engine, release: str, devices: int, memory_bytes: int
) -> tuple[Sizing, MemoryShare, CacheRule] | None:
    """The rules of a release for so many devices of this memory; None where one of them is not recorded."""
    sizing = engine.sizing
    if sizing is None:
        return None
    share = next(
        (
            each
            for each in sizing.memory
            if each.is_meant_for(release=release, devices=devices, memory_bytes=memory_bytes)
        ),
        None,
    )
    rule = next((each for each in sizing.cache if each.holds_at(release)), None)
    return None if share is None or rule is None else (sizing, share, rule)
