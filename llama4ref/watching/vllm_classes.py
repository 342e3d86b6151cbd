"""What the code of one vLLM release says of Llama 4: each ability that a simple pattern shows.

A pattern answers yes, no, or None where it cannot tell, such as where the code that it looks into is gone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from llama4ref.watching.python_files import PythonFiles
from llama4ref.watching.syntax import (
    NOT_READ,
    assigned,
    bases,
    classes,
    constant,
    functions,
    keys,
    names,
    own_assigned,
    returned,
    words,
)
from llama4ref.watching.vllm_options import Readings, options, tool_parsers

_MODELS = "vllm/model_executor/models"
_CLASS = "Llama4ForConditionalGeneration"
_EXPERTS = "vllm/model_executor/layers/quantization/compressed_tensors/compressed_tensors_moe.py"
Pattern = Callable[[PythonFiles], "bool | None"]


def _based_on(base: str) -> Pattern:
    def found(files: PythonFiles) -> bool:
        return base in bases(classes(files.tree(f"{_MODELS}/mllama4.py")).get(_CLASS))

    return found


def _has(place: str, name: str) -> Pattern:
    """Whether a file defines or uses a name."""

    def found(files: PythonFiles) -> bool:
        return name in names(files.tree(place))

    return found


def _registered(class_: str) -> Pattern:
    def found(files: PythonFiles) -> bool:
        return class_ in words(files.tree(f"{_MODELS}/registry.py"))

    return found


def _oracle(files: PythonFiles) -> ast.AST | None:
    """What chose between the two engines while there were two."""
    return functions(files.tree("vllm/engine/arg_utils.py")).get("_is_v1_supported_oracle")


def _fp8_cache_on_10_0(files: PythonFiles) -> bool | None:
    check = functions(files.tree("vllm/platforms/cuda.py")).get("is_kv_cache_dtype_supported")
    if check is None:
        return False if "kv_cache_dtype" in names(_oracle(files)) else None
    return "is_device_capability" in names(check)


def _fp8_cache_everywhere(files: PythonFiles) -> bool:
    return "kv_cache_dtype" not in names(_oracle(files))


def _fp8_cache_by_flashinfer(files: PythonFiles) -> bool:
    order = functions(files.tree("vllm/platforms/cuda.py")).get("_get_backend_priorities")
    places = files.first("vllm/v1/attention/backends/flashinfer.py")
    supported = functions(files.tree(places)).get("supports_compute_capability")
    return supported is not None and "FLASHINFER" in names(order)


def _fp8_cache_on_rocm(files: PythonFiles) -> bool:
    oracle = _oracle(files)
    if oracle is None or "kv_cache_dtype" not in names(oracle):
        return True
    check = functions(files.tree("vllm/platforms/rocm.py")).get("is_kv_cache_dtype_supported")
    return returned(check) is True or "is_rocm" in names(oracle)


def _fp8_cache_on_cpu(files: PythonFiles) -> bool:
    return "fp8" in words(assigned(files.tree("vllm/v1/attention/backends/cpu_attn.py"), "supported_kv_cache_dtypes"))


def _channel_scales(files: PythonFiles) -> bool | None:
    method = classes(files.tree(_EXPERTS)).get("CompressedTensorsW8A8Fp8MoEMethod")
    return "CHANNEL" in names(functions(method).get("__init__")) if method else None


def _balanced_replicas(files: PythonFiles) -> bool:
    return "flags.data-parallel-address" in options(files)


def _asynchronous(files: PythonFiles) -> bool:
    return "flags.async-scheduling" in options(files)


def _messages(files: PythonFiles) -> str:
    return "\n".join(words(files.tree("vllm/config/vllm.py")) | words(files.tree("vllm/engine/arg_utils.py")))


def _asynchronous_pipeline(files: PythonFiles) -> bool:
    said = _messages(files)
    refused = (
        "Async scheduling is not supported with pipeline",
        "Async scheduling is not yet compatible with pipeline",
    )
    return _asynchronous(files) and not any(each in said for each in refused)


def _asynchronous_eagle(files: PythonFiles) -> bool:
    return _asynchronous(files) and "speculative decoding is not supported with async scheduling" not in _messages(
        files
    )


def _lora_over_experts(files: PythonFiles) -> bool:
    said = words(files.tree("vllm/lora/layers/fused_moe.py"))
    return bool(_based_on("SupportsLoRA")(files)) and not any(
        each.startswith("EP support for Fused MoE LoRA") for each in said
    )


def _tower_tokens(files: PythonFiles) -> bool:
    counted = names(files.tree(f"{_MODELS}/mllama4.py"))
    return bool(counted & {"get_num_mm_encoder_tokens", "get_mm_lora_token_counts"})


def _states_over_stages(files: PythonFiles) -> bool:
    flag = own_flag(files, f"{_MODELS}/llama.py", "LlamaModel", "supports_aux_hidden_states_over_pp")
    return flag is True and bool(_based_on("SupportsEagle3")(files))


def _packed_permuted(files: PythonFiles) -> bool:
    permuted = functions(files.tree(f"{_MODELS}/llama4.py")).get("permute_qk_weight_for_rotary")
    return "weight_packed" in words(permuted)


def own_flag(files: PythonFiles, place: str, class_: str, name: str) -> object:
    """What a class body gives a name; NOT_READ where it gives nothing constant."""
    found = classes(files.tree(place)).get(class_)
    return constant(own_assigned(found, name)) if found else NOT_READ


def _refuses_expert_map(files: PythonFiles) -> bool | None:
    """Whether the choice of NVFP4 kernels knows that CUTLASS has no expert parallel, so that it takes another."""
    oracle = files.tree("vllm/model_executor/layers/fused_moe/oracle/nvfp4.py")
    return "is_supported_config" in names(oracle)


def _weight_only_nvfp4(files: PythonFiles) -> bool | None:
    place = files.tree(_EXPERTS)
    if not classes(place):
        return None
    return any(each.startswith("CompressedTensorsW4A4") for each in classes(place))


ABILITIES: Mapping[str, Pattern] = {
    "pipeline-parallel": _based_on("SupportsPP"),
    "images": _based_on("SupportsMultiModal"),
    "lora": _based_on("SupportsLoRA"),
    "lora-with-expert-parallel": _lora_over_experts,
    "tower-lora": _tower_tokens,
    "eagle": _registered("EagleLlama4ForCausalLM"),
    "eagle3": _based_on("SupportsEagle3"),
    "eagle3-with-pipeline-parallel": _states_over_stages,
    "expert-load-balancing": _based_on("MixtureOfExperts"),
    "expert-parallel": _has(f"{_MODELS}/llama4.py", "expert_map"),
    "expert-parallel-channel-fp8": _channel_scales,
    "expert-parallel-nvfp4-weight-only": _weight_only_nvfp4,
    "expert-parallel-nvfp4": _refuses_expert_map,
    "quantized-attention-compressed-tensors": _packed_permuted,
    "encoder-data-parallel": _has(f"{_MODELS}/mllama4.py", "use_data_parallel"),
    "fp8-kv-cache-10-0": _fp8_cache_on_10_0,
    "fp8-kv-cache-from-8-9": _fp8_cache_everywhere,
    "fp8-kv-cache-8-0": _fp8_cache_by_flashinfer,
    "fp8-kv-cache-rocm": _fp8_cache_on_rocm,
    "fp8-kv-cache-cpu": _fp8_cache_on_cpu,
    "multi-node-replicas": _balanced_replicas,
    "async-scheduling": _asynchronous,
    "async-scheduling-with-eagle": _asynchronous_eagle,
    "async-scheduling-with-pipeline-parallel": _asynchronous_pipeline,
    "async-scheduling-with-both": _asynchronous_pipeline,
    "tools": lambda files: "pythonic" in tool_parsers(files),
    "json-schema": lambda files: "vllm/v1/structured_output/backend_xgrammar.py" in files.names,
}
"""By the name of the row in specs/abilities/vllm.yaml."""


def abilities(files: PythonFiles) -> Readings:
    """Every ability that a pattern can tell."""
    told = {name: pattern(files) for name, pattern in ABILITIES.items()}
    return {f"abilities.{name}": has for name, has in told.items() if has is not None}


def heads(files: PythonFiles) -> Readings:
    """Classes of Llama 4, its draft heads among them, that the registry names."""
    found = keys_of_registry(files.tree(f"{_MODELS}/registry.py"))
    return {f"registry.{name}": True for name in found if "Llama4" in name or name in _HEADS}


_HEADS = frozenset({"LlamaForCausalLMEagle3", "Eagle3LlamaForCausalLM"})


def keys_of_registry(tree: ast.AST) -> frozenset[str]:
    """Names of architectures: keys of the tables of the registry."""
    return frozenset[str]().union(*(keys(node) for node in ast.walk(tree) if isinstance(node, ast.Dict)))


__all__ = ["ABILITIES", "abilities", "heads", "keys_of_registry", "own_flag"]
