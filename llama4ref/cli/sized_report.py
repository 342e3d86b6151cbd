"""What other engines would hold, as text: every plan a line, the first in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.cli.printing import heading, indented, pair_table, plain_table, section
from llama4ref.units import format_bytes, format_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from llama4ref.cli.source_list import SourceList
    from llama4ref.planning.outcomes import SizedPlan

OTHERS_SHOWN = 24


def sized_report(plans: Sequence[SizedPlan], sources: SourceList, *, every: bool) -> Iterator[RenderableType]:
    """The first plan in full, the others a line each."""
    first, others = plans[0], plans[1:]
    yield heading(
        f"{first.model.name} on {first.count} x {first.accelerator.name}, with {first.engine.name} {first.release}: sized, not proved"
    )
    yield ""
    yield pair_table(_summary(first))
    if first.command:
        yield from section("Command", indented(first.command))
    yield from section("Memory of the fullest device", _lines(first, sources))
    about = [*first.reasons, *first.caveats]
    words = (
        (
            each.about,
            f"{each.value}: {each.because}{sources.mark(each.source)}"
            if each.value
            else f"{each.because}{sources.mark(each.source)}",
        )
        for each in about
    )
    yield from section("Why, and what to know", pair_table(words))
    if others:
        shown = others if every else others[:OTHERS_SHOWN]
        yield from section(f"Others that are sized ({len(others)})", _table(shown))
        if len(shown) < len(others):
            yield f"{len(others) - len(shown)} more with --all."


def _summary(plan: SizedPlan) -> Iterator[tuple[str, str]]:
    yield "checkpoint", plan.checkpoint.repository or plan.checkpoint.id
    yield "fits", _fits(plan)
    yield "context", f"{format_tokens(plan.context)}, {plan.requests:,} at once"
    yield "at most", _longest(plan)
    yield "KV cache", plan.cache_type
    yield "proof", f"{plan.rung}, from facts alone"


def _fits(plan: SizedPlan) -> str:
    return "yes" if plan.fits else "not known: beside what is counted, nobody states enough"


def _longest(plan: SizedPlan) -> str:
    return "not known" if plan.largest_context is None else f"{format_tokens(plan.largest_context)}, a lower bound"


def _lines(plan: SizedPlan, sources: SourceList) -> Table:
    table = plain_table("part", "least", "most", "why", right=("least", "most"), wrap=("why",))
    for line in plan.lines:
        most = "not known" if line.most_bytes is None else format_bytes(line.most_bytes)
        table.add_row(line.name, format_bytes(line.least_bytes), most, f"{line.because}{sources.mark(line.source)}")
    table.add_row("of", format_bytes(plan.memory_bytes), "", "what a process may use")
    return table


def _table(plans: Iterable[SizedPlan]) -> Table:
    table = plain_table("checkpoint", "engine", "on", "fits", "at most", wrap=("checkpoint",))
    for plan in plans:
        fits = "yes" if plan.fits else "not known"
        table.add_row(
            plan.checkpoint.id,
            plan.engine.name,
            f"{plan.count} x {plan.accelerator.id}",
            fits,
            _longest(plan).removesuffix(", a lower bound"),
        )
    return table
