"""Which kernels engines run Llama 4 with: what was read in the wheels by hand, and what holds of every rule."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts import load
from llama4ref.facts.types.conditions import Circumstances
from llama4ref.facts.types.states import UNKNOWN, is_stated

if TYPE_CHECKING:
    from llama4ref.facts.types.conditions import Feature
    from llama4ref.facts.types.kernels import KernelSet

CATALOG = load()
VLLM = CATALOG.engine("vllm")
KERNELS = CATALOG.kernel_set("vllm")
WHOLE: frozenset[Feature] = frozenset({"expert-parallel"})
CUT: frozenset[Feature] = frozenset()


def _on(accelerator: str, format_: str, features: frozenset[Feature] = CUT, method: str = "any") -> Circumstances:
    """Routed experts in a format on an accelerator of the catalogue."""
    gpu = CATALOG.accelerator(accelerator)
    return Circumstances(
        platform=gpu.platform,
        accelerator=gpu.id,
        architecture=gpu.architecture,
        capability=gpu.capability,
        model="scout",
        checkpoint="any",
        quantization_method=method,
        expert_format=format_,
        attention_format="bf16",
        features=features,
        sizes={},
    )


CHANNEL, STATIC, DYNAMIC = "fp8-per-channel-dynamic", "fp8-per-tensor-static", "fp8-per-tensor-dynamic"
READ_BY_HAND = (
    # 0.8.5: compressed_tensors_moe.py:56 get_moe_method; fp8.py Fp8MoEMethod; layer.py UnquantizedFusedMoEMethod
    ("0.8.5", "bf16", "h100-sxm", CUT, "triton"),
    ("0.8.5", "bf16", "b200", CUT, "triton"),
    ("0.8.5", "bf16", "mi300x", WHOLE, "triton"),
    ("0.8.5", CHANNEL, "h100-sxm", CUT, "cutlass"),
    ("0.8.5", CHANNEL, "h200-sxm", WHOLE, "cutlass"),
    ("0.8.5", CHANNEL, "l40s", CUT, "triton"),
    ("0.8.5", CHANNEL, "b200", CUT, "triton"),
    ("0.8.5", CHANNEL, "a100-sxm", CUT, None),
    ("0.8.5", CHANNEL, "mi300x", CUT, "triton"),
    ("0.8.5", DYNAMIC, "a100-sxm", CUT, None),
    ("0.8.5", DYNAMIC, "h100-sxm", CUT, "triton"),
    ("0.8.5", "int4-group-128", "h100-sxm", CUT, "triton"),
    ("0.8.5", "int4-group-128", "a100-sxm", WHOLE, "triton"),
    # 0.13.0: compressed_tensors_moe.py get_moe_method and the apply of each method; modelopt.py; fp8.py get_fp8_moe_backend
    ("0.13.0", "bf16", "b200", CUT, "triton"),
    ("0.13.0", "bf16", "rtx-pro-6000", CUT, "triton"),
    ("0.13.0", CHANNEL, "h100-sxm", CUT, "cutlass"),
    ("0.13.0", CHANNEL, "b200", WHOLE, "cutlass"),
    ("0.13.0", CHANNEL, "b300", CUT, "triton"),
    ("0.13.0", CHANNEL, "rtx-pro-6000", CUT, "triton"),
    ("0.13.0", CHANNEL, "a100-sxm", CUT, "marlin"),
    ("0.13.0", STATIC, "h100-sxm", CUT, "triton"),
    ("0.13.0", STATIC, "b200", CUT, "triton"),
    ("0.13.0", STATIC, "a100-sxm", CUT, None),
    ("0.13.0", STATIC, "mi300x", CUT, None),
    ("0.13.0", DYNAMIC, "l4", CUT, "triton"),
    ("0.13.0", "int4-group-128", "b200", CUT, "triton"),
    ("0.13.0", "nvfp4", "h100-sxm", CUT, "marlin"),
    ("0.13.0", "nvfp4", "b200", CUT, "cutlass"),
    ("0.13.0", "nvfp4", "b200", WHOLE, None),
    ("0.13.0", "nvfp4", "dgx-spark", CUT, None),
    ("0.13.0", "nvfp4", "mi355x", CUT, None),
)
"""Release, format, accelerator, split, and what the wheel's own code comes to."""


