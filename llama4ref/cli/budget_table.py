"""The memory budget of one GPU as a table: each line with its bounds, and what is left."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from llama4ref.cli.printing import plain_table
from llama4ref.units import GIB, format_bytes
from llama4ref.wording import counted

if TYPE_CHECKING:
    from rich.table import Table

    from llama4ref.cli.source_list import SourceList
    from llama4ref.memory.budget_lines import BudgetLine, Place
    from llama4ref.memory.gpu_budget import MemoryBudget

SECTIONS: dict[Place, str] = {
    "weights": "Weights",
    "buffers": "Buffers",
    "overhead": "Libraries and graphs",
    "peak": "Peak, one at a time",
    "outside": "Outside the budget",
    "host": "In the host's memory",
}
_NAME_WIDTH = 27


def budget_table(budget: MemoryBudget, sources: SourceList) -> Table:
    """The lines of a budget by section, in GiB, with what is left."""
    table = plain_table(
        "what", "GiB", "between", "how", right=("GiB", "between"), wrap=("what", "how"), narrow=_NAME_WIDTH
    )
    inside: tuple[Place, ...] = ("weights", "buffers", "overhead", "peak")
    for place in inside:
        _section(table, budget, place, sources)
    table.add_row("Used (upper bound)", gib(budget.used_at_most_bytes), _between(budget.used_at_least_bytes, budget.used_at_most_bytes),
                  f"of the gpu_memory_utilization budget of {format_bytes(budget.requested_bytes)}", style="bold")  # fmt: skip
    table.add_row(
        "KV cache (lower bound)",
        gib(budget.kv_cache_at_least_bytes),
        _between(budget.kv_cache_at_least_bytes, budget.kv_cache_at_most_bytes),
        f"{format_bytes(budget.cache.bytes_per_request)} a request of {counted(budget.cache.max_model_len, 'token')}",
        style="bold",
    )
    _section(table, budget, "outside", sources)
    table.add_row(
        "Free (lower bound)", gib(budget.free_bytes), "", f"of {format_bytes(budget.total_bytes)} in all", style="bold"
    )
    _section(table, budget, "host", sources)
    return table


def gib(count: int) -> str:
    """Bytes in GiB for a column of figures.

    Examples:
        >>> gib(2**30), gib(1024), gib(0)
        ('1.00', '<0.01', '0.00')
    """
    return "<0.01" if 0 < count < GIB / 200 else f"{count / GIB:.2f}"


def _section(table: Table, budget: MemoryBudget, place: Place, sources: SourceList) -> None:
    lines = [line for line in budget.lines if line.place == place]
    if not lines:
        return
    table.add_row(SECTIONS[place], style="italic")
    for line in lines:
        table.add_row(
            textwrap.indent(
                textwrap.fill(line.name.removeprefix("weights: ").replace("_", " "), _NAME_WIDTH - 2), "  "
            ),
            gib(line.bytes),
            "exact" if line.exact else _between(line.low, line.high),
            f"{line.formula}{sources.mark(line.source)}",
        )


def _between(low: int, high: int) -> str:
    return "exact" if low == high else f"{gib(low)} to {gib(high)}"


def budget_json(budget: MemoryBudget) -> dict[str, object]:
    """A budget for programs, in bytes."""
    names = (
        "total_bytes", "requested_bytes", "used_bytes", "used_at_least_bytes", "used_at_most_bytes", "kv_cache_bytes",
        "kv_cache_at_least_bytes", "kv_cache_at_most_bytes", "outside_bytes", "free_bytes", "host_bytes", "stage",
    )  # fmt: skip
    return {name: getattr(budget, name) for name in names} | {"lines": [_line(line) for line in budget.lines]}


def _line(line: BudgetLine) -> dict[str, object]:
    return {
        name: getattr(line, name) for name in ("name", "place", "bytes", "low", "high", "exact", "formula", "source")
    }
