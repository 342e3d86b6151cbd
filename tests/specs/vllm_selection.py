"""Asks the installed vLLM which kernel it would run routed experts with on devices that are not there.

Started in a Python of its own, as `python vllm_selection.py cuda 80 89` or `python vllm_selection.py rocm gfx942`, because vLLM asks
its platform while it is imported. The platform answers as the device would, and the packages of the official images are said to
be there; formats, parallel layouts and the choice are vLLM's own. Prints JSON: by device, the order in which backends of attention are
tried, and the backend of the experts by format and layout.
"""

from __future__ import annotations

import json
import os
import sys
from types import ModuleType, SimpleNamespace

LAYOUTS = {"cut": (8, 1, False), "whole": (8, 1, True), "replicas": (1, 8, False), "whole replicas": (1, 8, True)}
"""Tensor parallel, data parallel, and whether experts are kept whole."""
CUDA_BUILD = {
    "cutlass_group_gemm_supported": 90,
    "cutlass_scaled_mm_supports_fp8": 89,
    "cutlass_scaled_mm_supports_block_fp8": 90,
    "cutlass_scaled_mm_supports_fp4": 100,
}
"""Questions that the compiled part of a CUDA build answers by compute capability, and the lowest that it says yes to."""
COMPILED = ("vllm._C", "vllm._C_stable_libtorch", "vllm._rocm_C", "vllm.vllm_flash_attn._vllm_fa2_C", "amdsmi")


def without_compiled_parts() -> None:
    """The modules of a GPU build that are only imported so that they register operators."""
    from llama4ref.proving.model_files.torch_companions import repair_torch_companions

    repair_torch_companions()
    for name in COMPILED:
        sys.modules.setdefault(name, ModuleType(name))


def on_cuda(device: dict[str, int]) -> None:
    """Let vLLM see a CUDA device of the compute capability that `device` holds at the time."""
    import torch
    from vllm import platforms
    from vllm.platforms import cuda
    from vllm.platforms.interface import DeviceCapability

    class Gpu(cuda.NonNvmlCudaPlatform):
        """A platform that answers as the device would."""

        get_device_capability = classmethod(lambda _, device_id=0: DeviceCapability(*divmod(device["capability"], 10)))  # noqa: ARG005
        get_device_name = classmethod(lambda _, device_id=0: "GPU")  # noqa: ARG005

    platforms._current_platform = Gpu()
    operators = torch.library.Library("_C", "FRAGMENT")
    for name, lowest in CUDA_BUILD.items():
        operators.define(f"{name}(int cuda_device_capability) -> bool")
        operators.impl(name, lambda capability, lowest=lowest: capability >= lowest, "CompositeImplicitAutograd")
    device["kept"] = operators  # type: ignore[assignment]  # the operators end with it


def on_rocm(architecture: str) -> None:
    """Let vLLM see an AMD device."""
    import torch

    found = SimpleNamespace(gcnArchName=architecture, name="AMD Instinct", multi_processor_count=304, warp_size=64)
    torch.version.hip = "7.0"
    torch.cuda.get_device_properties = lambda *_: found  # type: ignore[assignment]
    from vllm import platforms
    from vllm.platforms import rocm

    platforms._current_platform = rocm.RocmPlatform()


def with_packages_of_the_image(platform: str) -> None:
    """FlashInfer and DeepGEMM are beside a CUDA build, Quark is beside one for ROCm."""
    from vllm.utils import flashinfer, import_utils

    there = ((flashinfer, "has_flashinfer"), (import_utils, "has_deep_gemm"))
    for module, prefix in there if platform == "cuda" else ((import_utils, "has_quark"),):
        for name in [each for each in vars(module) if each.startswith(prefix)]:
            setattr(module, name, lambda *_: True)


def moe_config(layout: tuple[int, int, bool]) -> object:
    """The routed experts of Scout, as vLLM describes them to its kernels."""
    import torch
    from vllm.model_executor.layers.fused_moe.activation import MoEActivation
    from vllm.model_executor.layers.fused_moe.config import FusedMoEConfig, FusedMoEParallelConfig, RoutingMethodType

    tensor, data, whole = layout
    gpus = tensor * data
    parallel = FusedMoEParallelConfig(
        tp_size=1 if whole else gpus,
        dp_size=data,
        ep_size=gpus if whole else 1,
        pcp_size=1,
        sp_size=1,
        tp_rank=0,
        dp_rank=0,
        ep_rank=0,
        pcp_rank=0,
        use_ep=whole,
        all2all_backend="allgather_reducescatter",
        enable_eplb=False,
    )
    return FusedMoEConfig(
        num_experts=16,
        experts_per_token=1,
        hidden_dim=5120,
        intermediate_size=8192,
        num_local_experts=16 // parallel.ep_size,
        num_logical_experts=16,
        activation=MoEActivation.SILU,
        device="cuda",
        routing_method=RoutingMethodType.Llama4,
        moe_parallel_config=parallel,
        in_dtype=torch.bfloat16,
    )


