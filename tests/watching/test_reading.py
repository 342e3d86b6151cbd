"""What is read of a release: each pattern on code that has it and on code that has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import WatchError
from llama4ref.facts import load
from llama4ref.facts.types.engines import MemoryRules
from llama4ref.watching import vllm_behaviours, vllm_classes
from llama4ref.watching.python_files import PythonFiles
from llama4ref.watching.reading import read_vllm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODEL, TEXT = "model_executor/models/mllama4.py", "model_executor/models/llama4.py"
REGISTRY = "model_executor/models/registry.py"
ARGS, CONFIG, CACHE = "engine/arg_utils.py", "config/vllm.py", "config/cache.py"
CUDA, ROCM = "platforms/cuda.py", "platforms/rocm.py"
EXPERTS = "model_executor/layers/quantization/compressed_tensors/compressed_tensors_moe.py"
INTERFACE, UTILS = "v1/kv_cache_interface.py", "v1/core/kv_cache_utils.py"
METHODS = "model_executor/layers/quantization/__init__.py"
TWO_ENGINES = "class EngineArgs:\n    def _is_v1_supported_oracle(self):\n        return {}\n"
CHUNKED = "class ChunkedLocalAttentionSpec:\n    def max_memory_usage_bytes(self):\n        return {}\n"
GROUPS = "def _max_memory_usage_bytes_from_groups(groups):\n    return {}\n"
ASYNC = (
    "class EngineArgs:\n    def add_cli_args(parser):\n        parser.add_argument('--async-scheduling')\n        {}\n"
)


def _based(bases: str) -> dict[str, str]:
    return {MODEL: f"class Llama4ForConditionalGeneration(nn.Module, {bases}): ...\n"}


ABILITIES: tuple[tuple[str, dict[str, str], dict[str, str]], ...] = (
    ("pipeline-parallel", _based("SupportsMultiModal, SupportsPP"), _based("SupportsMultiModal")),
    ("images", _based("SupportsMultiModal"), _based("SupportsPP")),
    ("lora", _based("interfaces.SupportsLoRA"), {MODEL: "class Other(SupportsLoRA): ...\n"}),
    ("eagle3", _based("SupportsEagle3"), _based("SupportsEagle")),
    ("expert-load-balancing", _based("MixtureOfExperts"), _based("SupportsPP")),
    (
        "eagle",
        {REGISTRY: "_SPEC = {'EagleLlama4ForCausalLM': ('llama4_eagle', 'EagleLlama4ForCausalLM')}"},
        {REGISTRY: "_SPEC = {'EagleLlamaForCausalLM': ('llama_eagle', 'EagleLlamaForCausalLM')}"},
    ),
    (
        "lora-with-expert-parallel",
        _based("SupportsLoRA") | {"lora/layers/fused_moe.py": "assert True, 'Fused MoE LoRA with EP'\n"},
        _based("SupportsLoRA")
        | {"lora/layers/fused_moe.py": "assert not use_ep, 'EP support for Fused MoE LoRA is not implemented yet.'\n"},
    ),
    (
        "eagle3-with-pipeline-parallel",
        _based("SupportsEagle3")
        | {"model_executor/models/llama.py": "class LlamaModel:\n    supports_aux_hidden_states_over_pp = True\n"},
        _based("SupportsEagle3") | {"model_executor/models/llama.py": "class LlamaModel: ...\n"},
    ),
    ("tower-lora", {MODEL: "class L:\n    def get_num_mm_encoder_tokens(self): ...\n"}, {MODEL: "class L: ...\n"}),
    ("expert-parallel", {TEXT: "def load(expert_map): ...\n"}, {TEXT: "def load(weights): ...\n"}),
    (
        "expert-parallel-channel-fp8",
        {
            EXPERTS: "class CompressedTensorsW8A8Fp8MoEMethod:\n    def __init__(self):\n        self.s = Strategy.CHANNEL\n"
        },
        {
            EXPERTS: "class CompressedTensorsW8A8Fp8MoEMethod:\n    def __init__(self):\n        self.s = Strategy.TENSOR\n"
        },
    ),
    (
        "expert-parallel-nvfp4-weight-only",
        {EXPERTS: "class CompressedTensorsW4A4MoeMethod: ...\n"},
        {EXPERTS: "class CompressedTensorsW8A8Fp8MoEMethod: ...\n"},
    ),
    (
        "expert-parallel-nvfp4",
        {"model_executor/layers/fused_moe/oracle/nvfp4.py": "def select(k):\n    return k.is_supported_config()\n"},
        {"model_executor/layers/fused_moe/oracle/nvfp4.py": "def select():\n    return VLLM_CUTLASS\n"},
    ),
    (
        "quantized-attention-compressed-tensors",
        {TEXT: "def permute_qk_weight_for_rotary(n):\n    return n in ('weight', 'weight_packed')\n"},
        {
            TEXT: "def permute_qk_weight_for_rotary(n):\n    return n == 'weight'\ndef other():\n    return 'weight_packed'\n"
        },
    ),
    ("encoder-data-parallel", {MODEL: "def f(use_data_parallel=False): ...\n"}, {MODEL: "def f(data=False): ...\n"}),
    (
        "fp8-kv-cache-10-0",
        {CUDA: "def is_kv_cache_dtype_supported(cls):\n    return cls.is_device_capability(100)\n"},
        {ARGS: TWO_ENGINES.format("self.kv_cache_dtype")},
    ),
    ("fp8-kv-cache-from-8-9", {ARGS: TWO_ENGINES.format("True")}, {ARGS: TWO_ENGINES.format("self.kv_cache_dtype")}),
    (
        "fp8-kv-cache-8-0",
        {
            CUDA: "def _get_backend_priorities():\n    return [AttentionBackendEnum.FLASHINFER]\n",
            "v1/attention/backends/flashinfer.py": "def supports_compute_capability(c):\n    return c >= 75\n",
        },
        {CUDA: "def get_attn_backend_cls():\n    return TRITON_ATTN\n"},
    ),
    (
        "fp8-kv-cache-rocm",
        {
            ARGS: TWO_ENGINES.format("current_platform.is_kv_cache_dtype_supported(self.kv_cache_dtype)"),
            ROCM: "def is_kv_cache_dtype_supported(cls):\n    return True\n",
        },
        {ARGS: TWO_ENGINES.format("self.kv_cache_dtype and current_platform.is_cuda()")},
    ),
    (
        "fp8-kv-cache-cpu",
        {"v1/attention/backends/cpu_attn.py": "class B:\n    supported_kv_cache_dtypes: list = ['auto', 'fp8']\n"},
        {"v1/attention/backends/cpu_attn.py": "class B:\n    supported_kv_cache_dtypes: list = ['auto']\n"},
    ),
    (
        "multi-node-replicas",
        {ARGS: "def f(p):\n    p.add_argument('--data-parallel-address')\n"},
        {ARGS: "def f(p):\n    p.add_argument('--data-parallel-size')\n"},
    ),
    ("async-scheduling", {ARGS: ASYNC.format("pass")}, {ARGS: "class EngineArgs: ...\n"}),
    (
        "async-scheduling-with-eagle",
        {ARGS: ASYNC.format("pass")},
        {
            ARGS: ASYNC.format(
                "raise ValueError('Currently, speculative decoding is not supported with ' 'async scheduling.')"
            )
        },
    ),
    (
        "async-scheduling-with-pipeline-parallel",
        {ARGS: ASYNC.format("pass")},
        {
            ARGS: ASYNC.format("pass"),
            CONFIG: "raise ValueError('Async scheduling is not yet compatible with ' 'pipeline_parallel_size > 1.')\n",
        },
    ),
    (
        "tools",
        {"tool_parsers/pythonic_tool_parser.py": "@register('pythonic')\nclass P: ...\n"},
        {"tool_parsers/hermes_tool_parser.py": "@register('hermes')\nclass P: ...\n"},
    ),
    ("json-schema", {"v1/structured_output/backend_xgrammar.py": ""}, {"v1/structured_output/utils.py": ""}),
)


@pytest.mark.parametrize(("ability", "has", "lacks"), ABILITIES, ids=[each[0] for each in ABILITIES])
def test_an_ability_is_told_by_the_code(
    ability: str, has: dict[str, str], lacks: dict[str, str], release: Callable[[dict[str, str], str], PythonFiles]
):
    """Of code that has it, and of code that looks much the same and has not."""
    with_, without = read_vllm(release(has, "with")), read_vllm(release(lacks, "without"))

    assert with_[f"abilities.{ability}"] is True
    assert without[f"abilities.{ability}"] is False


def test_every_pattern_is_tried_and_named_in_the_specs():
    """A pattern without a case could say anything; one without a row would never be compared."""
    shared = {"async-scheduling-with-both"}  # the pattern of async-scheduling-with-pipeline-parallel

    assert {each[0] for each in ABILITIES} | shared == set(vllm_classes.ABILITIES)
    assert {each[0] for each in BEHAVIOURS} == set(vllm_behaviours.BEHAVIOURS)
    assert set(vllm_classes.ABILITIES) <= set(load().abilities["vllm"].abilities)
    assert set(vllm_behaviours.BEHAVIOURS) <= set(MemoryRules.__dataclass_fields__)


BEHAVIOURS: tuple[tuple[str, dict[str, str], object], ...] = (
    ("hybrid_kv_cache", {INTERFACE: "class FullAttentionSpec: ...\n"}, False),
    ("hybrid_kv_cache", {INTERFACE: CHUNKED.format("0")}, True),
    (
        "hybrid_kv_cache",
        {
            INTERFACE: CHUNKED.format("0"),
            "envs.py": "environment_variables = {'VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE': lambda: bool(int("
            "os.getenv('VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE', '0')))}\n",
        },
        False,
    ),
    ("hybrid_platforms", {INTERFACE: "class FullAttentionSpec: ...\n"}, "none"),
    (
        "hybrid_platforms",
        {
            INTERFACE: CHUNKED.format("0"),
            CUDA: "def support_hybrid_kv_cache(cls):\n    return True\n",
            ROCM: "def support_hybrid_kv_cache(cls):\n    return False\n",
            "platforms/cpu.py": "def support_hybrid_kv_cache(cls):\n    return True\n",
        },
        "cuda cpu",
    ),
    ("in_flight_tokens_reserved", {INTERFACE: CHUNKED.format("max_in_flight_tokens")}, True),
    ("in_flight_tokens_reserved", {INTERFACE: CHUNKED.format("max_num_batched_tokens")}, False),
    ("concurrency_in_blocks", {UTILS: "def get_max_concurrency_for_kv_cache_config(): ...\n"}, True),
    ("concurrency_in_blocks", {UTILS: "def get_kv_cache_config(): ...\n"}, False),
    ("tokens_from_concurrency", {UTILS: "num_tokens = int(max_concurrency * max_model_len)\n"}, True),
    ("tokens_from_concurrency", {UTILS: "num_tokens = num_blocks // groups * block_size\n"}, False),
    (
        "cuda_graphs_in_budget",
        {
            "envs.py": "environment_variables = {'VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS': lambda: bool(int("
            "os.getenv('VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS', '1')))}\n"
        },
        True,
    ),
    ("cuda_graphs_in_budget", {}, False),
    (
        "gpu_memory_utilization",
        {CACHE: "class CacheConfig:\n    gpu_memory_utilization: float = Field(default=0.92, gt=0)\n"},
        0.92,
    ),
    ("gpu_memory_utilization", {ARGS: "class EngineArgs:\n    gpu_memory_utilization: float = 0.9\n"}, 0.9),
    ("v2_model_runner", {CONFIG: "class VllmConfig: ...\n"}, False),
    ("v2_model_runner", {CONFIG: "class VllmConfig:\n    def use_v2_model_runner(self): ...\n"}, True),
    (
        "v2_model_runner",
        {
            CONFIG: "DEFAULT_V2_MODEL_RUNNER_ARCHITECTURES = frozenset(('Qwen3ForCausalLM',))\n"
            "class VllmConfig:\n    def use_v2_model_runner(self): ...\n"
        },
        False,
    ),
    (
        "pipeline_batch_overlap",
        {
            CONFIG: "class VllmConfig:\n    def use_v2_model_runner(self): ...\n"
            "    def max_concurrent_batches(self):\n        return self.use_v2_model_runner\n"
        },
        True,
    ),
    (
        "pipeline_batch_overlap",
        {CONFIG: "class VllmConfig:\n    def max_concurrent_batches(self):\n        return 1\n"},
        False,
    ),
    ("start_check", {UTILS: "def check_enough_kv_cache_memory(): ...\n"}, "layers"),
    ("start_check", {UTILS: GROUPS.format("any_spec")}, "first-group"),
    (
        "start_check",
        {UTILS: GROUPS.format("any_spec") + "def _project_kv_cache_groups_to_worker(): ...\n"},
        "first-group-of-stage",
    ),
    ("start_check", {UTILS: GROUPS.format("sum(groups)")}, "groups"),
    ("start_check", {"v1/core/kv_cache_planning.py": GROUPS.format("sum(groups)")}, "groups"),
    ("token_kinds_kept", {"v1/worker/gpu_input_batch.py": "class B:\n    is_token_ids = 0\n"}, True),
    ("token_kinds_kept", {"v1/worker/gpu_input_batch.py": "class B:\n    token_ids = 0\n"}, False),
    (
        "draft_positions_raised",
        {"config/speculative.py": "def _maybe_override_draft_max_position_embeddings(): ...\n"},
        True,
    ),
    ("draft_positions_raised", {"config/speculative.py": "def _maybe_override_draft_max_model_len(): ...\n"}, False),
    ("block_table_alignment", {"v1/worker/block_table.py": "width = cdiv(n, 128 // bs)\n"}, 128),
    ("block_table_alignment", {"v1/worker/block_table.py": "width = n // bs\n"}, 1),
    (
        "block_table_alignment",
        {"v1/worker/block_table.py": "def get_block_table_width(n, *, token_alignment=64):\n    return 128 // n\n"},
        64,
    ),
    ("vision_left_out", {MODEL: "def f(m):\n    return m.get_limit_per_prompt('image')\n"}, True),
    ("vision_left_out", {MODEL: "def f(m):\n    return m.vision_model\n"}, False),
    (
        "nested_overrides",
        {"config/model.py": "class M:\n    def _apply_dict_overrides(self, config, overrides): ...\n"},
        True,
    ),
    ("nested_overrides", {"config/model.py": "class M:\n    hf_overrides = None\n"}, False),
)


@pytest.mark.parametrize(("behaviour", "code", "value"), BEHAVIOURS)
def test_a_behaviour_is_told_by_the_code(
    behaviour: str, code: dict[str, str], value: object, release: Callable[[dict[str, str]], PythonFiles]
):
    """A value where a pattern shows it."""
    assert read_vllm(release(code))[f"behaviours.{behaviour}"] == value


def test_platforms_that_nothing_asks_are_not_guessed(release: Callable[[dict[str, str]], PythonFiles]):
    """A release with chunked-local layers and no such question leaves the field out."""
    assert "behaviours.hybrid_platforms" not in read_vllm(release({INTERFACE: CHUNKED.format("0")}))


OPTIONS: tuple[tuple[str, dict[str, str], str, object], ...] = (
    ("a field of a class", {}, "max-loras.default", "1"),
    ("its own default", {ARGS: "p.add_argument('--port', type=int, default=8000)\n"}, "port.default", "8000"),
    ("a reference", {ARGS: "class E:\n    x: int = 4\np.add_argument('--x-y', default=E.x)\n"}, "x-y.default", "4"),
    (
        "a reference to another class",
        {ARGS: "class EngineArgs:\n    x: int = C.y\np.add_argument('--x', default=EngineArgs.x)\n", CACHE: "class C:\n    y: int = 4\n"},
        "x.default",
        "4",
    ),
    ("an inherited field", {ARGS: "class B:\n    x: int = 3\nclass E(B): ...\np.add_argument('--x', default=E.x)\n"}, "x.default", "3"),
    ("get_field", {ARGS: "class E:\n    x: int = field(default=5)\np.add_argument('--x', default=get_field(E, 'x'))\n"}, "x.default", "5"),
    ("a switch", {ARGS: "p.add_argument('--headless', action='store_true')\n"}, "headless.default", "false"),
    ("nothing given", {ARGS: "p.add_argument('--api-server-count', '-asc', type=int)\n"}, "api-server-count.default", None),
    ("a second name", {ARGS: "p.add_argument('--new-name', '--old_name', default='a')\n"}, "old-name.default", "a"),
    ("an empty text", {ARGS: "p.add_argument('--x', default='')\n"}, "x.default", None),
    ("a negative number", {ARGS: "p.add_argument('--x', default=-1)\n"}, "x.default", "-1"),
    (
        "a field of the front end",
        {"entrypoints/openai/cli_args.py": "class BaseFrontendArgs:\n    host: str | None = None\nclass FrontendArgs(BaseFrontendArgs):\n    tool_call_parser: str = 'a'\n"},
        "tool-call-parser.default",
        "a",
    ),
    (
        "an inherited field of the front end",
        {"entrypoints/openai/cli_args.py": "class BaseFrontendArgs:\n    host: str | None = None\nclass FrontendArgs(BaseFrontendArgs): ...\n"},
        "host",
        True,
    ),
    ("a list that a loop adds", {ARGS: "for name, t in [('--guided-backend', str)]:\n    p.add_argument(name, type=t)\n"}, "guided-backend", True),
    ("the serve command", {"entrypoints/cli/serve.py": "p.add_argument('--headless', action='store_true')\n"}, "headless", True),
    (
        "a parser that is registered",
        {"tool_parsers/__init__.py": "T = {'llama4_json': ('llama_tool_parser', 'Llama3JsonToolParser')}\n"},
        "tool-call-parser.values.llama4_json",
        True,
    ),
    ("a parser that is not", {"tool_parsers/__init__.py": "T = {'llama3_json': 1}\n"}, "tool-call-parser.values.llama4_json", False),
    ("a cache type", {CACHE: "CacheDType = Literal['auto', 'bfloat16', 'fp8']\n"}, "kv-cache-dtype.values.bfloat16", True),
    ("no such cache type", {CACHE: "CacheDType = Literal['auto', 'fp8']\n"}, "kv-cache-dtype.values.bfloat16", False),
    ("pairs", {ARGS: "p.add_argument('--limit-mm-per-prompt', type=nullable_kvs)\n"}, "limit-mm-per-prompt.json_since", False),
    ("JSON", {ARGS: "p.add_argument('--limit-mm-per-prompt', type=json.loads)\n"}, "limit-mm-per-prompt.json_since", True),
)  # fmt: skip


@pytest.mark.parametrize(("_case", "code", "field", "value"), OPTIONS, ids=[each[0] for each in OPTIONS])
def test_options_are_read(
    _case: str, code: dict[str, str], field: str, value: object, release: Callable[[dict[str, str]], PythonFiles]
):
    """However the code adds them and wherever their default stands."""
    read = read_vllm(release(code))

    assert read[f"flags.{field}"] == value


def test_a_default_that_only_running_shows_is_left_out(release: Callable[[dict[str, str]], PythonFiles]):
    """The option is there, its default is not guessed."""
    read = read_vllm(release({ARGS: "p.add_argument('--x', default=os.cpu_count())\n"}))

    assert read["flags.x"] is True
    assert "flags.x.default" not in read


TIERS = """
class EngineArgs:
    def _set_default_args_v1(self):
        try:
            device_memory = current_platform.get_device_total_memory()
        except Exception:
            device_memory = 0
        if device_memory >= 160 * GiB_bytes:
            default_max_num_batched_tokens = {UsageContext.LLM_CLASS: 1, UsageContext.OPENAI_API_SERVER: 16384}
            default_max_num_seqs = {UsageContext.OPENAI_API_SERVER: 1024}
        elif device_memory >= 70 * GiB_bytes and "a100" not in device_name and not is_gb10:
            default_max_num_batched_tokens = {UsageContext.OPENAI_API_SERVER: 8192}
            default_max_num_seqs = {UsageContext.OPENAI_API_SERVER: 1024}
        else:
            default_max_num_batched_tokens = {UsageContext.OPENAI_API_SERVER: 2048}
            default_max_num_seqs = 256
        if current_platform.is_cpu():
            default_max_num_batched_tokens = {UsageContext.OPENAI_API_SERVER: 4096 * world_size}
    def _set_default_args(self):
        default_max_num_batched_tokens = {UsageContext.OPENAI_API_SERVER: 7}
