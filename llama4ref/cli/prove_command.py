"""`llama4ref prove`: launch a plan; predicted beside observed."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llama4ref.cli.chosen_plan import chosen, plan_choice_option, refuse
from llama4ref.cli.option_types import SECONDS, make_folder
from llama4ref.cli.printing import console_on, drawn, echo, examples, json_option, screen_width
from llama4ref.cli.request_options import request_options
from llama4ref.cli.streams import is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llama4ref.planning.outcomes import Plan
    from llama4ref.planning.request import PlanRequest
    from llama4ref.proving.rungs.proofs import RungName
    from llama4ref.proving.verdict import Verdict

OUTSIDE_FAILED = 3


@click.command(
    "prove",
    epilog=examples(
        "llama4ref prove --model scout --gpu h100-sxm --count 8 --context 1M",
        "llama4ref prove --model scout --gpu h100-sxm --count 8 --rung accepted",
        "llama4ref prove --plan scout-plan.yaml",
    ),
)
@request_options
@click.option(
    "--rung",
    type=click.Choice(["accepted", "miniature", "full-size"]),
    default="miniature",
    show_default=True,
    help="How far up the ladder: settings accepted, a miniature served, the real shapes on this machine's GPUs.",
)
@plan_choice_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Port of the server; any free one where none is given.",
)
@click.option(
    "--keep-log",
    "directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for files and logs.",
)
@click.option(
    "--timeout",
    type=SECONDS,
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="For the server to become ready.",
)
@click.option(
    "--record",
    "records",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for the run as a measurement to keep; with --rung full-size.",
)
@json_option
def command(
    *,
    request: PlanRequest,
    rung: RungName,
    choice: int | Path,
    port: int,
    directory: Path | None,
    timeout: float,
    records: Path | None,
    as_json: bool,
) -> int:
    """Launch a plan on the installed vLLM; predicted beside observed.

    Exits with 0 where the plan held, 1 where it did not, 3 where something outside failed. The server is always ended.
    """
    from llama4ref.errors import RequestError
    from llama4ref.planning.outcomes import HostedPlan, PlanResult

    if records is not None and rung != "full-size":
        raise RequestError(
            f"record: found --rung {rung}, expected full-size; lower rungs measure nothing of the accelerator"
        )
    plan = chosen(request, choice)
    if isinstance(plan, PlanResult):
        return refuse(plan, as_json=as_json)
    if isinstance(plan, HostedPlan):
        raise RequestError("hosted: a provider's servers cannot be launched here; prove a plan on own GPUs")
    if directory is not None:
        make_folder(directory, "--keep-log")
    from llama4ref.proving.rungs.proofs import prove

    with progress_shown() as progress:
        progress(f"proving on the rung {rung}", 0.0)
        verdict = prove(plan, rung=rung, directory=directory, port=port, time_limit_seconds=timeout, progress=progress)
    if as_json:
        echo(verdict.to_json())
    else:
        from llama4ref.cli.verdict_report import verdict_lines

        echo(drawn(*verdict_lines(verdict)))
    if records is not None and verdict.observed:
        _record(verdict, plan, records)
    return exit_code(verdict)


def _record(verdict: Verdict, plan: Plan, directory: Path) -> None:
    """Write the run as a measurement, and say on stderr where."""
    import datetime as dt

    from llama4ref.proving.environment import environment
    from llama4ref.proving.records.plan_records import write_record

    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    device = environment().gpus[0].name
    echo(
        f"record: {write_record(verdict, plan, device=device, name='proven', as_of=today, directory=directory)}",
        err=True,
    )


def exit_code(verdict: Verdict) -> int:
    """0 where it held; 1 where it did not; 3 where the launch failed for a reason that lies outside the plan."""
    if verdict.holds:
        return 0
    explanation = verdict.explanation
    outside = explanation is not None and explanation.outside and verdict.startup_seconds is None
    return OUTSIDE_FAILED if outside else 1


@contextlib.contextmanager
def progress_shown() -> Iterator[Callable[[str, float], None]]:
    """A callback that shows stages on stderr: a live line on a terminal, a line for each stage anywhere else."""
    if not is_terminal(sys.stderr):
        yield lambda stage, seconds: echo(f"{seconds:6.1f} s  {stage}", err=True)
        return
    console = console_on(sys.stderr, width=screen_width(), colour=True)
    with console.status("starting") as status:

        def show(stage: str, seconds: float) -> None:
            console.print(f"{seconds:6.1f} s  {stage}")
            status.update(f"{stage} …")

        yield show
