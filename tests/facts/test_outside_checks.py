"""The rows of tests that hold facts against installed software name real tests; some of those tests."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts import load
from llama4ref.facts.audit.outside_checks import OUTSIDE_CHECKS, TESTED_RELEASE, OutsideCheck, covered, outside_leaves
from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from types import ModuleType

    from llama4ref.facts import Catalog
    from llama4ref.facts.types.models import Model

CATALOG = load()
VLLM = CATALOG.engine("vllm")
ROOT = Path(__file__).parents[2]
RELEASED = [model for model in CATALOG.models.values() if model.text is not UNKNOWN]
METHODS = sorted(
    name
    for name, method in VLLM.methods.items()
    if method.min_capability is not UNKNOWN and holds_at(TESTED_RELEASE, since=method.since, until=method.until)
)


@pytest.mark.parametrize("check", OUTSIDE_CHECKS, ids=lambda check: f"{check.entities} {check.fields}")
def test_a_row_names_a_test_that_is_there_and_covers_leaves(check: OutsideCheck, catalog: Catalog) -> None:
    """A test that was renamed, or a pattern that matches nothing, would count what nobody compares."""
    file, *names = check.test.split("::")
    defined = {
        node.name
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }

    assert set(names) <= defined
    assert [*covered(check, catalog)]


def test_what_the_tested_release_lacks_is_not_counted(catalog: Catalog) -> None:
    """An option that ended has no default to compare, but that it is gone was seen."""
    ended = [
        name for name, flag in VLLM.flags.items() if not holds_at(TESTED_RELEASE, since=flag.since, until=flag.until)
    ]
    found = outside_leaves(catalog)

    assert ended
    assert all(("engines/vllm", f"flags.{name}.default") not in found for name in ended)
    assert all(("engines/vllm", f"flags.{name}.until") in found for name in ended if VLLM.flags[name].until is not None)


@pytest.mark.vllm
class TestInstalled:
    """Facts beside the installed libraries, where no other test has them."""

    @pytest.mark.parametrize("model", RELEASED, ids=lambda model: model.id)
    def test_values_without_a_shape_are_the_defaults_of_transformers(
        self, model: Model, transformers: ModuleType
    ) -> None:
        """Values that no checkpoint changes stand in the configuration classes."""
        text, vision, a = transformers.Llama4TextConfig(), transformers.Llama4VisionConfig(), model.architecture

        assert a.text.rms_norm_eps == text.rms_norm_eps
        assert a.text.hidden_act == text.hidden_act
        assert a.text.tie_word_embeddings == text.tie_word_embeddings
        assert a.attention.bias == text.attention_bias
        assert a.attention.chunk_size == text.attention_chunk_size
        assert a.attention.nope_interval == text.no_rope_layer_interval
        assert a.attention.temperature_floor_scale == text.floor_scale
        assert a.attention.temperature_attn_scale == text.attn_scale
        assert a.rope.theta == text.default_theta
        assert a.experts.per_token == text.num_experts_per_tok
        assert a.experts.router_aux_loss_coef == text.router_aux_loss_coef
        assert a.vision.heads == vision.num_attention_heads
        assert a.vision.norm_eps == vision.norm_eps
        assert a.vision.hidden_act == vision.hidden_act

    @pytest.mark.parametrize("model", RELEASED, ids=lambda model: model.id)
    def test_image_tokens_and_class_are_those_of_transformers(self, model: Model, transformers: ModuleType) -> None:
        """Ids that mark images, and the class that the published configuration names."""
        defaults, tokens = transformers.Llama4Config(), model.tokens
        assert tokens is not UNKNOWN
        assert model.architecture_class is not UNKNOWN

        assert (tokens.image_start, tokens.image_end) == (defaults.boi_token_index, defaults.eoi_token_index)
        assert tokens.patch == defaults.image_token_index
        assert getattr(transformers, model.architecture_class).config_class is transformers.Llama4Config

    def test_the_tested_release_is_installed(self) -> None:
        """The rows say which release they are about."""
        pytest.importorskip("vllm")
        from llama4ref.proving.installed.engine_facts import installed_vllm

        assert installed_vllm() == TESTED_RELEASE

    @pytest.mark.parametrize("name", METHODS)
    def test_lowest_capabilities_are_those_of_the_methods(self, name: str) -> None:
        """What each method's configuration class asks for, or the online method where the name is a shorthand, or both."""
        pytest.importorskip("vllm")
        from llama4ref.proving.model_files.torch_companions import mend_torch_companions

        mend_torch_companions()
        from vllm.config.quantization import ONLINE_QUANT_SHORTHAND_NAMES
        from vllm.model_executor.layers.quantization import QUANTIZATION_METHODS, get_quantization_config

        classes = [name] * (name in QUANTIZATION_METHODS) + ["online"] * (name in ONLINE_QUANT_SHORTHAND_NAMES)

        assert VLLM.methods[name].min_capability in {
            get_quantization_config(each).get_min_capability() for each in classes
        }

    def test_only_shorthands_and_bitsandbytes_quantize_while_loading(self) -> None:
        """What the facts call online is a shorthand of the release, or a method that takes plain weights."""
        pytest.importorskip("vllm")
        from llama4ref.proving.model_files.torch_companions import mend_torch_companions

        mend_torch_companions()
        from vllm.config.quantization import ONLINE_QUANT_SHORTHAND_NAMES

        held = {
            name: method
            for name, method in VLLM.methods.items()
            if holds_at(TESTED_RELEASE, since=method.since, until=method.until)
        }
        online = {name for name, method in held.items() if method.online}

        assert set(ONLINE_QUANT_SHORTHAND_NAMES) & set(held) <= online
        assert all(not held[name].online for name in ("modelopt", "compressed-tensors", "awq", "gptq"))

    @pytest.mark.parametrize(
        ("accelerator", "device"), [("h100-sxm", "NVIDIA H100"), ("a100-sxm", "NVIDIA A100"), ("mi300x", "AMD MI300X")]
    )
    def test_rates_are_those_of_the_table_in_torch(self, accelerator: str, device: str, catalog: Catalog) -> None:
        """Bandwidth and dense rates, sparsity taken out where the table says that it counts it."""
        torch = pytest.importorskip("torch")
        from torch._inductor.analysis import device_info

        row, facts = device_info._device_mapping[device], catalog.accelerator(accelerator)

        assert facts.bandwidth == row.dram_bw_gbs * 1e9
        for dtype, rate in ((torch.bfloat16, facts.peak.bf16), (torch.int8, facts.peak.int8)):
            assert rate == pytest.approx(row.tops[dtype] * 1e12 / row.tops_sparsity_factor, rel=0.002)