"""
"""A release with three tiers of memory, and the older function beside the newer."""


@pytest.mark.parametrize(
    ("code", "device", "tokens", "seqs"),
    [
        (TIERS, "nvidia b200", 16384, 1024),
        (TIERS, "nvidia h100 80gb hbm3", 8192, 1024),
        (TIERS, "nvidia a100-sxm4-80gb", 2048, 256),
        (TIERS, "nvidia gb10", 2048, 256),
        (TIERS, "nvidia l4", 2048, 256),
        (TIERS.replace("_set_default_args(", "get_batch_defaults("), "nvidia b200", 7, None),
        (
            TIERS.replace("device_memory >= 160 * GiB_bytes", '"h100" in device_name or "h200" in device_name'),
            "nvidia h200",
            16384,
            1024,
        ),
        (TIERS.replace("160 * GiB_bytes", "largest"), "nvidia b200", 8192, 1024),
    ],
)
def test_batch_limits_are_those_of_the_branch_that_a_device_takes(
    code: str, device: str, tokens: int, seqs: int | None, release: Callable[[dict[str, str]], PythonFiles]
):
    """By memory and name; what a test cannot be about does not hold."""
    read = read_vllm(release({ARGS: code}))

    assert read.get(f"hardware_defaults.max-num-batched-tokens.{device}") == tokens
    assert read.get(f"hardware_defaults.max-num-seqs.{device}") == seqs


VARIABLES = (
    ("lambda: os.getenv('V', 'INFO').upper()", "INFO"),
    ("lambda: bool(int(os.getenv('V', '0')))", "0"),
    ("lambda: os.getenv('V', 'True').lower() in ('true', '1')", "1"),
    ("lambda: int(os.getenv('V', '0')) if 'V' in os.environ else None", None),
    ("lambda: os.getenv('V', None)", None),
    ("env_with_choices('V', 'fork', ['fork', 'spawn'])", "fork"),
    ("named", "7"),
)


@pytest.mark.parametrize(("expression", "default"), VARIABLES)
def test_variables_are_read(expression: str, default: str | None, release: Callable[[dict[str, str]], PythonFiles]):
    """With what stands for one that is not set."""
    code = f"def named():\n    return int(os.getenv('V', '7'))\nenvironment_variables = {{'V': {expression}}}\n"
    read = read_vllm(release({"envs.py": code}))

    assert read["environment.V"] is True
    assert read["environment.V.default"] == default


def test_methods_are_read_with_capability_and_platforms(release: Callable[[dict[str, str]], PythonFiles]):
    """Checkpoint methods and online shorthands; one that is both has no single capability."""
    read = read_vllm(
        release(
            {
                METHODS: "QuantizationMethods = Literal['fp8', 'mxfp8', 'lost']\n"
                "def get(q):\n    method_to_config: dict = {'fp8': Fp8Config, 'mxfp8': MxConfig}\n",
                "model_executor/layers/quantization/fp8.py": "class Fp8Config:\n    def get_min_capability(cls):\n        return 75\n"
                "class MxConfig:\n    def get_min_capability(cls):\n        return 80\n",
                "model_executor/layers/quantization/online.py": "class OnlineQuantizationConfig:\n"
                "    def get_min_capability(cls):\n        return 70\n",
                "config/quantization.py": "_ONLINE_SHORTHANDS = {'fp8_per_block': 1, 'mxfp8': 2}\n"
                "ONLINE_QUANT_SHORTHAND_NAMES = (*_ONLINE_SHORTHANDS.keys(), 'online')\n",
                ROCM: "class R:\n    supported_quantization: list[str] = ['fp8']\n",
            }
        )
    )

    names = {path.split(".")[1] for path in read if path.startswith("methods.")}
    assert names == {"fp8", "mxfp8", "lost", "fp8_per_block", "online"}
    assert read["methods.fp8.min_capability"] == 75
    assert read["methods.fp8_per_block.min_capability"] == 70
    assert not {"methods.mxfp8.min_capability", "methods.lost.min_capability"} & set(read)
    assert (read["methods.fp8.platforms.rocm"], read["methods.mxfp8.platforms.rocm"]) == (True, False)
    assert "methods.fp8.platforms.xpu" not in read


def test_older_releases_list_their_methods(release: Callable[[dict[str, str]], PythonFiles]):
    """A list instead of a Literal."""
    read = read_vllm(release({METHODS: "QUANTIZATION_METHODS: List[str] = ['aqlm', 'awq']\n"}))

    assert read["methods.aqlm"] is True
    assert "methods.fp8" not in read


def test_the_registry_names_the_classes(release: Callable[[dict[str, str]], PythonFiles]):
    """Those of Llama 4 and the heads that it takes, not all."""
    code = "A = {'Llama4ForCausalLM': 1, 'LlamaForCausalLM': 2}\nB = {'LlamaForCausalLMEagle3': 3}\n"
    read = read_vllm(release({REGISTRY: code}))

    assert {path for path in read if path.startswith("registry.")} == {
        "registry.Llama4ForCausalLM",
        "registry.LlamaForCausalLMEagle3",
    }


def test_what_is_no_release_is_told(tmp_path: Path, write: Callable[..., Path], minimum: dict[str, str]):
    """No package, no wheel, no Python."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.whl").write_text("no zip")
    broken = write(tmp_path / "broken", minimum | {"envs.py": "def ("})

    with pytest.raises(WatchError, match=r"no vllm/engine/arg_utils\.py"):
        read_vllm(PythonFiles.of(tmp_path / "empty"))
    with pytest.raises(WatchError, match="no wheel and no folder"):
        PythonFiles.of(tmp_path / "no.whl")
    with pytest.raises(WatchError, match=r"vllm/envs\.py: cannot be parsed"):
        read_vllm(PythonFiles.of(broken))
