"""Logged starts and estimates beside each other: what a server printed adds up, and what is borrowed is what the lender has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.errors import ReleaseError
from llama4ref.facts.audit.checks import Check, CheckResult
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.starts import Start

PRINTED_STEP_GIB = 0.01
"""Step of what is printed with two digits."""
TAKEN = ("weights", "peak_activation", "non_torch")
"""What the engine takes off its share to get the memory of the cache."""


def sums(catalog: Entries) -> Iterator[CheckResult]:
    """The engine's share is the memory times the utilization; the cache gets what the printed lines leave of it."""
    for start in catalog.starts.values():
        entity, printed = f"starts/{start.id}", start.printed_gib
        if start.gpu_memory_utilization is UNKNOWN or "gpu_memory_total" not in printed:
            continue
        share = printed["gpu_memory_total"] * start.gpu_memory_utilization
        fields = ["gpu_memory_utilization", "printed_gib.gpu_memory_total"]
        if "gpu_memory_requested" in printed:
            held = abs(printed["gpu_memory_requested"] - share) <= PRINTED_STEP_GIB
            yield CheckResult(entity, (*fields, "printed_gib.gpu_memory_requested"), held, f"{share:.2f}")
        if "available_kv_cache" in printed and all(name in printed for name in TAKEN):
            taken = [*TAKEN, *(("cuda_graphs_estimated",) if _counts_graphs(catalog, start) else ())]
            left = share - sum(printed[name] for name in taken)
            held = abs(printed["available_kv_cache"] - left) <= len(taken) * PRINTED_STEP_GIB
            named = [f"printed_gib.{name}" for name in ("available_kv_cache", *taken)]
            yield CheckResult(entity, (*fields, *named), held, f"{printed['available_kv_cache']:.2f}", f"{left:.2f}")


def _counts_graphs(catalog: Entries, start: Start) -> bool:
    try:
        rules = catalog.engine(start.engine).at(start.earliest_release)
        return rules.counts_cuda_graphs_on(catalog.accelerator(start.accelerator).platform)
    except ReleaseError:
        return False


def layouts(catalog: Entries) -> Iterator[CheckResult]:
    """A start's GPUs are the product of its parallel sizes; its name says engine, accelerator and their number."""
    for start in catalog.starts.values():
        entity = f"starts/{start.id}"
        sizes = ("tensor_parallel", "pipeline_parallel", "data_parallel")
        product = start.tensor_parallel * start.pipeline_parallel * start.data_parallel
        yield CheckResult(entity, ("count", *sizes), product == start.count, str(start.count), str(product))
        head = f"{start.engine}-{start.release}-" if start.release else f"{start.engine}-"
        held = start.id.startswith(head) and f"-{start.accelerator}-{start.count}" in start.id
        yield CheckResult(entity, ("engine", "release", "accelerator", "count"), held, start.id)


def memory(catalog: Entries) -> Iterator[CheckResult]:
    """A printed size lies within what the accelerator has, and free memory within all of it."""
    for start in catalog.starts.values():
        limit = catalog.accelerator(start.accelerator).memory_bytes / 2**30
        total = start.printed_gib.get("gpu_memory_total")
        if total is not None:
            fields = ("accelerator", "printed_gib.gpu_memory_total")
            yield CheckResult(f"starts/{start.id}", fields, abs(total / limit - 1) < 0.005, f"{total}", f"{limit:.2f}")


def borrowed(catalog: Entries) -> Iterator[CheckResult]:
    """A borrowed estimate has the figure and the bounds of one of the lender's."""
    for set_ in catalog.estimates.values():
        for field, quantity in set_.quantities():
            for index, row in enumerate(quantity.rows):
                if row.borrowed_from is None:
                    continue
                lender = dict(catalog.estimate(row.borrowed_from).quantities())[field]
                held = (row.low, row.value, row.high) in {(each.low, each.value, each.high) for each in lender.rows}
                names = ("low", "value", "high", "borrowed_from")
                fields = tuple(f"{field}.rows.{index}.{name}" for name in names)
                yield CheckResult(
                    f"estimates/{set_.id}", (*fields, f"{field}.unit"), held and lender.unit == quantity.unit
                )


CHECKS = (
    Check("start-sums", "computed", "the memory that a start leaves for the cache with its other lines", sums),
    Check("start-layouts", "crossed", "the GPUs of a start with its parallel sizes and its name", layouts),
    Check("start-memory", "crossed", "the memory that a start sees with the accelerator's", memory),
    Check("borrowed-estimates", "crossed", "a borrowed estimate with the lender's", borrowed),
)
