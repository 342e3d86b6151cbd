"""`llama4ref facts`: look up, compare, cite, list disagreements, export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llama4ref.cli.changes_command import changes
from llama4ref.cli.fact_listing import echo_overview, echo_things
from llama4ref.cli.option_types import DAY
from llama4ref.cli.printing import (
    broken,
    drawn,
    echo,
    echo_json,
    examples,
    heading,
    indented,
    json_option,
    plain_table,
    screen_width,
)
from llama4ref.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType

    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.queries.comparing import LeafOf
    from llama4ref.facts.types.sources import Provenance


_OTHER_COLUMNS = 38
"""Columns of the timeline beside what happened."""


class Lookup(click.Group):
    """A group that takes what is no command as the name of a thing to look up."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was typed, or `show`."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return "show", self.commands["show"], args
        return super().resolve_command(ctx, args)


@click.group(
    "facts",
    cls=Lookup,
    invoke_without_command=True,
    subcommand_metavar="NAME [FIELD] | COMMAND",
    epilog=examples(
        "llama4ref facts scout",
        "llama4ref facts models/scout text.layers",
        "llama4ref facts compare scout maverick",
        "llama4ref facts list checkpoints",
    ),
)
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """Look up, compare, cite and export facts."""
    if ctx.invoked_subcommand is None:
        echo_overview(_catalog(), as_json=as_json)


@command.command()
@click.argument("name")
@click.argument("field", required=False)
@click.option("--cite", is_flag=True, help="Every source of every fact in full.")
@json_option
def show(*, name: str, field: str | None, cite: bool, as_json: bool) -> None:
    """Look up a thing, or one of its facts. `show` itself may be left out."""
    from llama4ref.cli.fact_lookup import entity_meant, fields_of, kind_meant

    catalog = _catalog()
    if field is None and kind_meant(name, catalog) is not None:
        echo_things(name, catalog, as_json=as_json)
        return
    entity = entity_meant(name, catalog)
    if entity.startswith("sources/"):
        _show_source(entity.partition("/")[2], catalog, as_json=as_json)
        return
    leaves = fields_of(entity, field, catalog)
    if as_json:
        from llama4ref.rendering.catalog_exports import facts_with_sources

        echo_json(facts_with_sources(catalog, [(entity, leaves)]))
    elif cite or set(leaves) == {field}:
        from llama4ref.cli.fact_tables import citations_in_full

        echo("\n\n".join(drawn(*citations_in_full(entity, path, leaf)) for path, leaf in leaves.items()))
    else:
        _show_entity(entity, leaves, catalog)


