"""Which kernels engines run Llama 4 with: what was read in the wheels by hand, and what holds of every rule."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from llama4ref.facts import load
from llama4ref.facts.types.conditions import Circumstances
from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.planning.choices.checkpoints import served_on

if TYPE_CHECKING:
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.conditions import Feature
    from llama4ref.facts.types.kernels import KernelSet

CATALOG = load()
VLLM = CATALOG.engine("vllm")
KERNELS = CATALOG.kernel_set("vllm")
WHOLE: frozenset[Feature] = frozenset({"expert-parallel"})
CUT: frozenset[Feature] = frozenset()

LAYOUTS: dict[str, frozenset[Feature]] = {
    "cut": CUT,
    "whole": WHOLE,
    "replicas": frozenset({"data-parallel"}),
    "whole replicas": frozenset({"data-parallel", "expert-parallel"}),
}


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
    ("0.10.2", "nvfp4", "rtx-5090", CUT, None),  # vLLM #24921
    ("0.13.0", "nvfp4", "dgx-spark", CUT, UNKNOWN),
    ("0.13.0", "nvfp4", "mi355x", CUT, None),
)
"""Release, format, accelerator, split, and what the wheel's own code comes to."""


@pytest.mark.parametrize(("release", "format_", "accelerator", "features", "chosen"), READ_BY_HAND)
def test_rules_say_what_the_wheel_does(
    release: str, format_: str, accelerator: str, features: frozenset[Feature], chosen: object
):
    """Selection as it was read by hand in the wheels of two older releases."""
    assert KERNELS.chosen("experts", release, _on(accelerator, format_, features)) == chosen


FP8_CACHE: frozenset[Feature] = frozenset({"fp8-kv-cache"})
ATTENTION_BY_HAND = (
    # 0.8.5: platforms/cuda.py:215 get_attn_backend_cls; platforms/rocm.py, the same
    ("0.8.5", "a100-sxm", CUT, "FLASH_ATTN"),
    ("0.8.5", "b200", CUT, "FLASH_ATTN"),
    ("0.8.5", "h100-sxm", FP8_CACHE, "FLASH_ATTN"),
    ("0.8.5", "mi300x", CUT, "TRITON_ATTN"),
    # 0.11.0: platforms/cuda.py:338 to :369, exactly 10.0 and fp8 off 9.0
    ("0.11.0", "b200", CUT, "FLASHINFER"),
    ("0.11.0", "b300", CUT, "FLASH_ATTN"),
    ("0.11.0", "b200", FP8_CACHE, "FLASHINFER"),
    ("0.11.0", "b300", FP8_CACHE, "TRITON_ATTN"),
    ("0.11.0", "l40s", FP8_CACHE, "TRITON_ATTN"),
    ("0.11.0", "rtx-pro-6000", CUT, "FLASH_ATTN"),
    # 0.12.0: platforms/cuda.py, _get_backend_priorities by the first digit; flash_attn.py: fp8 with version 3 alone
    ("0.12.0", "b300", CUT, "FLASHINFER"),
    ("0.12.0", "a100-sxm", FP8_CACHE, "FLASHINFER"),
    ("0.12.0", "rtx-pro-6000", FP8_CACHE, "FLASHINFER"),
    ("0.12.0", "mi300x", CUT, "TRITON_ATTN"),
)
"""Release, accelerator, features, and the backend that the wheel's own code comes to."""


@pytest.mark.parametrize(("release", "accelerator", "features", "chosen"), ATTENTION_BY_HAND)
def test_attention_is_what_the_wheel_takes(release: str, accelerator: str, features: frozenset[Feature], chosen: str):
    """Backends of attention as they were read by hand in the wheels of three older releases."""
    assert KERNELS.chosen("attention", release, _on(accelerator, "bf16", features)) == chosen


@pytest.mark.parametrize("release", VLLM.releases)
def test_attention_is_known_on_every_device(release: str):
    """With a cache in sixteen bits."""
    for accelerator in (each for each in CATALOG.accelerators.values() if each.platform in {"cuda", "rocm"}):
        assert is_stated(KERNELS.chosen("attention", release, _on(accelerator.id, "bf16"))), accelerator.id


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


@pytest.mark.parametrize("release", VLLM.releases)
def test_every_checkpoint_that_a_release_loads_has_a_rule_on_every_device(release: str):
    """In each layout, so that a plan knows what it runs with or that nobody found out."""
    for checkpoint in CATALOG.checkpoints.values():
        loading = checkpoint.loads.get("vllm")
        if loading is None or loading.supported is not True or checkpoint.kind == "draft_head":
            continue
        if holds_at(release, since=loading.since, until=loading.until):
            for accelerator in (each for each in CATALOG.accelerators.values() if each.platform in {"cuda", "rocm"}):
                for features in LAYOUTS.values():
                    where = served_on(checkpoint, accelerator, features)

                    assert KERNELS.rule("experts", release, where) is not None, (
                        checkpoint.id,
                        accelerator.id,
                        features,
                    )


