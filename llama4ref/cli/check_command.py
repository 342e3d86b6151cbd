"""`llama4ref check`: specs, claims, schemas, and facts against the installed engine."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from llama4ref.cli.printing import drawn, echo, echo_json, heading, indented, json_option, plain_table, section
from llama4ref.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from llama4ref.errors import Fault
    from llama4ref.facts.audit.provenance_report import ProvenanceReport
    from llama4ref.facts.catalog import Catalog


State = Literal["ok", "wrong", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPart:
    """One thing that was looked at."""

    what: str
    state: State
    detail: str
    wrong: tuple[str, ...] = ()
    """What is wrong, a line each."""


@click.command("check")
@click.option("--specs", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Another folder of specs.")
@click.option("--report", is_flag=True, help="Count facts: cited, checked by machine, said twice, disputed, stale.")
@click.option("--write-schemas", is_flag=True, help="Write the JSON Schemas of the specs, for editors.")
@click.option("--engine/--no-engine", default=True, help="Hold facts against the installed vLLM, where there is one.")
@json_option
def command(*, specs: Path | None, report: bool, write_schemas: bool, engine: bool, as_json: bool) -> int:
    """Check specs, claims, schemas, and facts against the installed engine.

    Exits with 2 where a spec is wrong, with every fault by file and line; with 1 where a claim disagrees without a note, a schema
    is out of date or the installed engine contradicts a fact.
    """
    from llama4ref.facts.audit.provenance_report import provenance_report
    from llama4ref.facts.loading import specs_folder

    catalog = _load(specs, as_json=as_json)
    if catalog is None:
        return 2
    folder = specs or specs_folder()
    if write_schemas:
        _write_schemas(folder)
    outcomes = [
        _loaded(catalog),
        _citations(catalog),
        _claims(catalog),
        _crossed(catalog),
        _errata(catalog),
        _schemas(folder),
        _engine(catalog, wanted=engine),
    ]
    today = dt.datetime.now(tz=dt.UTC).date()
    counts = provenance_report(catalog, today) if report else None
    if as_json:
        echo_json({"checks": outcomes, "counted_for": today if report else None, "counts": counts})
    else:
        echo(drawn(*_outcomes(outcomes)))
        if counts is not None:
            echo(drawn("", *_counted(counts, today)))
    return 1 if any(outcome.state == "wrong" for outcome in outcomes) else 0


def _load(specs: Path | None, *, as_json: bool) -> Catalog | None:
    """The catalogue; None where specs are wrong and their faults were printed as JSON."""
    from llama4ref.errors import RequestError, SpecErrors
    from llama4ref.facts.loading import load, missing_folders

    faults: list[Fault] = []
    try:
        catalog = load(specs)
    except OSError as error:
        if specs is None:
            raise
        reason = (error.strerror or str(error)).lower()
        raise RequestError(
            f"--specs: {quoted(str(specs))} cannot be read ({reason}); name a folder of specs"
        ) from error
    except SpecErrors as error:
        faults += error.faults
    faults += missing_folders(specs)
    if not faults:
        return catalog
    if not as_json:
        raise SpecErrors(faults)
    echo_json({"faults": faults})
    return None


def _loaded(catalog: Catalog) -> CheckedPart:
    leaves = sum(map(len, catalog.provenance.values()))
    detail = f"{len(catalog.provenance):,} specs with {leaves:,} facts, each cited from one of {len(catalog.sources):,} sources"
    return CheckedPart(what="specs", state="ok", detail=detail)


def _citations(catalog: Catalog) -> CheckedPart:
    from llama4ref.facts.audit.citation_rules import false_citations

    wrong = tuple(str(each.fault) for each in false_citations(catalog))
    detail = f"{len(wrong):,} false citations made by a default"
    return CheckedPart(what="citations", state=_state(wrong), detail=detail, wrong=wrong)


def _claims(catalog: Catalog) -> CheckedPart:
    from llama4ref.cli.claim_table import unexplained

    checked = catalog.claims()
    computed = [each for each in checked if each.agrees is not None]
    agreeing = sum(each.agrees is True for each in computed)
    wrong = tuple(
        f"{each.entity} {each.field}: {each.claim.about} is stated as {each.claim.stated}, computed {each.computed:,}; "
        "correct it or say why in a note"
        for each in unexplained(checked)
    )
    detail = f"{len(computed):,} of {len(checked):,} published figures computed again, {agreeing:,} agree"
    return CheckedPart(what="claims", state=_state(wrong), detail=detail, wrong=wrong)


def _crossed(catalog: Catalog) -> CheckedPart:
    from llama4ref.facts.audit.cross_checks import checks, disagreeing_facts

    wrong = tuple(map(str, disagreeing_facts(catalog)))
    detail = f"facts compared in {len(checks())} ways with each other and with what follows from them"
    return CheckedPart(what="comparisons", state=_state(wrong), detail=detail, wrong=wrong)


def _errata(catalog: Catalog) -> CheckedPart:
    checked = catalog.checked_errata()
    wrong = tuple(
        f"errata/{each.erratum.id}: {each.wrong} no longer contradicts {each.right}; correct it or take it out"
        for each in checked
        if not each.proven
    )
    detail = f"{len(checked)} errors of others, {len(checked) - len(wrong)} proven"
    return CheckedPart(what="errata", state=_state(wrong), detail=detail, wrong=wrong)


def _schemas(folder: Path) -> CheckedPart:
    files = _schema_files()
    stale = tuple(name for name, text in files.items() if _text_of(folder / "schema" / name) != text)
    wrong = tuple(
        f"{folder.name}/schema/{name} is missing or out of date; run `llama4ref check --write-schemas`"
        for name in stale
    )
    return CheckedPart(what="schemas", state=_state(wrong), detail=f"{len(files)} JSON Schemas", wrong=wrong)


def _engine(catalog: Catalog, *, wanted: bool) -> CheckedPart:
    from importlib.util import find_spec

    if not wanted or find_spec("vllm") is None:
        why = "vLLM is not installed, so nothing was held against it" if wanted else "not asked for"
        return CheckedPart(what="engine", state="skipped", detail=why)
    from llama4ref.proving.installed.engine_facts import differing_facts, installed_vllm
    from llama4ref.proving.installed.import_output import output_kept

    if "vllm" not in catalog.engines:
        return CheckedPart(what="engine", state="skipped", detail="no facts about vLLM")
    with output_kept("vLLM"):
        wrong, release = differing_facts(catalog.engine("vllm")), installed_vllm()
    detail = f"facts held against vLLM {release}"
    return CheckedPart(what="engine", state=_state(wrong), detail=detail, wrong=wrong)


def _state(wrong: Sequence[str]) -> State:
    return "wrong" if wrong else "ok"


def _write_schemas(folder: Path) -> None:
    from llama4ref.errors import Fault, SpecErrors

    schemas = folder / "schema"
    try:
        schemas.mkdir(exist_ok=True)
        for name, text in _schema_files().items():
            _put(schemas / name, text)
    except OSError as error:
        name = f"specs/{Path(error.filename or schemas).relative_to(folder)}"
        found, do = (error.strerror or str(error)).lower(), "remove it, or name a folder that can be written"
        raise SpecErrors([Fault(name, 1, "", found, "a folder of schemas that can be written", do)]) from error


def _put(path: Path, text: str) -> None:
    """Write a file in the place of whatever has its name, so that no pipe is waited for and no link followed."""
    beside = path.with_name(f".{path.name}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _schema_files() -> dict[str, str]:
    """The schemas of the specs and of plan files as text, by file name."""
    from llama4ref.facts.reading.json_schema import schema_files
    from llama4ref.plan_files.schema import NAME, schema_text

    return schema_files() | {NAME: schema_text()}


def _text_of(path: Path) -> str | None:
    from llama4ref.facts.reading.spec_folder import read_file

    try:
        return read_file(path).decode("utf-8")
    except (OSError, ValueError):
        return None


def _outcomes(outcomes: Sequence[CheckedPart]) -> Iterator[RenderableType]:
    table = plain_table("what", "state", "detail", wrap=("detail",), show_header=False)
    for outcome in outcomes:
        table.add_row(outcome.what, outcome.state, outcome.detail)
    yield table
    for outcome in outcomes:
        if outcome.wrong:
            yield from section(f"Wrong: {outcome.what}", *map(indented, outcome.wrong))


def _counted(counts: ProvenanceReport, today: dt.date) -> Iterator[RenderableType]:
    yield heading(f"Counted for {today}")
    table = plain_table(
        "what", "count", "share", "meaning", right=("count", "share"), wrap=("meaning",), show_header=False
    )
    for name, count, meaning in (
        ("facts", counts.leaves, f"from {counts.sources:,} sources"),
        ("cited", counts.cited, "with a source and a place in it"),
        ("cited falsely", counts.false_citations, "from a default that the leaf rules out"),
        ("machine-checked", counts.machine_checked, "compared with something independent:"),
        ("  computed", counts.computed, "computed again from other facts"),
        ("  crossed", counts.crossed, "set beside a fact that is cited on its own"),
        ("  against software", counts.held_against_software, "held against installed software by a test"),
        ("only possible", counts.only_bounded, "found possible, and nothing more"),
        ("twice-sourced", counts.twice_sourced, "two sources or more say the same"),
        ("disputed", counts.disputed, "sources disagree"),
        ("unknown", counts.unknown, "recorded as not published"),
        ("our own words", counts.remarks, "notes about facts"),
        ("dated", counts.dated, "hold as of a day"),
        ("stale", counts.stale, f"as of a day before {counts.stale_before}"),
    ):
        table.add_row(name, f"{count:,}", f"{count / max(counts.leaves, 1):.1%}", meaning)
    yield table
