"""`llama4ref facts`: look up, compare, cite, list disagreements, export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llama4ref.cli.printing import drawn, echo, echo_json, examples, heading, indented, json_option, plain_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.sources import Provenance


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
        _overview(as_json=as_json)


@command.command()
@click.argument("name")
@click.argument("field", required=False)
@click.option("--cite", is_flag=True, help="Every source of every fact in full.")
@json_option
def show(*, name: str, field: str | None, cite: bool, as_json: bool) -> None:
    """Look up a thing, or one of its facts. `show` itself may be left out."""
    from llama4ref.cli.fact_lookup import entity_called, fields_of, kinds

    catalog = _catalog()
    if name in kinds(catalog) and field is None:
        _list(name, catalog, as_json=as_json)
        return
    entity = entity_called(name, catalog)
    if entity.startswith("sources/"):
        _show_source(entity.partition("/")[2], catalog, as_json=as_json)
        return
    leaves = fields_of(entity, field, catalog)
    if as_json:
        from llama4ref.cli.fact_export import leaves_json

        echo_json({"entity": entity, "facts": leaves_json(leaves)})
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
    """Lay models, checkpoints, providers or accelerators side by side. A star marks what sources dispute."""
    from llama4ref.cli.fact_lookup import entity_called
    from llama4ref.cli.fact_tables import compared, comparison_table

    catalog = _catalog()
    entities = [entity_called(name, catalog) for name in names]
    found = {entity.partition("/")[0] for entity in entities}
    if len(entities) < 2 or len(found) > 1 or "sources" in found:
        raise click.UsageError(f"compare takes at least two things of one kind, found {', '.join(entities)}")
    rows = compared(entities, catalog, every=every)
    if as_json:
        echo_json({"entities": entities, "fields": rows})
    else:
        echo(drawn(comparison_table([entity.partition("/")[2] for entity in entities], rows)))


@command.command()
@click.argument("name", required=False)
@json_option
def disagreements(*, name: str | None, as_json: bool) -> None:
    """What sources say differently, and which is preferred, and why."""
    from llama4ref.cli.fact_tables import dispute

    catalog = _catalog()
    found = [(entity, path, leaf) for entity, path, leaf in _leaves(catalog, name) if leaf.disputed]
    if as_json:
        _echo_leaves(found)
        return
    parts = [part for each in found for part in dispute(*each)]
    echo(drawn(*parts, "", f"{len(found):,} facts are disputed."))


@command.command()
@click.argument("name", required=False)
@json_option
def unknown(*, name: str | None, as_json: bool) -> None:
    """What is recorded as not published."""
    catalog = _catalog()
    found = [(entity, path, leaf) for entity, path, leaf in _leaves(catalog, name) if leaf.state == "unknown"]
    if as_json:
        _echo_leaves(found)
        return
    by_entity: dict[str, list[str]] = {}
    for entity, path, _ in found:
        by_entity.setdefault(entity, []).append(path)
    parts = [part for entity, paths in by_entity.items() for part in (heading(entity), indented(", ".join(paths)))]
    echo(drawn(*parts, "", f"{len(found):,} facts are recorded as unknown."))


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
    from llama4ref.facts.errata_checking import checked_errata

    catalog = _catalog()
    checked = checked_errata(catalog)
    if as_json:
        echo_json(checked)
        return
    echo(drawn(*(part for each in checked for part in erratum_lines(each, catalog)), "", f"{len(checked)} errata."))


@command.command()
@json_option
def timeline(*, as_json: bool) -> None:
    """What happened to the models and to the offers of them, oldest first."""
    from llama4ref.cli.timeline import happenings

    found = happenings(_catalog())
    if as_json:
        echo_json(found)
        return
    table = plain_table("day", "what", "about", wrap=("what", "about"))
    for each in found:
        table.add_row(each.day, each.what + (" (contested)" if each.contested else ""), ", ".join(each.about))
    echo(drawn(table))


@command.command()
@click.argument("name", required=False)
@click.option(
    "--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True, help="What to print."
)
@json_option
def export(*, name: str | None, form: str, as_json: bool) -> None:
    """Print all facts, or those of one thing, with their sources."""
    from llama4ref.cli.fact_export import export_csv, export_json
    from llama4ref.cli.fact_lookup import entity_called

    catalog = _catalog()
    entities = list(catalog.provenance) if name is None else [entity_called(name, catalog)]
    if form == "csv" and not as_json:
        click.echo(export_csv(catalog, entities), nl=False)
    else:
        echo_json(export_json(catalog, entities))


@command.command("list")
@click.argument("kind", required=False)
@json_option
def list_(*, kind: str | None, as_json: bool) -> None:
    """What there is of a kind: models, checkpoints, formats, accelerators, engines, providers, sources …."""
    if kind is None:
        _overview(as_json=as_json)
    else:
        _list(kind, _catalog(), as_json=as_json)


def _catalog() -> Catalog:
    from llama4ref.facts import load

    return load()


def _leaves(catalog: Catalog, name: str | None) -> Iterator[tuple[str, str, Provenance]]:
    from llama4ref.cli.fact_lookup import entity_called

    entities = list(catalog.provenance) if name is None else [entity_called(name, catalog)]
    for entity in entities:
        for path, leaf in catalog.provenance[entity].items():
            yield entity, path, leaf


def _echo_leaves(found: Sequence[tuple[str, str, Provenance]]) -> None:
    from llama4ref.cli.fact_export import leaf_json

    echo_json([{"entity": entity, "field": path, **leaf_json(leaf)} for entity, path, leaf in found])


def _overview(*, as_json: bool) -> None:
    from llama4ref.cli.fact_lookup import kinds

    catalog = _catalog()
    by_kind = kinds(catalog)
    counted = {
        kind: sum(len(catalog.provenance.get(f"{kind}/{id_}", ())) for id_ in ids) for kind, ids in by_kind.items()
    }
    if as_json:
        echo_json({kind: {"entities": len(ids), "facts": counted[kind]} for kind, ids in by_kind.items()})
        return
    table = plain_table("kind", "things", "facts", right=("things", "facts"))
    for kind, ids in by_kind.items():
        table.add_row(kind, f"{len(ids):,}", f"{counted[kind]:,}" if counted[kind] else "")
    echo(drawn(table, "", "List them with: llama4ref facts list KIND"))


def _list(kind: str, catalog: Catalog, *, as_json: bool) -> None:
    from llama4ref.cli.fact_lookup import kinds
    from llama4ref.errors import UnknownNameError

    by_kind = kinds(catalog)
    if kind not in by_kind:
        raise UnknownNameError("kind", kind, by_kind)
    entities = getattr(catalog, kind)
    names = {id_: str(_title(entities[id_])) for id_ in by_kind[kind]}
    if as_json:
        echo_json(names)
        return
    table = plain_table("id", "name", wrap=("name",))
    for id_, title in names.items():
        table.add_row(id_, title)
    echo(drawn(table))


def _title(entity: object) -> object:
    for name in ("name", "title", "repository"):
        if getattr(entity, name, None):
            return getattr(entity, name)
    return ""


def _show_source(id_: str, catalog: Catalog, *, as_json: bool) -> None:
    from llama4ref.cli.fact_tables import source_table

    if as_json:
        echo_json(catalog.sources[id_])
    else:
        echo(drawn(source_table(catalog.sources[id_])))


def _show_entity(entity: str, leaves: Mapping[str, Provenance], catalog: Catalog) -> None:
    from llama4ref.cli.fact_tables import entity_table
    from llama4ref.cli.source_list import SourceList, source_lines

    sources = SourceList(catalog.sources)
    table = entity_table(leaves, sources)
    echo(drawn(entity, "", table, *source_lines(sources)))
