"""How a number format stores a weight: elements, scales, zero points.

A format says how the matrices of a tensor lie in memory and what happens to activations; which tensors are stored in it is
said by a checkpoint's coverage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import NotNegative, Positive, PositiveFloat
from llama4ref.facts.types.entities import Entity

Kind = Literal["float", "int", "table", "mix"]
Granularity = Literal["tensor", "channel", "group", "flat", "block"]


@dataclass(frozen=True, kw_only=True)
class Element:
    """One stored number."""

    bits: Positive
    """Bits of one element, scales not counted; of a mix, of its main element."""
    kind: Kind
    """`float`, `int`, `table` (an index into a fixed table of values) or `mix` (several formats in one file)."""
    exponent_bits: NotNegative | None
    """Exponent bits of a float; none for other kinds."""
    mantissa_bits: NotNegative | None
    """Mantissa bits of a float; none for other kinds."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The factors that elements are multiplied by. A matrix has (outputs, inputs)."""

    granularity: Granularity
    """What shares one scale: the whole matrix (`tensor`), an output (`channel`), neighbours along the inputs (`group`),
    neighbours in the flattened matrix (`flat`), or a rectangle (`block`)."""
    group_size: Positive | None
    """Elements of a group or flat run."""
    block_outputs: Positive | None
    """Outputs spanned by a block."""
    block_inputs: Positive | None
    """Inputs spanned by a block."""
    bits: Positive
    """Bits of one scale; where a block nests several levels, all its bits beside the elements."""
    dtype: str
    """Name of the scale's dtype."""
    zero_point_bits: NotNegative
    """Bits of the zero point or offset beside each scale."""


@dataclass(frozen=True, kw_only=True)
class OuterScale:
    """The factors of the scales, where there is a second level."""

    scales_per_outer: Positive | None
    """Scales that share one outer scale; none where all scales of a matrix share it."""
    bits: Positive
    """Bits of one outer scale."""
    dtype: str
    """Name of its dtype."""


@dataclass(frozen=True, kw_only=True)
class Activation:
    """How activations that meet such a weight are quantized."""

    treatment: Literal["static", "dynamic"]
    """Quantized with a stored scale, or with a scale found at run time."""
    bits: Positive
    """Bits of a quantized activation."""
    scale_bits: NotNegative
    """Bits of the stored activation scale of one matrix."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Format(Entity):
    """A way to store weights."""

    id: str
    """The file's name."""
    name: str
    """The usual name."""
    element: Element
    """One stored number."""
    scale: Scale | None
    """First-level scales, or none."""
    outer_scale: OuterScale | None
    """Second-level scales, or none."""
    activation: Activation | None
    """The treatment of activations; none where they stay as they are."""
    average_bits: PositiveFloat | None
    """Bits a weight, scales included, of a mix that is known only on average; none where the layout is exact."""
    vllm_methods: tuple[str, ...]
    """Values of vLLM's quantization method that store weights this way."""
    note: str | None
    """What else to know."""

    @property
    def quantizes(self) -> bool:
        """Whether it stores anything smaller than the 16 bits of the published weights."""
        return self.element.bits < 16
