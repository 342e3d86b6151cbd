"""Computed quantities against transformers' own modules and processor, and against numbers worked by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from llama4ref.facts import load
from llama4ref.facts.arithmetic.quantities import quantities, temperature
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.facts import Catalog
    from llama4ref.facts.types.models import Model

CATALOG = load()
MODELS = [model for model in CATALOG.models.values() if model.text is not UNKNOWN]
both = pytest.mark.parametrize("model", MODELS, ids=lambda each: each.id)


@pytest.fixture(scope="module")
def modules(transformers: Any, published_configuration: Callable[[Model], dict[str, Any]]) -> Callable[[Model], Any]:
    """Builds transformers' full-size modules on the meta device."""
    import torch

    def build(model: Model) -> Any:
        config = transformers.AutoConfig.for_model(**published_configuration(model))
        with torch.device("meta"):
            return transformers.Llama4ForConditionalGeneration(config)

    return build


@both
def test_parameters_are_those_of_transformers(
    modules: Callable[[Model], Any], component_of: Callable[[str], str], model: Model
):
    """In all and by component; the vision embeddings count as parameters too."""
    counted: dict[str, int] = {}
    for name, parameter in modules(model).named_parameters():
        counted[component_of(name)] = counted.get(component_of(name), 0) + parameter.numel()
    found = quantities(model)

    assert found["parameters.total"] == sum(counted.values())
    for component, count in counted.items():
        assert found[f"parameters.{component}"] == count, component


@both
def test_layers_are_those_of_transformers(modules: Callable[[Model], Any], model: Model):
    """Which have experts, and which turn positions."""
    built = modules(model).language_model.model.layers
    found = quantities(model)

    assert found["layers.moe"] == sum(layer.is_moe_layer for layer in built)
    assert found["layers.dense"] == sum(not layer.is_moe_layer for layer in built)
    assert found["layers.rope"] == sum(bool(layer.self_attn.use_rope) for layer in built)
    assert found["layers.nope"] == sum(not layer.self_attn.use_rope for layer in built)


@both
def test_the_temperature_is_that_of_transformers(modules: Callable[[Model], Any], model: Model):
    """The factor on queries of a global layer, at positions on both sides of every step."""
    import torch

    attention = next(
        layer.self_attn for layer in modules(model).language_model.model.layers if not layer.self_attn.use_rope
    )
    for position in (0, 8_190, 8_191, 8_192, 32_767, 131_071, 1_048_575):
        steps = torch.floor((torch.tensor(float(position)) + 1.0) / attention.floor_scale)
        expected = float(torch.log1p(steps) * attention.attn_scale + 1.0)

        assert temperature(model.architecture, position) == pytest.approx(expected, rel=1e-6), position


@both
def test_images_take_the_tokens_of_the_published_processor(transformers: Any, model: Model):
    """One tile has no separator and no global tile; 16 tiles take 2,467 tokens."""
    a = model.architecture
    per_tile = int((a.vision.image_size // a.vision.patch_size) ** 2 * a.vision.pixel_shuffle_ratio**2)

    found = quantities(model)

    assert per_tile == 144
    assert found["vision.tokens_one_tile"] == 1 + 1 + per_tile + 1
    assert found["vision.tokens_max_per_image"] == 17 * per_tile + 16 + 3 == 2_467
    assert found["vision.tokens_two_tiles"] == 3 * per_tile + 2 + 3


@both
def test_canvases_are_those_of_the_image_processor(transformers: Any, model: Model):
    """Every grid of at most 16 tiles."""
    processing = pytest.importorskip("transformers.models.llama4.image_processing_llama4")
    grids = processing.find_supported_resolutions(
        max_num_chunks=model.architecture.vision.max_tiles,
        patch_size=transformers.image_utils.SizeDict(height=336, width=336),
    )

    assert quantities(model)["vision.canvases"] == len({tuple(int(side) for side in each) for each in grids})


@pytest.mark.parametrize(
    ("model", "about", "worked"),
    [
        # 48 layers x 2 x 8 KV heads x 128 x 2 bytes
        ("scout", "kv.bytes_per_token", 48 * 2 * 8 * 128 * 2),
        # 12 of them are global
        ("scout", "kv.bytes_per_token_global", 12 * 2 * 8 * 128 * 2),
        # 36 keep a chunk of 8,192 tokens
        ("scout", "kv.bytes_local_chunk", 36 * 2 * 8 * 128 * 2 * 8192),
        ("scout", "kv.bytes_chunk_aware.8192", 48 * 2 * 8 * 128 * 2 * 8192),
        ("scout", "kv.bytes_chunk_aware.1048576", (12 * 1_048_576 + 36 * 8_192) * 2 * 8 * 128 * 2),
        ("maverick", "kv.bytes_all_layers.1048576", 48 * 2 * 8 * 128 * 2 * 1_048_576),
        # vLLM issue 16118: 24.00 GiB a GPU of eight
        ("maverick", "kv.bytes_all_layers.1048576", 8 * 24 * 2**30),
        ("maverick", "layers.moe", 24),
        ("scout", "layers.moe", 48),
        ("scout", "context.extrapolation_ratio", 40),
        ("maverick", "context.extrapolation_ratio", 4),
        ("scout", "vision.head_dim", 88),
    ],
)
def test_quantities_are_as_worked_by_hand(catalog: Catalog, model: str, about: str, worked: float):
    """From the published shapes."""
    assert quantities(catalog.model(model))[about] == worked


def test_idle_experts_do_not_count_as_active(catalog: Catalog):
    """One routed expert of each layer works on a token, beside everything else that is text."""
    for model, experts, layers in (("scout", 16, 48), ("maverick", 128, 24)):
        found = quantities(catalog.model(model))
        one = 3 * 5120 * 8192

        assert found["parameters.routed_experts"] == experts * layers * one
        assert found["parameters.text"] - found["parameters.active_text"] == (experts - 1) * layers * one


def test_a_model_without_shapes_has_no_quantities(catalog: Catalog):
    """Nothing is guessed."""
    assert quantities(catalog.model("behemoth")) == {}


def test_the_temperature_starts_at_one(catalog: Catalog):
    """And grows with the logarithm of the distance."""
    a = catalog.model("scout").architecture

    assert temperature(a, 0) == 1
    assert temperature(a, a.attention.temperature_floor_scale - 1) == pytest.approx(
        1 + a.attention.temperature_attn_scale * math.log(2)
    )
    values = [temperature(a, position) for position in range(0, 10_485_760, 500_000)]
    assert values == sorted(values)
