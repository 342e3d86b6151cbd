"""Facts of accelerators beside what generations, links and number widths imply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.audit.checks import Check, CheckResult
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.accelerators import Accelerator

GIB = 2**30
GENERATIONS = {
    "Ampere": (80, 86),
    "Ada Lovelace": (89,),
    "Hopper": (90,),
    "Blackwell": (100, 120, 121),
    "Blackwell Ultra": (103,),
}
"""Compute capabilities, times ten, of NVIDIA's generations."""
PLATFORMS = {
    "NVIDIA": {"cuda"}, "AMD": {"rocm"}, "Google": {"tpu"}, "Apple": {"metal"}, "Intel": {"hpu", "cpu", "xpu"}, "Amazon": {"neuron"},
    "Huawei": {"npu"},
}  # fmt: skip
NVLINKS = {"3": 12, "4": 18, "5": 18}
"""Links of a GPU, by generation of NVLink."""
NVLINK_BYTES = {"3": 25e9, "4": 25e9, "5": 50e9}
"""Bytes a second in one direction of one link."""
PCIE_TRANSFERS = {"4": 16e9, "5": 32e9}
"""Transfers a second of one lane, a bit each."""
APPLE_SHARE = 0.75
"""Of its memory, what Apple's system lends the GPU unless told otherwise."""


def rates(catalog: Entries) -> Iterator[CheckResult]:
    """Halving the width of a number doubles the rate, or leaves it; INT8 is as fast as FP8, or twice as fast.

    Blackwell Ultra is left out above FP8: it trades INT8 for FP4.
    """
    for accelerator in catalog.accelerators.values():
        peak, ultra = accelerator.peak, accelerator.architecture == "Blackwell Ultra"
        entity = f"accelerators/{accelerator.id}"
        pairs = (
            [("bf16", "fp8")] if ultra else [("bf16", "fp8"), ("fp8", "fp4"), ("fp8" if peak.fp8 else "bf16", "int8")]
        )
        for wide, narrow in pairs:
            slow, fast = getattr(peak, wide), getattr(peak, narrow)
            if slow and fast:
                held = any(abs(fast / slow / factor - 1) <= 0.03 for factor in (1, 2))
                yield CheckResult(entity, (f"peak.{wide}", f"peak.{narrow}"), held, f"{fast / slow:.3f}")


def natives(catalog: Entries) -> Iterator[CheckResult]:
    """A device has a number format where it has a rate for it, and where its generation brought it."""
    for accelerator in catalog.accelerators.values():
        entity, capability = f"accelerators/{accelerator.id}", accelerator.capability
        for name, first in (("fp8", 89), ("fp4", 100)):
            native, peak = getattr(accelerator, f"native_{name}"), getattr(accelerator.peak, name)
            if native is UNKNOWN:
                continue
            if capability is not None:
                yield CheckResult(entity, (f"native_{name}", "compute_capability"), native == (capability >= first))
            if peak is not UNKNOWN:
                yield CheckResult(entity, (f"native_{name}", f"peak.{name}"), native == (peak is not None))


def generations(catalog: Entries) -> Iterator[CheckResult]:
    """A generation has its compute capabilities, a vendor its platform, an id its product's name."""
    for accelerator in catalog.accelerators.values():
        entity = f"accelerators/{accelerator.id}"
        if accelerator.capability is not None:
            held = accelerator.capability in GENERATIONS.get(str(accelerator.architecture), ())
            yield CheckResult(entity, ("architecture", "compute_capability"), held, str(accelerator.architecture))
        held = accelerator.platform in PLATFORMS.get(accelerator.vendor, ())
        yield CheckResult(entity, ("vendor", "platform"), held, accelerator.vendor, accelerator.platform)
        yield CheckResult(entity, ("name",), _is_named(accelerator), accelerator.name, accelerator.id)


def _is_named(accelerator: Accelerator) -> bool:
    words = set(re.findall(r"[a-z]+\d*[a-z]*|\d+", accelerator.name.lower().replace(" ", "-")))
    joined = re.sub(r"[^a-z0-9]", "", accelerator.name.lower())
    return all(word in words or word in joined for word in accelerator.id.split("-"))


def memories(catalog: Entries) -> Iterator[CheckResult]:
    """What an application sees is a little less than the label in binary units; three quarters of it on Apple's devices."""
    for accelerator in catalog.accelerators.values():
        label = re.search(r"(\d+) ?Gi?B", accelerator.memory_advertised)
        if label:
            share = accelerator.memory_bytes / (int(label[1]) * GIB)
            held = share == APPLE_SHARE if accelerator.platform == "metal" else 0.9 < share <= 1
            yield CheckResult(
                f"accelerators/{accelerator.id}", ("memory_bytes", "memory_advertised"), held, f"{share:.3f}"
            )


def links(catalog: Entries) -> Iterator[CheckResult]:
    """Links times bytes a second, or lanes times transfers a second, make up what a device sends."""
    for accelerator in catalog.accelerators.values():
        name, sent = str(accelerator.link), accelerator.link_bandwidth
        nvlink, pcie = re.fullmatch(r"NVLink (\d)", name), re.fullmatch(r"PCIe (\d) x(\d+)", name)
        expected = (
            NVLINKS[nvlink[1]] * NVLINK_BYTES[nvlink[1]]
            if nvlink
            else PCIE_TRANSFERS[pcie[1]] * int(pcie[2]) / 8
            if pcie
            else None
        )
        if expected is not None and sent is not UNKNOWN:
            yield CheckResult(
                f"accelerators/{accelerator.id}",
                ("link", "link_bandwidth"),
                sent == expected,
                f"{sent:,}",
                f"{expected:,}",
            )


def observed(catalog: Entries) -> Iterator[CheckResult]:
    """The best observed multiplication reaches between half and nine tenths of the dense peak."""
    for accelerator in catalog.accelerators.values():
        for name in ("bf16", "fp8"):
            best, peak = getattr(accelerator.measured, name), getattr(accelerator.peak, name)
            if best and peak:
                fields = (f"measured.{name}", f"peak.{name}")
                yield CheckResult(
                    f"accelerators/{accelerator.id}", fields, 0.5 < best / peak < 0.9, f"{best / peak:.2f}"
                )


CHECKS = (
    Check("peak-rates", "crossed", "the rate of a number format with that of one twice as wide", rates),
    Check("native-formats", "crossed", "a native number format with its rate and its generation", natives),
    Check("generations", "crossed", "generation, vendor and name with capability, platform and id", generations),
    Check("memory-labels", "crossed", "the memory an application sees with the label", memories),
    Check("links", "computed", "a link's bandwidth with its lanes", links),
    Check("observed-rates", "crossed", "the best observed rate with the dense peak", observed),
)