@pytest.mark.parametrize(("release", "format_", "accelerator", "features", "chosen"), READ_BY_HAND)
def test_rules_say_what_the_wheel_does(
    release: str, format_: str, accelerator: str, features: frozenset[Feature], chosen: str | None
):
    """Selection as it was read by hand in the wheels of two older releases."""
    assert KERNELS.chosen("experts", release, _on(accelerator, format_, features)) == chosen


@pytest.mark.parametrize(
    ("before", "since", "format_", "accelerator"),
    [
        ("0.9.1", "0.9.2", CHANNEL, "a100-sxm"),
        ("0.9.2", "0.10.0", CHANNEL, "b200"),
        ("0.13.0", "0.14.0", CHANNEL, "b300"),
        ("0.31.0", "0.32.0", "mxfp4", "h100-sxm"),
    ],
)
def test_a_kernel_changes_with_the_release(before: str, since: str, format_: str, accelerator: str):
    """Up to one release, and from the next."""
    where = _on(accelerator, format_)

    assert KERNELS.chosen("experts", before, where) != KERNELS.chosen("experts", since, where)


def test_devices_of_one_name_are_told_apart():
    """10.x, 12.x and the two generations of AMD's."""
    release = VLLM.newest_release
    chosen = {
        id_: [KERNELS.chosen("experts", release, _on(id_, each)) for each in ("bf16", STATIC, "nvfp4", "mxfp8")]
        for id_ in ("b200", "rtx-pro-6000", "mi300x", "mi355x")
    }

    assert chosen["b200"] == ["flashinfer_trtllm"] * 4
    assert chosen["rtx-pro-6000"] == ["flashinfer_cutlass", "flashinfer_cutlass", "flashinfer_cutlass", "marlin"]
    assert chosen["mi300x"] == ["triton", "triton", "emulation", "emulation"]
    assert chosen["mi355x"] == ["triton", "triton", "emulation", "triton"]


def test_a_device_between_those_that_were_read_is_not_known():
    """Compute capability 11.0 is neither 10.x nor 12.x."""
    where = dataclasses.replace(_on("b200", "bf16"), capability=110)

    assert KERNELS.chosen("experts", VLLM.newest_release, where) is UNKNOWN


def test_quantizing_while_loading_is_told_from_a_checkpoint_of_the_same_format():
    """NVFP4 with a scale a token asks for 10.x, a checkpoint does not."""
    release = VLLM.newest_release

    assert KERNELS.chosen("experts", release, _on("h100-sxm", "nvfp4", method="nvfp4_per_token")) is None
    assert KERNELS.chosen("experts", release, _on("h100-sxm", "nvfp4", method="modelopt_fp4")) == "marlin"


@pytest.mark.parametrize("set_", CATALOG.kernels.values(), ids=lambda each: each.id)
class TestEverySet:
    """What must hold of each engine's kernels."""

    def test_releases_were_published(self, set_: KernelSet) -> None:
        """Every rule begins and ends at a release of its engine, in order."""
        published = CATALOG.engine(set_.engine).releases
        for id_, rule in set_.rules.items():
            named = [each for each in (rule.since, rule.until) if each is not None and is_stated(each)]

            assert set(named) <= set(published), id_
            assert named == sorted(named, key=published.index), id_

    def test_names_are_those_of_the_catalogue(self, set_: KernelSet) -> None:
        """Formats, accelerators, architectures and methods."""
        architectures = {each.architecture for each in CATALOG.accelerators.values()}
        methods = set(CATALOG.engine(set_.engine).methods)
        for id_, rule in set_.rules.items():
            assert set(rule.when.expert_formats) <= set(CATALOG.formats), id_
            assert set(rule.when.accelerators) <= set(CATALOG.accelerators), id_
            assert set(rule.when.architectures) <= architectures, id_
            assert set(rule.when.quantization_methods) <= methods, id_

    def test_a_kernel_is_no_alternative_to_itself(self, set_: KernelSet) -> None:
        """Others are other ones; where nothing runs, there are none."""
        for id_, rule in set_.rules.items():
            assert rule.chosen not in rule.others, id_
            assert rule.chosen is not None or not rule.others, id_
            assert set(rule.option) <= set(rule.others), id_
