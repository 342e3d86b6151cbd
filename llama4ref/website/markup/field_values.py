"""How values and names of fields read for people: numbers grouped, units named, unknown said."""

from __future__ import annotations

import re

from llama4ref import wording

_QUANTITIES: tuple[tuple[str, str, int], ...] = (
    (r"(^|\.)(peak|measured)\.\w+$", "10¹² operations/s", 10**12),
    (r"bandwidth$", "10⁹ bytes/s", 10**9),
    (r"price_\w+$", "US$ per million tokens", 1),
    (r"(_|\.)bytes$", "bytes", 1),
    (r"_gib$", "GiB", 1),
    (r"_gb$", "GB", 1),
    (r"_watts$", "W", 1),
    (r"_tonnes$", "t CO₂e", 1),
    (r"_percent$", "%", 1),
    (r"_bits$|\.bits$", "bits", 1),
    (r"context\.\w*max_position_embeddings$", "tokens", 1),
    (r"(_tokens|chunk_size|max_context)$", "tokens", 1),
    (r"gpu_hours$", "GPU hours", 1),
    (r"teraflops_per_gpu$", "10¹² operations/s", 1),
    (r"(image_size|patch_size)$", "pixels", 1),
)
_WORDS = {
    "id": "Id", "kv": "KV", "qk": "QK", "rms": "RMS", "gpu": "GPU", "gpus": "GPUs", "lm": "LM", "mlp": "MLP", "moe": "MoE",
    "rope": "RoPE", "nope": "NoPE", "api": "API", "url": "URL", "json": "JSON", "bf16": "bf16", "fp8": "FP8", "fp4": "FP4",
    "int8": "INT8", "bos": "BOS", "eos": "EOS", "sft": "SFT", "vllm": "vLLM", "cuda": "CUDA", "gib": "GiB", "gb": "GB",
    "dtype": "dtype", "std": "standard deviation", "eps": "epsilon", "eea": "EEA", "eu": "EU", "dim": "width", "w4a16": "W4A16",
}  # fmt: skip
_NAMES = {"special_tokens": "Special tokens", "trained_tokens": "Trained with"}
_UNITS_IN_NAMES = ("_tokens", "_bytes", "_percent", "_watts", "_tonnes")
_PLAIN_DIGITS = re.compile(r"(^|\.)(tokens\.\w+|id|compute_capability|port)$")
_CAPABILITY = re.compile(r"(^|[._])(min|max)_capability$")
"""Fields of CUDA compute capabilities times ten."""


def unit_of(field: str) -> str:
    """The unit that a field is printed in; empty where it is a count or no number.

    Examples:
        >>> unit_of("peak.bf16"), unit_of("offers.0.price_input"), unit_of("text.layers")
        ('10¹² operations/s', 'US$ per million tokens', '')
    """
    return next((unit for pattern, unit, _ in _QUANTITIES if re.search(pattern, field)), "")


def number(value: float, field: str = "") -> str:
    """A number in the unit of its field, grouped by thousands.

    Examples:
        >>> number(10_485_760), number(0.11), number(989_000_000_000_000, "peak.bf16"), number(1e-05)
        ('10,485,760', '0.11', '989', '1e-05')
        >>> number(103, "requirements.max_capability")
        '10.3'
    """
    step = next((step for pattern, _, step in _QUANTITIES if re.search(pattern, field)), 1)
    if _CAPABILITY.search(field):
        return f"{value / 10:.1f}"
    if _PLAIN_DIGITS.search(field):
        return str(value)
    whole = isinstance(value, int) and value % step == 0
    return wording.number(value // step if whole else value / step)


def shown(value: object, field: str = "") -> str:
    """A value as text; what is not published is said as `unknown`, what is not there as `none`.

    Examples:
        >>> from llama4ref.facts.types.states import UNKNOWN
        >>> shown(UNKNOWN), shown(None), shown(True), shown(("text", "image")), shown(48)
        ('unknown', 'none', 'yes', 'text, image', '48')
    """
    if isinstance(value, tuple):
        return ", ".join(shown(each, field) for each in value) or "none"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value, field)
    return wording.shown(value)


def label(name: str) -> str:
    """The name of a field as words.

    Examples:
        >>> label("kv_heads"), label("max_output_tokens"), label("price_input")
        ('KV heads', 'Max output', 'Price input')
    """
    if name in _NAMES:
        return _NAMES[name]
    for unit in _UNITS_IN_NAMES:
        if name.endswith(unit) and name != unit.lstrip("_"):
            name = name.removesuffix(unit)
    parts = re.split(r"[_\s]+", name)
    text = " ".join(_WORDS.get(part, part) for part in parts)
    return text if parts[0] in _WORDS else text[:1].upper() + text[1:]


def tokens_short(count: int) -> str:
    """A token count as people say it, in units of 1,024.

    Examples:
        >>> tokens_short(131_072), tokens_short(10_485_760), tokens_short(8_000)
        ('128K', '10M', '8,000')
    """
    for unit, letter in ((2**20, "M"), (2**10, "K")):
        if count >= unit and count % unit == 0:
            return f"{count // unit}{letter}"
    return f"{count:,}"
