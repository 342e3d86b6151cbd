"""Published figures beside what follows from the facts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llama4ref.website.markup.field_values import number
from llama4ref.website.markup.html import Cell, Column, Row, code, escape, table
from llama4ref.website.tables.computed_tables import from_facts

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.claims import CheckedClaim
    from llama4ref.website.markup.page import Page

_VERDICTS = {True: "agrees", False: "differs", None: "nothing computes it"}


@functools.lru_cache(maxsize=1)
def checked(catalog: Catalog) -> tuple[CheckedClaim, ...]:
    """The catalogue's claims, computed once for all pages."""
    return catalog.claims()


def add_claims(page: Page, entity: str) -> None:
    """The section of one entity's claims, where it has any."""
    mine = [each for each in checked(page.catalog) if each.entity == entity]
    if mine:
        page.heading(2, "Published figures, checked", "claims")
        page.add(claim_table(page, mine, with_entity=False))


def claim_table(page: Page, claims: Sequence[CheckedClaim], *, with_entity: bool) -> str:
    """Claims as a table: as stated, as computed, and whether they agree at the precision stated."""
    columns = (
        *((Column(head="Of", filter="choice", cited=False),) if with_entity else ()),
        Column(head="About", cited=False),
        Column(head="Stated", numeric=True),
        Column(head="Computed", numeric=True),
        Column(head="Verdict", filter="choice", cited=False),
        Column(head="Remark", cited=False),
    )
    rows = [Row(cells=_cells(page, each, with_entity=with_entity)) for each in claims]
    return table("Published figures and what follows from the facts", columns, rows, sortable=len(rows) > 5)


def _cells(page: Page, checked: CheckedClaim, *, with_entity: bool) -> list[Cell]:
    claim, entity = checked.claim, checked.entity
    stated = page.facts(entity)[checked.field]
    verdict = _VERDICTS[checked.agrees]
    mark = f'<span class="verdict {verdict.split()[0]}">{verdict}</span>'
    return [
        *([Cell(page.entity(entity, entity), entity)] if with_entity else []),
        Cell(code(claim.about), claim.about),
        Cell(escape(claim.stated) + page.note(stated, brief=True), claim.figure),
        _computed_cell(page, checked),
        Cell(mark, verdict),
        Cell(escape(claim.note or "")),
    ]


def _computed_cell(page: Page, checked: CheckedClaim) -> Cell:
    if checked.computed is None:
        return Cell("—", "")
    note = from_facts(page, f"{code(checked.claim.about)} of {escape(checked.entity)}")
    return Cell(number(checked.computed) + note, checked.computed)
