"""The pictures of a model: which layer does what, and which way a token goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.facts.arithmetic.tensors import moe_layers
from llama4ref.website.pictures.drawing import box, figure, legend, line, svg, text

if TYPE_CHECKING:
    from llama4ref.facts.types.models import Model

_PER_ROW = 12
_CELL, _GAP, _TALL = 50, 4, 22


def layer_pattern(model: Model) -> str:
    """All layers in rows of twelve: attention above, feed-forward below."""
    architecture = model.architecture
    layers, interval = architecture.text.layers, architecture.attention.nope_interval
    moe = set(moe_layers(architecture))
    shapes = []
    for layer in range(layers):
        x, y = 2 + layer % _PER_ROW * (_CELL + _GAP), 34 + layer // _PER_ROW * 66
        is_global, is_moe = not (layer + 1) % interval, layer in moe
        attention = "NoPE" if is_global else "local"
        feed = "MoE" if is_moe else "dense"
        shapes += [
            box(x, y, _CELL, _TALL, "a" if is_global else "a soft", hint=f"Layer {layer}: {attention} attention"),
            text(x + _CELL / 2, y + 15, attention, at="middle", kind="on small" if is_global else "ink small"),
            box(
                x, y + _TALL + 1, _CELL, _TALL, "b" if is_moe else "b soft", hint=f"Layer {layer}: {feed} feed-forward"
            ),
            text(x + _CELL / 2, y + _TALL + 16, feed, at="middle", kind="on small" if is_moe else "ink small"),
            text(x + _CELL / 2, y + 2 * _TALL + 13, str(layer), at="middle", kind="ink tiny"),
        ]
    width, height = 2 + _PER_ROW * (_CELL + _GAP), 34 + -(-layers // _PER_ROW) * 66
    entries = [
        ("a", "global, no positions (NoPE)"),
        ("a soft", "chunked-local, RoPE"),
        ("b", "MoE"),
        ("b soft", "dense"),
    ]
    title = f"The {layers} layers of {model.name}"
    desc = (
        f"{layers} layers in rows of {_PER_ROW}. Every {interval}th layer attends globally without position embeddings, the others "
        f"within chunks of {architecture.attention.chunk_size:,} tokens. {len(moe)} layers are mixtures of experts."
    )
    picture = svg(width, height, title, desc, [*legend(2, 14, entries), *shapes])
    return figure(
        picture, f"{title}, counted from 0: attention above, feed-forward below. The table has them as numbers."
    )


def routing(model: Model) -> str:
    """One token through the router, its experts and the shared expert."""
    experts = model.architecture.experts
    shown, chosen = 5, 2
    shapes = [
        *_station(4, 96, 84, "token"),
        *_station(132, 40, 92, "router"),
        text(178, 92, f"{experts.router_score} of {experts.count} scores", at="middle", kind="ink tiny"),
        line([(88, 116), (110, 116), (110, 60), (132, 60)], "wire"),
        line([(110, 116), (110, 196), (282, 196)], "wire"),
    ]
    for index in range(shown):
        y = 4 + index * 28 + (16 if index == shown - 1 else 0)
        name = f"expert {index}" if index < shown - 1 else f"expert {experts.count - 1}"
        is_chosen = index == chosen
        shapes += [
            box(282, y, 120, 24, "b" if is_chosen else "b soft"),
            text(342, y + 16, name, at="middle", kind="on small" if is_chosen else "ink small"),
            line([(224, 60), (282, y + 12)], "wire" if is_chosen else "wire faint"),
        ]
    shapes += [
        text(342, 128, "⋮", at="middle", kind="ink small"),
        box(282, 184, 120, 24, "a"),
        text(
            342,
            200,
            "shared expert" if experts.shared == 1 else f"{experts.shared} shared experts",
            at="middle",
            kind="on small",
        ),
        line([(402, 72), (450, 72), (450, 116), (474, 116)], "wire"),
        line([(402, 196), (450, 196), (450, 116)], "wire"),
        *_station(474, 96, 84, "sum"),
    ]
    title = f"Routing in an MoE layer of {model.name}"
    desc = (
        f"A token goes to {experts.per_token} of {experts.count} routed experts, chosen by a router, and to {experts.shared} shared "
        f"expert; both results are added. The {experts.router_score} score multiplies the {experts.score_applied_to.replace('_', ' ')}."
    )
    return figure(svg(562, 214, title, desc, shapes), desc)


def _station(x: float, y: float, width: float, words: str) -> list[str]:
    return [box(x, y, width, 40, "plain", radius=6), text(x + width / 2, y + 25, words, at="middle")]
