"""How the code of one vLLM release behaves, where a simple pattern shows it.

A pattern gives the value, or None where it cannot tell.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from llama4ref.watching.class_defaults import Defaults
from llama4ref.watching.python_files import PythonFiles
from llama4ref.watching.syntax import (
    NOT_READ,
    assigned,
    classes,
    constant,
    functions,
    names,
    parameter,
    returned,
    words,
)
from llama4ref.watching.vllm_options import Readings, variables

_MODEL = "vllm/model_executor/models/mllama4.py"
_INTERFACE = "vllm/v1/kv_cache_interface.py"
_CACHE_UTILS = "vllm/v1/core/kv_cache_utils.py"


def _hybrid(files: PythonFiles) -> bool:
    if "ChunkedLocalAttentionSpec" not in classes(files.tree(_INTERFACE)):
        return False
    default = variables(files).get("environment.VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE.default", "1")
    return default == "1"


def _hybrid_platforms(files: PythonFiles) -> str | None:
    if "ChunkedLocalAttentionSpec" not in classes(files.tree(_INTERFACE)):
        return "none"
    answers = {
        each: functions(files.tree(f"vllm/platforms/{each}.py")).get("support_hybrid_kv_cache")
        for each in ("cuda", "rocm", "cpu", "xpu")
    }
    if not any(answers.values()):
        return None
    return " ".join(each for each, answer in answers.items() if returned(answer) is True)


def _in_flight(files: PythonFiles) -> bool:
    return "max_in_flight_tokens" in names(classes(files.tree(_INTERFACE)).get("ChunkedLocalAttentionSpec"))


def _graphs_counted(files: PythonFiles) -> bool:
    return variables(files).get("environment.VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS.default") == "1"


def _utilization(files: PythonFiles) -> object:
    defaults = Defaults(files)
    of_class = defaults.of("CacheConfig", "gpu_memory_utilization")
    return defaults.of("EngineArgs", "gpu_memory_utilization") if of_class is NOT_READ else of_class


def _draft_positions(files: PythonFiles) -> bool:
    return "_maybe_override_draft_max_position_embeddings" in functions(files.tree("vllm/config/speculative.py"))


def _blocks_of_a_request(files: PythonFiles) -> bool:
    return "get_max_concurrency_for_kv_cache_config" in functions(files.tree(_CACHE_UTILS))


def _tokens_by_concurrency(files: PythonFiles) -> bool | None:
    """Whether a number of tokens is worked out as concurrency times length."""
    products = (
        node
        for node in ast.walk(files.tree(_CACHE_UTILS))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
    )
    return any({"max_concurrency", "max_model_len"} <= names(each) for each in products)


def _row_alignment(files: PythonFiles) -> int:
    """Tokens to whose multiple a row is padded: a default of its own function, or what is divided by the size of a block."""
    tree = files.tree("vllm/v1/worker/block_table.py")
    width = functions(tree).get("get_block_table_width")
    divided = (
        node.left for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv)
    )
    named = [parameter(width, "token_alignment")] if width else divided
    return next((tokens for tokens in map(constant, named) if isinstance(tokens, int)), 1)


def _vision_left_out(files: PythonFiles) -> bool:
    return bool(names(files.tree(_MODEL)) & {"get_limit_per_prompt", "_mark_tower_model"})


def _nested_overrides(files: PythonFiles) -> bool:
    tree = files.tree(files.first("vllm/config/model.py", "vllm/config/__init__.py", "vllm/config.py"))
    return "_apply_dict_overrides" in functions(tree)


def _second_runner(files: PythonFiles) -> bool:
    """The second runner is the default for Llama 4 where no list of architectures says for which it is."""
    tree = files.tree("vllm/config/vllm.py")
    chosen = functions(tree).get("use_v2_model_runner")
    if chosen is None:
        return False
    listed = assigned(tree, "DEFAULT_V2_MODEL_RUNNER_ARCHITECTURES")
    return listed is None or bool({"Llama4ForConditionalGeneration", "Llama4ForCausalLM"} & words(listed))


def _start_check(files: PythonFiles) -> str:
    """What the start check sums up: layers one by one, one group of the model or of a stage, or all groups."""
    tree = files.tree(files.first("vllm/v1/core/kv_cache_planning.py", _CACHE_UTILS))
    counted = functions(tree).get("_max_memory_usage_bytes_from_groups")
    if counted is None:
        return "layers"
    if "any_spec" not in names(counted):
        return "groups"
    return "first-group-of-stage" if "_project_kv_cache_groups_to_worker" in functions(tree) else "first-group"


def _token_kinds(files: PythonFiles) -> bool:
    return "is_token_ids" in names(files.tree("vllm/v1/worker/gpu_input_batch.py")) and not _second_runner(files)


def _stages_overlap(files: PythonFiles) -> bool:
    batches = functions(files.tree("vllm/config/vllm.py")).get("max_concurrent_batches")
    return "use_v2_model_runner" in names(batches) and _second_runner(files)


BEHAVIOURS: Mapping[str, Callable[[PythonFiles], object]] = {
    "hybrid_kv_cache": _hybrid,
    "hybrid_platforms": _hybrid_platforms,
    "in_flight_tokens_reserved": _in_flight,
    "concurrency_in_blocks": _blocks_of_a_request,
    "tokens_from_concurrency": _tokens_by_concurrency,
    "cuda_graphs_in_budget": _graphs_counted,
    "gpu_memory_utilization": _utilization,
    "v2_model_runner": _second_runner,
    "pipeline_batch_overlap": _stages_overlap,
    "start_check": _start_check,
    "token_kinds_kept": _token_kinds,
    "draft_positions_raised": _draft_positions,
    "block_table_alignment": _row_alignment,
    "vision_left_out": _vision_left_out,
    "nested_overrides": _nested_overrides,
}
"""By the name of the field in the engine's behaviours."""


def behaviours(files: PythonFiles) -> Readings:
    """Every behaviour that a pattern can tell."""
    told = {name: pattern(files) for name, pattern in BEHAVIOURS.items()}
    return {f"behaviours.{name}": value for name, value in told.items() if value is not None and value is not NOT_READ}


__all__ = ["BEHAVIOURS", "behaviours"]