@command.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--all", "every", is_flag=True, help="Fields that are the same too.")
@json_option
def compare(*, names: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Lay models, checkpoints, providers or accelerators side by side. A star marks what sources dispute.

    Published claims are left out, as no two things have the same ones; `llama4ref facts claims` has them.
    """
    from llama4ref.cli.fact_lookup import entity_meant
    from llama4ref.cli.fact_tables import comparison_table, computed_side_by_side
    from llama4ref.facts.queries.comparing import compared

    catalog = _catalog()
    entities = [entity_meant(name, catalog) for name in names]
    fields = compared(catalog, entities, only_differences=not every)
    rows = [row for row in fields if not row.field.startswith("claims.")]
    computed = computed_side_by_side(catalog, entities, every=every)
    if as_json:
        values = {row.field: {"values": row.values, "disputed": row.disputed} for row in rows}
        echo_json({"entities": entities, "fields": values, "computed": computed})
    else:
        echo(drawn(comparison_table([entity.partition("/")[2] for entity in entities], rows, computed)))


@command.command()
@click.argument("name", required=False)
@click.option("--credible", is_flag=True, help="Only where a word that disagrees is not doubted.")
@json_option
def disagreements(*, name: str | None, credible: bool, as_json: bool) -> None:
    """What sources say differently, and which is preferred, and why."""
    from llama4ref.cli.fact_tables import dispute
    from llama4ref.facts.queries import comparing

    catalog = _catalog()
    found = comparing.disagreements(catalog, _entity(name, catalog), credible=credible)
    if as_json:
        _echo_leaves(catalog, found)
    else:
        parts = [part for each in found for part in dispute(each)]
        echo(drawn(*_ended(parts, f"{counted(len(found), 'fact')} disputed by sources.")))


@command.command()
@click.argument("name", required=False)
@json_option
def unknown(*, name: str | None, as_json: bool) -> None:
    """What is recorded as not published."""
    from llama4ref.facts.queries.comparing import unknowns

    catalog = _catalog()
    found = unknowns(catalog, _entity(name, catalog))
    if as_json:
        _echo_leaves(catalog, found)
        return
    parts = [
        part for entity, leaves in _by_entity(found).items() for part in (heading(entity), indented(", ".join(leaves)))
    ]
    echo(drawn(*_ended(parts, f"{counted(len(found), 'fact')} recorded as unknown.")))


@command.command()
@json_option
def claims(*, as_json: bool) -> int:
    """Published figures beside what follows from the facts. Exits with 1 where one disagrees without a note."""
    from llama4ref.cli.claim_table import claim_tables, unexplained

    checked = _catalog().claims()
    if as_json:
        echo_json(checked)
    else:
        echo(drawn(*claim_tables(checked)))
    return 1 if unexplained(checked) else 0


@command.command()
@json_option
def errata(*, as_json: bool) -> None:
    """What public catalogues and pages get wrong, with ours and the proof."""
    from llama4ref.cli.errata_lines import erratum_lines

    catalog = _catalog()
    checked = catalog.checked_errata()
    if as_json:
        echo_json(checked)
        return
    echo(drawn(*(part for each in checked for part in erratum_lines(each, catalog)), "", f"{len(checked)} errata."))


@command.command()
@click.option("--model", metavar="NAME", help="Only what is about scout, maverick or behemoth.")
@click.option("--since", type=DAY, metavar="DATE", help="First day, such as 2025-04-05.")
@click.option("--until", type=DAY, metavar="DATE", help="Last day.")
@json_option
def timeline(*, model: str | None, since: str | None, until: str | None, as_json: bool) -> None:
    """What happened to the models, their checkpoints and the offers of them, oldest first."""
    from llama4ref.facts.queries import timeline as events
    from llama4ref.facts.queries.naming import id_meant

    catalog = _catalog()
    about = None if model is None else id_meant(catalog, "models", model)
    found = events.timeline(catalog, model=about, since=since, until=until)
    if as_json:
        echo_json(found)
        return
    table = plain_table("day", "what", "about", wrap=("what", "about"))
    for each in found:
        what = broken(each.what, screen_width() - _OTHER_COLUMNS)
        table.add_row(each.day, what + (" (contested)" if each.contested else ""), ", ".join(each.about))
    echo(drawn(table))


@command.command(
    epilog=examples("llama4ref facts export scout --format csv > scout.csv", "llama4ref facts export --format litellm")
)
@click.argument("name", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "csv", "models-dev", "litellm"]),
    help="What to print, JSON where nothing is said: facts as json or csv, offers as models-dev or litellm.",
)
@json_option
def export(*, name: str | None, form: str | None, as_json: bool) -> None:
    """Print all facts with their sources, or those of one thing; or offers, of all models or of one."""
    from llama4ref.planning.offers.requirements import OfferQuery
    from llama4ref.rendering.catalog_exports import export_catalog

    if as_json and form in {"csv", "models-dev"}:
        raise click.UsageError(f"--json and --format {form} contradict each other; leave one of them out")
    catalog = _catalog()
    query, entity = None, _entity(name, catalog)
    if entity is not None and form in {"models-dev", "litellm"}:
        kind, _, id_ = entity.partition("/")
        if kind != "models":
            raise click.UsageError(f"--format {form} holds the offers of models; name a model instead of {entity}")
        query = OfferQuery(model=id_)
    text = export_catalog(catalog, form or "json", entities=entity and [entity], query=query)
    echo(text.rstrip("\n"))


@command.command("list")
@click.argument("kind", required=False)
@json_option
def list_(*, kind: str | None, as_json: bool) -> None:
    """What there is of a kind: models, checkpoints, formats, accelerators, engines, providers, sources …."""
    if kind is None:
        echo_overview(_catalog(), as_json=as_json)
    else:
        echo_things(kind, _catalog(), as_json=as_json)


command.add_command(changes)


def _catalog() -> Catalog:
    from llama4ref.facts import load

    return load()


def _entity(name: str | None, catalog: Catalog) -> str | None:
    """The entity that is meant, None where none is named; sources, which have no facts, are refused."""
    from llama4ref.cli.fact_lookup import entity_meant

    if name is None:
        return None
    entity = entity_meant(name, catalog)
    if entity not in catalog.provenance:
        raise click.UsageError(f"{entity} is a source and has no facts of its own; `llama4ref facts {entity}` shows it")
    return entity


def _ended(parts: Sequence[RenderableType], count: str) -> tuple[RenderableType, ...]:
    """An answer with its count at the end, apart from what stands before it."""
    return (*parts, "", count) if parts else (count,)


def _by_entity(found: Iterable[LeafOf]) -> dict[str, dict[str, Provenance]]:
    facts: dict[str, dict[str, Provenance]] = {}
    for each in found:
        facts.setdefault(each.entity, {})[each.field] = each.leaf
    return facts


def _echo_leaves(catalog: Catalog, found: Iterable[LeafOf]) -> None:
    from llama4ref.rendering.catalog_exports import facts_with_sources

    echo_json(facts_with_sources(catalog, _by_entity(found).items()))


def _show_source(id_: str, catalog: Catalog, *, as_json: bool) -> None:
    from llama4ref.cli.fact_tables import source_lines_in_full

    if as_json:
        echo_json(catalog.sources[id_])
    else:
        echo(drawn(*source_lines_in_full(catalog.sources[id_])))


def _show_entity(entity: str, leaves: Mapping[str, Provenance], catalog: Catalog) -> None:
    from llama4ref.cli.fact_tables import entity_table
    from llama4ref.cli.source_list import SourceList, source_lines

    sources = SourceList(catalog.sources)
    table = entity_table(leaves, sources)
    echo(drawn(entity, "", table, *source_lines(sources)))
