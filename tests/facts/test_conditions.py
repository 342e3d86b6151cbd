"""Each condition rules out what it names, and what is unknown meets none."""

from __future__ import annotations

from typing import Any

import pytest

from llama4ref.facts.types.abilities import Ability, AbilitySet
from llama4ref.facts.types.conditions import Circumstances, Conditions, SizeRange
from llama4ref.facts.types.kernels import KernelRule, KernelSet
from llama4ref.facts.types.states import UNKNOWN


def _of(**changes: Any) -> Circumstances:
    usual: dict[str, Any] = {
        "platform": "cuda", "accelerator": "h100-sxm", "architecture": "Hopper", "capability": 90, "model": "scout",
        "checkpoint": "some", "quantization_method": "fp8", "expert_format": "bf16", "attention_format": "bf16",
        "features": frozenset({"images", "tensor-parallel"}), "sizes": {"context": 8192}, "expert_kernel": "triton",
    }  # fmt: skip
    return Circumstances(**usual | changes)


@pytest.mark.parametrize(
    ("when", "other"),
    [
        ({"platforms": ("cuda",)}, {"platform": "rocm"}),
        ({"min_capability": 90}, {"capability": 89}),
        ({"min_capability": 90}, {"capability": None}),
        ({"max_capability": 90}, {"capability": 100}),
        ({"max_capability": 90}, {"capability": None}),
        ({"accelerators": ("h100-sxm",)}, {"accelerator": "h200-sxm"}),
        ({"architectures": ("Hopper",)}, {"architecture": UNKNOWN}),
        ({"models": ("scout",)}, {"model": "maverick"}),
        ({"checkpoints": ("some",)}, {"checkpoint": "other"}),
        ({"quantization_methods": ("fp8",)}, {"quantization_method": "modelopt"}),
        ({"expert_formats": ("bf16",)}, {"expert_format": UNKNOWN}),
        ({"expert_kernels": ("triton",)}, {"expert_kernel": None}),
        ({"features": ("images", "tensor-parallel")}, {"features": frozenset({"images"})}),
        ({"any_features": ("images", "lora")}, {"features": frozenset({"tools"})}),
        ({"without": ("lora",)}, {"features": frozenset({"lora"})}),
        ({"sizes": (SizeRange(size="context", at_least=8192),)}, {"sizes": {"context": 8191}}),
        ({"sizes": (SizeRange(size="context", at_most=8192),)}, {"sizes": {"context": 8193}}),
        ({"sizes": (SizeRange(size="context", at_most=8192),)}, {"sizes": {}}),
    ],
)
def test_a_condition_is_met_by_what_it_names_alone(when: dict[str, Any], other: dict[str, Any]) -> None:
    """The usual circumstances meet each, the changed ones do not; without conditions both pass."""
    assert Conditions(**when).met_by(_of())
    assert not Conditions(**when).met_by(_of(**other))
    assert Conditions().met_by(_of(**other))


ROWS = AbilitySet(
    id="x",
    name="X",
    engine="x",
    abilities={
        "on-hopper": Ability(feature="fp8-kv-cache", since="0.8.3", when=Conditions(min_capability=90)),
        "everywhere": Ability(feature="fp8-kv-cache", since="0.11.0"),
        "gone": Ability(feature="lora", since="0.9.0", until="0.12.0"),
    },
)


def test_a_feature_is_lacked_where_no_row_of_it_holds() -> None:
    """And the first release that has it is that of a row whose conditions are met."""
    ampere = _of(capability=80)

    assert not ROWS.lacks("fp8-kv-cache", "0.8.3", _of())
    assert ROWS.lacks("fp8-kv-cache", "0.10.2", ampere)
    assert not ROWS.lacks("fp8-kv-cache", "0.11.0", ampere)
    assert ROWS.first_release("fp8-kv-cache", ampere, after="0.10.2") == "0.11.0"
    assert ROWS.lacks("lora", "0.12.0", ampere)
    assert ROWS.first_release("lora", ampere, after="0.12.0") is None
    assert not ROWS.lacks("images", "0.8.3", ampere)


def test_the_first_rule_that_holds_says_which_kernel_is_taken() -> None:
    """Where no rule holds it is unknown, and none is not the same."""
    rules = KernelSet(
        id="x",
        name="X",
        engine="x",
        rules={
            "old": KernelRule(component="experts", since="0.8.3", until="0.9.0", when=Conditions(), chosen="triton"),
            "none": KernelRule(component="experts", since="0.9.0", when=Conditions(max_capability=80), chosen=None),
            "rest": KernelRule(
                component="experts", since="0.9.0", when=Conditions(platforms=("cuda",)), chosen="marlin"
            ),
        },
    )

    assert rules.chosen("experts", "0.8.5", _of()) == "triton"
    assert rules.chosen("experts", "0.9.0", _of()) == "marlin"
    assert rules.chosen("experts", "0.9.0", _of(capability=80)) is None
    assert rules.chosen("experts", "0.9.0", _of(platform="rocm", capability=None)) is UNKNOWN
    assert rules.chosen("attention", "0.9.0", _of()) is UNKNOWN
