"""Log lines of every release's form and the metrics are read as they were printed."""

from __future__ import annotations

import pytest

from llama4ref.proving.server.observing import EngineReport, metric, observe

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
BEFORE_V1 = """INFO 03-25 21:32:47 model_runner.py:1116] Loading model weights took 14.9888 GB
INFO 03-25 21:32:48 worker.py:266] Memory profiling takes 0.71 seconds
INFO 03-25 21:32:48 worker.py:266] the current vLLM instance can use total_gpu_memory (22.07GiB) x gpu_memory_utilization (0.90) = 19.86GiB
INFO 03-25 21:32:48 worker.py:266] model weights take 14.99GiB; non_torch_memory takes 0.05GiB; PyTorch activation peak memory takes 0.22GiB; \
the rest of the memory reserved for KV Cache is 4.60GiB.
INFO 03-25 21:32:48 executor_base.py:108] # CUDA blocks: 2356, # CPU blocks: 2048
INFO 03-25 21:32:48 executor_base.py:113] Maximum concurrency for 131072 tokens per request: 0.29x
"""


def test_the_two_line_form_is_read() -> None:
    """Releases before 0.28.0 print tokens and concurrency in two lines."""
    seen = observe(OLD)

    assert seen.values == {
        "model_loading": 25.5012,
        "kv_cache_tokens": 1_310_720,
        "max_concurrency": 1.25,
        "max_model_len": 1_048_576,
    }


def test_the_one_line_form_is_read() -> None:
    """Releases since 0.28.0 print one line, and name the device since 0.30.0."""
    seen = observe(NEW)

    assert seen.values == {"kv_cache_tokens": 1_082_401, "max_concurrency": 33.03, "max_model_len": 32_768}


def test_metrics_are_preferred_because_they_are_exact() -> None:
    """The gauge has all digits of the concurrency, the log two."""
    gauge = 'vllm:cache_config_info{block_size="128",kv_cache_max_concurrency="33.03225806451613",num_gpu_blocks="16384"} 1.0'
    seen = observe(NEW, gauge)

    assert (seen.values["max_concurrency"], seen.values["num_gpu_blocks"]) == (33.03225806451613, 16_384)
    assert seen.block_size == 128


def test_memory_lines_are_read() -> None:
    """What profiling left, what graphs took, and the engine's own summary."""
    seen = observe(MEMORY)

    assert seen.values == {
        "available_kv_cache": 21.43,
        "cuda_graphs_estimated": 1.21,
        "cuda_graphs": 0.88,
        "gpu_memory_free": 138.2,
        "gpu_memory_total": 139.8,
        "gpu_memory_requested": 128.6,
        "weights": 101.7,
        "peak_activation": 5.61,
        "non_torch": 0.2,
    }


def test_the_summary_of_newer_releases_is_read() -> None:
    """Since 0.28.0 weights and memory outside PyTorch are one figure, and the device may be named."""
    line = (
        "Free memory on device cuda:0 (138.2/139.8 GiB) on startup. Desired GPU memory utilization is (0.92, 128.6 GiB). "
        "Actual usage is 101.9 GiB for consumed memory (weights + non-torch), 5.61 GiB for peak activation, and 0.88 GiB "
        "for CUDAGraph memory. Replace gpu_memory_utilization config with `--kv-cache-memory=1` (0.0 GiB) to fit"
    )
    seen = observe(line).values

    assert (seen["weights_and_non_torch"], seen["peak_activation"], seen["gpu_memory_total"]) == (101.9, 5.61, 139.8)
    assert "weights" not in seen


def test_the_summary_of_the_first_releases_is_read() -> None:
    """As vLLM before V1 printed it, with the share of the memory and the blocks in lines of their own."""
    seen = observe(BEFORE_V1).values

    assert seen == {
        "model_loading": 14.9888,
        "gpu_memory_total": 22.07,
        "gpu_memory_requested": 19.86,
        "weights": 14.99,
        "peak_activation": 0.22,
        "non_torch": 0.05,
        "available_kv_cache": 4.60,
        "num_gpu_blocks": 2356,
        "max_concurrency": 0.29,
        "max_model_len": 131_072,
    }


def test_of_several_ranks_the_fullest_gpu_counts() -> None:
    """The most that is used, the least that is left."""
    ranks = [
        (12.5, 20.1),
        (13.0, 19.6),
    ]
    log = "".join(
        f"Model loading took {used} GiB memory\nAvailable KV cache memory: {left} GiB\n" for used, left in ranks
    )

    assert observe(log).values == {"model_loading": 13.0, "available_kv_cache": 19.6}


def test_what_is_left_may_be_less_than_nothing() -> None:
    """A share that is smaller than the weights leaves a negative amount."""
    assert observe("Available KV cache memory: -23.55 GiB").values == {"available_kv_cache": -23.55}


@pytest.mark.parametrize("text", ["nan", "inf", "", "None", "1e999", "9" * 5000])
def test_a_gauge_that_holds_no_number_is_not_read(text: str) -> None:
    """Whatever a file claims to be metrics, reading it ends."""
    seen = observe("", f'vllm:cache_config_info{{num_gpu_blocks="{text}",block_size="{text}"}} 1.0')

    assert seen.values == {}


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

    assert seen == EngineReport()


def test_samples_are_summed_over_their_labels() -> None:
    """A counter has one sample for each engine and reason."""
    text = 'vllm:request_success_total{engine="0",finished_reason="stop"} 2.0\nvllm:request_success_total{engine="1",finished_reason="length"} 3.0'

    assert metric(text, "vllm:request_success_total") == 5
    assert metric(text, "vllm:request_success_total", finished_reason="stop") == 2
    assert metric(text, "vllm:nothing") is None
