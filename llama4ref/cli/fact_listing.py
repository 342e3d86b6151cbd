"""Lists: the kinds of facts, and the things of one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.cli.fact_lookup import kind_meant, kinds
from llama4ref.cli.printing import broken, drawn, echo, echo_json, is_screen, pair_table, plain_table, screen_width
from llama4ref.errors import UnknownNameError

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog

_WIDER_THAN_ANY_LINE = 400


def echo_overview(catalog: Catalog, *, as_json: bool) -> None:
    """Print how many things and facts there are of each kind."""
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


def echo_things(kind: str, catalog: Catalog, *, as_json: bool) -> None:
    """Print the things of a kind, on a line each where the output is no screen.

    Raises:
        UnknownNameError: for a kind that is not there.
    """
    by_kind, meant = kinds(catalog), kind_meant(kind, catalog)
    if meant is None:
        raise UnknownNameError("kind", kind, by_kind)
    entities = getattr(catalog, meant)
    names = {id_: str(_title(entities[id_])) for id_ in by_kind[meant]}
    if as_json:
        echo_json(names)
        return
    width = screen_width() if is_screen() else _WIDER_THAN_ANY_LINE
    echo(
        drawn(
            pair_table(
                (broken(id_, width * 3 // 5), broken(title, width * 2 // 5 - 1)) for id_, title in names.items()
            ),
            width=width,
        )
    )


def _title(entity: object) -> object:
    for name in ("name", "title", "repository"):
        if getattr(entity, name, None):
            return getattr(entity, name)
    return ""
