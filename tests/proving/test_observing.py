"""Log lines of every release's form and the metrics are read as they were printed."""

from __future__ import annotations

import pytest

from llama4ref.proving.server.observing import metric, observe

OLD = """(EngineCore_0 pid=7) INFO 09-18 10:00:00 [gpu_model_runner.py:2338] Model loading took 25.5012 GiB and 41.1 seconds
(EngineCore_0 pid=7) INFO 09-18 10:00:10 [kv_cache_utils.py:864] GPU KV cache size: 1,310,720 tokens
(EngineCore_0 pid=7) INFO 09-18 10:00:10 [kv_cache_utils.py:868] Maximum concurrency for 1,048,576 tokens per request: 1.25x
"""
NEW = (
    "(EngineCore pid=9) INFO 11-21 02:52:39 [kv_cache_utils.py:2327] CPU KV cache size: 1,082,401 tokens, "
    "Maximum concurrency for 32,768 tokens per request: 33.03x\n"
)
MEMORY = """INFO 11-21 [gpu_worker.py:509] Available KV cache memory: 21.43 GiB
INFO 11-21 [gpu_model_runner.py:6589] Estimated CUDA graph memory: 1.21 GiB total
INFO 11-21 [gpu_model_runner.py:6657] Graph capturing finished in 12 secs, took 0.88 GiB
INFO 11-21 [gpu_worker.py:716] Free memory on device (138.2/139.8 GiB) on startup. Desired GPU memory utilization is \
(0.92, 128.6 GiB). Actual usage is 101.7 GiB for weight, 5.61 GiB for peak activation, 0.2 GiB for non-torch memory, \
and 0.88 GiB for CUDAGraph memory. Replace gpu_memory_utilization config with `--kv-cache-memory=1` (0.0 GiB) to fit
"""


def test_the_two_line_form_is_read() -> None:
    """Releases before 0.28.0 print tokens and concurrency in two lines."""
    seen = observe(OLD)

    assert (seen.kv_cache_tokens, seen.max_concurrency, seen.max_model_len) == (1_310_720, 1.25, 1_048_576)
    assert seen.model_loading_gib == 25.5012


def test_the_one_line_form_is_read() -> None:
    """Releases since 0.28.0 print one line, and name the device since 0.30.0."""
    seen = observe(NEW)

    assert (seen.kv_cache_tokens, seen.max_concurrency, seen.max_model_len) == (1_082_401, 33.03, 32_768)


def test_metrics_are_preferred_because_they_are_exact() -> None:
    """The gauge has all digits of the concurrency, the log two."""
    gauge = 'vllm:cache_config_info{block_size="128",kv_cache_max_concurrency="33.03225806451613",num_gpu_blocks="16384"} 1.0'
    seen = observe(NEW, gauge)

    assert (seen.max_concurrency, seen.num_blocks, seen.block_size) == (33.03225806451613, 16_384, 128)


def test_memory_lines_are_read() -> None:
    """What profiling left, what graphs took, and the engine's own summary."""
    seen = observe(MEMORY)

    assert (seen.available_kv_cache_gib, seen.cuda_graphs_estimated_gib, seen.cuda_graphs_gib) == (21.43, 1.21, 0.88)
    assert seen.usage_gib == {
        "weight": 101.7,
        "peak activation": 5.61,
        "non-torch memory": 0.2,
        "CUDAGraph memory": 0.88,
    }


def test_a_context_that_was_fitted_is_read() -> None:
    """With `--max-model-len auto` the engine says from where it came."""
    line = "Auto-fit max_model_len: reduced from 262144 to 66688 to fit in available KV cache memory (0.05 GiB CPU)"

    assert observe(line).fitted_from == 262_144


@pytest.mark.parametrize(
    ("line", "backend"),
    [
        ("[unquantized.py:364] Using CPU Unquantized MoE backend out of potential backends: ['CPU'].", None),
        ("[unquantized.py:529] Using CPUUnquantizedExperts MoE backend", "CPUUnquantizedExperts"),
        ("[fp8.py:300] Using TRITON Fp8 MoE backend", "TRITON"),
    ],
)
def test_the_chosen_kernel_of_the_experts_is_read(line: str, backend: str | None) -> None:
    """Not the list of candidates."""
    assert observe(line).moe_backend == backend


def test_nothing_stated_is_nothing_observed() -> None:
    """An empty log gives no number."""
    seen = observe("")

    assert seen.kv_cache_tokens is None
    assert seen.usage_gib == {}


def test_samples_are_summed_over_their_labels() -> None:
    """A counter has one sample for each engine and reason."""
    text = 'vllm:request_success_total{engine="0",finished_reason="stop"} 2.0\nvllm:request_success_total{engine="1",finished_reason="length"} 3.0'

    assert metric(text, "vllm:request_success_total") == 5
    assert metric(text, "vllm:request_success_total", finished_reason="stop") == 2
    assert metric(text, "vllm:nothing") is None
