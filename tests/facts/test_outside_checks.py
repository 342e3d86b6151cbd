"""The rows of tests that hold facts against installed software name real tests; some of those tests."""

from __future__ import annotations

import re
import subprocess
import sys
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
HERE, ENGINES = "tests/facts/test_outside_checks.py::TestInstalled", "tests/specs/test_engines.py::TestInstalledVllm"
RELEASED = [model for model in CATALOG.models.values() if model.text is not UNKNOWN]
METHODS = sorted(
    name
    for name, method in VLLM.methods.items()
    if method.min_capability is not UNKNOWN and holds_at(TESTED_RELEASE, since=method.since, until=method.until)
)


TESTS = {
    "tensor-shapes": "tests/facts/test_tensors.py::test_every_tensor_has_the_name_and_shape_of_transformers",
    "configuration-defaults": f"{HERE}::test_values_without_a_shape_are_the_defaults_of_transformers",
    "image-tokens": f"{HERE}::test_image_tokens_and_class_are_those_of_transformers",
    "processor-tokens": "tests/specs/test_families.py::TestAgainstInstalledSoftware::test_the_processor_writes_the_tokens_of_the_prompt_format",
    "options": f"{ENGINES}::test_every_flag_of_the_release_exists",
    "option-defaults": f"{ENGINES}::test_defaults_are_equal",
    "switches": f"{ENGINES}::test_switches_take_nothing",
    "methods": f"{ENGINES}::test_methods_are_equal",
    "online-methods": f"{HERE}::test_only_shorthands_and_bitsandbytes_quantize_while_loading",
    "method-capabilities": f"{HERE}::test_lowest_capabilities_are_those_of_the_methods",
    "method-platforms": f"{ENGINES}::test_platforms_take_the_same_methods",
    "variables": f"{ENGINES}::test_variables_are_read",
    "cache-planner": "tests/memory/test_attention_cache.py::test_every_number_equals_that_of_the_installed_planner",
    "engine-switches": f"{ENGINES}::test_behaviours_are_equal",
    "gpu-batch-limits": f"{ENGINES}::test_hardware_defaults_are_equal",
    "scale-dtypes": "tests/facts/test_formats.py::test_scale_dtypes_exist_in_torch_and_have_the_stated_bits",
    "nf4-layout": "tests/facts/test_formats.py::test_nf4_takes_what_bitsandbytes_stores",
    "format-methods": "tests/facts/test_formats.py::test_methods_are_names_that_vllm_knows",
    "recipe-coverage": "tests/specs/test_checkpoints.py::TestVllmRecipes::test_coverage_is_what_the_engine_would_quantize",
    "published-patterns": "tests/specs/test_checkpoints.py::test_coverage_is_what_the_quantization_config_leaves_alone",
    "device-rates": f"{HERE}::test_rates_are_those_of_the_table_in_torch",
}
"""The test of each row."""


@pytest.mark.parametrize("check", OUTSIDE_CHECKS, ids=lambda check: check.name)
def test_a_row_covers_leaves_and_has_a_test(check: OutsideCheck, catalog: Catalog) -> None:
    """A pattern that matches nothing, or a row that nobody tests, would count what is not compared."""
    assert [*covered(check, catalog)]
    assert check.name in TESTS


def test_every_test_of_the_table_is_collected() -> None:
    """A test that was renamed or left out would compare nothing; its row is one of the package's."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "--no-header",
        *{name.partition("::")[0] for name in TESTS.values()},
    ]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    collected = {line.partition("[")[0] for line in listed.splitlines()}

    assert set(TESTS) == {check.name for check in OUTSIDE_CHECKS}
    assert {name for name in TESTS.values() if name not in collected} == set()


def test_the_package_names_no_test() -> None:
    """It does not know how it is tested."""
    named = re.compile(r"tests?/|::test|\btest_\w+")
    found = [path for path in (ROOT / "llama4ref").rglob("*.py") if named.search(path.read_text(encoding="utf-8"))]

    assert found == []


def test_what_the_tested_release_lacks_is_not_counted(catalog: Catalog) -> None:
    """An option that ended has no default to compare; where it ended, one release cannot tell, only that others have not."""
    ended = [
        name for name, flag in VLLM.flags.items() if not holds_at(TESTED_RELEASE, since=flag.since, until=flag.until)
    ]
    found = outside_leaves(catalog)

    assert ended
    assert not [key for key in found if any(key[1].startswith(f"flags.{name}.") for name in ended)]
    assert not [field for _, field in found if field.endswith(".since")]
    assert ("engines/vllm", "flags.max-num-seqs.until") in found


def test_only_the_step_in_force_is_held(catalog: Catalog) -> None:
    """Of a rule that changed, the installed release shows one value."""
    steps = [field for _, field in outside_leaves(catalog) if field.startswith("behaviours.")]

    assert len(steps) == len({field.split(".")[1] for field in steps}) > 5
    assert "behaviours.hybrid_kv_cache.0.holds" not in steps


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
        from llama4ref.proving.model_files.torch_companions import repair_torch_companions

        repair_torch_companions()
        from vllm.config.quantization import ONLINE_QUANT_SHORTHAND_NAMES
        from vllm.model_executor.layers.quantization import QUANTIZATION_METHODS, get_quantization_config

        classes = [name] * (name in QUANTIZATION_METHODS) + ["online"] * (name in ONLINE_QUANT_SHORTHAND_NAMES)

        assert VLLM.methods[name].min_capability in {
            get_quantization_config(each).get_min_capability() for each in classes
        }

    def test_only_shorthands_and_bitsandbytes_quantize_while_loading(self) -> None:
        """What the facts call online is a shorthand of the release, or a method that takes plain weights."""
        pytest.importorskip("vllm")
        from llama4ref.proving.model_files.torch_companions import repair_torch_companions

        repair_torch_companions()
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
