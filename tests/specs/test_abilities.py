"""What vLLM can do with Llama 4, by release: what public threads found, and what the installed release says."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from llama4ref.facts import load
from llama4ref.facts.types.conditions import Circumstances
from llama4ref.facts.types.releases import normalized_release
from llama4ref.facts.types.states import is_stated

if TYPE_CHECKING:
    from llama4ref.facts.types.abilities import AbilitySet
    from llama4ref.facts.types.conditions import Feature

CATALOG = load()
ABILITIES = CATALOG.abilities["vllm"]
H100 = Circumstances(
    platform="cuda",
    accelerator="h100-sxm",
    architecture="hopper",
    capability=90,
    model="scout",
    checkpoint="meta-llama-4-scout-17b-16e-instruct",
    quantization_method="unquantized",
    expert_format="bf16",
    attention_format="bf16",
    features=frozenset(),
    sizes={},
)


def _on(*features: Feature, **other: Any) -> Circumstances:
    return dataclasses.replace(H100, features=frozenset(features), **other)


AMPERE = {"accelerator": "a100-sxm", "architecture": "ampere", "capability": 80}
BLACKWELL = {"accelerator": "b200", "architecture": "blackwell", "capability": 100}
ULTRA = {"accelerator": "b300", "architecture": "blackwell", "capability": 103}
ADA = {"accelerator": "l40s", "architecture": "ada", "capability": 89}
AMD = {"platform": "rocm", "accelerator": "mi300x", "architecture": "cdna3", "capability": None}
CPU = {"platform": "cpu", "accelerator": "xeon-6900p", "architecture": "x86", "capability": None}
FOUND = (
    ("pipeline-parallel", "0.8.3", {}, "0.8.4"),  # vLLM #16231, #16385
    ("pipeline-parallel", "0.8.4", {}, "had"),
    ("lora", "0.9.0", {}, "0.11.1"),  # vLLM #16894, #20650
    ("lora", "0.11.0", {}, "0.11.1"),
    ("lora", "0.12.0", {}, "had"),
    ("fp8-kv-cache", "0.8.3", {}, "had"),  # the launch blog's advice for Hopper
    ("fp8-kv-cache", "0.8.3", AMPERE, "0.11.1"),  # vLLM #16189
    ("fp8-kv-cache", "0.10.2", AMPERE, "0.11.1"),
    ("fp8-kv-cache", "0.11.0", AMPERE, "0.11.1"),  # vLLM #26431: Triton has no conversion there
    ("fp8-kv-cache", "0.23.0", AMPERE, "had"),  # vLLM #46863
    ("fp8-kv-cache", "0.9.2", ADA, "0.11.0"),  # vLLM PR #24577
    ("fp8-kv-cache", "0.9.2", BLACKWELL, "0.10.0"),
    ("fp8-kv-cache", "0.10.0", BLACKWELL, "had"),
    ("fp8-kv-cache", "0.10.2", ULTRA, "0.11.0"),
    ("fp8-kv-cache", "0.8.5", AMD, "0.9.0"),
    ("fp8-kv-cache", "0.20.2", CPU, "0.21.0"),
    ("eagle", "0.9.2", {}, "0.10.0"),
    ("eagle3", "0.11.0", {}, "0.11.1"),
    ("expert-parallel", "0.32.0", CPU, None),
    ("tools", "0.8.3", {}, "had"),
    ("quantized-attention", "0.16.0", {"quantization_method": "compressed-tensors"}, "0.17.0"),  # vLLM PR #34243
    ("quantized-attention", "0.10.1", {"quantization_method": "modelopt_fp4"}, "had"),
    ("quantized-attention", "0.24.0", {"quantization_method": "fp8_per_channel"}, "had"),
)
"""Feature, release, hardware, and the first later release that has it: `had` where this one does, None where none does."""


@pytest.mark.parametrize(("feature", "release", "hardware", "later"), FOUND)
def test_what_threads_and_wheels_say(feature: Feature, release: str, hardware: dict[str, Any], later: str | None):
    """A release lacks what it was reported to lack, and the first one that has it is named."""
    where = _on(feature, **hardware)

    assert ABILITIES.lacks(feature, release, where) is (later != "had")
    if later != "had":
        assert ABILITIES.first_release(feature, where, after=release) == later


@pytest.mark.parametrize(
    ("release", "features", "format", "hardware", "lacks"),
    [
        ("0.8.3", (), "fp8-per-channel-dynamic", {}, True),
        ("0.8.4", (), "fp8-per-channel-dynamic", {}, False),
        ("0.13.0", (), "nvfp4", BLACKWELL, True),
        ("0.15.0", (), "nvfp4", BLACKWELL, False),
        ("0.11.0", (), "nvfp4", {}, False),
        ("0.8.5", (), "int4-group-128", {}, False),
    ],
)
def test_expert_parallel_goes_by_format(
    release: str, features: tuple[Feature, ...], format: str, hardware: dict[str, Any], lacks: bool
):
    """Whole experts on each GPU: what the method of the format allows."""
    where = _on("expert-parallel", *features, expert_format=format, **hardware)

    assert ABILITIES.lacks("expert-parallel", release, where) is lacks


@pytest.mark.parametrize(
    ("feature", "beside", "release", "later"),
    [
        ("lora", "expert-parallel", "0.20.2", "0.21.0"),
        ("eagle3", "pipeline-parallel", "0.29.0", "0.30.0"),
        ("multi-node", "data-parallel", "0.8.5", "0.9.0"),
        ("async-scheduling", "pipeline-parallel", "0.14.1", "0.15.0"),
    ],
)
def test_features_that_exclude_each_other(feature: Feature, beside: Feature, release: str, later: str):
    """Each is there alone before both are there together."""
    both = _on(feature, beside)

    assert not ABILITIES.lacks(feature, release, _on(feature))
    assert ABILITIES.lacks(feature, release, both)
    assert ABILITIES.first_release(feature, both, after=release) == later
    assert not ABILITIES.lacks(feature, later, both)


@pytest.mark.parametrize(("feature", "first"), [("eagle", "0.10.0"), ("eagle3", "0.11.1"), ("fp8-kv-cache", None)])
def test_the_first_release_that_has_a_feature_anywhere(feature: Feature, first: str | None):
    """None where some hardware had it always."""
    assert ABILITIES.earliest(feature) == first


@pytest.mark.parametrize("set_", CATALOG.abilities.values(), ids=lambda each: each.id)
def test_releases_were_published(set_: AbilitySet):
    """Every row begins and ends at a release of its engine."""
    published = CATALOG.engine(set_.engine).releases
    named = {each for row in set_.abilities.values() for each in (row.since, row.until) if each and is_stated(each)}

    assert named <= set(published)


@pytest.mark.parametrize("set_", CATALOG.abilities.values(), ids=lambda each: each.id)
def test_a_row_asks_for_no_unknown_format_or_device(set_: AbilitySet):
    """Ids in conditions are those of the catalogue."""
    for row in set_.abilities.values():
        assert set(row.when.expert_formats) <= set(CATALOG.formats)
        assert set(row.when.accelerators) <= set(CATALOG.accelerators)
        assert set(row.when.checkpoints) <= set(CATALOG.checkpoints)
        assert not {row.feature} & {*row.when.without}


@pytest.mark.vllm
class TestInstalledVllm:
    """The rows beside the classes of the installed release."""

    @pytest.fixture
    def release(self) -> str:
        """The installed release."""
        pytest.importorskip("vllm")
        from llama4ref.proving.model_files.torch_companions import repair_torch_companions

        repair_torch_companions()
        from vllm.version import __version__

        return normalized_release(__version__)

    @pytest.mark.parametrize(
        ("feature", "asked", "beside"),
        [
            ("pipeline-parallel", "supports_pp", ()),
            ("lora", "supports_lora", ()),
            ("eagle3", "supports_eagle3", ()),
            ("images", "supports_multimodal", ()),
            ("encoder-data-parallel", "supports_multimodal_encoder_tp_data", ("images",)),
        ],
    )
    def test_the_class_says_what_it_supports(
        self, feature: Feature, asked: str, beside: tuple[Feature, ...], release: str
    ) -> None:
        """By the functions with which the engine asks it."""
        from vllm.model_executor.models import interfaces
        from vllm.model_executor.models.mllama4 import Llama4ForConditionalGeneration

        supported = bool(getattr(interfaces, asked)(Llama4ForConditionalGeneration))

        assert ABILITIES.lacks(feature, release, _on(feature, *beside)) is not supported

    def test_experts_move_between_gpus(self, release: str) -> None:
        """The class has what balancing asks for."""
        from vllm.model_executor.models.interfaces import MixtureOfExperts
        from vllm.model_executor.models.mllama4 import Llama4ForConditionalGeneration

        balanced = _on("expert-load-balancing", "expert-parallel")

        assert ABILITIES.lacks("expert-load-balancing", release, balanced) is (
            MixtureOfExperts not in Llama4ForConditionalGeneration.__mro__
        )

    @pytest.mark.parametrize("head", ["EagleLlama4ForCausalLM", "LlamaForCausalLMEagle3", "Eagle3LlamaForCausalLM"])
    def test_the_registry_has_the_heads(self, head: str, release: str) -> None:
        """Those that the rows name."""
        from vllm.model_executor.models.registry import ModelRegistry

        row = ABILITIES.abilities["eagle" if "Llama4" in head else "eagle3"]

        assert head in ModelRegistry.get_supported_archs()
        assert row.holds(release, _on(row.feature))
        assert head in row.note

    def test_eagle3_over_stages(self, release: str) -> None:
        """The text model hands hidden states from stage to stage, or the row does not hold."""
        from vllm.model_executor.models.llama4 import Llama4Model

        both = _on("eagle3", "pipeline-parallel")

        assert ABILITIES.lacks("eagle3", release, both) is not getattr(
            Llama4Model, "supports_aux_hidden_states_over_pp", False
        )

    def test_a_cpu_takes_the_fp8_cache(self, release: str) -> None:
        """The one backend of a CPU does."""
        from vllm.v1.attention.backends.cpu_attn import CPUAttentionBackend

        takes = "fp8" in CPUAttentionBackend.supported_kv_cache_dtypes

        assert ABILITIES.lacks("fp8-kv-cache", release, _on("fp8-kv-cache", **CPU)) is not takes
