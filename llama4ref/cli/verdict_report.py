"""The report of a proof: predicted beside observed, the probes, and what the proof cannot show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.cli.printing import heading, indented, plain_table, section
from llama4ref.wording import RUNGS, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from llama4ref.proving.verdict import Comparison, Explanation, Probe, Verdict


def verdict_lines(verdict: Verdict) -> Iterator[RenderableType]:
    """A verdict for a person."""
    yield heading(
        f"{verdict.conclusion.value.capitalize()}: {verdict.subject}, {RUNGS[verdict.rung]} (rung {int(verdict.rung)})"
    )
    versions = ", ".join(f"{name} {release}" for name, release in verdict.versions.items())
    started = "" if verdict.startup_seconds is None else f"; ready after {verdict.startup_seconds:.0f} s"
    if versions:
        yield indented(f"with {versions}{started}", 0)
    if verdict.explanation is not None:
        yield from ("", *_explained(verdict.explanation))
    yield from (indented(f"not as predicted: {each}", 0) for each in _failures(verdict))
    if verdict.comparisons:
        yield from section("Predicted beside observed", _comparisons(verdict.comparisons))
    if verdict.probes:
        yield from section("Probes", _probes(verdict.probes))
    for title, words in (("As in the original", verdict.kept), ("Smaller or left out", verdict.shrunk)):
        if words:
            yield from section(title, indented("; ".join(words)))
    for title, lines in (("Changes to the engine", verdict.plugins), ("Caveats", verdict.notes)):
        if lines:
            yield from section(title, *map(indented, lines))
    if verdict.log:
        yield from ("", f"Log: {verdict.log}")


def _failures(verdict: Verdict) -> Iterator[str]:
    for row in verdict.comparisons:
        if row.agreement not in {"equal", "within bound"}:
            seen = "was not observed" if row.observed is None else f"is {_figure(row.observed)}"
            yield f"{row.name.replace('_', ' ')} {seen} instead of {_figure(row.predicted)}{_unit(row, ' ')}"
    for probe in verdict.probes:
        if probe.outcome == "failed":
            yield f"{probe.name.replace('_', ' ')}: {probe.detail}"


def _explained(explanation: Explanation) -> Iterator[RenderableType]:
    yield heading(explanation.what)
    if explanation.text:
        where = "the log says" if explanation.line is None else f"line {explanation.line} of the log says"
        yield indented(f"{where}: {explanation.text}")
    if explanation.suggested_max_model_len is not None:
        yield indented(f"the engine suggests a context of {counted(explanation.suggested_max_model_len, 'token')}")
    yield from (indented(f"try: {each}") for each in explanation.do)


def _comparisons(rows: Sequence[Comparison]) -> Table:
    table = plain_table("what", "predicted", "observed", "agreement",
                        right=("predicted", "observed"), wrap=("what", "agreement"))  # fmt: skip
    for row in rows:
        observed = "-" if row.observed is None else _figure(row.observed)
        bound = ""
        if row.agreement.value == "within bound" and row.low is not None and row.high is not None:
            bound = f", {_figure(row.low)} to {_figure(row.high)}"
        name = row.name.replace("_", " ")
        table.add_row(f"{name}{_unit(row, ', ')}", _figure(row.predicted), observed, f"{row.agreement.value}{bound}")
    return table


def _probes(probes: Sequence[Probe]) -> Table:
    table = plain_table(
        "probe", "outcome", "seconds", "what was seen", right=("seconds",), wrap=("probe", "what was seen"), narrow=24
    )
    for probe in probes:
        table.add_row(probe.name.replace("_", " "), probe.outcome.value, f"{probe.seconds:.1f}", probe.detail)
    return table


def _unit(row: Comparison, before: str) -> str:
    """The unit of a row's numbers, left out where its name says it."""
    return f"{before}{row.unit}" if row.unit and row.unit not in row.name else ""


def _figure(value: float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"
