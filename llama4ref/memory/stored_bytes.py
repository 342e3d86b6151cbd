"""How many bytes does a matrix take in a number format, scales included."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama4ref.facts.formats import Format, Scale


def matrix_bytes(format_: Format, outputs: int, inputs: int) -> int:
    """Bytes of one matrix of (outputs, inputs), as an engine holds it: packed elements, scales, offsets, outer scales.

    A part of a matrix is asked for by its own shape: scales that several ranks need are then counted on each of them.
    Where a format is known on average only the result is that average, rounded up.

    Examples:
        >>> from llama4ref.facts import load
        >>> matrix_bytes(load().format("bf16"), 5120, 8192), matrix_bytes(load().format("int4-group-128"), 5120, 8192)
        (83886080, 21626880)
    """
    elements = outputs * inputs
    if format_.average_bits is not None:
        return math.ceil(elements * Fraction(str(format_.average_bits)) / 8)
    return (
        _bytes(elements * format_.element.bits)
        + _scale_bytes(format_, outputs, inputs)
        + _bytes(format_.activation.scale_bits if format_.activation else 0)
    )


def scale_count(scale: Scale, outputs: int, inputs: int) -> int:
    """First-level scales of a matrix of (outputs, inputs)."""
    size = scale.group_size or 1
    match scale.granularity:
        case "tensor":
            return 1
        case "channel":
            return outputs
        case "group":
            return outputs * math.ceil(inputs / size)
        case "flat":
            return math.ceil(outputs * inputs / size)
        case "block":
            return math.ceil(outputs / (scale.block_outputs or 1)) * math.ceil(inputs / (scale.block_inputs or 1))


def _scale_bytes(format_: Format, outputs: int, inputs: int) -> int:
    if format_.scale is None:
        return 0
    scales = scale_count(format_.scale, outputs, inputs)
    return (
        _bytes(scales * format_.scale.bits)
        + _bytes(scales * format_.scale.zero_point_bits)
        + _outer_bytes(format_, scales)
    )


def _outer_bytes(format_: Format, scales: int) -> int:
    outer = format_.outer_scale
    if outer is None:
        return 0
    count = 1 if outer.scales_per_outer is None else math.ceil(scales / outer.scales_per_outer)
    return _bytes(count * outer.bits)


def _bytes(bits: int) -> int:
    return math.ceil(bits / 8)
