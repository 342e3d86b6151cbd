"""Bytes on each GPU are those of vLLM's own modules."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from llama4ref.errors import RequestError, UnknownFactError, UnknownNameError
from llama4ref.facts.arithmetic.tensors import COMPONENTS, VISION_COMPONENTS
from llama4ref.facts.types.checkpoints import Checkpoint, Coverage, Requirements
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.memory.parameter_count import parameters
from llama4ref.memory.weight_shards import weights

if TYPE_CHECKING:
    from llama4ref.facts import Catalog
    from llama4ref.memory.weight_shards import Stage

pytestmark = pytest.mark.filterwarnings("ignore")

MODELS = ("scout", "maverick")
LAYOUTS = [
    (1, 1, 1, False),
    (2, 1, 1, False),
    (4, 1, 1, True),
    (8, 1, 1, False),
    (8, 1, 1, True),
    (1, 2, 1, False),
    (2, 4, 1, False),
    (8, 2, 1, True),
    (1, 3, 1, False),
    (2, 5, 1, False),
    (1, 1, 2, False),
    (4, 1, 2, False),
    (1, 1, 2, True),
    (4, 2, 2, True),
    (8, 1, 4, True),
    (2, 1, 3, True),
]
EVERY_LAYOUT = list(itertools.product((1, 2, 4, 8), (1, 2, 4, 3, 5, 7), (1, 2, 4), (False, True)))

EXPERTS_AND_DENSE = ("shared_expert", "routed_experts", "dense_mlp")
LINEAR = ("attention", *EXPERTS_AND_DENSE)
RECIPE_IGNORES = [
    "re:.*lm_head",
    "re:.*self_attn",
    "re:.*router",
    "re:.*vision_model.*",
    "re:.*multi_modal_projector.*",
]
MODELOPT_IGNORES = ["lm_head", "*self_attn*", "*router*", "*vision_model*", "*multi_modal_projector*"]


def stored(model: str, covered: dict[str, str], skipped: tuple[int, ...] = ()) -> Checkpoint:
    """A checkpoint that stores some components in a format, and the rest in bf16."""
    return Checkpoint(
        id="stored",
        repository=None,
        model=model,
        stage="instruct",
        publisher="nobody",
        kind="weights",
        container="safetensors",
        quantization_method="compressed-tensors",
        coverage=Coverage(**dict.fromkeys(COMPONENTS, "bf16") | covered),
        skipped_moe_layers=skipped,
        kv_cache_dtype=None,
        loads={},
        requirements=Requirements(min_capability=UNKNOWN, max_capability=UNKNOWN, platforms=UNKNOWN, note=None),
        released=UNKNOWN,
        license=UNKNOWN,
        status=UNKNOWN,
        notes=(),
    )


def covered(components: tuple[str, ...], format_: str) -> dict[str, str]:
    return dict.fromkeys(components, format_)


def weight(bits: int, kind: str, strategy: str, **more: object) -> dict[str, object]:
    return {"num_bits": bits, "type": kind, "strategy": strategy, "symmetric": True, "dynamic": False, **more}


def compressed(format_: str, weights_: dict[str, object], inputs: dict[str, object] | None) -> dict[str, Any]:
    """The quantization section that compressed-tensors checkpoints carry."""
    group = {"targets": ["Linear"], "weights": weights_, "input_activations": inputs, "output_activations": None}
    return {
        "quant_method": "compressed-tensors",
        "format": format_,
        "quantization_status": "compressed",
        "ignore": RECIPE_IGNORES,
        "config_groups": {"group_0": group},
    }


def modelopt(algorithm: str, **more: object) -> dict[str, Any]:
    """The quantization section that ModelOpt checkpoints carry."""
    return {"quant_method": "modelopt", "quant_algo": algorithm, "ignore": MODELOPT_IGNORES, **more}


QUANTIZED: dict[str, dict[str, Any]] = {
    "fp8-per-channel-dynamic": compressed(
        "float-quantized", weight(8, "float", "channel"), weight(8, "float", "token") | {"dynamic": True}
    ),
    "fp8-block-128": compressed(
        "float-quantized",
        weight(8, "float", "block", block_structure=[128, 128]),
        weight(8, "float", "group", group_size=128) | {"dynamic": True},
    ),
    "fp8-per-tensor-static": modelopt("FP8"),
    "int8-per-channel": compressed(
        "int-quantized", weight(8, "int", "channel"), weight(8, "int", "token") | {"dynamic": True}
    ),
    "int4-group-128": compressed("pack-quantized", weight(4, "int", "group", group_size=128), None),
    "nvfp4": compressed(
        "nvfp4-pack-quantized",
        weight(4, "float", "tensor_group", group_size=16),
        weight(4, "float", "tensor_group", group_size=16) | {"dynamic": "local"},
    ),
}
ONLINE = {
    "fp8_per_tensor": LINEAR,
    "fp8_per_channel": LINEAR,
    "fp8_per_block": LINEAR,
    "mxfp8": LINEAR,
    "mxfp4": LINEAR,
    "int8_per_channel_weight_only": ("routed_experts",),
    "nvfp4_per_token": ("routed_experts",),
}


def shares(stage: Stage) -> dict[str, tuple[int, int]]:
    return {name: (share.bytes, share.parameters) for name, share in stage.by_component.items() if share.parameters}


@pytest.mark.vllm
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("model", MODELS)
def test_every_stage_holds_what_vllm_creates(catalog: Catalog, meta_ranks, model: str, layout) -> None:
    """Bytes and parameters of each component of each stage equal those of vLLM's modules."""
    config = meta_ranks.config(catalog.model(model), limit_mm_per_prompt={"image": 1})

    for index, stage in enumerate(weights(catalog.model(model), None, *layout).stages):
        assert shares(stage) == meta_ranks.held(config, *layout, stage=index)