def backend_of(format_: str, moe: object) -> object:
    """The backend that the engine's method for a format chooses when it is made."""
    from vllm.model_executor.layers.fused_moe.oracle.unquantized import select_unquantized_moe_backend
    from vllm.model_executor.layers.quantization import modelopt
    from vllm.model_executor.layers.quantization.online import fp8, int8, mxfp4, mxfp8, nvfp4

    online = {
        "fp8-per-tensor-dynamic": (fp8.Fp8PerTensorOnlineMoEMethod, "fp8_backend"),
        "fp8-block-128": (fp8.Fp8PerBlockOnlineMoEMethod, "fp8_backend"),
        "int8-per-channel-weight-only": (int8.Int8OnlineMoEMethod, "int8_backend"),
        "mxfp4": (mxfp4.Mxfp4OnlineMoEMethod, "mxfp4_backend"),
        "mxfp8": (mxfp8.Mxfp8OnlineMoEMethod, "fp8_backend"),
        "nvfp4 nvfp4_per_token": (nvfp4.Nvfp4OnlineMoEMethod, "nvfp4_backend"),
    }
    if format_ in online:
        method, name = online[format_]
        return getattr(method(moe=moe), name)
    if format_ == "bf16":
        return select_unquantized_moe_backend(moe)[0]
    if format_ == "fp8-per-tensor-static":
        serialized = SimpleNamespace(is_checkpoint_fp8_serialized=True)
        return modelopt.ModelOptFp8MoEMethod(serialized, moe).fp8_backend
    return compressed(format_, moe)


def compressed(format_: str, moe: object) -> object:
    """The backend for a checkpoint in the format of compressed-tensors."""
    from compressed_tensors.quantization import QuantizationArgs
    from vllm.model_executor.layers.quantization.compressed_tensors.compressed_tensors_moe import (
        compressed_tensors_moe_w4a4_nvfp4 as nvfp4,
    )
    from vllm.model_executor.layers.quantization.compressed_tensors.compressed_tensors_moe import (
        compressed_tensors_moe_w8a8_fp8 as fp8,
    )
    from vllm.model_executor.layers.quantization.compressed_tensors.compressed_tensors_moe import (
        compressed_tensors_moe_wna16 as int4,
    )

    if format_ == "fp8-per-channel-dynamic":
        weights = QuantizationArgs(num_bits=8, type="float", strategy="channel", symmetric=True, dynamic=False)
        inputs = QuantizationArgs(num_bits=8, type="float", strategy="token", symmetric=True, dynamic=True)
        return fp8.CompressedTensorsW8A8Fp8MoEMethod(weights, inputs, moe).fp8_backend
    if format_ == "int4-group-128":
        weights = QuantizationArgs(
            num_bits=4, type="int", strategy="group", group_size=128, symmetric=True, dynamic=False
        )
        return int4.CompressedTensorsWNA16MoEMethod(weights, None, moe).wna16_backend
    return nvfp4.CompressedTensorsW4A4Nvfp4MoEMethod(moe).nvfp4_backend


METHODS = {
    "bf16": None,
    "fp8-per-channel-dynamic": "compressed-tensors",
    "fp8-per-tensor-static": "modelopt",
    "fp8-per-tensor-dynamic": "fp8_per_tensor",
    "fp8-block-128": "fp8_per_block",
    "int8-per-channel-weight-only": "int8_per_channel_weight_only",
    "int4-group-128": "compressed-tensors",
    "nvfp4": "compressed-tensors",
    "nvfp4 nvfp4_per_token": "nvfp4_per_token",
    "mxfp4": "mxfp4",
    "mxfp8": "mxfp8",
}
"""Every format, with the method of checkpoints and of quantizing while loading that stores experts so."""


def chosen(format_: str, layout: tuple[int, int, bool]) -> str | None:
    """The name of the backend; none where the engine ends instead."""
    from vllm.platforms import current_platform

    method = METHODS[format_]
    try:
        if method is not None:
            current_platform.verify_quantization(method)
        return backend_of(format_, moe_config(layout)).name
    except (NotImplementedError, ValueError):
        return None


def experts() -> dict[str, dict[str, str | None]]:
    """Every format in every layout on the device that is there now."""
    from vllm.config import VllmConfig, set_current_vllm_config

    config = VllmConfig()
    # A model of its own takes a configuration to read; the choice only asks whether it names a quantization.
    vars(config)["model_config"] = SimpleNamespace(quantization_config=None)
    with set_current_vllm_config(config):
        return {each: {name: chosen(each, layout) for name, layout in LAYOUTS.items()} for each in METHODS}


def attention() -> list[str]:
    """Backends of attention in the order in which they are tried on the device that is there now."""
    from vllm.platforms import current_platform

    if current_platform.is_rocm():
        from vllm.platforms import rocm

        return [each.name for each in rocm._get_backend_priorities(use_mla=False, use_sparse=False)]
    from vllm.platforms import cuda

    capability = current_platform.get_device_capability()
    return [each.name for each in cuda._get_backend_priorities(use_mla=False, device_capability=capability)]


def in_a_copy() -> dict[str, object]:
    """Everything, asked in a copy of the process, so that no answer that vLLM keeps reaches the next device."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        with os.fdopen(writer, "w") as out:
            json.dump({"attention": attention(), "experts": experts()}, out)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        found = json.load(answer)
    os.wait()
    return found


def main(platform: str, devices: list[str]) -> None:
    """Print what is chosen on each of the devices."""
    without_compiled_parts()
    device: dict[str, int] = {}
    if platform == "cuda":
        on_cuda(device)
    else:
        on_rocm(devices[0])
    import vllm.config  # noqa: F401  # what takes long to import and asks for no device is shared by the copies

    with_packages_of_the_image(platform)
    found = {}
    for name in devices:
        device["capability"] = int(name) if platform == "cuda" else 0
        found[name] = in_a_copy()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
