"""The record of a plan's run: where it is written, and what it says of the GPU."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llama4ref.errors import ProofError, RequestError
from llama4ref.facts import catalog_of
from llama4ref.proving.devices import accelerator_of
from llama4ref.proving.records.measurement_records import RunDetails, measurement_record, record_id

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.planning.outcomes import Plan
    from llama4ref.proving.verdict import Verdict

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?")


def write_record(verdict: Verdict, plan: Plan, *, device: str | None, name: str, as_of: str, directory: Path) -> Path:
    """Write the record of a run of a plan into a folder, which is made where it is missing; the file.

    Args:
        verdict: on the full size of the plan.
        plan: what was run.
        device: what the driver calls the GPU; None where nobody says.
        name: what tells this run from others of the checkpoint.
        as_of: day of the run, ISO 8601.
        directory: such as `specs/measurements`.

    Raises:
        RequestError: for a name that no file can have.
        ProofError: where the driver's name is not that of the plan's accelerator, or the server stated nothing.
        OSError: where the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise RequestError(f"name: found {name!r}, expected lowercase letters, digits, dots and dashes")
    if device is not None:
        found = accelerator_of(device, catalog_of(plan.model))
        if found != plan.accelerator.id:
            raise ProofError(
                f"{device!r} is {found}, but the plan is for {plan.accelerator.id}; plan for it with --gpu {found}"
            )
    about = RunDetails(
        checkpoint=plan.checkpoint, accelerator=plan.accelerator.id, device=device, as_of=as_of, name=name
    )
    text = measurement_record(verdict, about)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{record_id(verdict, about)}.yaml"
    path.write_text(text, encoding="utf-8")
    return path
