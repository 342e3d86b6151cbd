"""`llama4ref render`: a plan written down for the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llama4ref.cli.chosen_plan import numbered, own_gpus, plan_number_option, refuse
from llama4ref.cli.printing import echo, echo_json, examples, json_option
from llama4ref.cli.request_options import planned, request_options

if TYPE_CHECKING:
    from llama4ref.planning.request import PlanRequest


@click.command(
    "render",
    epilog=examples(
        "llama4ref render --model scout --gpu h100-sxm --count 8 --context 1M",
        "llama4ref render --model scout --gpu b200 --count 8 --as config > scout.yaml",
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
@plan_number_option
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
