"""Logs of real failed launches are explained; only what needs a GPU is scripted."""

from __future__ import annotations

from pathlib import Path

import pytest

from llama4ref.proving.server.explaining import CAUSES, explain

LOGS = Path(__file__).parent / "logs"
EXPECTED = {
    "above_model": ("2097152 tokens is above the model's own limit of 1048576", "--max-model-len to 1048576"),
    "bad_value": ("refuses the value of --kv-cache-dtype", "values that the installed release accepts"),
    "context_too_long": ("262144 tokens needs 0.14 GiB of KV cache, and 0.05 GiB", "lower --max-model-len"),
    "heads": ("10 query heads cannot be split over 3", "--tensor-parallel-size that divides 10"),
    "kvspace": ("holds '0.1' where it wants a whole number", "whole GiB"),
    "memory_taken": ("7.03 of 8.46 GiB are free", "below 0.999"),
    "missing_config": ("no config.json", "directory of a checkpoint"),
    "missing_tokenizer": ("no tokenizer", "tokenizer.json"),
    "missing_weights": ("no weights", "--load-format dummy"),
    "no_fp8_kernel": ("no kernel _C::static_scaled_fp8_quant", "leave out --quantization"),
    "no_int8_experts": ("no kernel for routed experts", "AMX"),
    "no_memory": ("-0.67 GiB are left for the KV cache", "--gpu-memory-utilization"),
    "numa": ("one NUMA node for each of 2 workers", "VLLM_CPU_OMP_THREADS_BIND"),
    "port_taken": ("port is taken", "choose another port"),
    "unknown_flag": ("does not know --max-model-length", "installed release"),
    "unknown_quantization": ("no quantization method bitsandbytes", "plugin"),
}


@pytest.mark.parametrize("name", sorted(path.stem for path in LOGS.glob("*.log")))
def test_a_recorded_failure_is_explained(name: str) -> None:
    """What failed, the line that says so, and something to try."""
    log = (LOGS / f"{name}.log").read_text(encoding="utf-8")
    what, do = EXPECTED[name]
    explanation = explain(log)

    assert what in explanation.what
    assert do in " ".join(explanation.do)
    assert explanation.line is not None
    assert log.splitlines()[explanation.line - 1] == explanation.text


def test_the_engines_own_suggestion_is_read() -> None:
    """The longest context that the engine names is a number of its own."""
    assert explain((LOGS / "context_too_long.log").read_text(encoding="utf-8")).suggested_max_model_len == 66_688


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 79.11 GiB",
            "ran out of memory while 2.50 GiB were wanted",
        ),
        (
            "ValueError: Free memory on device cuda:0 (20.1/79.11 GiB) on startup is less than desired GPU memory utilization (0.92, 72.78 GiB).",
            "on device cuda:0 20.1 of 79.11 GiB are free",
        ),
        (
            "  Value error, World size (8) is larger than the number of available GPUs (1) in this node.",
            "8 accelerators, and this machine has 1",
        ),
        ("ValueError: No available memory for the cache blocks. Try increasing", "no memory for the KV cache"),
        ("vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue.", "engine's process died"),
        ("ModuleNotFoundError: No module named 'vllm'", "vLLM is not installed"),
        ("RuntimeError: operator torchvision::nms does not exist", "another build of torch"),
    ],
)
def test_messages_that_need_a_gpu_or_another_installation_are_known(line: str, what: str) -> None:
    """Wordings as they stand in vLLM's and torch's sources."""
    explanation = explain(
        f"INFO starting\n{line}\nRuntimeError: Engine core initialization failed. See root cause above."
    )

    assert what in explanation.what
    assert explanation.line == 2


def test_an_unknown_error_is_pointed_at() -> None:
    """The last line with an error, where nothing is recognized."""
    explanation = explain("fine\nSomeNewError: never seen\nbye")

    assert (explanation.line, explanation.text) == (2, "SomeNewError: never seen")


def test_a_killed_server_without_a_word_is_recognized_by_its_exit_code() -> None:
    """137 is what a shell gives for SIGKILL."""
    assert "killed from outside" in explain("INFO loading\n", exit_code=137).what


def test_a_log_without_errors_is_no_crash() -> None:
    """Even an empty log has an answer."""
    assert explain("").line is None


def test_every_cause_says_what_to_do() -> None:
    """No explanation leaves a person alone."""
    assert [cause.pattern for cause in CAUSES if not cause.do] == []
