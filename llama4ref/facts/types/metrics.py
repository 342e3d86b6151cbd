"""The one vocabulary of measured numbers: what each is called, its unit, and what kind of number it is.

Records, logs, estimates, checks and pages all use these names. Latencies carry their statistic at the end, as in `ttft_median`;
a bare `ttft` is one whose source does not say which statistic it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from llama4ref.errors import UnknownNameError

Unit: TypeAlias = Literal["GiB", "tokens", "blocks", "requests", "s", "tokens/s", "requests/s"]
"""Unit of a metric, as records and pages write it. Memory is in GiB, as engines print it."""


class MetricKind(StrEnum):
    """What a metric is about."""

    MEMORY = "memory"
    """Bytes of one GPU."""
    CAPACITY = "capacity"
    """What the memory has room for."""
    STARTUP = "startup"
    """How long a server takes to become ready."""
    LATENCY = "latency"
    """How long a request waits."""
    THROUGHPUT = "throughput"
    """How much is served in a second."""


class Statistic(StrEnum):
    """What a latency is, over the requests of a run."""

    MEAN = "mean"
    MEDIAN = "median"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One measured quantity."""

    name: str
    """Its name in records, with the statistic at the end where it has one."""
    unit: Unit
    kind: MetricKind
    meaning: str
    """What it is, in words."""
    per_gpu: bool = False
    """Whether it is of one GPU rather than of the whole deployment."""
    statistic: Statistic | None = None
    """Over the requests of the run; none for a single number, or where the source does not say."""

    @property
    def quantity(self) -> str:
        """The name without its statistic.

        Examples:
            >>> metric("ttft_median").quantity, metric("max_model_len").quantity
            ('ttft', 'max_model_len')
        """
        return self.name.removesuffix(f"_{self.statistic}") if self.statistic else self.name

    @property
    def of_requests(self) -> bool:
        """Whether it was seen while requests were served, so that their number and lengths belong to it."""
        return self.kind in {MetricKind.LATENCY, MetricKind.THROUGHPUT}


_MEMORY = {
    "model_loading": "Weights and whatever else loading the model leaves on the GPU",
    "gpu_memory_free": "Memory that was free before the engine started",
    "gpu_memory_total": "Memory of the GPU as the engine sees it",
    "gpu_memory_requested": "Share of the memory that the engine may take",
    "weights": "Weights, in the engine's own summary",
    "weights_and_non_torch": "Weights and memory outside PyTorch together, in the engine's own summary",
    "peak_activation": "Peak of activations during profiling",
    "non_torch": "Memory outside PyTorch: driver context, collectives, libraries",
    "cuda_graphs_estimated": "Memory set aside for CUDA graphs before they are captured",
    "cuda_graphs": "Memory that captured CUDA graphs take",
    "available_kv_cache": "Memory left for the KV cache",
    "cuda_graphs_piecewise_estimated": "What of the memory set aside for CUDA graphs is for piecewise ones",
    "activation_tensors": "Tensors that a step has at once, as counted from the model's shapes",
    "gpu_memory_taken_before": "Memory that was taken when the engine began to count: driver context and collectives",
    "gpu_memory_used_after_loading": "Memory of the whole device once the model is loaded",
    "gpu_memory_used_serving": "Memory of the whole device while requests are served",
}
_CAPACITY: Mapping[str, tuple[Unit, bool, str]] = {
    "kv_cache_tokens": ("tokens", False, "Tokens of KV cache: concurrency times the longest request"),
    "num_gpu_blocks": ("blocks", True, "Blocks of the KV cache of one rank"),
    "max_concurrency": ("requests", False, "Requests of the longest length that fit at once"),
    "max_model_len": ("tokens", False, "Longest request, prompt and reply together"),
    "largest_max_model_len": ("tokens", False, "Longest request for which the memory would suffice"),
}
_STARTUP = {
    "weights_loading_time": "Reading the weights",
    "engine_startup_time": "Profiling, creating the KV cache and warming up",
    "startup_time": "From starting the server until it is ready",
}
_LATENCY = {
    "ttft": "Time to first token: from sending a request to its first token",
    "itl": "Inter-token latency: between two tokens of one request",
    "tpot": "Time per output token: of one request after its first token, divided by its further tokens",
    "e2el": "End-to-end latency: from sending a request to its last token",
}
_THROUGHPUT: Mapping[str, tuple[Unit, bool, str]] = {
    "output_throughput": ("tokens/s", False, "Tokens of replies, over all requests"),
    "output_throughput_per_gpu": ("tokens/s", True, "Tokens of replies, over all requests, divided by the GPUs"),
    "total_throughput": ("tokens/s", False, "Tokens of prompts and replies, over all requests"),
    "total_throughput_per_gpu": ("tokens/s", True, "Tokens of prompts and replies, divided by the GPUs"),
    "request_throughput": ("requests/s", False, "Requests answered"),
}


def _all() -> Iterator[Metric]:
    for name, meaning in _MEMORY.items():
        yield Metric(name=name, unit="GiB", kind=MetricKind.MEMORY, meaning=meaning, per_gpu=True)
    for name, (unit, per_gpu, meaning) in _CAPACITY.items():
        yield Metric(name=name, unit=unit, kind=MetricKind.CAPACITY, meaning=meaning, per_gpu=per_gpu)
    for name, meaning in _STARTUP.items():
        yield Metric(name=name, unit="s", kind=MetricKind.STARTUP, meaning=meaning)
    for name, meaning in _LATENCY.items():
        yield Metric(name=name, unit="s", kind=MetricKind.LATENCY, meaning=meaning)
        for statistic in Statistic:
            yield Metric(
                name=f"{name}_{statistic}",
                unit="s",
                kind=MetricKind.LATENCY,
                meaning=f"{meaning} ({statistic} over the run)",
                statistic=statistic,
            )
    for name, (unit, per_gpu, meaning) in _THROUGHPUT.items():
        yield Metric(name=name, unit=unit, kind=MetricKind.THROUGHPUT, meaning=meaning, per_gpu=per_gpu)


METRICS: Final[Mapping[str, Metric]] = MappingProxyType({each.name: each for each in _all()})
"""Every metric by name."""


def metric(name: str) -> Metric:
    """The metric of a name.

    Raises:
        UnknownNameError: where there is none, with the nearest names.

    Examples:
        >>> metric("output_throughput").unit
        'tokens/s'
    """
    if name not in METRICS:
        raise UnknownNameError("metric", name, METRICS)
    return METRICS[name]