ASKING = {
    id_: fault
    for id_, fault in CATALOG.fault_set("vllm").faults.items()
    if any("moe-backend" in remedy.settings for remedy in fault.remedies)
}
"""Faults that are got round by asking for another kernel of the experts."""


@pytest.mark.parametrize("id_", ASKING)
def test_a_remedy_asks_for_a_kernel_that_the_release_takes_there(id_: str):
    """Wherever a fault is met, the kernel that its remedies ask for is one of the others of the rule that holds."""
    fault, met = ASKING[id_], 0
    asked = {str(each.settings["moe-backend"]) for each in fault.remedies if "moe-backend" in each.settings}
    since = VLLM.flags["moe-backend"].since
    for release in (each for each in VLLM.releases if fault.at(each) and holds_at(each, since=since)):
        for checkpoint in (each for each in CATALOG.checkpoints.values() if _is_loaded(each, release)):
            for accelerator in CATALOG.accelerators.values():
                for features in LAYOUTS.values():
                    where = served_on(checkpoint, accelerator, features)
                    found = KERNELS.rule("experts", release, where)
                    if found is None:
                        continue
                    if fault.when.met_by(dataclasses.replace(where, expert_kernel=found[1].chosen)):
                        met += 1

                        assert asked <= set(found[1].others), (release, checkpoint.id, accelerator.id, features)
    assert met or fault.when.expert_kernels


def _is_loaded(checkpoint: Checkpoint, release: str) -> bool:
    """Whether a release of vLLM loads a checkpoint of the whole model."""
    loading = checkpoint.loads.get("vllm")
    return (
        loading is not None
        and loading.supported is True
        and checkpoint.kind != "draft_head"
        and holds_at(release, since=loading.since, until=loading.until)
    )


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


SELECTION = Path(__file__).parent / "vllm_selection.py"
DEVICES = {
    "80": "a100-sxm", "89": "l40s", "90": "h100-sxm", "100": "b200", "103": "b300", "120": "rtx-pro-6000", "121": "dgx-spark",
    "gfx942": "mi300x", "gfx950": "mi355x",
}  # fmt: skip
"""Compute capabilities and AMD architectures, each with an accelerator that has it."""
WORDS = {"VLLM_CUTLASS": "cutlass", "DEEPGEMM": "deep_gemm", "TRITON_MXFP8": "triton"}
"""Backends whose name is not the word that the option asks for them with."""


@functools.cache
def _asked(platform: str, *devices: str) -> dict[str, dict[str, Any]]:
    """What the installed vLLM chooses on devices."""
    here = {**os.environ, "VLLM_LOGGING_LEVEL": "ERROR", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(SELECTION), platform, *devices]
    return json.loads(subprocess.run(command, env=here, check=True, capture_output=True, text=True).stdout)


def _found(device: str) -> dict[str, Any]:
    """What it chooses on one device; those of CUDA are asked together."""
    if device.startswith("gfx"):
        return _asked("rocm", device)[device]
    return _asked("cuda", *(each for each in DEVICES if each.isdigit()))[device]


def _word(backend: str | None) -> str | None:
    """The word of the option for a backend: its name in small letters, without what is appended for each format."""
    if backend is None or backend in WORDS:
        return WORDS.get(backend or "")
    return backend.partition("_MXFP4")[0].lower()


@pytest.fixture(scope="module")
def installed() -> str:
    """The release of the installed vLLM, which can be imported from then on."""
    pytest.importorskip("vllm")
    from llama4ref.proving.model_files.torch_companions import repair_torch_companions

    repair_torch_companions()
    from vllm.version import __version__

    return __version__.partition("+")[0]


@pytest.mark.vllm
@pytest.mark.parametrize("device", DEVICES)
def test_the_installed_engine_chooses_what_the_rules_say(device: str, installed: str):
    """Its own methods, made for Scout's experts on a device of that kind, in each layout."""
    rules, engine = {}, {}
    for name, layouts in _found(device)["experts"].items():
        format_, _, method = name.partition(" ")
        for layout, backend in layouts.items():
            where = _on(DEVICES[device], format_, LAYOUTS[layout], method or "any")
            rules[name, layout] = KERNELS.chosen("experts", installed, where)
            engine[name, layout] = _word(backend)

    assert len(engine) == 44
    assert rules == engine


