"""Which of the plans for own GPUs is meant, and what is said where there is none?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from llama4ref.cli.printing import drawn, echo, echo_json
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.planning.outcomes import HostedPlan, Plan, PlanResult
    from llama4ref.planning.request import PlanRequest


def plan_number_option(function: click.decorators.FC) -> click.decorators.FC:
    """The option that names one plan of several, as `number`."""
    return click.option(
        "--plan",
        "number",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Which plan, as `plan` numbers them.",
    )(function)


def own_gpus(request: PlanRequest) -> PlanRequest:
    """The same request for own GPUs alone."""
    return replace(request, hosted=False)


def numbered(result: PlanResult, number: int) -> Plan | HostedPlan:
    """The plan of that number, from 1; raises UsageError where there are fewer."""
    if number > len(result.plans):
        found = counted(len(result.plans), "plan")
        raise click.UsageError(f"--plan {number}: found {found}; `llama4ref plan --all` lists them")
    return result.plans[number - 1]


def refuse(result: PlanResult, *, as_json: bool) -> int:
    """Say why nothing fits, on stderr as there is nothing to write; the exit code."""
    from llama4ref.cli.plan_json import result_json
    from llama4ref.cli.plan_report import report
    from llama4ref.facts import load

    if as_json:
        echo_json(result_json(result, load()))
    else:
        echo(drawn(*report(result, load())), err=True)
    return 1
