"""`llama4ref calibrate`: what logged starts and measurements say about the estimates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llama4ref.cli.printing import drawn, echo, echo_json, examples, json_option, plain_table, section
from llama4ref.wording import counted, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from llama4ref.calibration import Calibration, Change
    from llama4ref.facts.types.estimates import EstimateRow

IN_PLACE = "specs"
"""What `--write` is given to change the specs themselves."""
LARGEST_RECORD_BYTES = 2**20
"""Most of a record that is read."""


@click.command(
    "calibrate",
    epilog=examples(
        "llama4ref calibrate",
        "llama4ref calibrate --check",
        "llama4ref calibrate --with proofs/my-run.yaml --write my-run.patch",
    ),
)
@click.option("--specs", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Another folder of specs.")
@click.option(
    "--with",
    "records",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="A measurement beside those of the specs, such as `prove` or `record` writes; may be given again.",
)
@click.option("--check", is_flag=True, help="Exit with 1 where the specs are not what the fit gives.")
@click.option(
    "--write",
    "target",
    metavar="FILE|specs",
    help="Write the changes into a patch, or into the specs themselves; records given by --with are added.",
)
@json_option
def command(*, specs: Path | None, records: tuple[Path, ...], check: bool, target: str | None, as_json: bool) -> int:
    """Fit the estimates to logged starts and measurements, and say what changes.

    Bounds of memory lie around what servers printed at their start; constants of speed are those with which measurements come out
    with the least squared error of the logarithm.
    """
    from llama4ref.calibration import calibrate
    from llama4ref.facts.loading import load, load_with, spec_files, specs_folder

    added = {f"measurements/{path.name}": _content(path) for path in records}
    catalog = load_with(added, specs) if added else load(specs)
    found = calibrate(catalog, [path.stem for path in records])
    folder = specs or specs_folder()
    if target is not None:
        _write(target, found, folder, spec_files(folder), added)
    if as_json:
        echo_json(_answer(found))
    else:
        echo(drawn(*_lines(found)))
    return 1 if check and found.changes else 0


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_RECORD_BYTES)


def _write(
    target: str, found: Calibration, folder: Path, files: Mapping[str, bytes], added: Mapping[str, bytes]
) -> None:
    from llama4ref.calibration.proposal import patch, proposed_files

    proposed = proposed_files(found, files) | {path: content.decode("utf-8") for path, content in added.items()}
    if target != IN_PLACE:
        Path(target).write_text(patch(proposed, files), encoding="utf-8")
        return
    for path, text in proposed.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _answer(found: Calibration) -> dict[str, object]:
    return {
        "changes": [
            {
                "estimates": change.estimates,
                "field": change.field,
                "row": change.index,
                "unit": change.unit,
                "old": None if change.old is None else _numbers(change.old),
                "new": _numbers(change.new),
                "moved_by": change.moved_by,
                "alone": change.new.alone,
            }
            for change in found.changes
        ],
        "speed_errors": {"before": found.errors_before, "after": found.errors_after},
    }


def _numbers(row: EstimateRow) -> dict[str, object]:
    return {"value": row.value, "low": row.low, "high": row.high, "basis": row.basis}


def _lines(found: Calibration) -> Iterator[RenderableType]:
    if found.changes:
        table = plain_table("estimate", "row", "was", "becomes", "unit", "moved by", wrap=("estimate", "moved by"))
        for change in found.changes:
            table.add_row(*_cells(change))
        yield from section(f"{counted(len(found.changes), 'estimate')} would change", table)
    else:
        yield "The estimates are what the starts and measurements give."
    errors = plain_table("engine", "with the specs", "as fitted", right=("with the specs", "as fitted"))
    for engine, before in found.errors_before.items():
        errors.add_row(engine, f"{before:.1%}", f"{found.errors_after.get(engine, before):.1%}")
    yield from section("Error of estimated speed, root mean square", errors)


def _cells(change: Change) -> tuple[str, ...]:
    row = change.new
    moved = ", ".join(change.moved_by) or "the fit"
    release = f" since {row.since}" if row.since else f" until {row.until}" if row.until else ""
    spread = f" {row.gpus}" if row.gpus else ""
    return (
        f"{change.estimates} {change.field.partition('.')[2]}",
        f"{change.index}{release}{spread}",
        _figure(change.old) if change.old else "new",
        _figure(row),
        change.unit,
        moved,
    )


def _figure(row: EstimateRow) -> str:
    return f"{number(row.value)} ({number(row.low)} to {number(row.high)})"
