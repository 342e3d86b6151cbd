"""Are the facts about checkpoints in keeping with each other, with the engine that loads them and with published figures?"""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import SpecErrors
from llama4ref.facts import load
from llama4ref.facts.arithmetic.stored_bytes import checkpoint_bytes
from llama4ref.facts.arithmetic.tensors import COMPONENTS, model_tensors
from llama4ref.facts.building import build
from llama4ref.facts.types.releases import holds_at, release_key
from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.memory import weights
from llama4ref.units import GIB

if TYPE_CHECKING:
    from llama4ref.facts.types.checkpoints import Checkpoint

CATALOG = load()
VLLM = CATALOG.engine("vllm")
RECIPES = [each for each in CATALOG.checkpoints.values() if each.id.startswith("recipe-vllm-")]
PRESETS = {
    "redhatai-llama-4-scout-17b-16e-instruct-quantized-w4a16": "W4A16",
    "redhatai-llama-4-maverick-17b-128e-instruct-quantized-w4a16": "W4A16",
    "redhatai-llama-4-scout-17b-16e-instruct-fp8-dynamic": "FP8_DYNAMIC",
    "redhatai-llama-4-scout-17b-16e-instruct-nvfp4": "NVFP4",
}
"""The preset of compressed-tensors that a checkpoint was made with."""
LAYER = "language_model.model.layers.1."
MODULES = {
    "vision_tower": "vision_model.model.layers.0.self_attn.q_proj",
    "projector": "multi_modal_projector.linear_1",
    "attention": f"{LAYER}self_attn.o_proj",
    "router": f"{LAYER}feed_forward.router",
    "shared_expert": f"{LAYER}feed_forward.shared_expert.down_proj",
    "routed_experts": f"{LAYER}feed_forward.experts.0.down_proj",
    "lm_head": "language_model.lm_head",
}
"""A linear layer of each component."""


@pytest.mark.parametrize("checkpoint", CATALOG.checkpoints.values(), ids=CATALOG.checkpoints)
class TestEveryCheckpoint:
    """What must hold for each spec."""

    def test_names_lead_somewhere(self, checkpoint: Checkpoint) -> None:
        """Its model, licence, engines and formats have specs."""
        formats = {checkpoint.coverage.of(component) for component in COMPONENTS} if checkpoint.coverage else set()

        assert checkpoint.model in CATALOG.models
        assert checkpoint.license is UNKNOWN or checkpoint.license in CATALOG.licenses
        assert set(checkpoint.loads) <= set(CATALOG.engines)
        assert formats - {None, UNKNOWN} <= set(CATALOG.formats)

    def test_names_are_found(self, checkpoint: Checkpoint) -> None:
        """Its id, and every repository of published weights, finds it in any case of letters."""
        published = () if checkpoint.kind == "recipe" else (checkpoint.repository, *checkpoint.other_names)

        for name in (checkpoint.id, *published):
            assert CATALOG.checkpoint(name.upper()) is checkpoint

    def test_releases_are_in_order(self, checkpoint: Checkpoint) -> None:
        """No engine stops loading it before it starts, nor loads it before it serves Llama 4."""
        for engine, loading in checkpoint.loads.items():
            first = CATALOG.engine(engine).first_release

            if is_stated(loading.since):
                assert loading.until is None or release_key(loading.since) < release_key(loading.until)
                assert first is UNKNOWN or release_key(first) <= release_key(loading.since)

    def test_vllm_has_the_method(self, checkpoint: Checkpoint) -> None:
        """Where vLLM loads it, its method is one of vLLM's at that release, and its experts have a kernel."""
        loading = checkpoint.loads.get("vllm")
        if loading is None or not loading.supported or checkpoint.kind == "draft_head":
            return
        assert checkpoint.coverage is not UNKNOWN
        rules = CATALOG.kernel_set("vllm").rules.values()
        mine = [each for each in rules if checkpoint.coverage.routed_experts in each.when.expert_formats]

        assert any(each.chosen is not None for each in mine)
        if checkpoint.quantization_method != "unquantized":
            method = VLLM.methods[checkpoint.quantization_method]
            assert holds_at(loading.since or VLLM.newest_release, since=method.since, until=method.until)

    def test_engine_leaves_vision_and_router_alone(self, checkpoint: Checkpoint) -> None:
        """What vLLM loads keeps vision, router, embedding and head in sixteen bits, as vLLM quantizes none of them."""
        loading = checkpoint.loads.get("vllm")
        if loading is not None and loading.supported and checkpoint.coverage is not UNKNOWN:
            kept = {
                checkpoint.coverage.of(name) for name in ("vision_tower", "projector", "router", "embed", "lm_head")
            }

            assert kept == {"bf16"}

    def test_skipped_layers_have_experts(self, checkpoint: Checkpoint) -> None:
        """Layers that are left out of quantizing are layers with experts."""
        experts = {
            layer
            for tensor in model_tensors(CATALOG.model(checkpoint.model))
            if tensor.component == "routed_experts"
            for layer in tensor.layers or ()
        }

        assert set(checkpoint.skipped_moe_layers or ()) <= experts

    def test_inferred_coverage_says_so(self, checkpoint: Checkpoint) -> None:
        """A vendor's or maker's coverage that could not be read carries the reason it is believed."""
        if checkpoint.publisher in {"NVIDIA", "Red Hat"} and checkpoint.coverage is not UNKNOWN:
            assert CATALOG.cite(f"checkpoints/{checkpoint.id}", "coverage.attention")[0].note

    def test_published_sizes_agree_or_are_explained(self, checkpoint: Checkpoint) -> None:
        """A published size is what the coverage gives, or a note says why not."""
        for claim in checkpoint.claims:
            if claim.about == "weights.bytes" and checkpoint.coverage and checkpoint.coverage.vision_tower:
                computed = checkpoint_bytes(CATALOG.model(checkpoint.model), checkpoint, CATALOG.formats)

                assert claim.agrees_with(computed) or claim.note


