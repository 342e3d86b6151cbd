"""What several tests share: the catalogue, and libraries whose optional companions may be built for other hardware."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings

from llama4ref.facts import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from llama4ref.facts import Catalog
    from llama4ref.facts.types.models import Model


COMPONENT_BY_PART = {
    "vision_model.": "vision_tower",
    "multi_modal_projector.": "projector",
    ".embed_tokens.": "embed",
    ".lm_head.": "lm_head",
    ".self_attn.": "attention",
    ".router.": "router",
    ".shared_expert.": "shared_expert",
    ".experts.": "routed_experts",
    "layernorm.": "norms",
    "language_model.model.norm.": "norms",
    ".feed_forward.": "dense_mlp",
}

_KEPT: list[object] = []
"""Operator declarations, which last as long as their library object."""


settings.register_profile("first-failure", phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""For runs that ask whether a test fails, and not for the smallest input with which it does."""

NEEDS = {"vllm": "vllm", "serve": "vllm"}
"""Package that the tests of a mark need."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test whose mark names software that is not installed is skipped, with the reason."""
    for mark, package in NEEDS.items():
        if item.get_closest_marker(mark) and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The package's own facts."""
    return load()


@pytest.fixture(scope="session")
def transformers() -> ModuleType:
    """The transformers library, importable where torchaudio, torchcodec or torchvision were built for another torch.

    The first two are then taken as not installed, as they are optional. Of the third only tensor transforms are used, for
    which declaring its two compiled operators is enough.
    """
    torch = pytest.importorskip("torch")
    for optional in ("torchaudio", "torchcodec"):
        try:
            importlib.import_module(optional)
        except (ImportError, OSError):
            sys.modules[optional] = None  # type: ignore[assignment]
    try:
        importlib.import_module("torchvision")
    except (ImportError, OSError, RuntimeError):
        library = torch.library.Library("torchvision", "DEF")
        _KEPT.append(library)
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return pytest.importorskip("transformers")


@pytest.fixture(scope="session")
def published_configuration() -> Callable[[Model], dict[str, Any]]:
    """Makes the `config.json` of a model, as published, from its facts."""
    return _published_configuration


@pytest.fixture(scope="session")
def component_of() -> Callable[[str], str]:
    """Names the component that a parameter of transformers' or vLLM's modules belongs to."""
    return _component_of


def _published_configuration(model: Model) -> dict[str, Any]:
    """A `config.json` as published, from a model's facts."""
    a = model.architecture
    text = {
        "model_type": "llama4_text",
        "num_hidden_layers": a.text.layers,
        "hidden_size": a.text.hidden_size,
        "vocab_size": a.text.vocab_size,
        "num_attention_heads": a.attention.heads,
        "num_key_value_heads": a.attention.kv_heads,
        "head_dim": a.attention.head_dim,
        "use_qk_norm": a.attention.qk_norm,
        "attention_chunk_size": a.attention.chunk_size,
        "intermediate_size": a.experts.intermediate_size,
        "intermediate_size_mlp": a.dense.intermediate_size,
        "num_local_experts": a.experts.count,
        "num_experts_per_tok": a.experts.per_token,
        "interleave_moe_layer_step": a.experts.interleave_step,
        "max_position_embeddings": a.context.base_max_position_embeddings,
        "rope_theta": a.rope.theta,
        "tie_word_embeddings": a.text.tie_word_embeddings,
        "pad_token_id": None,
    }
    vision = {
        "model_type": "llama4_vision_model",
        "image_size": a.vision.image_size,
        "patch_size": a.vision.patch_size,
        "hidden_size": a.vision.hidden_size,
        "num_hidden_layers": a.vision.layers,
        "num_attention_heads": a.vision.heads,
        "intermediate_size": a.vision.intermediate_size,
        "vision_output_dim": a.vision.output_dim,
        "projector_input_dim": a.vision.projector_input_dim,
        "projector_output_dim": a.vision.projector_output_dim,
        "pixel_shuffle_ratio": a.vision.pixel_shuffle_ratio,
        "rope_theta": a.vision.rope_theta,
        "vision_feature_layer": a.vision.feature_layer,
    }
    return {
        "architectures": [model.architecture_class],
        "model_type": "llama4",
        "torch_dtype": a.text.dtype,
        "text_config": text,
        "vision_config": vision,
    }


def _component_of(parameter: str) -> str:
    """The component that a parameter of vLLM's modules belongs to."""
    return next(component for part, component in COMPONENT_BY_PART.items() if part in parameter)
