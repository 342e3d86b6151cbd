"""`llama4ref providers`: who serves it, with which limits, at what price, as of when."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import click

from llama4ref.cli.option_types import DAY, DOLLARS, TOKENS, today
from llama4ref.cli.printing import drawn, echo, echo_json, examples, json_option, section
from llama4ref.planning.offers.queries import SortKey, find_offers
from llama4ref.planning.offers.requirements import OfferQuery
from llama4ref.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from llama4ref.facts.catalog import Catalog
    from llama4ref.planning.offers.queries import FoundOffers


@click.command(
    "providers",
    epilog=examples(
        "llama4ref providers --model scout --min-context 300k --images",
        "llama4ref providers --active-on 2026-11-21 --max-price 0.5 --sort context",
    ),
)
@click.option("--model", metavar="NAME", help="scout or maverick.")
@click.option(
    "--min-context", type=TOKENS, metavar="TOKENS", help="Shortest context that is long enough, such as 300k."
)
@click.option("--min-output", type=TOKENS, metavar="TOKENS", help="Shortest reply limit that is long enough.")
@click.option("--images", is_flag=True, help="Must take images.")
@click.option("--tools", is_flag=True, help="Must take tools.")
@click.option("--json-schema", is_flag=True, help="Must follow a JSON schema.")
@click.option(
    "--active-on",
    "--as-of",
    type=DAY,
    metavar="DATE",
    help="Must not have ended by that day, such as 2026-11-21; today.",
)
@click.option(
    "--max-price", type=DOLLARS, metavar="DOLLARS", help="Most for a million tokens, three of prompt to one of reply."
)
@click.option("--sort", type=click.Choice(get_args(SortKey)), default="price", show_default=True, help="Order.")
@click.option("--all", "retired", is_flag=True, help="Ended offers too.")
@json_option
def command(*, sort: SortKey, as_json: bool, **wanted: object) -> int:
    """Who serves it, with which limits, at what price, as of when.

    Prices are US dollars for a million tokens. Where sources dispute a limit the lowest credible one counts, and of prices the
    highest; a star marks them. What does not disclose all that is asked for is no match, and is listed apart. Exits with 1 where
    nothing matches.
    """
    from llama4ref.cli.offer_table import offer_json
    from llama4ref.facts import load
    from llama4ref.facts.queries.naming import id_meant

    catalog = load()
    if isinstance(wanted["model"], str):
        wanted["model"] = id_meant(catalog, "models", wanted["model"])
    wanted["active_on"] = wanted["active_on"] or today()
    query = OfferQuery(**wanted)  # type: ignore[arg-type]  # click has typed each option
    found = find_offers(catalog, query, sort=sort)
    if as_json:
        echo_json(
            {
                "matching": [offer_json(each) for each in found.matching],
                "undisclosed": [offer_json(each) for each in found.undisclosed],
            }
        )
    else:
        echo(drawn(*_lines(catalog, found)))
    return 0 if found.matching else 1


def _lines(catalog: Catalog, found: FoundOffers) -> Iterator[RenderableType]:
    from llama4ref.cli.offer_table import dispute_lines, offer_table
    from llama4ref.cli.source_list import SourceList, source_lines

    if found.matching:
        yield from (offer_table(found.matching), "")
    yield f"{counted(len(found.matching), 'offer')} matching."
    if found.undisclosed:
        title = f"Might match, but not all that was asked for is disclosed ({len(found.undisclosed)})"
        yield from section(title, offer_table(found.undisclosed))
    sources = SourceList(catalog.sources)
    disputes = [*dispute_lines(catalog, (*found.matching, *found.undisclosed), sources)]
    if disputes:
        yield from (*section("Disputed", *disputes), *source_lines(sources))
