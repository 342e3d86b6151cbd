"""The plan that `--plan` names, by number or by file, and the answer where there is none."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llama4ref.cli.printing import drawn, echo, echo_json
from llama4ref.wording import counted, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.planning.outcomes import HostedPlan, Plan, PlanResult
    from llama4ref.planning.request import PlanRequest

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def number_or_file(text: str) -> int | Path:
    """A plan by its number, from 1, or the file that holds it: digits are a number, everything else is a file.

    Raises:
        BadParameter: for a number that no plan has.

    Examples:
        >>> number_or_file("2"), number_or_file("./2").name
        (2, '2')
    """
    if _NUMBER.fullmatch(text):
        return int(text)
    if not text or text.lstrip("+-").isdecimal():
        raise click.BadParameter(f"found {quoted(text)}, expected a number from 1, or a file")
    return Path(text)


def plan_number_option(help_text: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """The option that names one plan of several, as `number`."""
    return click.option(
        "--plan", "number", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help=help_text
    )


def plan_choice_option(function: click.decorators.FC) -> click.decorators.FC:
    """The option that names one plan of several or a file, as `choice`."""
    return click.option(
        "--plan",
        "choice",
        type=number_or_file,
        default="1",
        show_default=True,
        metavar="N|FILE",
        help="Which plan, as `plan` numbers them, or a file that `plan --save` has written.",
    )(function)


def chosen(request: PlanRequest, choice: int | Path) -> Plan | HostedPlan | PlanResult:
    """The plan that is meant, or the whole result where nothing fits.

    Raises:
        UsageError: where there are fewer plans, or a file is named beside wishes.
        PlanFileError: where the file holds no plan.
    """
    from llama4ref.cli.request_options import planned

    if isinstance(choice, Path):
        _refuse_wishes(request, choice)
        from llama4ref.plan_files import load_plan

        return load_plan(choice)
    result = planned(request if request.hosted is not None else own_gpus(request))
    return numbered(result, choice) if result.plans else result


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
        if result.sized:
            echo("Nothing is written or started for a plan that is only sized; its command stands above", err=True)
    return 1


def _refuse_wishes(request: PlanRequest, file: Path) -> None:
    asked = [f"--{name.replace('_', '-')}" for name in request.as_dict()]
    if asked:
        raise click.UsageError(
            f"--plan {quoted(str(file))}: the file holds a whole plan; leave out {', '.join(asked)}, or edit the file"
        )
