"""Groups of layers that share a block table, and the bytes of one block on each pipeline stage.

vLLM gives every group of layers its own block table and lets all groups draw from one pool, so a block is as large as
the largest group (`_get_kv_cache_groups_uniform_page_size` in `v1/core/kv_cache_utils.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from llama4ref.field_words import described

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llama4ref.facts.types.models import Attention, Text

LayerKind = Literal["global", "chunked-local"]


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class CacheGroup:
    """Layers that share one block table."""

    kind: LayerKind
    """`global` keeps every token of a request, `chunked-local` the newest chunk and what is in flight."""
    layers: tuple[int, ...]
    """Indices of the layers of the whole model."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStage:
    """What one pipeline stage holds of the groups."""

    layers: range
    """Indices of its layers."""
    global_layers: int
    """Layers that see every token."""
    chunked_local_layers: int
    """Layers that see one chunk."""
    bytes_per_block: int
    """Bytes that one block of the pool takes on each GPU of this stage."""
    draft_bytes_per_block: int = 0
    """Those of them that the layers of a draft head take."""


def layers_by_kind(text: Text, attention: Attention) -> dict[LayerKind, tuple[int, ...]]:
    """Layer indices of each kind that the model has, the kind of layer 0 first."""
    found: dict[LayerKind, list[int]] = {}
    for layer in range(text.layers):
        found.setdefault("chunked-local" if (layer + 1) % attention.nope_interval else "global", []).append(layer)
    return {kind: tuple(layers) for kind, layers in found.items()}


def cache_groups(by_kind: dict[LayerKind, tuple[int, ...]], *, hybrid: bool) -> tuple[CacheGroup, ...]:
    """The groups of the whole model: of Scout one of 12 global layers and three of 12 chunked-local ones.

    A group has as many layers as the rarer kind, or as the commoner kind where that is less than half as many again.
    Without the hybrid cache all layers are one group and keep every token; a model of one kind is one group of that kind.
    """
    if len(by_kind) == 1:
        return tuple(CacheGroup(kind=kind, layers=layers) for kind, layers in by_kind.items())
    if not hybrid:
        return (CacheGroup(kind="global", layers=tuple(sorted(sum(by_kind.values(), ())))),)
    fewest, most = min(map(len, by_kind.values())), max(map(len, by_kind.values()))
    size = most if 2 * most < 3 * fewest else fewest
    return tuple(
        CacheGroup(kind=kind, layers=layers[first :: -(-len(layers) // size)])
        for kind, layers in by_kind.items()
        for first in range(-(-len(layers) // size))
    )


def cache_stages(
    groups: Sequence[CacheGroup],
    stages: Sequence[range],
    *,
    by_kind: dict[LayerKind, tuple[int, ...]],
    page_bytes: int,
) -> tuple[CacheStage, ...]:
    """The stages, each with the bytes of one block there: the pages of its largest group."""
    return tuple(
        CacheStage(
            layers=stage,
            global_layers=sum(layer in stage for layer in by_kind.get("global", ())),
            chunked_local_layers=sum(layer in stage for layer in by_kind.get("chunked-local", ())),
            bytes_per_block=page_bytes * max(sum(layer in stage for layer in group.layers) for group in groups),
        )
        for stage in stages
    )


def with_draft_layers(stages: Sequence[CacheStage], bytes_per_block: int) -> tuple[CacheStage, ...]:
    """The stages with the layers of a draft head on the last one: they join the only group, as the hybrid cache is off."""
    last = stages[-1]
    return (
        *stages[:-1],
        replace(last, bytes_per_block=last.bytes_per_block + bytes_per_block, draft_bytes_per_block=bytes_per_block),
    )
