"""What did a vLLM server say about its memory, its capacity and its kernels?

Values are read from the text of the server's log and of its `/metrics`; nothing is computed, and no file is opened. Numbers are
kept under the names of `facts.types.metrics`, in the units that stand there. The log's forms differ between releases:

- before V1, memory is one sentence ("model weights take 15.27GiB; non_torch_memory takes ...");
- V1 has a line for each part, and from 0.10 a summary ("Actual usage is ...") that says which way each GiB went, and that counts
  weights and memory outside PyTorch together since 0.28.0;
- the size of the KV cache stands in two lines before 0.28.0 and in one since, and names the device since 0.30.0.

Where several ranks print the same line, their fullest GPU counts: the largest of what is used, the smallest of what is left.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from llama4ref.facts.types.metrics import METRICS, Metric
from llama4ref.proving.verdict import Number

_NUMBER = r"(-?\d[\d,]{0,18}(?:\.\d{1,9})?)"
_LINES: tuple[tuple[str, str, Callable[[Iterable[float]], float]], ...] = (
    ("model_loading", rf"Model loading took {_NUMBER} ?(?:GiB|GB)", max),
    ("model_loading", rf"Loading model weights took {_NUMBER} ?GB", max),
    ("available_kv_cache", rf"Available KV cache memory: {_NUMBER} GiB", min),
    ("available_kv_cache", rf"memory reserved for KV Cache is {_NUMBER} ?GiB", min),
    ("gpu_memory_free", rf"Free memory on device [^(\n]*\({_NUMBER}/[\d.]+ GiB\)", min),
    ("gpu_memory_total", rf"Free memory on device [^(\n]*\([\d.]+/{_NUMBER} GiB\)", min),
    ("gpu_memory_total", rf"total_gpu_memory \({_NUMBER}GiB\)", min),
    ("gpu_memory_requested", rf"GPU memory utilization is \([\d.]+, {_NUMBER} GiB\)", min),
    ("gpu_memory_requested", rf"gpu_memory_utilization \([\d.]+\) = {_NUMBER}GiB", min),
    ("weights", rf"(?:Actual usage is {_NUMBER} GiB for weight|model weights take {_NUMBER}GiB)", max),
    ("weights_and_non_torch", rf"{_NUMBER} GiB for consumed memory", max),
    ("peak_activation", rf"(?:{_NUMBER} GiB for peak activation|activation peak memory takes {_NUMBER}GiB)", max),
    ("non_torch", rf"(?:{_NUMBER} GiB for non-torch memory|non_torch_memory takes {_NUMBER}GiB)", max),
    ("cuda_graphs_estimated", rf"Estimated CUDA graph memory: {_NUMBER} GiB", max),
    ("cuda_graphs", rf"Graph capturing finished in \d+ secs, took {_NUMBER} GiB", max),
    ("num_gpu_blocks", rf"# (?:GPU|CUDA|ROCm) blocks: {_NUMBER}", min),
    ("kv_cache_tokens", rf"KV cache size: {_NUMBER} tokens", min),
    ("max_concurrency", rf"Maximum concurrency for [\d,]+ tokens per request: {_NUMBER}x", min),
    ("max_model_len", rf"Maximum concurrency for {_NUMBER} tokens per request", min),
    ("weights_loading_time", rf"Loading weights took {_NUMBER} seconds", max),
    ("engine_startup_time", rf"init engine \([^)\n]*\) took {_NUMBER} s", max),
)
"""Metric, how its line reads, and which rank counts where several print it. Of several lines for one metric the first that is
there counts."""
_GAUGES = {
    "kv_cache_tokens": "kv_cache_size_tokens",
    "max_concurrency": "kv_cache_max_concurrency",
    "num_gpu_blocks": "num_gpu_blocks",
}
"""Labels of the cache gauge that hold a metric with all its digits."""
_RELEASE = re.compile(r"(?:LLM engine \(v|server version )(?P<name>[0-9][\w.+!]{0,62})")
_FITTED = re.compile(r"Auto-fit max_model_len: reduced from (\d+) to (\d+)")
_MOE_BACKEND = re.compile(r"Using (?P<name>\S+)(?: \w+)? MoE backend(?! out of)")
_ATTENTION_BACKEND = re.compile(r"Using (?:AttentionBackendEnum\.)?(?P<name>[A-Z_0-9]+) (?:attention )?backend")
_HYBRID_OFF = "Hybrid KV cache manager is disabled"
_CACHE_INFO = re.compile(r"^vllm:cache_config_info\{(?P<labels>.*)\} ", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_SAMPLE = re.compile(r"^(?P<name>[\w:]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReport:
    """What one server stated about itself."""

    values: Mapping[str, Number] = field(default_factory=dict)
    """Numbers by name of their metric, in its unit, in the order of the vocabulary. Memory is of one GPU and capacity of one
    data-parallel replica, as printed; what was not stated is not there."""
    release: str | None = None
    """Release of the engine, as it writes it; None where the log does not have the line."""
    block_size: int | None = None
    """Tokens of one block."""
    kv_cache_bytes: int | None = None
    """Bytes of KV cache of one rank, where they were given rather than measured."""
    fitted_from: int | None = None
    """Context asked for, where the engine reduced it to fit."""
    moe_backend: str | None = None
    """Kernel of the routed experts."""
    attention_backend: str | None = None
    """Kernel of the attention."""
    hybrid_disabled: bool = False
    """Whether the engine warned that it keeps all tokens in all layers."""


def observe(log: str, metrics: str = "") -> EngineReport:
    """Read what a server stated in its log and in the text of its `/metrics`, which is preferred where both say it.

    Examples:
        >>> observe("Available KV cache memory: 21.43 GiB").values
        {'available_kv_cache': 21.43}
    """
    labels = cache_info(metrics)
    stated = _from_log(log) | _from_gauge(labels)
    fitted = _FITTED.search(log)
    return EngineReport(
        values={name: stated[name] for name in METRICS if name in stated},
        release=_named(_RELEASE, log),
        block_size=_whole(labels.get("block_size")),
        kv_cache_bytes=_whole(labels.get("kv_cache_memory_bytes")),
        fitted_from=int(fitted[1]) if fitted else None,
        moe_backend=_named(_MOE_BACKEND, log),
        attention_backend=_named(_ATTENTION_BACKEND, log),
        hybrid_disabled=_HYBRID_OFF in log,
    )


def _from_log(log: str) -> dict[str, Number]:
    values: dict[str, Number] = {}
    for name, line, of_ranks in _LINES:
        printed = [next(filter(None, found.groups())) for found in re.finditer(line, log)]
        if printed and name not in values:
            values[name] = _number_of(METRICS[name], of_ranks(float(text.replace(",", "")) for text in printed))
    return values


def _from_gauge(labels: Mapping[str, str]) -> dict[str, Number]:
    stated = {name: _number(labels.get(label)) for name, label in _GAUGES.items()}
    return {name: _number_of(METRICS[name], value) for name, value in stated.items() if value}


def _number_of(metric_: Metric, value: float) -> Number:
    """Whole where the metric counts things."""
    return int(value) if metric_.unit in {"tokens", "blocks"} else value


def cache_info(metrics: str) -> dict[str, str]:
    """The labels of vLLM's gauge about its cache, all text as the engine writes them.

    Examples:
        >>> cache_info('vllm:cache_config_info{block_size="128",num_gpu_blocks="16384"} 1.0')
        {'block_size': '128', 'num_gpu_blocks': '16384'}
    """
    gauge = _CACHE_INFO.search(metrics)
    return dict(_LABEL.findall(gauge["labels"])) if gauge else {}


def metric(metrics: str, name: str, **labels: str) -> float | None:
    """The sum of a metric's samples that have the labels, or `None` where there is no such sample.

    Examples:
        >>> metric('vllm:prompt_tokens_total{engine="0"} 12.0', "vllm:prompt_tokens_total")
        12.0
    """
    values = [
        float(sample["value"])
        for sample in _SAMPLE.finditer(metrics)
        if sample["name"] == name and labels.items() <= dict(_LABEL.findall(sample["labels"] or "")).items()
    ]
    return sum(values) if values else None


def _named(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found["name"].strip("'") if found else None


def _whole(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"[0-9]{1,18}", text) else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
