"""What follows from the facts of one model: figures that others publish and that nobody needs to store.

Each quantity has a name; a claim says which one it is about. Bytes are of bf16 where nothing else is said.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from llama4ref.facts.arithmetic.image_tokens import image_tokens, largest_image_tokens, tokens_per_tile
from llama4ref.facts.arithmetic.tensors import COMPONENTS, VISION_COMPONENTS, dense_layers, model_tensors, moe_layers
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts.types.models import Architecture, Model

Number = int | float
BF16 = 2
FULL_CONTEXTS = (8_192, 131_072, 262_144, 1_048_576, 10_485_760)
SECONDS_PER_HOUR = 3_600


def quantities(model: Model) -> dict[str, Number]:
    """Every computed quantity of a model, by name; empty for a model whose architecture is not published.

    Examples:
        >>> from llama4ref.facts import load
        >>> found = quantities(load().model("maverick"))
        >>> found["parameters.total"], found["layers.moe"], found["vision.tokens_max_per_image"]
        (401583781376, 24, 2467)
    """
    if model.text is UNKNOWN:
        return {}
    architecture = model.architecture
    return {
        **_parameters(model),
        **_layers(architecture),
        **_cache(architecture),
        **_vision(architecture),
        **_positions(architecture),
        **_training(model),
    }


def _parameters(model: Model) -> dict[str, Number]:
    experts = model.architecture.experts
    counted: Counter[str] = Counter()
    for tensor in model_tensors(model):
        counted[tensor.component] += tensor.parameters
    total = counted.total()
    text = total - sum(counted[component] for component in VISION_COMPONENTS)
    idle = counted["routed_experts"] // experts.count * (experts.count - experts.per_token)
    active = text - idle
    return {
        **{f"parameters.{component}": counted[component] for component in COMPONENTS},
        "parameters.total": total,
        "parameters.text": text,
        "parameters.active_text": active,
        "parameters.active_text_without_embedding": active - counted["embed"],
        "parameters.active_with_vision": active + total - text,
        "parameters.active_share": 100 * active / text,
        "parameters.without_router_and_routed_experts": total - counted["router"] - counted["routed_experts"],
        "weights.bytes": total * BF16,
    }


def _layers(architecture: Architecture) -> dict[str, Number]:
    layers = architecture.text.layers
    nope = layers // architecture.attention.nope_interval
    return {
        "layers.moe": len(moe_layers(architecture)),
        "layers.dense": len(dense_layers(architecture)),
        "layers.nope": nope,
        "layers.rope": layers - nope,
        "experts.count": architecture.experts.count,
        "attention.query_heads_per_kv_head": architecture.attention.heads // architecture.attention.kv_heads,
    }


def _cache(architecture: Architecture) -> dict[str, Number]:
    attention, layers = architecture.attention, architecture.text.layers
    one_layer = 2 * attention.kv_heads * attention.head_dim * BF16
    nope = layers // attention.nope_interval
    found: dict[str, Number] = {
        "kv.bytes_per_token": layers * one_layer,
        "kv.bytes_per_token_global": nope * one_layer,
        "kv.bytes_local_chunk": (layers - nope) * one_layer * attention.chunk_size,
    }
    for tokens in FULL_CONTEXTS:
        if tokens <= architecture.context.instruct_max_position_embeddings:
            local = (layers - nope) * min(tokens, attention.chunk_size)
            found[f"kv.bytes_all_layers.{tokens}"] = layers * one_layer * tokens
            found[f"kv.bytes_chunk_aware.{tokens}"] = (nope * tokens + local) * one_layer
    return found


def _vision(architecture: Architecture) -> dict[str, Number]:
    vision = architecture.vision
    side = vision.image_size // vision.patch_size
    canvases = sum(vision.max_tiles // rows for rows in range(1, vision.max_tiles + 1))
    return {
        "vision.patches_per_tile": side**2,
        "vision.tokens_per_tile": tokens_per_tile(vision),
        "vision.tokens_one_tile": image_tokens(vision, 1),
        "vision.tokens_two_tiles": image_tokens(vision, 2),
        "vision.tokens_max_per_image": largest_image_tokens(vision),
        "vision.canvases": canvases,
        "vision.head_dim": vision.hidden_size // vision.heads,
    }


def temperature(architecture: Architecture, position: int) -> float:
    """Factor on the queries of a global layer at a position, counted from 0."""
    attention = architecture.attention
    return 1 + attention.temperature_attn_scale * math.log1p((position + 1) // attention.temperature_floor_scale)


def _positions(architecture: Architecture) -> dict[str, Number]:
    limit, trained = architecture.context.instruct_max_position_embeddings, architecture.context.trained_tokens
    chunk = architecture.attention.chunk_size
    return {
        "context.limit": limit,
        "context.extrapolation_ratio": limit / trained,
        "rope.scaled_frequencies": _scaled_frequencies(architecture),
        **{
            f"attention.temperature.{position}": temperature(architecture, position)
            for position in (chunk - 2, *(tokens - 1 for tokens in (*FULL_CONTEXTS, 4 * chunk)))
            if position < limit
        },
    }


def _scaled_frequencies(architecture: Architecture) -> int:
    scaling = architecture.rope.scaling
    if scaling is None:
        return 0
    width = architecture.attention.head_dim
    waves = [2 * math.pi * architecture.rope.theta ** (2 * pair / width) for pair in range(width // 2)]
    return sum(wave > scaling.original_max_position_embeddings / scaling.low_freq_factor for wave in waves)


def _training(model: Model) -> dict[str, Number]:
    training = model.training
    if training is UNKNOWN or training.pretraining_tokens is UNKNOWN or training.gpu_hours is UNKNOWN:
        return {}
    active = _parameters(model)["parameters.active_text"]
    operations = 6 * active * training.pretraining_tokens
    found: dict[str, Number] = {
        "training.flops": operations,
        "training.teraflops_per_gpu": operations / (training.gpu_hours * SECONDS_PER_HOUR) / 1e12,
    }
    if training.gpu_watts is not UNKNOWN:
        found["training.energy_gwh"] = training.gpu_hours * training.gpu_watts / 1e9
    if training.emissions_location_tonnes is not UNKNOWN:
        found["training.co2_grams_per_gpu_hour"] = training.emissions_location_tonnes * 1e6 / training.gpu_hours
    return found
