"""`llama4ref render`: a plan written down for the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llama4ref.cli.chosen_plan import chosen, plan_choice_option, refuse
from llama4ref.cli.option_types import ChoiceWithAliases
from llama4ref.cli.printing import echo, echo_json, examples, json_option
from llama4ref.cli.request_options import request_options
from llama4ref.rendering import FORMS

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.planning.request import PlanRequest

_OTHER_NAMES = {
    "cli": "command", "flags": "command", "sh": "command", "shell": "command", "bash": "command",
    "yaml": "config", "yml": "config", "config-file": "config",
    "dotenv": "env", ".env": "env", "environment": "env",
    "docker": "compose", "docker-compose": "compose", "podman-compose": "compose",
    "k8s": "kubernetes", "kube": "kubernetes", "manifest": "kubernetes", "deployment": "kubernetes",
}  # fmt: skip
"""What people call the forms of a plan."""


@click.command(
    "render",
    epilog=examples(
        "llama4ref render --model scout --gpu h100-sxm --count 8 --context 1M",
        "llama4ref render --plan scout-plan.yaml --as compose > compose.yaml",
        "llama4ref render --model scout --gpu b200 --count 8 --as config > scout.yaml",
        "vllm serve --config scout.yaml",
    ),
)
@request_options
@click.option(
    "--as",
    "form",
    type=ChoiceWithAliases(FORMS, _OTHER_NAMES),
    default="command",
    show_default=True,
    help="What to write; k8s, docker-compose, yaml, dotenv and the like are understood too.",
)
@plan_choice_option
@json_option
def command(*, request: PlanRequest, form: str, choice: int | Path, as_json: bool) -> int:
    """Write a plan as vLLM flags, config file, environment file, Compose file or Kubernetes manifest.

    Every option exists in the vLLM release that the plan is for; reasons stand beside it as comments.
    """
    from llama4ref.facts import load
    from llama4ref.planning.outcomes import PlanResult
    from llama4ref.rendering import render

    plan = chosen(request, choice)
    if isinstance(plan, PlanResult):
        return refuse(plan, as_json=as_json)
    text = render(plan, form, load().engine("vllm"))
    if as_json:
        from llama4ref.cli.plan_json import plan_json

        echo_json({"form": form, "text": text, "plan": plan_json(plan)})
    else:
        echo(text.rstrip("\n"))
    return 0