@pytest.mark.vllm
def test_more_ranks_than_kv_heads_hold_a_whole_one_each(catalog: Catalog, meta_ranks) -> None:
    """32 heads and 8 KV heads on 16 ranks: vLLM copies the keys and values, and cuts the rest."""
    scout = catalog.model("scout")
    model = replace(scout, id="few-kv-heads", attention=replace(scout.attention, heads=32))
    config = meta_ranks.config(model, limit_mm_per_prompt={"image": 1})

    assert shares(weights(model, None, 16).stages[0]) == meta_ranks.held(config, 16)


@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_every_layout_holds_what_vllm_creates(catalog: Catalog, meta_ranks, model: str) -> None:
    """The same on the whole grid of sizes."""
    config = meta_ranks.config(catalog.model(model), limit_mm_per_prompt={"image": 1})

    for layout in EVERY_LAYOUT:
        for index, stage in enumerate(weights(catalog.model(model), None, *layout).stages):
            assert shares(stage) == meta_ranks.held(config, *layout, stage=index), (layout, index)


@pytest.mark.vllm
@pytest.mark.parametrize(("images", "mode"), [(0, "weights"), (1, "data")])
def test_vision_options_change_what_vllm_creates(catalog: Catalog, meta_ranks, images: int, mode) -> None:
    """Without images there is no vision; in data mode every rank has the whole tower and a slice of the projector."""
    model = catalog.model("scout")
    config = meta_ranks.config(model, limit_mm_per_prompt={"image": images}, mm_encoder_tp_mode=mode)
    found = weights(model, None, 4, 2, vision=bool(images), mm_encoder_tp_mode=mode)

    for index, stage in enumerate(found.stages):
        assert shares(stage) == meta_ranks.held(config, 4, 2, stage=index)


@pytest.mark.vllm
@pytest.mark.parametrize("layout", [(1, 1, 1, False), (8, 1, 1, False), (2, 2, 2, True)])
@pytest.mark.parametrize("format_", QUANTIZED)
@pytest.mark.parametrize("model", MODELS)
def test_quantized_components_take_the_bytes_that_vllm_creates(
    catalog: Catalog, meta_ranks, model: str, format_: str, layout
) -> None:
    """Per component within a thousandth: vLLM also creates a few KV scales and shapes that no format has."""
    config = meta_ranks.config(catalog.model(model), QUANTIZED[format_], limit_mm_per_prompt={"image": 1})
    checkpoint = stored(model, covered(EXPERTS_AND_DENSE, format_))

    for index, stage in enumerate(weights(catalog.model(model), checkpoint, *layout).stages):
        created = meta_ranks.held(config, *layout, stage=index)
        assert {name: size for name, (size, _) in shares(stage).items()} == pytest.approx(
            {name: size for name, (size, _) in created.items()}, rel=1e-3
        )


@pytest.mark.vllm
def test_modelopt_nvfp4_takes_the_bytes_that_vllm_creates(catalog: Catalog, meta_ranks) -> None:
    """NVIDIA's layout of NVFP4 has the same size as that of compressed-tensors."""
    config = meta_ranks.config(
        catalog.model("scout"), modelopt("NVFP4", group_size=16), limit_mm_per_prompt={"image": 1}
    )
    stage = weights(catalog.model("scout"), stored("scout", covered(EXPERTS_AND_DENSE, "nvfp4")), 4).stages[0]

    created = sum(size for size, _ in meta_ranks.held(config, 4).values())
    assert stage.bytes == pytest.approx(created, rel=1e-5)


@pytest.mark.vllm
@pytest.mark.parametrize("shorthand", ONLINE)
def test_online_shorthands_cover_what_vllm_quantizes(catalog: Catalog, meta_ranks, shorthand: str) -> None:
    """Which components get a quantized method when vLLM quantizes while loading."""
    from vllm.model_executor.layers.fused_moe.unquantized_fused_moe_method import UnquantizedFusedMoEMethod
    from vllm.model_executor.layers.linear import UnquantizedLinearMethod
    from vllm.model_executor.layers.vocab_parallel_embedding import UnquantizedEmbeddingMethod

    plain = (UnquantizedFusedMoEMethod, UnquantizedLinearMethod, UnquantizedEmbeddingMethod)
    model = catalog.model("maverick")
    config = meta_ranks.config(model, quantization=shorthand, limit_mm_per_prompt={"image": 1})
    methods = {
        name: module.quant_method
        for name, module in meta_ranks.module(config).named_modules()
        if hasattr(module, "quant_method") and not name.endswith(".attn")
    }
    quantized = {
        meta_ranks.component_of(f"{name}.") for name, method in methods.items() if not isinstance(method, plain)
    }
    assert quantized == set(ONLINE[shorthand])


