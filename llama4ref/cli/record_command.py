"""`llama4ref record`: a run of a plan as a measurement that the specs can keep."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llama4ref.cli.chosen_plan import chosen, plan_choice_option, refuse
from llama4ref.cli.option_types import DAY
from llama4ref.cli.printing import drawn, echo, echo_json, examples, json_option
from llama4ref.cli.prove_command import exit_code
from llama4ref.cli.request_options import request_options

if TYPE_CHECKING:
    from llama4ref.planning.request import PlanRequest

LARGEST_LOG_BYTES = 2**28
"""Most of a log that is read; a start takes a few hundred KB."""
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(
    "record",
    epilog=examples(
        "llama4ref record --plan scout-plan.yaml --log server.log --out specs/measurements",
        'llama4ref record --plan scout-plan.yaml --log server.log --metrics metrics.txt --device "NVIDIA H200"',
    ),
)
@request_options
@plan_choice_option
@click.option("--log", "log", type=_FILE, required=True, help="Log of a server that was started with the plan's words.")
@click.option("--metrics", type=_FILE, help="Text of its /metrics, which has more digits.")
@click.option("--device", metavar="NAME", help="What the driver calls the GPU, as nvidia-smi prints it.")
@click.option("--day", type=DAY, metavar="DAY", help="Day of the run; today where none is given.")
@click.option("--name", default="logged", show_default=True, help="What tells the run from others of its checkpoint.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder that it is written into."
)
@json_option
def command(
    *,
    request: PlanRequest,
    choice: int | Path,
    log: Path,
    metrics: Path | None,
    device: str | None,
    day: str | None,
    name: str,
    out: Path,
    as_json: bool,
) -> int:
    """Read the log of a server that you started with a plan's words: predicted beside observed, and a measurement to keep.

    Nothing is launched. Exits with 0 where the plan held, 1 where it did not; the record is written either way, unless the server did
    not start.
    """
    from llama4ref.cli.verdict_report import verdict_lines
    from llama4ref.errors import RequestError
    from llama4ref.planning.outcomes import HostedPlan, PlanResult
    from llama4ref.proving.records.plan_records import write_record
    from llama4ref.proving.rungs.logged_starts import verdict_of_log

    plan = chosen(request, choice)
    if isinstance(plan, PlanResult):
        return refuse(plan, as_json=as_json)
    if isinstance(plan, HostedPlan):
        raise RequestError("hosted: a provider's servers have no log here; record a plan on own GPUs")
    verdict = verdict_of_log(plan, _text(log), _text(metrics) if metrics else "")
    written = None
    if verdict.explanation is None:
        ran = day or dt.datetime.now(tz=dt.UTC).date().isoformat()
        written = str(write_record(verdict, plan, device=device, name=name, as_of=ran, directory=out))
    if as_json:
        echo_json({**json.loads(verdict.to_json()), "record": written})
    else:
        echo(drawn(*verdict_lines(verdict), *(["", f"Record: {written}"] if written else [])))
    return exit_code(verdict)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(LARGEST_LOG_BYTES).decode("utf-8", errors="replace")
