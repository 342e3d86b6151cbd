"""`llama4ref plan`: what to run, and why, or why nothing fits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llama4ref.cli.chosen_plan import numbered, plan_number_option
from llama4ref.cli.printing import drawn, echo, echo_json, examples, json_option
from llama4ref.cli.request_options import planned, request_options

if TYPE_CHECKING:
    from llama4ref.planning.request import PlanRequest


@click.command(
    "plan",
    epilog=examples(
        "llama4ref plan --model scout --gpu h100-sxm --count 8 --context 1M",
        "llama4ref plan --model maverick --gpu h200-sxm --count 8 --images 4",
        "llama4ref plan --model scout --gpu h100-sxm --count 8 --save scout-plan.yaml",
        "llama4ref plan --model scout --gpu m3-ultra --context 32K",
        "llama4ref plan --model scout --engine llama-cpp --gpu rtx-4090 --context 64K",
        "llama4ref plan --hosted --context 300k --images 1 --max-price 1",
    ),
)
@request_options
@click.option(
    "--limit", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Plans shown in full."
)
@click.option("--all", "every", is_flag=True, help="List every other plan and every refusal.")
@plan_number_option("Which plan to save, as they are numbered here.")
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the plan to a file for render and prove: YAML, or JSON where the name ends in .json.",
)
@json_option
def command(*, request: PlanRequest, limit: int, every: bool, number: int, save: Path | None, as_json: bool) -> int:
    """What to run, and why, or why nothing fits.

    Exits with 1 where nothing is known to fit, and says why and what would. Of engines other than vLLM the memory is sized by their
    published rules, and nothing more is promised.
    """
    from llama4ref.facts import load

    result = planned(request)
    if save is not None and result.plans:
        from llama4ref.plan_files import save_plan

        save_plan(numbered(result, number), save)
    if as_json:
        from llama4ref.cli.plan_json import result_json

        echo_json(result_json(result, load()))
    else:
        from llama4ref.cli.plan_report import report

        echo(drawn(*report(result, load(), limit=limit, every=every)))
    if save is not None and result.plans:
        echo(f"Plan {number} is saved in {save}", err=True)
    return 0 if result.plans or any(each.fits for each in result.sized) else 1