@pytest.mark.vllm
@pytest.mark.parametrize("layout", [(3, 1), (5, 1), (16, 1), (40, 1), (1, 1, 3), (8, 1, 3)])
def test_what_is_refused_vllm_refuses(catalog: Catalog, meta_ranks, layout) -> None:
    """A layout is refused exactly where vLLM does not build it."""
    model = catalog.model("scout")
    config = meta_ranks.config(model, limit_mm_per_prompt={"image": 1})

    with pytest.raises(RequestError):
        weights(model, None, *layout)
    with pytest.raises((AssertionError, ValueError)):
        meta_ranks.module(config, *layout)


def test_stages_and_ranks_add_up_to_the_model(catalog: Catalog) -> None:
    """On one GPU all parameters are there; two stages share the text and have a tower each."""
    model = catalog.model("maverick")
    whole, halves = weights(model).stages[0], weights(model, pipeline_parallel=2).stages

    assert whole.parameters == parameters(model).total
    assert sum(stage.parameters for stage in halves) == parameters(model).total + parameters(model).vision


def test_a_four_bit_recipe_that_leaves_experts_alone_stays_large(catalog: Catalog) -> None:
    """bitsandbytes through transformers does not touch the fused experts, so 4-bit Scout still needs about 200 GB."""
    parts = ("vision_tower", "projector", "attention", "shared_expert", "dense_mlp")
    stage = weights(catalog.model("scout"), stored("scout", covered(parts, "nf4-double-quant"))).stages[0]

    assert 200e9 < stage.bytes < 205e9


def test_the_fp8_maverick_has_the_size_that_was_observed(catalog: Catalog) -> None:
    """vLLM logged 48.8682 GiB a rank at TP 8 (vLLM issue 16152); 0.25 GiB of that is the rotary table."""
    checkpoint = stored("maverick", covered(("routed_experts",), "fp8-per-channel-dynamic"))
    stage = weights(catalog.model("maverick"), checkpoint, 8).stages[0]

    assert stage.bytes / 2**30 + 0.25 == pytest.approx(48.8682, rel=2e-3)


def test_skipped_layers_keep_their_experts_in_bf16(catalog: Catalog) -> None:
    """Meta's FP8 mode leaves the first and last layer alone: two layers of one byte more for each routed weight."""
    model = catalog.model("scout")
    experts = covered(("routed_experts",), "fp8-per-tensor-dynamic")
    full, skipped = (weights(model, stored("scout", experts, layers)).stages[0] for layers in ((), (0, 47)))

    per_layer = parameters(model).by_component["routed_experts"] // 48
    assert skipped.bytes - full.bytes == pytest.approx(2 * per_layer, rel=1e-6)
    assert skipped.parameters == full.parameters


def test_unknown_coverage_is_said_and_not_guessed(catalog: Catalog) -> None:
    """A component without a recorded format has no bytes."""
    checkpoint = stored("scout", {})
    unknown = replace(checkpoint, coverage=replace(checkpoint.coverage, attention=UNKNOWN))

    with pytest.raises(UnknownFactError, match=r"coverage\.attention"):
        weights(catalog.model("scout"), unknown)
    with pytest.raises(UnknownFactError, match="skipped_moe_layers"):
        weights(catalog.model("scout"), replace(checkpoint, skipped_moe_layers=UNKNOWN))


def test_a_component_that_a_model_lacks_needs_no_format(catalog: Catalog) -> None:
    """Scout has no dense feed-forward."""
    checkpoint = stored("scout", {})
    lacking = replace(checkpoint, coverage=replace(checkpoint.coverage, dense_mlp=None))

    assert weights(catalog.model("scout"), lacking).stages == weights(catalog.model("scout")).stages


def test_names_that_lead_nowhere_are_errors(catalog: Catalog) -> None:
    """A format that does not exist, and a checkpoint of another model."""
    with pytest.raises(UnknownNameError, match="nvfp4"):
        weights(catalog.model("scout"), stored("scout", {"attention": "nvfp5"}))
    with pytest.raises(RequestError, match="maverick"):
        weights(catalog.model("scout"), stored("maverick", {}))


def test_without_vision_only_the_language_model_is_held(catalog: Catalog) -> None:
    """All other components stay as they are."""
    model = catalog.model("scout")
    with_, without = (weights(model, None, 2, vision=vision).stages[0].by_component for vision in (True, False))

    assert all(without[name].bytes == 0 for name in VISION_COMPONENTS)
    assert all(without[name] == with_[name] for name in COMPONENTS if name not in VISION_COMPONENTS)
