"""Bytes of a matrix and of a checkpoint in a number format, scales included."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from llama4ref.errors import UnknownFactError
from llama4ref.facts.arithmetic.tensors import Tensor, model_tensors
from llama4ref.facts.types.states import is_stated, known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.facts.types.checkpoints import Checkpoint, Coverage
    from llama4ref.facts.types.formats import Format, Scale
    from llama4ref.facts.types.models import Model

DTYPE_BYTES = {"bfloat16": 2, "float16": 2, "float32": 4}
SKIPPABLE = ("routed_experts", "shared_expert")
"""Components that a checkpoint's `skipped_moe_layers` leave in the published dtype."""


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


def checkpoint_bytes(model: Model, checkpoint: Checkpoint | None, formats: Mapping[str, Format]) -> int:
    """All weights of a checkpoint as they are stored, scales included; of the published dtype where none is given.

    Raises:
        UnknownFactError: where the coverage is not published.
    """
    plain = DTYPE_BYTES[model.architecture.text.dtype]
    tensors = model_tensors(model)
    if checkpoint is None:
        return sum(tensor.parameters for tensor in tensors) * plain
    entity = f"checkpoints/{checkpoint.id}"
    coverage = known(checkpoint.coverage, entity, "coverage")
    known(checkpoint.skipped_moe_layers, entity, "skipped_moe_layers")
    held = (tensor for tensor in tensors if tensor.component not in checkpoint.omitted_components)
    return sum(_tensor_bytes(tensor, checkpoint, coverage, formats, plain) for tensor in held)


def _tensor_bytes(
    tensor: Tensor, checkpoint: Checkpoint, coverage: Coverage, formats: Mapping[str, Format], plain: int
) -> int:
    if not tensor.is_matrix:
        return tensor.parameters * plain
    id_ = coverage.of(tensor.component)
    if not is_stated(id_):
        raise UnknownFactError(f"checkpoints/{checkpoint.id}", f"coverage.{tensor.component}")
    skipped = set(checkpoint.skipped_moe_layers or ()) if tensor.component in SKIPPABLE else set()
    left = len(skipped.intersection(tensor.layers or ()))
    one = sum(matrix_bytes(formats[id_], outputs, inputs) for outputs, inputs in stored_matrices(tensor))
    return (tensor.count - left) * one + left * tensor.elements * plain


def stored_matrices(tensor: Tensor) -> list[tuple[int, int]]:
    """The (outputs, inputs) of each matrix of a tensor that is quantized on its own: experts one by one, gate and up apart."""
    if tensor.component != "routed_experts":
        return [(tensor.shape[0], tensor.elements // tensor.shape[0])]
    experts, inputs, outputs = tensor.shape
    if tensor.name.endswith("gate_up_proj"):
        return [(outputs // 2, inputs)] * (2 * experts)
    return [(outputs, inputs)] * experts
