"""The full report of a plan: summary, settings with reasons, memory, caveats, other plans, refusals, sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.cli.budget_table import budget_table
from llama4ref.cli.plan_lines import headline, summary, table_of_plans
from llama4ref.cli.printing import heading, indented, pair_table, plain_table, screen_width, section
from llama4ref.cli.refusal_table import refusal_table
from llama4ref.cli.request_options import command_of
from llama4ref.cli.sized_report import sized_report
from llama4ref.cli.source_list import SourceList, source_lines
from llama4ref.planning.choices.layouts import described
from llama4ref.planning.outcomes import HostedPlan
from llama4ref.planning.planner import alternatives_to
from llama4ref.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from llama4ref.engine.engine_config import Reason
    from llama4ref.facts.catalog import Catalog
    from llama4ref.planning.outcomes import Alternative, Plan, PlanResult

OTHERS_SHOWN = 8


def report(result: PlanResult, catalog: Catalog, *, limit: int = 1, every: bool = False) -> Iterator[RenderableType]:
    """An answer: `limit` plans in full, the others a line each, then what was refused, then the sources."""
    sources = SourceList(catalog.sources)
    if result.sized:
        yield from sized_report(result.sized, sources, every=every)
        if result.refused:
            yield from section(f"Refused ({len(result.refused)})", refusal_table(result.refused, every=every))
        yield from source_lines(sources)
        return
    if not result.plans:
        yield from _nothing_fits(result, catalog, every=every)
        return
    for index, plan in enumerate(result.plans[:limit], start=1):
        yield from plan_in_full(plan, sources, number=index if limit > 1 else None)
    yield from _others(result, limit, every=every)
    if result.refused:
        yield from section(f"Refused ({len(result.refused)})", refusal_table(result.refused, every=every))
        if not every and len(result.refused) > 1:
            yield "--all lists every one."
    yield from source_lines(sources)


def plan_in_full(
    plan: Plan | HostedPlan, sources: SourceList, *, number: int | None = None
) -> Iterator[RenderableType]:
    """Everything about one plan."""
    yield heading((f"{number}. " if number else "") + headline(plan))
    yield ""
    yield pair_table(summary(plan))
    if isinstance(plan, HostedPlan):
        yield from section("Why", _reasons(plan.reasons, sources))
    else:
        yield from section("Settings", _settings(plan, sources))
        where = f", of pipeline stage {plan.budget.stage}" if plan.config.layout.pipeline_parallel > 1 else ""
        yield from section(f"Memory of one GPU{where}", budget_table(plan.budget, sources))
    if plan.caveats:
        yield from section("Caveats", _reasons(plan.caveats, sources))


def _settings(plan: Plan, sources: SourceList) -> Table:
    table = plain_table("setting", "why", wrap=("setting", "why"), narrow=36, show_header=False)
    for reason in plan.reasons:
        if reason.about != "model":
            table.add_row(_written(reason, plan), f"{reason.because}{sources.mark(reason.source)}")
    return table


def _written(reason: Reason, plan: Plan) -> str:
    name = reason.about
    if name in plan.environment:
        return f"{name}={reason.value}"
    if name not in plan.settings:
        return f"{name}: {reason.value}"
    return f"--{name}" if plan.settings[name] is True else f"--{name} {reason.value}"


def _reasons(reasons: Iterable[Reason], sources: SourceList) -> Table:
    def words(reason: Reason) -> str:
        value = f"{reason.value}: " if reason.value else ""
        return f"{value}{reason.because}{sources.mark(reason.source)}"

    return pair_table((reason.about.replace("_", " "), words(reason)) for reason in reasons)


def _others(result: PlanResult, limit: int, *, every: bool) -> Iterator[RenderableType]:
    others = result.plans[limit:]
    if not others:
        return
    shown = others if every else others[:OTHERS_SHOWN]
    yield from section(f"Other plans ({len(others)})", table_of_plans(shown, width=screen_width(), first=limit + 1))
    if len(shown) < len(others):
        yield f"{len(others) - len(shown)} more with --all."


def _nothing_fits(result: PlanResult, catalog: Catalog, *, every: bool) -> Iterator[RenderableType]:
    asked = ", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in result.request.as_dict().items())
    unplanned = {each.rule for each in result.refused} == {"not-planned"}
    yield heading(("Not planned for" if unplanned else "Nothing fits") + (f": {asked}" if asked else ""))
    offered = [line for each in alternatives_to(result, catalog) for line in _offered(each)]
    if offered:
        yield from section("What would fit", *map(indented, offered))
    if unplanned:
        yield from section("Sizes", *(indented(str(each)) for each in result.refused))
    elif result.refused:
        yield from section(f"Refused ({len(result.refused)})", refusal_table(result.refused, every=every))


def _offered(alternative: Alternative) -> Iterator[str]:
    """The command that would be planned, and what the plan is."""
    plan = alternative.plan
    yield command_of(alternative.request)
    yield f"  {plan.checkpoint.id}, {described(plan.config.layout)}, up to {counted(plan.largest_context, 'token')}"


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
