"""`llama4ref facts changes`: what is different between two releases of an engine, and what that does to a plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llama4ref.cli.printing import drawn, echo, echo_json, examples, json_option, pair_table, plain_table, section
from llama4ref.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType

    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.queries.release_changes import Change
    from llama4ref.planning.at_release import Move

_TITLES = {
    "memory": "Memory rules",
    "default": "Defaults",
    "ability": "Abilities",
    "kernel": "Kernels",
    "fault": "Known faults",
    "option": "Options",
    "variable": "Environment variables",
    "method": "Quantization methods",
    "estimate": "Estimates",
}

_THERE_OR_NOT = frozenset({"option", "variable", "method"})
"""Subjects that are there or not, and nothing else."""


@click.command(
    "changes",
    epilog=examples(
        "llama4ref facts changes vllm 0.10.2 0.19.0",
        "llama4ref plan --model scout --gpu h100-sxm --count 8 --context 1M --save scout.yaml",
        "llama4ref facts changes vllm 0.19.0 0.33.0 --plan scout.yaml",
    ),
)
@click.argument("engine")
@click.argument("first")
@click.argument("second")
@click.option(
    "--plan",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A plan that `plan --save` has written: what changes for it.",
)
@json_option
def changes(*, engine: str, first: str, second: str, file: Path | None, as_json: bool) -> int:
    """What is different between two releases: memory rules, defaults, abilities, kernels, faults, options.

    Exits with 1 where a plan is given that the second release does not serve.
    """
    from llama4ref.facts import load
    from llama4ref.facts.queries.release_changes import release_changes

    catalog = load()
    found = release_changes(catalog, engine, first, second)
    moved = _moved(file, engine, first, second, catalog) if file is not None else None
    if as_json:
        echo_json({"changes": found, **({"plan": _plan_json(moved)} if moved else {})})
    else:
        parts = [*(_plan_parts(moved, first, second) if moved else ()), *_change_parts(found, first, second)]
        echo(drawn(*parts, "", f"{counted(len(found), 'change')} between {first} and {second}."))
    return 1 if moved is not None and moved.refused else 0


def _moved(file: Path, engine: str, first: str, second: str, catalog: Catalog) -> Move:
    from llama4ref.plan_files import load_plan
    from llama4ref.planning.at_release import moved

    if engine != "vllm":
        raise click.UsageError(f"--plan: plans are made for vllm, not for {engine}; leave out --plan")
    return moved(load_plan(file), first, second, catalog)


def _plan_json(moved: Move) -> dict[str, object]:
    return {"differences": moved.differences, "refused": moved.refused}


def _plan_parts(moved: Move, first: str, second: str) -> Iterator[RenderableType]:
    for result, release in ((moved.before, first), (moved.after, second)):
        if not result.plans:
            lines = dict.fromkeys(str(each) for each in result.refused)
            yield from section(f"The plan at {release}: refused", *lines)
    if moved.before.plans and moved.after.plans:
        if not moved.differences:
            yield from section("The plan", f"the same at {first} and {second}")
            return
        table = plain_table("what", first, second, "why", wrap=("what", first, second, "why"))
        for each in moved.differences:
            table.add_row(each.about, each.before, each.after, each.because or "")
        yield from section("The plan", table)


def _change_parts(found: Iterable[Change], first: str, second: str) -> Iterator[RenderableType]:
    by_subject: dict[str, list[Change]] = {}
    for each in found:
        by_subject.setdefault(each.subject, []).append(each)
    for subject, rows in by_subject.items():
        if subject in _THERE_OR_NOT:
            table = pair_table(_come_and_gone(rows))
        else:
            table = plain_table("name", first, second, wrap=("name", first, second))
            for each in rows:
                table.add_row(each.name, each.before, each.after)
        yield from section(_TITLES[subject], table)


def _come_and_gone(rows: Sequence[Change]) -> Iterator[tuple[str, str]]:
    from llama4ref.facts.queries.release_changes import NOT_THERE

    gone = [each.name for each in rows if each.after == NOT_THERE]
    come = [each.name for each in rows if each.before == NOT_THERE]
    yield from ((word, ", ".join(names)) for word, names in (("new", come), ("gone", gone)) if names)
