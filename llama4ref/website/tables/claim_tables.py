"""Published figures beside what follows from the facts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llama4ref.website.markup.field_values import number
from llama4ref.website.markup.html import Cell, Column, Row, code, escape, table

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.claims import CheckedClaim
    from llama4ref.website.markup.drafting import Draft

_VERDICTS = {True: "agrees", False: "differs", None: "nothing computes it"}


@functools.lru_cache(maxsize=1)
def checked(catalog: Catalog) -> tuple[CheckedClaim, ...]:
    """The catalogue's claims, computed once for all pages."""
    return catalog.claims()


def add_claims(draft: Draft, entity: str) -> None:
    """The section of one entity's claims, where it has any."""
    mine = [each for each in checked(draft.catalog) if each.entity == entity]
    if mine:
        draft.heading(2, "Published figures, checked", "claims")
        draft.add(claim_table(draft, mine, with_entity=False))


def claim_table(draft: Draft, claims: Sequence[CheckedClaim], *, with_entity: bool) -> str:
    """Claims as a table: as stated, as computed, and whether they agree at the precision stated."""
    columns = (
        *((Column(head="Of", filter="choice"),) if with_entity else ()),
        Column(head="About"),
        Column(head="Stated", numeric=True),
        Column(head="Computed", numeric=True),
        Column(head="Verdict", filter="choice"),
        Column(head="Remark"),
    )
    rows = [Row(cells=_cells(draft, each, with_entity=with_entity)) for each in claims]
    return table("Published figures and what follows from the facts", columns, rows, sortable=len(rows) > 5)


def _cells(draft: Draft, checked: CheckedClaim, *, with_entity: bool) -> list[Cell]:
    claim, entity = checked.claim, checked.entity
    leaf = draft.provenance(entity, checked.field)
    computed = "" if checked.computed is None else number(checked.computed)
    verdict = _VERDICTS[checked.agrees]
    mark = f'<span class="verdict {verdict.split()[0]}">{verdict}</span>'
    return [
        *([Cell(draft.entity(entity, entity), entity)] if with_entity else []),
        Cell(code(claim.about), claim.about),
        Cell(escape(claim.stated) + draft.notes.of(leaf, brief=True), claim.figure),
        Cell(computed or "—", checked.computed if checked.computed is not None else ""),
        Cell(mark, verdict),
        Cell(escape(claim.note or "")),
    ]
