"""Published figures beside what follows from the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.cli.printing import broken, heading, plain_table
from llama4ref.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from llama4ref.facts.types.claims import CheckedClaim

_NAME_WIDTH = 30


def unexplained(checked: Iterable[CheckedClaim]) -> tuple[CheckedClaim, ...]:
    """Claims that disagree with what is computed, and no note says why."""
    return tuple(each for each in checked if each.agrees is False and not each.claim.note)


def claim_tables(checked: Iterable[CheckedClaim]) -> Iterator[RenderableType]:
    """A table for each thing that claims are about, and a count at the end."""
    by_entity: dict[str, list[CheckedClaim]] = {}
    for each in checked:
        by_entity.setdefault(each.entity, []).append(each)
    for entity, claims in by_entity.items():
        yield from (heading(entity), _table(claims), "")
    every = [each for claims in by_entity.values() for each in claims]
    agreeing, open_ = sum(each.agrees is True for each in every), sum(each.agrees is None for each in every)
    yield f"{len(every):,} claims: {agreeing:,} agree, {len(every) - agreeing - open_:,} do not, {open_:,} cannot be computed."


def _table(claims: Iterable[CheckedClaim]) -> Table:
    table = plain_table("quantity", "stated", "computed", "agrees", "note",
                        right=("stated", "computed"), wrap=("quantity", "computed", "note"), narrow=_NAME_WIDTH)  # fmt: skip
    for each in claims:
        computed = "unknown" if each.computed is None else shown(each.computed)
        verdict = "" if each.agrees is None else "yes" if each.agrees else "no"
        table.add_row(
            broken(each.claim.about, _NAME_WIDTH), each.claim.stated, computed, verdict, each.claim.note or ""
        )
    return table
