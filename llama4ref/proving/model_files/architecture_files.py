"""What would the published configuration files of a model say?

The official repositories are gated, so the files are made from the facts: `config.json` of the multimodal
`Llama4ForConditionalGeneration` or of the text-only `Llama4ForCausalLM`, `generation_config.json`, and the image
processor's settings. Key names are those of the transformers library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from llama4ref.facts.types.states import known

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.facts.types.models import Architecture, Model, Rope, Stage, Tokens, Vision

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]


def special_token_ids(model: Model) -> Tokens:
    """The ids of a model's special tokens.

    Raises:
        UnknownFactError: where they are not published.
    """
    return known(model.tokens, f"models/{model.id}", "tokens")


def config(
    model: Model,
    *,
    stage: Stage = "instruct",
    text_only: bool = False,
    quantization: Mapping[str, JsonValue] | None = None,
) -> JsonObject:
    """The content of `config.json` of a model's checkpoints of a stage, with `quantization_config` where they have one.

    Raises:
        UnknownFactError: where the developer has not published a part of the architecture.
    """
    tokens = special_token_ids(model)
    text = text_config(model.architecture, tokens, stage=stage)
    quantized: JsonObject = {} if quantization is None else {"quantization_config": quantization}
    if text_only:
        return {"architectures": ["Llama4ForCausalLM"], **text, **quantized}
    return {
        "architectures": ["Llama4ForConditionalGeneration"],
        "model_type": "llama4",
        "dtype": model.architecture.text.dtype,
        "tie_word_embeddings": model.architecture.text.tie_word_embeddings,
        "boi_token_index": tokens.image_start,
        "eoi_token_index": tokens.image_end,
        "image_token_index": tokens.patch,
        "text_config": text,
        "vision_config": vision_config(model.architecture.vision),
        **quantized,
    }


def text_config(architecture: Architecture, tokens: Tokens, *, stage: Stage = "instruct") -> JsonObject:
    """The language model's part of `config.json`; the stages differ in their positions."""
    text, attention, experts = architecture.text, architecture.attention, architecture.experts
    return {
        "model_type": "llama4_text",
        "dtype": text.dtype,
        "vocab_size": text.vocab_size,
        "hidden_size": text.hidden_size,
        "num_hidden_layers": text.layers,
        "num_attention_heads": attention.heads,
        "num_key_value_heads": attention.kv_heads,
        "head_dim": attention.head_dim,
        "attention_bias": attention.bias,
        "use_qk_norm": attention.qk_norm,
        "attention_chunk_size": attention.chunk_size,
        "no_rope_layer_interval": attention.nope_interval,
        "no_rope_layers": [int((layer + 1) % attention.nope_interval != 0) for layer in range(text.layers)],
        "attn_temperature_tuning": True,
        "floor_scale": attention.temperature_floor_scale,
        "attn_scale": attention.temperature_attn_scale,
        "hidden_act": text.hidden_act,
        "intermediate_size": experts.intermediate_size,
        "intermediate_size_mlp": architecture.dense.intermediate_size,
        "num_local_experts": experts.count,
        "num_experts_per_tok": experts.per_token,
        "interleave_moe_layer_step": experts.interleave_step,
        "router_aux_loss_coef": experts.router_aux_loss_coef,
        "rms_norm_eps": text.rms_norm_eps,
        "tie_word_embeddings": text.tie_word_embeddings,
        "max_position_embeddings": architecture.context.limit(stage),
        **_rope_config(architecture.rope),
        "bos_token_id": tokens.bos,
        "eos_token_id": list(tokens.eos),
        "pad_token_id": tokens.pad,
    }


def _rope_config(rope: Rope) -> JsonObject:
    if rope.scaling is None:
        return {"rope_theta": rope.theta, "rope_scaling": None}
    scaling: JsonObject = {
        "rope_type": "llama3",
        "factor": rope.scaling.factor,
        "low_freq_factor": rope.scaling.low_freq_factor,
        "high_freq_factor": rope.scaling.high_freq_factor,
        "original_max_position_embeddings": rope.scaling.original_max_position_embeddings,
    }
    return {"rope_theta": rope.theta, "rope_scaling": scaling}


def vision_config(vision: Vision) -> JsonObject:
    """The vision tower's part of `config.json`."""
    return {
        "model_type": "llama4_vision_model",
        "image_size": vision.image_size,
        "patch_size": vision.patch_size,
        "num_channels": vision.channels,
        "hidden_size": vision.hidden_size,
        "num_hidden_layers": vision.layers,
        "num_attention_heads": vision.heads,
        "intermediate_size": vision.intermediate_size,
        "hidden_act": vision.hidden_act,
        "vision_feature_layer": vision.feature_layer,
        "pixel_shuffle_ratio": vision.pixel_shuffle_ratio,
        "projector_input_dim": vision.projector_input_dim,
        "projector_output_dim": vision.projector_output_dim,
        "vision_output_dim": vision.output_dim,
        "norm_eps": vision.norm_eps,
        "rope_theta": vision.rope_theta,
    }


def generation_config(model: Model) -> JsonObject:
    """The content of `generation_config.json`: where a reply ends."""
    tokens = special_token_ids(model)
    return {"bos_token_id": tokens.bos, "eos_token_id": list(tokens.eos), "pad_token_id": tokens.pad}


def preprocessor_config(vision: Vision) -> JsonObject:
    """The content of `preprocessor_config.json`: how an image becomes tiles."""
    return {
        "image_processor_type": "Llama4ImageProcessorFast",
        "processor_class": "Llama4Processor",
        "size": {"height": vision.image_size, "width": vision.image_size},
        "max_patches": vision.max_tiles,
        "resize_to_max_canvas": False,
    }


def processor_config(vision: Vision) -> JsonObject:
    """The content of `processor_config.json`: how tiles become placeholder tokens."""
    return {
        "processor_class": "Llama4Processor",
        "patch_size": vision.patch_size,
        "pixel_shuffle_ratio": vision.pixel_shuffle_ratio,
    }


def write_architecture(
    directory: Path,
    model: Model,
    *,
    stage: Stage = "instruct",
    text_only: bool = False,
    quantization: Mapping[str, JsonValue] | None = None,
) -> None:
    """Write every configuration file of a model's checkpoints of a stage, without weights, into an existing directory."""
    files = {
        "config.json": config(model, stage=stage, text_only=text_only, quantization=quantization),
        "generation_config.json": generation_config(model),
    }
    if not text_only:
        vision = model.architecture.vision
        files["preprocessor_config.json"] = preprocessor_config(vision)
        files["processor_config.json"] = processor_config(vision)
    for name, content in files.items():
        (directory / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
