"""`llama4ref providers`: who serves it, with which limits, at what price, as of when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llama4ref.cli.printing import (
    broken,
    drawn,
    echo,
    echo_json,
    examples,
    indented,
    json_option,
    plain_table,
    screen_width,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from llama4ref.cli.offer_rows import OfferRow

SORTS = ("price", "context", "output", "name", "date")


@click.command(
    "providers",
    epilog=examples(
        "llama4ref providers --model scout --min-context 300k --images",
        "llama4ref providers --active-on 2026-11-21 --max-price 0.5 --sort context",
    ),
)
@click.option("--model", metavar="NAME", help="scout or maverick.")
@click.option("--min-context", metavar="TOKENS", help="Shortest context that is long enough, such as 300k.")
@click.option("--min-output", metavar="TOKENS", help="Shortest reply limit that is long enough.")
@click.option("--images", is_flag=True, help="Must take images.")
@click.option("--tools", is_flag=True, help="Must take tools.")
@click.option("--json-schema", is_flag=True, help="Must follow a JSON schema.")
@click.option("--active-on", metavar="DATE", help="Must not have ended by that day, such as 2026-11-21.")
@click.option(
    "--max-price", type=float, metavar="DOLLARS", help="Most for a million tokens, three of prompt to one of reply."
)
@click.option("--sort", type=click.Choice(SORTS), default="price", show_default=True, help="Order.")
@click.option("--all", "every", is_flag=True, help="Ended offers too.")
@json_option
def command(*, sort: str, as_json: bool, **wanted: object) -> int:
    """Who serves it, with which limits, at what price, as of when.

    Where sources dispute a limit the lowest credible one counts, and of prices the highest; a star marks them. Ability or limit
    that is not disclosed is no match. Exits with 1 where nothing matches.
    """
    from llama4ref.cli.offer_rows import Wanted, offer_rows
    from llama4ref.facts import load

    rows = offer_rows(load(), Wanted.of(wanted))
    rows.sort(key=_order(sort))
    if as_json:
        echo_json(rows)
    else:
        disputed = [f"* {row.provider}, {row.name}: {each}" for row in rows for each in row.disputes]
        echo(drawn(_table(rows), "", f"{len(rows)} offers.", *(indented(line, 0) for line in disputed)))
    return 0 if rows else 1


def _order(sort: str) -> Callable[[OfferRow], tuple[object, ...]]:
    orders: dict[str, Callable[[OfferRow], tuple[object, ...]]] = {
        "price": lambda row: (row.price is None, row.price or 0.0, row.provider),
        "context": lambda row: (-(row.context_tokens or 0), row.provider),
        "output": lambda row: (-(row.max_output_tokens or 0), row.provider),
        "name": lambda row: (row.provider, row.name),
        "date": lambda row: (tuple(-ord(letter) for letter in row.as_of), row.provider),
    }
    return orders[sort]


def _table(rows: list[OfferRow]) -> Table:
    width = screen_width()
    table = plain_table("provider", "model", "context", "reply", "in", "out", "takes", "as of",
                        right=("context", "reply", "in", "out"), wrap=("provider", "takes"))  # fmt: skip
    name_width = max(14, (width - 60) // 2)
    for row in rows:
        ended = "" if row.ended is None else f"\nends {row.ended}"
        table.add_row(
            f"{broken(row.provider, name_width)}{ended}",
            row.model,
            _figure(row.context_tokens, row, "context_tokens"),
            _figure(row.max_output_tokens, row, "max_output_tokens"),
            _figure(row.price_input, row, "price_input"),
            _figure(row.price_output, row, "price_output"),
            row.takes,
            row.as_of,
        )
    return table


def _figure(value: float | None, row: OfferRow, field: str) -> str:
    star = " *" if field in row.disputed else ""
    if value is None:
        return f"?{star}"
    return (f"{value:,}" if isinstance(value, int) else f"{value:g}") + star
