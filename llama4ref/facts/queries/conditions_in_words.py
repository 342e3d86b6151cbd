"""Conditions as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama4ref.facts.types.conditions import Conditions, Feature, SizeRange

_FEATURES: dict[Feature, str] = {
    "json-schema": "JSON schemas",
    "tools": "tool calls",
    "lora": "LoRA adapters",
    "eagle": "EAGLE draft heads",
    "eagle3": "EAGLE3 draft heads",
    "hybrid-kv-cache": "a hybrid KV cache",
    "chunked-local-without-hybrid": "chunked-local layers without a hybrid KV cache",
    "fp8-kv-cache": "an fp8 KV cache",
    "multi-node": "several nodes",
    "online-quantization": "quantization while loading",
    "quantized-attention": "quantized attention",
    "above-trained-context": "requests beyond the trained context",
}


def feature_in_words(feature: Feature) -> str:
    """A feature as people call it.

    Examples:
        >>> feature_in_words("lora"), feature_in_words("pipeline-parallel")
        ('LoRA adapters', 'pipeline parallel')
    """
    return _FEATURES.get(feature, feature.replace("-", " "))


def in_words(conditions: Conditions) -> str:
    """All conditions in one line; "everywhere" where there are none.

    Examples:
        >>> from llama4ref.facts.types.conditions import Conditions, SizeRange
        >>> in_words(Conditions())
        'everywhere'
        >>> in_words(Conditions(platforms=("cuda",), min_capability=90, max_capability=99, features=("images", "eagle")))
        'on cuda, compute capability 9.0 to 9.9, with images and EAGLE draft heads'
        >>> in_words(Conditions(models=("scout",), sizes=(SizeRange(size="max-num-batched-tokens", at_least=40000),)))
        'scout, max num batched tokens of at least 40,000'
    """
    return ", ".join([*_hardware(conditions), *_checkpoint(conditions), *_use(conditions)]) or "everywhere"


def _hardware(of: Conditions) -> Iterator[str]:
    if of.platforms:
        yield f"on {_either(of.platforms)}"
    for names in (of.accelerators, of.architectures):
        if names:
            yield _either(names)
    if of.min_capability is not None or of.max_capability is not None:
        yield f"compute capability {_span(of.min_capability, of.max_capability)}"


def _checkpoint(of: Conditions) -> Iterator[str]:
    for names in (of.models, of.checkpoints):
        if names:
            yield _either(names)
    if of.quantization_methods:
        yield f"quantized by {_either(of.quantization_methods)}"
    if of.expert_formats:
        yield f"routed experts in {_either(of.expert_formats)}"
    if of.expert_kernels:
        yield f"experts run by {_either(of.expert_kernels)}"


def _use(of: Conditions) -> Iterator[str]:
    if of.features:
        yield f"with {_listed([feature_in_words(each) for each in of.features], 'and')}"
    if of.any_features:
        yield f"with {_either([feature_in_words(each) for each in of.any_features])}"
    if of.without:
        yield f"without {_either([feature_in_words(each) for each in of.without])}"
    for bounds in of.sizes:
        yield _size(bounds)


def _size(bounds: SizeRange) -> str:
    name = bounds.size.replace("-", " ")
    low = "" if bounds.at_least is None else f"at least {bounds.at_least:,}"
    high = "" if bounds.at_most is None else f"at most {bounds.at_most:,}"
    return f"{name} of {' and '.join(part for part in (low, high) if part)}"


def _span(low: int | None, high: int | None) -> str:
    if low is None:
        return f"up to {_dotted(high)}"
    if high is None:
        return f"from {_dotted(low)}"
    return _dotted(low) if low == high else f"{_dotted(low)} to {_dotted(high)}"


def _dotted(capability: int | None) -> str:
    """A compute capability times ten as it is written."""
    return f"{(capability or 0) // 10}.{(capability or 0) % 10}"


def _either(names: tuple[str, ...] | list[str]) -> str:
    return _listed(list(names), "or")


def _listed(names: list[str], last: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"
