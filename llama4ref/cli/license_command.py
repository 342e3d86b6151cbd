"""`llama4ref license`: obligations of a use, checked clause by clause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llama4ref.cli.printing import (
    address,
    drawn,
    echo,
    echo_json,
    examples,
    heading,
    indented,
    json_option,
    pair_table,
    plain_table,
    section,
)
from llama4ref.wording import json_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from llama4ref.facts.catalog import Catalog
    from llama4ref.planning.licensing.obligations import Finding, LicenseReport

_DEFAULT = "llama-4-community"
_ALWAYS = "holds for any use"
"""A reason that need not be said."""
_MANY = 5
"""Findings of one reason that are said together."""


@click.group("license")
def command() -> None:
    """Obligations of a use, clause by clause. No legal advice."""


@command.command(
    epilog=examples(
        "llama4ref license check --who company --domicile FR --images",
        "llama4ref license check --who company --domicile US --monthly-users 2000000",
    )
)
@click.option("--license", "id_", default=_DEFAULT, show_default=True, metavar="ID", help="Which licence.")
@click.option("--who", type=click.Choice(["individual", "company"]), required=True, help="Who wants to use it.")
@click.option("--domicile", required=True, metavar="CODE", help="Country (FR, US, ...), EU or EEA.")
@click.option("--offering", type=click.Choice(["internal", "weights", "hosted_api", "product"]), default="internal", show_default=True,
              help="What is made available to others.")  # fmt: skip
@click.option(
    "--role",
    type=click.Choice(["licensee", "end_user"]),
    default="licensee",
    show_default=True,
    help="Whose use it is.",
)
@click.option(
    "--monthly-users", type=click.IntRange(min=0), metavar="N", help="Active users in the month before the release."
)
@click.option("--images", "image_input", is_flag=True, help="Images are used as input.")
@click.option(
    "--trains-with", type=click.Choice(["materials", "outputs"]), help="What another model is made or improved with."
)
@click.option("--derived-model-name", metavar="NAME", help="Name of the model made with it.")
@click.option("--derived-model-offered", is_flag=True, help="That model is made available.")
@click.option(
    "--derived-model-is-llama/--derived-model-is-other",
    default=True,
    help="Whether that model derives from Llama itself.",
)
@click.option(
    "--copies-shipped/--no-copies-shipped", default=None, help="Whether a product carries the weights to its users."
)
@click.option(
    "--via-hosted-api", is_flag=True, help="It is reached through someone else's hosted API; no weights are held."
)
@click.option("--received-in-product", is_flag=True, help="The model came inside another licensee's product.")
@click.option(
    "--shows-attribution/--no-attribution", "shows_attribution", default=None, help="Whether the attribution is shown."
)
@click.option(
    "--ships-license/--no-license-copy", "ships_license", default=None, help="Whether the licence goes along."
)
@click.option("--ships-notice/--no-notice", "ships_notice", default=None, help="Whether the Notice file goes along.")
@click.option("--uses-marks", is_flag=True, help="Names or marks of the licensor are used beyond the required word.")
@click.option(
    "--purpose",
    "purposes",
    multiple=True,
    metavar="NAME",
    help="A purpose that the use policy bans; see `license purposes`.",
)
@click.option("--strict", is_flag=True, help="Open questions fail it as well: exit with 1 unless the answer is yes.")
@json_option
def check(*, id_: str, strict: bool, as_json: bool, **use: object) -> int:
    """What a licence asks of a use.

    Exits with 1 where the use breaches the licence. An answer that depends on what was not said is no breach: it is unclear, and
    exits with 0 unless --strict is given.
    """
    from llama4ref.facts import load
    from llama4ref.facts.queries.naming import id_meant
    from llama4ref.planning.licensing.obligations import check_use
    from llama4ref.planning.licensing.uses import Use

    catalog = load()
    report = check_use(catalog.license(id_meant(catalog, "licenses", id_)), Use(**use))  # type: ignore[arg-type]  # click has typed each option
    if as_json:
        echo_json({"verdict": report.verdict, **json_object(report)})
    else:
        echo(drawn(*_lines(report, catalog)))
    return 1 if report.verdict == "no" or (strict and report.verdict == "unclear") else 0


@command.command()
@click.option("--license", "id_", default=_DEFAULT, show_default=True, metavar="ID", help="Which licence.")
@json_option
def purposes(*, id_: str, as_json: bool) -> None:
    """Purposes that the use policy bans.

    Their names are those that `license check --purpose` takes.
    """
    from llama4ref.facts import load
    from llama4ref.facts.queries.naming import id_meant
    from llama4ref.planning.licensing.obligations import banned_purposes

    catalog = load()
    license_ = catalog.license(id_meant(catalog, "licenses", id_))
    clauses = license_.policy.clauses if license_.policy else {}
    banned = {name: clauses[name].says for name in banned_purposes(license_)}
    if as_json:
        echo_json(banned)
        return
    echo(drawn(pair_table(banned.items())))


def _lines(report: LicenseReport, catalog: Catalog) -> Iterator[RenderableType]:
    answers = {
        "no": "No: the use breaches it",
        "unclear": "Unclear: questions are open",
        "yes": "Yes, under the obligations below",
    }
    yield heading(f"{report.license}: {answers[report.verdict]}")
    if report.party:
        yield indented(f"The contract is with {report.party}", 0)
    for title, findings in (
        ("Breaches", report.breaches),
        ("Open questions", report.questions),
        ("Obligations", report.obligations),
        ("Rights", report.rights),
        ("Terms", report.terms),
    ):
        if findings:
            yield from section(title, _table(findings))
    for title, text in (("Attribution to show", report.attribution), ("Content of the Notice file", report.notice)):
        if text:
            yield from section(title, indented(text))
    sources = {
        catalog.cite(each.entity, each.field)[0].source.id
        for each in (*report.breaches, *report.obligations, *report.terms)
    }
    yield ""
    for id_ in sorted(sources):
        source = catalog.sources[id_]
        yield f"Source: {source.title}"
        if source.url:
            yield address(source.url, indent=2)
    yield indented(f"{report.disclaimer}.", 0)


def _table(findings: Sequence[Finding]) -> Table:
    """A row for each finding; many that apply for one reason share a row."""
    table = plain_table("clause", "what", wrap=("clause", "what"), show_header=False, narrow=22)
    together = {because: group for because, group in _by_reason(findings).items() if len(group) >= _MANY}
    for each in findings:
        group = together.get(each.because)
        if group is None:
            because = f"\nbecause {each.because}" if each.because and each.because != _ALWAYS else ""
            table.add_row(each.clause, f"{each.says}{because}")
        elif group[0] is each:
            table.add_row(f"{each.clause} to {group[-1].clause.rpartition(' ')[2]}",
                          f"{each.because}: {'; '.join(one.says for one in group)}")  # fmt: skip
    return table


def _by_reason(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for each in findings:
        if each.because != _ALWAYS:
            groups.setdefault(each.because, []).append(each)
    return groups
