"""The memory of one GPU of one pipeline stage, line by line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llama4ref.field_words import described
from llama4ref.memory.budget_lines import BudgetLine

INSIDE = frozenset({"weights", "buffers", "overhead"})
"""Places of lines that add up inside the gpu_memory_utilization budget."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class StageBudget:
    """The memory of one GPU of a pipeline stage, line by line, in bytes."""

    index: int
    """Place in the pipeline, from 0."""
    total_bytes: int
    """All memory of the GPU."""
    requested_bytes: int
    """The gpu_memory_utilization budget."""
    bytes_per_block: int
    """Bytes that one block of the KV cache takes here."""
    lines: tuple[BudgetLine, ...]
    """What takes memory, KV cache not among them."""

    @property
    def used_bytes(self) -> int:
        """Used of the gpu_memory_utilization budget, as expected."""
        return _used(self.lines, "bytes")

    @property
    def used_at_most_bytes(self) -> int:
        """Used of it where every estimate is at its upper bound."""
        return _used(self.lines, "high")

    @property
    def used_at_least_bytes(self) -> int:
        """Used of it where every estimate is at its lower bound."""
        return _used(self.lines, "low")

    @property
    def kv_cache_at_least_bytes(self) -> int:
        """Left for the KV cache at worst; below zero where nothing is."""
        return self.requested_bytes - self.used_at_most_bytes

    @property
    def outside_bytes(self) -> int:
        """Taken outside the gpu_memory_utilization budget, at most."""
        return sum(line.high for line in self.lines if line.place == "outside")

    @property
    def free_bytes(self) -> int:
        """Left outside it at worst; below zero where the server runs out of memory after its start."""
        return self.total_bytes - self.requested_bytes - self.outside_bytes


def _used(lines: Iterable[BudgetLine], field: str) -> int:
    inside, peak = 0, 0
    for line in lines:
        count: int = getattr(line, field)
        if line.place == "peak":
            peak = max(peak, count)
        elif line.place in INSIDE:
            inside += count
    return inside + peak