def test_there_are_many_checkpoints() -> None:
    """Weights, recipes and draft heads of both models are recorded."""
    kinds = {(each.model, each.kind) for each in CATALOG.checkpoints.values()}

    assert len(CATALOG.checkpoints) >= 40
    assert {(model, kind) for model in ("scout", "maverick") for kind in ("weights", "recipe", "draft_head")} <= kinds


def _stored_elements(checkpoint: Checkpoint) -> int:
    """Numbers in the files, two 4-bit weights counted as one and scales left out."""
    assert checkpoint.coverage is not UNKNOWN
    packed = {name for name in COMPONENTS if checkpoint.coverage.of(name) == "nvfp4"}
    return sum(
        tensor.parameters // 2 if tensor.component in packed and tensor.is_matrix else tensor.parameters
        for tensor in model_tensors(CATALOG.model(checkpoint.model))
    )


def test_nvidia_scout_nvfp4_has_the_published_number_of_elements() -> None:
    """The published count comes out only where attention and shared experts are packed and nothing else is."""
    checkpoint = CATALOG.checkpoint("nvidia/Llama-4-Scout-17B-16E-Instruct-NVFP4")
    claim = next(each for each in checkpoint.claims if each.about == "weights.elements")
    coverage = checkpoint.coverage
    assert coverage is not UNKNOWN

    assert claim.agrees_with(_stored_elements(checkpoint))
    for name in ("attention", "shared_expert", "embed", "lm_head", "vision_tower"):
        other = "bf16" if coverage.of(name) == "nvfp4" else "nvfp4"
        changed = dataclasses.replace(checkpoint, coverage=dataclasses.replace(coverage, **{name: other}))
        assert not claim.agrees_with(_stored_elements(changed)), name


def test_meta_maverick_fp8_takes_what_a_launch_logged() -> None:
    """A published log of vLLM 0.8.3 on eight GPUs agrees only where every layer with experts is quantized."""
    logged_gib, slack_gib = 48.8682, 0.02
    maverick = CATALOG.model("maverick")
    checkpoint = CATALOG.checkpoint("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8")
    positions = maverick.architecture.context.instruct_max_position_embeddings
    rotary_table = positions * maverick.architecture.attention.head_dim * 2

    def loaded_gib(skipped: tuple[int, ...]) -> float:
        changed = dataclasses.replace(checkpoint, skipped_moe_layers=skipped)
        return (weights(maverick, changed, 8).stages[0].bytes + rotary_table) / GIB

    assert loaded_gib(checkpoint.skipped_moe_layers or ()) == pytest.approx(logged_gib, abs=slack_gib)
    assert loaded_gib((47,)) > logged_gib + slack_gib


@pytest.mark.vllm
@pytest.mark.parametrize("id_", PRESETS)
def test_coverage_is_what_the_quantization_config_leaves_alone(id_: str) -> None:
    """What its patterns leave alone, as vLLM matches them, is what the facts leave in sixteen bits."""
    pytest.importorskip("vllm")
    from llama4ref.proving.model_files.torch_companions import repair_torch_companions

    repair_torch_companions()
    from vllm.model_executor.layers.quantization.compressed_tensors.utils import should_ignore_layer

    checkpoint = CATALOG.checkpoint(id_)
    assert checkpoint.coverage is not UNKNOWN
    ignored = json.loads(checkpoint.quantization_config or "")["ignore"]
    left = {name for name, module in MODULES.items() if should_ignore_layer(module, ignored)}

    assert left == {name for name in MODULES if checkpoint.coverage.of(name) == "bf16"}


