"""What does the installed vLLM say of settings, without a GPU, weights, or starting an engine?

This module is run as a process of its own, since an engine's configuration may end the process, or leave things behind
in it: `python -m … QUESTION ANSWER`. It reads the question from one file of JSON and writes the answer to another.

Everything but the following is vLLM's own: its argument parser, its configuration, its attention layers' statement of
what they cache, its cache planner. Where a CUDA machine is asked about on another, what its platform would have decided
is set after the configuration is built, and the answer lists it: asynchronous scheduling and the model runner, which say
how many batches are in flight, and the block size where none was given.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vllm.config import ModelConfig, ParallelConfig, VllmConfig

CUDA_BLOCK_SIZE = 16
"""vLLM's block size on CUDA where neither the settings nor the attention backend ask for another."""
RESOLVED = {
    "model_config": ("max_model_len", "dtype", "quantization"),
    "cache_config": ("block_size", "cache_dtype", "gpu_memory_utilization", "enable_prefix_caching"),
    "parallel_config": (
        "tensor_parallel_size",
        "pipeline_parallel_size",
        "data_parallel_size",
        "enable_expert_parallel",
    ),
    "scheduler_config": (
        "max_num_batched_tokens",
        "max_num_seqs",
        "async_scheduling",
        "disable_hybrid_kv_cache_manager",
        "enable_chunked_prefill",
    ),
}
"""Settings that the answer repeats as the engine resolved them."""


def configuration(arguments: Sequence[str]) -> VllmConfig:
    """The engine's whole configuration, from a command line as its server takes it."""
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    try:
        from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
    except ImportError:  # where the parser stood in older releases
        from vllm.entrypoints.openai.cli_args import make_arg_parser, validate_parsed_serve_args

    parsed = make_arg_parser(FlexibleArgumentParser()).parse_args(list(arguments))
    validate_parsed_serve_args(parsed)
    return AsyncEngineArgs.from_cli_args(parsed).create_engine_config()


def simulate_cuda(config: VllmConfig, arguments: Sequence[str]) -> list[str]:
    """Decide as the CUDA platform would have; what was decided, in words."""
    from vllm.config import vllm as config_module
    from vllm.platforms import current_platform

    if current_platform.is_cuda():
        return []
    simulated = []
    if "--no-async-scheduling" not in arguments:
        config.scheduler_config.async_scheduling = True
        simulated.append("asynchronous scheduling on")
    config_module.HAS_TRITON = True
    simulated.append("Triton present, so the newer model runner")
    if not any(argument.partition("=")[0] == "--block-size" for argument in arguments):
        config.cache_config.block_size = CUDA_BLOCK_SIZE
        simulated.append(f"blocks of {CUDA_BLOCK_SIZE} tokens")
    return simulated


def layer_specs(config: VllmConfig, stage: int) -> dict[str, object]:
    """What each attention layer of a pipeline stage says it caches, from vLLM's own layers without their tensors."""
    from vllm.distributed.utils import get_pp_indices
    from vllm.model_executor.layers.attention import Attention
    from vllm.model_executor.layers.attention.chunked_local_attention import ChunkedLocalAttention

    text, stages = config.model_config.hf_text_config, config.parallel_config.pipeline_parallel_size
    layer = attention_layer(config, config.model_config, config.parallel_config, chunk=text.attention_chunk_size)
    first, last = get_pp_indices(text.num_hidden_layers, stage, stages)
    kinds = {0: Attention, 1: ChunkedLocalAttention}
    specs: dict[str, object] = {
        f"model.layers.{index}.self_attn.attn": kinds[text.no_rope_layers[index]].get_kv_cache_spec(layer, config)
        for index in range(first, last)
    }
    speculative = config.speculative_config
    if speculative is not None and stage == stages - 1:
        draft = speculative.draft_model_config
        layer = attention_layer(config, draft, speculative.draft_parallel_config, chunk=None)
        for index in range(draft.hf_text_config.num_hidden_layers):  # vLLM numbers them after the model's own
            name = f"model.layers.{text.num_hidden_layers + index}.self_attn.attn"
            specs[name] = Attention.get_kv_cache_spec(layer, config)
    return specs


def attention_layer(config: VllmConfig, model: ModelConfig, parallel: ParallelConfig, *, chunk: int | None) -> object:
    """What vLLM's attention layers read of themselves to say what they cache."""
    from vllm.utils.torch_utils import kv_cache_dtype_str_to_dtype
    from vllm.v1.attention.backend import AttentionType

    return SimpleNamespace(
        attn_type=AttentionType.DECODER,
        sliding_window=None,
        num_kv_heads=model.get_num_kv_heads(parallel),
        head_size=model.get_head_size(),
        head_size_v=model.get_head_size(),
        attention_chunk_size=chunk,
        kv_cache_dtype=config.cache_config.cache_dtype,
        kv_cache_torch_dtype=kv_cache_dtype_str_to_dtype(config.cache_config.cache_dtype, model),
    )


