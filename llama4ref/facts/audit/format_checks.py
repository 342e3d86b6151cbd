"""Facts of number formats beside each other: bits, dtypes, granularities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.audit.checks import Check, CheckResult

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries

_DTYPE_BITS = re.compile(r"\D*(\d+)")


def elements(catalog: Entries) -> Iterator[CheckResult]:
    """The parts of a number add up; a scale's bits are those of its dtype; a granularity has the sizes it needs."""
    for format_ in catalog.formats.values():
        entity, element, scale = f"formats/{format_.id}", format_.element, format_.scale
        if element.exponent_bits is not None and element.mantissa_bits is not None:
            held = 1 + element.exponent_bits + element.mantissa_bits == element.bits
            yield CheckResult(
                entity, ("element.bits", "element.exponent_bits", "element.mantissa_bits", "element.kind"), held
            )
        digits = re.search(r"\d+", format_.name)
        if digits and element.kind != "float":
            held = str(element.bits) in re.findall(r"\d+", format_.name)
            yield CheckResult(entity, ("element.bits", "name"), held, format_.name, str(element.bits))
        yield CheckResult(
            entity, ("average_bits", "element.kind"), (format_.average_bits is not None) == (element.kind == "mix")
        )
        outer = format_.outer_scale
        outer_bits = _DTYPE_BITS.match(outer.dtype) if outer else None
        if outer and outer_bits:
            yield CheckResult(
                entity, ("outer_scale.bits", "outer_scale.dtype"), int(outer_bits[1]) == outer.bits, outer.dtype
            )
        if scale is None:
            continue
        bits = _DTYPE_BITS.match(scale.dtype)
        if bits:
            yield CheckResult(
                entity, ("scale.bits", "scale.dtype"), int(bits[1]) == scale.bits, scale.dtype, str(scale.bits)
            )
        held = (scale.group_size is not None) == (scale.granularity in {"group", "flat"})
        blocks = (scale.block_outputs is not None) == (scale.granularity == "block") == (scale.block_inputs is not None)
        sizes_ = ("scale.granularity", "scale.group_size", "scale.block_outputs", "scale.block_inputs")
        yield CheckResult(entity, sizes_, held and blocks, scale.granularity)


CHECKS = (Check("number-formats", "computed", "the parts of a number and its scales with each other", elements),)
