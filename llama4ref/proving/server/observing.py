"""What did the running vLLM say about its memory, its capacity and its kernels?

Values are read from the server's log and from its `/metrics`; nothing is computed. The log's forms differ between
releases: the KV cache size stands in two lines before 0.28.0 and in one since, and names the device since 0.30.0.
A value that the server did not state is `None`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_KV_CACHE = re.compile(
    r"KV cache size: (?P<tokens>[\d,]+) tokens(?:, |\n.*?)"
    r"Maximum concurrency for (?P<length>[\d,]+) tokens per request: (?P<concurrency>[\d.]+)x"
)
_FITTED = re.compile(r"Auto-fit max_model_len: reduced from (\d+) to (\d+)")
_MEMORY = {
    "available_kv_cache_gib": re.compile(r"Available KV cache memory: ([\d.]+) GiB"),
    "model_loading_gib": re.compile(r"Model loading took ([\d.]+) (?:GiB|GB)"),
    "cuda_graphs_estimated_gib": re.compile(r"Estimated CUDA graph memory: ([\d.]+) GiB"),
    "cuda_graphs_gib": re.compile(r"Graph capturing finished in \d+ secs, took (-?[\d.]+) GiB"),
}
_MOE_BACKEND = re.compile(r"Using (?P<name>\S+)(?: \w+)? MoE backend(?! out of)")
_ATTENTION_BACKEND = re.compile(r"Using (?:AttentionBackendEnum\.)?(?P<name>[A-Z_0-9]+) (?:attention )?backend")
_ACTUAL_USAGE = re.compile(r"Actual usage is (?P<parts>.*?)\. Replace")
_USAGE_PART = re.compile(r"([\d.]+) GiB for ([^,]+?)(?:,|$| and )")
_HYBRID_OFF = "Hybrid KV cache manager is disabled"
_CACHE_INFO = re.compile(r"^vllm:cache_config_info\{(?P<labels>.*)\} ", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_SAMPLE = re.compile(r"^(?P<name>[\w:]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one server stated. Sizes in GiB are as printed, to two decimals."""

    kv_cache_tokens: int | None
    """Tokens of KV cache; from the metrics, otherwise from the log."""
    max_concurrency: float | None
    """Requests of the full length that fit at once; exact in the metrics, two decimals in the log."""
    max_model_len: int | None
    """Length that the concurrency is about: the context in force."""
    num_blocks: int | None
    """Blocks of the KV cache of one rank."""
    block_size: int | None
    """Tokens of one block."""
    kv_cache_bytes: int | None
    """Bytes of KV cache of one rank, where they were given rather than measured."""
    fitted_from: int | None
    """Context asked for, where the engine reduced it to fit."""
    available_kv_cache_gib: float | None
    """Memory that profiling left for the KV cache."""
    model_loading_gib: float | None
    """Memory that the weights took."""
    cuda_graphs_estimated_gib: float | None
    """Memory set aside for CUDA graphs before they were captured."""
    cuda_graphs_gib: float | None
    """Memory that captured CUDA graphs took."""
    usage_gib: dict[str, float]
    """The engine's own summary of what its memory went to, in its words."""
    moe_backend: str | None
    """Kernel of the routed experts."""
    attention_backend: str | None
    """Kernel of the attention."""
    hybrid_disabled: bool
    """Whether the engine warned that it keeps all tokens in all layers."""


def observe(log: str, metrics: str = "") -> Observation:
    """Read what a server stated in its log and in the text of its `/metrics`."""
    capacity = _KV_CACHE.search(log)
    labels = cache_info(metrics)
    fitted = _FITTED.search(log)
    memory = {name: _first_number(pattern, log) for name, pattern in _MEMORY.items()}
    usage = _ACTUAL_USAGE.search(log)
    return Observation(
        kv_cache_tokens=_whole(labels.get("kv_cache_size_tokens"))
        or (_whole(capacity["tokens"]) if capacity else None),
        max_concurrency=_number(labels.get("kv_cache_max_concurrency"))
        or (float(capacity["concurrency"]) if capacity else None),
        max_model_len=_whole(capacity["length"]) if capacity else None,
        num_blocks=_whole(labels.get("num_gpu_blocks")),
        block_size=_whole(labels.get("block_size")),
        kv_cache_bytes=_whole(labels.get("kv_cache_memory_bytes")),
        fitted_from=int(fitted[1]) if fitted else None,
        usage_gib={what.strip(): float(gib) for gib, what in _USAGE_PART.findall(usage["parts"])} if usage else {},
        moe_backend=_named(_MOE_BACKEND, log),
        attention_backend=_named(_ATTENTION_BACKEND, log),
        hybrid_disabled=_HYBRID_OFF in log,
        **memory,
    )


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


def _first_number(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.search(text)
    return float(found[1]) if found else None


def _named(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found["name"].strip("'") if found else None


def _whole(text: str | None) -> int | None:
    digits = (text or "").replace(",", "")
    return int(digits) if digits.isdigit() else None


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
