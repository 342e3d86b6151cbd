"""`llama4ref render`: a plan written down for the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llama4ref.cli.printing import echo, echo_json, examples, json_option
from llama4ref.cli.request_options import planned, request_options

if TYPE_CHECKING:
    from llama4ref.planning.outcomes import HostedPlan, Plan, PlanResult
    from llama4ref.planning.request import PlanRequest


@click.command(
    "render",
    epilog=examples(
        "llama4ref render --model scout --gpu h100-sxm --count 8 --context 1M",
        "llama4ref render --model scout --gpu h100-sxm --count 8 --as config > scout.yaml",
        "vllm serve --config scout.yaml",
    ),
)
@request_options
@click.option(
    "--as",
    "form",
    type=click.Choice(["command", "config", "env", "compose", "kubernetes"]),
    default="command",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--plan",
    "number",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Which plan, as `plan` numbers them.",
)
@json_option
def command(*, request: PlanRequest, form: str, number: int, as_json: bool) -> int:
    """Write a plan as vLLM flags, config file, environment file, Compose file or Kubernetes manifest.

    Every option exists in the vLLM release that the plan is for; reasons stand beside it as comments.
    """
    from llama4ref.facts import load
    from llama4ref.rendering import render

    result = planned(request if request.hosted is not None else own_gpus(request))
    if not result.plans:
        return refuse(result, as_json=as_json)
    plan = numbered(result, number)
    text = render(plan, form, load().engine("vllm"))
    if as_json:
        from llama4ref.cli.plan_json import plan_json

        echo_json({"form": form, "text": text, "plan": plan_json(plan)})
    else:
        echo(text.rstrip("\n"))
    return 0


def own_gpus(request: PlanRequest) -> PlanRequest:
    """The same request for own GPUs alone."""
    from dataclasses import replace

    return replace(request, hosted=False)


def numbered(result: PlanResult, number: int) -> Plan | HostedPlan:
    """The plan of that number, from 1; raises UsageError where there are fewer."""
    if number > len(result.plans):
        raise click.UsageError(f"--plan {number}: there are {len(result.plans)} plans; see `llama4ref plan --all`")
    return result.plans[number - 1]


def refuse(result: PlanResult, *, as_json: bool) -> int:
    """Say why nothing fits, on stderr as there is nothing to write; the exit code."""
    from llama4ref.cli.plan_json import result_json
    from llama4ref.cli.plan_report import report
    from llama4ref.cli.printing import drawn
    from llama4ref.facts import load

    if as_json:
        echo_json(result_json(result, load()))
    else:
        click.echo(drawn(*report(result, load())), err=True)
    return 1