@pytest.mark.vllm
@pytest.mark.parametrize("device", DEVICES)
def test_the_installed_engine_tries_the_attention_of_the_rules_first(device: str, installed: str):
    """Of a cache in sixteen bits, which each of its backends takes; what the rules name beside it comes later."""
    order = _found(device)["attention"]
    found = KERNELS.rule("attention", installed, _on(DEVICES[device], "bf16"))

    assert found is not None
    assert found[1].chosen == order[0]
    assert set(found[1].others) <= set(order[1:])


@pytest.mark.vllm
def test_others_can_be_asked_for_by_their_names(installed: str):
    """What rules of the newest releases name beside the chosen kernel are values of the option."""
    from vllm.config.kernel import MoEBackend
    from vllm.v1.attention.backends.registry import AttentionBackendEnum

    now = [each for each in KERNELS.rules.values() if holds_at(installed, since=each.since, until=each.until)]

    experts = {name for rule in now for name in rule.others if rule.component == "experts"}
    attention = {name for rule in now for name in rule.others if rule.component == "attention"}

    assert experts <= set(get_args(MoEBackend))
    assert attention <= set(AttentionBackendEnum.__members__)


@pytest.mark.vllm
@pytest.mark.parametrize(
    ("kernel", "format_"),
    [
        ("CPUExpertsFp8", "fp8-block-128"),
        ("CPUExpertsMxfp4", "mxfp4"),
        ("CPUExpertsInt4", "int4-group-128"),
        ("CPUExpertsInt8", "int8-per-channel"),
    ],
)
def test_cpu_kernels_refuse_router_weights_on_the_input(kernel: str, format_: str, installed: str):
    """Llama 4 weighs the input of its experts, which the CPU kernels of quantized experts refuse."""
    from vllm.model_executor.layers.fused_moe.experts import cpu_moe

    refused = getattr(cpu_moe, kernel).apply
    nothing = dict.fromkeys(inspect.signature(refused).parameters)
    where = dataclasses.replace(_on("xeon-6900p", format_), platform="cpu")

    with pytest.raises(NotImplementedError, match="apply_router_weight_on_input"):
        refused(**nothing | {"apply_router_weight_on_input": True})
    assert KERNELS.chosen("experts", installed, where) is None


WEIGHTED_AGAIN = (
    (
        "marlin_moe",
        "_fused_marlin_moe",
        "mul_topk_weights",
        "apply_router_weight_on_input",
        "marlin",
        "int4-group-128",
        "h100-sxm",
    ),
    ("cutlass_moe", "run_cutlass_moe_fp8", "topk_weights", "topk_weights", "cutlass", CHANNEL, "h100-sxm"),
    (
        "flashinfer_cutlass_moe",
        "apply",
        "token_final_scales",
        "topk_weights",
        "flashinfer_cutlass",
        "nvfp4",
        "rtx-pro-6000",
    ),
    ("trtllm_fp8_moe", "apply", "topk_ids", "(topk_ids, topk_weights)", "flashinfer_trtllm", "fp8-block-128", "b200"),
)
"""Module, function, argument of the kernel, what it is given; and where the rules choose that kernel."""


@pytest.mark.vllm
@pytest.mark.parametrize("case", WEIGHTED_AGAIN, ids=lambda each: each[4])
def test_kernels_that_weigh_what_is_weighed_already_are_noted(case: tuple[str, ...], installed: str):
    """The input is multiplied before the experts, and these are given the router weights once more."""
    module, function, argument, given, kernel, format_, accelerator = case
    import torch
    import vllm
    from vllm.model_executor.layers.fused_moe.config import FUSED_MOE_UNQUANTIZED_CONFIG
    from vllm.model_executor.layers.fused_moe.prepare_finalize.no_dp_ep import MoEPrepareAndFinalizeNoDPEPModular

    inputs, weights = torch.ones(2, 4), torch.tensor([[0.5], [0.25]])
    one = torch.zeros(2, 1, dtype=torch.long)
    prepared = MoEPrepareAndFinalizeNoDPEPModular().prepare(
        inputs, weights, one, 1, None, True, FUSED_MOE_UNQUANTIZED_CONFIG
    )[0]
    experts = Path(vllm.__file__).parent / "model_executor/layers/fused_moe/experts" / f"{module}.py"
    calls = [
        keyword
        for each in ast.walk(ast.parse(experts.read_text()))
        if isinstance(each, ast.FunctionDef) and each.name == function
        for call in ast.walk(each)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == argument
    ]
    rule = KERNELS.rule("experts", installed, _on(accelerator, format_))

    assert torch.equal(prepared, inputs * weights)
    assert given in {ast.unparse(each.value) for each in calls}
    assert rule is not None
    assert rule[1].chosen == kernel
    assert "router weight" in (rule[1].note or "")