@pytest.mark.vllm
@pytest.mark.parametrize(("id_", "preset"), PRESETS.items())
def test_a_quantization_config_is_the_presets(id_: str, preset: str) -> None:
    """compressed-tensors, with which the publisher made it, says what each preset stores."""
    pytest.importorskip("vllm")
    from llama4ref.proving.model_files.torch_companions import repair_torch_companions

    repair_torch_companions()
    from compressed_tensors.quantization import QuantizationConfig, preset_name_to_scheme

    content = json.loads(CATALOG.checkpoint(id_).quantization_config or "")
    (group,) = QuantizationConfig.model_validate(content).config_groups.values()
    made = preset_name_to_scheme(preset, ["Linear"])

    assert group.targets == made.targets
    for part in ("weights", "input_activations"):
        ours, theirs = getattr(group, part), getattr(made, part)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            named = ("num_bits", "type", "symmetric", "strategy", "group_size", "dynamic")
            assert [getattr(ours, name) for name in named] == [getattr(theirs, name) for name in named]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("quantization_config: '[1]'", "expected the text of a JSON object"),
        (
            'quantization_config: \'{"quant_method": "fp8"}\'',
            "found quant_method 'fp8', expected the quantization_method",
        ),
        ("quantization_config: '{not json'", "expected the text of a JSON object"),
    ],
)
def test_a_quantization_config_of_another_method_does_not_load(written: str, message: str) -> None:
    """An engine would read the weights in another way than the facts say."""
    specs = Path(__file__).parents[2] / "specs"
    files = {path.relative_to(specs).as_posix(): path.read_bytes() for path in specs.rglob("*.yaml")}
    name = f"checkpoints/{next(iter(PRESETS))}.yaml"
    text = re.sub(r"^quantization_config:\n(?:  .*\n)+", f"{written}\n", files[name].decode(), flags=re.MULTILINE)

    with pytest.raises(SpecErrors, match=message):
        build(files | {name: text.encode()})


@pytest.mark.vllm
@pytest.mark.parametrize("recipe", RECIPES, ids=[each.id for each in RECIPES])
class TestVllmRecipes:
    """Recipes of vLLM beside the installed one."""

    def test_coverage_is_what_the_engine_would_quantize(self, recipe: Checkpoint) -> None:
        """The shorthand resolves to a method for exactly the layers that the facts say it quantizes."""
        pytest.importorskip("vllm")
        from llama4ref.proving.model_files.torch_companions import repair_torch_companions

        repair_torch_companions()
        from vllm.config.quantization import _ONLINE_SHORTHANDS
        from vllm.model_executor.layers.fused_moe.routed_experts import RoutedExperts
        from vllm.model_executor.layers.linear import QKVParallelLinear, RowParallelLinear
        from vllm.model_executor.layers.quantization.online.base import OnlineQuantizationConfig
        from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead, VocabParallelEmbedding

        config = OnlineQuantizationConfig(_ONLINE_SHORTHANDS[recipe.quantization_method])
        layers = {
            "embed": (VocabParallelEmbedding, "language_model.model.embed_tokens"),
            "attention": (QKVParallelLinear, f"{LAYER}self_attn.qkv_proj"),
            "shared_expert": (RowParallelLinear, f"{LAYER}feed_forward.shared_expert.down_proj"),
            "routed_experts": (RoutedExperts, f"{LAYER}feed_forward.experts"),
            "lm_head": (ParallelLMHead, "language_model.lm_head"),
        }
        quantized = {name for name, layer in layers.items() if config.resolve_quant_method_cls(*layer) is not None}

        assert recipe.coverage is not UNKNOWN
        assert quantized == {name for name in layers if recipe.coverage.of(name) != "bf16"}

    def test_format_is_stored_by_the_method(self, recipe: Checkpoint) -> None:
        """The format of the experts is one that the method is recorded to make."""
        assert recipe.coverage is not UNKNOWN

        assert recipe.quantization_method in {
            *CATALOG.format(recipe.coverage.routed_experts).vllm_methods,
            "nvfp4_per_token",
        }


def test_small_savings_of_bitsandbytes_are_seen() -> None:
    """Quantizing while loading through transformers leaves most of Scout in sixteen bits."""
    scout = CATALOG.model("scout")
    whole = checkpoint_bytes(scout, None, CATALOG.formats)
    four_bit = checkpoint_bytes(
        scout, CATALOG.checkpoint("recipe-transformers-bitsandbytes-4bit-scout"), CATALOG.formats
    )

    assert whole * 0.9 < four_bit < whole
