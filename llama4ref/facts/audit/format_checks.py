"""Facts of number formats beside each other: bits, dtypes, granularities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.audit.checks import Check, CheckResult

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.formats import Scale

_DTYPE_BITS = re.compile(r"\D*(\d+)")
_SIZES = {"group": ("group_size",), "block": ("block_outputs", "block_inputs")}


def elements(catalog: Entries) -> Iterator[CheckResult]:
    """The parts of a number add up, only floats have them, and only mixes are known on average."""
    for format_ in catalog.formats.values():
        entity, element = f"formats/{format_.id}", format_.element
        parts = ("element.exponent_bits", "element.mantissa_bits")
        is_float = element.exponent_bits is not None and element.mantissa_bits is not None
        yield CheckResult(entity, (*parts, "element.kind"), is_float == (element.kind == "float"), element.kind)
        if element.exponent_bits is not None and element.mantissa_bits is not None:
            held = 1 + element.exponent_bits + element.mantissa_bits == element.bits
            yield CheckResult(entity, ("element.bits", *parts), held)
        digits = re.search(r"\d+", format_.name)
        if digits and element.kind != "float":
            held = str(element.bits) in re.findall(r"\d+", format_.name)
            yield CheckResult(entity, ("element.bits", "name"), held, format_.name, str(element.bits))
        held = (format_.average_bits is not None) == (element.kind == "mix")
        yield CheckResult(entity, ("average_bits", "element.kind"), held, element.kind)


def scales(catalog: Entries) -> Iterator[CheckResult]:
    """A scale has the bits of its dtype, and the sizes that its granularity needs and that the format's id names."""
    for format_ in catalog.formats.values():
        entity, outer, scale = f"formats/{format_.id}", format_.outer_scale, format_.scale
        for at, each in (("outer_scale", outer), ("scale", scale)):
            bits = _DTYPE_BITS.match(each.dtype) if each else None
            if each and bits:
                held = int(bits[1]) == each.bits
                yield CheckResult(entity, (f"{at}.bits", f"{at}.dtype"), held, each.dtype, str(each.bits))
        if scale is not None:
            yield from _sizes(entity, format_.id, scale)


def _sizes(entity: str, id_: str, scale: Scale) -> Iterator[CheckResult]:
    sizes = {"group": scale.group_size, "flat": scale.group_size, "block": scale.block_outputs}
    wanted = scale.granularity if scale.granularity in sizes else None
    given = "group" if scale.group_size is not None else "block" if scale.block_outputs is not None else None
    held = (wanted is None) == (given is None) and (given == "block") == (wanted == "block")
    unsized = [name for name in ("group_size", "block_outputs", "block_inputs") if getattr(scale, name) is None]
    fields = ("scale.granularity", *(f"scale.{name}" for name in unsized))
    yield CheckResult(entity, fields, held, scale.granularity)
    named = re.search(r"(group|block)-(\d+)", id_)
    if named:
        for name in _SIZES[named[1]]:
            yield CheckResult(entity, (f"scale.{name}",), getattr(scale, name) == int(named[2]), id_)


CHECKS = (
    Check("number-formats", "computed", "the parts of a number with each other and with its name", elements),
    Check("scales", "crossed", "the scales of a format with their dtypes and its id", scales),
)