def planned(config: VllmConfig, available: object) -> dict[str, object]:
    """What the engine's cache planner makes of the memory: capacity at the length asked for, and the longest length."""
    from vllm.v1.core.kv_cache_utils import (
        generate_scheduler_kv_cache_config,
        get_kv_cache_capacity,
        get_kv_cache_configs,
    )

    stages = range(config.parallel_config.pipeline_parallel_size)
    memory = [int(str(each)) for each in _sequence(available) or [available] * len(stages)]
    config.cache_config.kv_cache_layout = "LBNHC"
    model = config.model_config
    asked = model.max_model_len

    def configs() -> list[object]:
        specs = [layer_specs(config, stage) for stage in stages]
        return list(get_kv_cache_configs(config, specs, memory))

    answer: dict[str, object] = {}
    try:
        whole = generate_scheduler_kv_cache_config(configs())
        tokens, concurrency = get_kv_cache_capacity(config, whole)
        answer |= {"fits": True, "num_blocks": whole.num_blocks, "tokens": tokens, "max_concurrency": concurrency}
    except ValueError as error:
        answer |= {"fits": False, "refusal": str(error)}
    limit = model.hf_text_config.max_position_embeddings
    with mock.patch.multiple(model, original_max_model_len=-1, max_model_len=limit):
        try:
            configs()
            answer["largest_max_model_len"] = int(model.max_model_len)
        except ValueError:
            answer["largest_max_model_len"] = 0
    model.max_model_len = asked
    return answer


def answer(question: dict[str, object]) -> dict[str, object]:
    """The answer to one question: accepted or refused, what was resolved, and the planner's numbers for each memory."""
    import vllm

    arguments = [str(argument) for argument in _sequence(question["arguments"])]
    config = configuration(arguments)
    simulated = simulate_cuda(config, arguments) if question["platform"] == "cuda" else []
    take_checkpoints_cache_dtype(config)
    resolved = {
        name: _plain(getattr(getattr(config, group), name)) for group, names in RESOLVED.items() for name in names
    }
    resolved["rope_positions"] = int(config.model_config.hf_text_config.max_position_embeddings)
    resolved |= {"kv_cache_bits": cache_bits(config), "hybrid_kv_cache": keeps_chunks(config)}
    plans = [planned(config, available) for available in _sequence(question["available_bytes"])]
    return {
        "accepted": True,
        "vllm": vllm.__version__,
        "resolved": resolved | {"max_in_flight_tokens": getattr(config, "max_in_flight_tokens", None)},
        "plans": plans,
        "simulated": simulated,
    }


def take_checkpoints_cache_dtype(config: VllmConfig) -> None:
    """Let a checkpoint that declares an fp8 cache have it, as each of vLLM's attention layers does when it is made."""
    declares = getattr(config.quant_config, "kv_cache_scheme", None) is not None
    if declares and config.cache_config.cache_dtype == "auto":
        config.cache_config.cache_dtype = "fp8"


def cache_bits(config: VllmConfig) -> int:
    """Bits of one element of the KV cache: as asked for, or as the checkpoint's own configuration asks."""
    from vllm.utils.torch_utils import kv_cache_dtype_str_to_dtype

    dtype = kv_cache_dtype_str_to_dtype(config.cache_config.cache_dtype, config.model_config)
    return 8 * int(dtype.itemsize)


def keeps_chunks(config: VllmConfig) -> bool:
    """Whether chunked-local layers keep one chunk only."""
    return not config.scheduler_config.disable_hybrid_kv_cache_manager


def _sequence(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str | None) else str(value)


def main() -> None:
    """Answer the question in the first file into the second."""
    from llama4ref.proving.model_files.torch_companions import repair_torch_companions

    repair_torch_companions()
    asked, said = map(Path, sys.argv[1:])
    question = json.loads(asked.read_text(encoding="utf-8"))
    try:
        content = answer(question)
    except SystemExit as error:
        content = {"accepted": False, "reason": f"the argument parser ended with {error.code}"}
    except Exception as error:  # whatever the engine's configuration raises is its answer
        content = {"accepted": False, "reason": f"{type(error).__name__}: {error}"}
    print(content.get("reason", "accepted"), file=sys.stderr)
    said.write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    main()
