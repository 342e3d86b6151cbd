"""What bitsandbytes covers through transformers, observed on a loaded miniature, equals the recipes."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import pytest

from llama4ref.memory import parameters, weights
from llama4ref.proving.installed.bitsandbytes_bytes import LoadedBytes, load_quantized

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.facts import Catalog
    from llama4ref.proving.model_files.miniature import Miniature

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
RECIPES = {
    "nf4": "recipe-transformers-bitsandbytes-4bit-scout",
    "nf4-double-quant": "recipe-transformers-bitsandbytes-4bit-scout",  # with its scales quantized once more
    "llm-int8": "recipe-transformers-bitsandbytes-8bit-scout",
}


@pytest.fixture(scope="module", params=["nf4", "nf4-double-quant", "llm-int8"])
def loaded(request: pytest.FixtureRequest, built: tuple[Miniature, Path]) -> LoadedBytes:
    """The miniature, loaded for real."""
    for package in ("bitsandbytes", "accelerate"):
        pytest.importorskip(package)
    miniature, directory = built
    return load_quantized(miniature, directory, request.param)


def test_fused_experts_router_embedding_and_head_stay_in_bf16(
    loaded: LoadedBytes, built: tuple[Miniature, Path]
) -> None:
    """Only linear layers are replaced, so most of the model is as large as before."""
    counted = parameters(built[0].model).by_component

    assert loaded.quantized == {"vision_tower", "projector", "attention", "shared_expert"}
    for component in ("routed_experts", "router", "embed", "lm_head", "norms"):
        assert loaded.by_component[component] == 2 * counted[component]


def test_observed_bytes_equal_the_recipes(loaded: LoadedBytes, built: tuple[Miniature, Path], catalog: Catalog) -> None:
    """Component by component, scales included."""
    published = catalog.checkpoint(RECIPES[loaded.method])
    coverage = published.coverage
    formats = {
        name: loaded.method if getattr(coverage, name) == "nf4" else getattr(coverage, name)
        for name in coverage.__dataclass_fields__
    }
    recipe = dataclasses.replace(published, model=built[0].model.id, coverage=dataclasses.replace(coverage, **formats))
    predicted = weights(built[0].model, recipe).stages[0].by_component

    assert {name: share.bytes for name, share in predicted.items() if share.bytes} == loaded.by_component


def test_quantized_matrices_have_the_documented_size(loaded: LoadedBytes, built: tuple[Miniature, Path]) -> None:
    """Four bits and a scale in 64 (quantized once more in 256), or eight bits and a scale a row."""
    hidden = built[0].model.architecture.text.hidden_size
    inner = built[0].model.architecture.experts.intermediate_size
    layers = built[0].model.architecture.text.layers
    elements = hidden * inner
    runs = elements // 64
    one = {
        "nf4": elements // 2 + 4 * runs,
        "nf4-double-quant": elements // 2 + runs + 4 * math.ceil(runs / 256),
        "llm-int8": elements + 4 * inner,
    }[loaded.method]

    assert hidden == inner
    assert loaded.by_component["shared_expert"] == 3 * layers * one
