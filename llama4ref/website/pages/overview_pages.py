"""Pages across all entities: questions, disagreements, unknowns, claims, errata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llama4ref.facts.audit.errata_checking import checked_errata
from llama4ref.facts.queries.comparing import disagreements, unknowns
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.website.markup.field_values import shown, unit_of
from llama4ref.website.markup.html import Cell, Column, Row, bullets, code, escape, table
from llama4ref.website.markup.links import home_of, relative
from llama4ref.website.markup.page import Page
from llama4ref.website.pages.question_page import question_page
from llama4ref.website.tables.claim_tables import checked, claim_table
from llama4ref.website.tables.leaf_tables import leaf_title
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.queries.comparing import LeafOf
    from llama4ref.facts.types.errata import CheckedErratum, Reference
    from llama4ref.facts.types.sources import Citation

_STATES = {"there": "still there", "corrected": "corrected", "unknown": "unknown"}
"""Whether a wrong value still stands where it was read."""


def overview_pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The pages, by path."""
    yield "questions.md", question_page(catalog)
    yield "disagreements.md", _disagreements(catalog)
    yield "unknowns.md", _unknowns(catalog)
    yield "claims.md", _claims(catalog)
    yield "errata.md", _errata(catalog)


def _disagreements(catalog: Catalog) -> str:
    found = disagreements(catalog)
    page = Page(
        catalog, "disagreements.md", title="Disagreements", description="Every value that sources dispute: all of them, and why one is preferred.",
        boost=1.5, hide=("toc",),
    )  # fmt: skip
    page.add(
        f"{counted(len(found), 'value')} in this catalogue are disputed. All values are kept, one is preferred, and the reason is said; "
        "the link of a fact leads to the sources of each word."
    )
    columns = (
        Column(head="Fact"),
        Column(head="Kind", filter="choice", cited=False),
        Column(head="Preferred"),
        Column(head="Others say"),
        Column(head="Why the preferred one", cited=False),
    )
    page.add(
        table("Values that sources dispute", columns, [_disputed_row(page, each) for each in found], sortable=True)
    )
    return page.finished()


def _disputed_row(page: Page, each: LeafOf) -> Row:
    """A disputed value in words; its link leads to the sources of each word."""
    home, _ = home_of(page.catalog, each.entity)
    kind, _, id_ = each.entity.partition("/")
    href = relative(page.path, home, f"disputed-{id_}.{each.field}")
    name = f"{id_}: {leaf_title(page, each.entity, each.field)}"
    others = [_word(page, word, each.field) + (" (not believed)" if word.doubt else "") for word in each.others]
    return Row(
        cells=(
            Cell(f'<a href="{href}">{escape(name)}</a>', name),
            Cell(kind, kind),
            Cell(_word(page, each.preferred, each.field)),
            Cell("<br>".join(others)),
            Cell(escape(each.leaf.because or "")),
        )
    )


def _word(page: Page, word: Citation, field: str) -> str:
    return f"{escape(shown(word.value, field))}, <i>{escape(word.source.publisher)}</i>{page.notes.source(word.source)}"


def _unknowns(catalog: Catalog) -> str:
    page = Page(
        catalog,
        "unknowns.md",
        title="Unknowns",
        description="What nobody has published about Llama 4, as far as was found.",
        boost=1.5,
        hide=("toc",),
    )
    by_entity: dict[str, list[str]] = {}
    for each in unknowns(catalog):
        by_entity.setdefault(each.entity, []).append(each.field)
    page.add(
        f"{counted(sum(map(len, by_entity.values())), 'value')} are recorded as unknown: looked for, and not published. "
        "Nothing is guessed in their place."
    )
    columns = (
        Column(head="Of"),
        Column(head="Kind", filter="choice", cited=False),
        Column(head="Unknown", cited=False),
        Column(head="Facts", numeric=True, filter="least", cited=False),
    )
    rows = [_unknown_row(page, entity, fields) for entity, fields in by_entity.items()]
    page.add(table("What is not published", columns, rows, sortable=True))
    for family in catalog.families.values():
        page.heading(2, f"What the developer of {family.name} does not say", family.id)
        note = page.note(page.facts(f"families/{family.id}")["undisclosed"])
        page.add(bullets(escape(item) + note for item in family.undisclosed))
    return page.finished()


def _unknown_row(page: Page, entity: str, fields: Sequence[str]) -> Row:
    kind = entity.partition("/")[0]
    times = Counter(_general(field) for field in fields)
    words = ", ".join(code(field) + (f" x {count}" if count > 1 else "") for field, count in times.items())
    return Row(
        cells=(
            Cell(page.entity(entity, entity), entity),
            Cell(kind, kind),
            Cell(words),
            Cell(str(len(fields)), len(fields)),
        )
    )


def _general(path: str) -> str:
    """A path without the numbers of list entries."""
    return ".".join(part for part in path.split(".") if not part.isdecimal())


def _claims(catalog: Catalog) -> str:
    claims = checked(catalog)
    counts = Counter(each.agrees for each in claims)
    page = Page(
        catalog,
        "claims.md",
        title="Published figures, checked",
        description="Figures that others publish beside what follows from the facts.",
        boost=1.5,
        hide=("toc",),
    )
    page.add(
        f"{counted(len(claims), 'published figure')} about things that can be computed: {counts[True]} agree at the precision they are stated in, "
        f"{counts[False]} differ, and nothing computes {counts[None]}."
    )
    page.add(claim_table(page, claims, with_entity=True))
    return page.finished()


def _errata(catalog: Catalog) -> str:
    found = checked_errata(catalog)
    page = Page(
        catalog,
        "errata.md",
        title="Errata",
        description="What public catalogues and pages get wrong about Llama 4, with the proof.",
        boost=1.5,
        hide=("toc",),
    )
    page.add(
        f"{counted(len(found), 'wrong value')} that public catalogues, tools and pages state about Llama 4, each beside ours. "
        "The proof is computed from cited facts whenever the site is built; the date says when the wrong value was last seen."
    )
    columns = (
        Column(head="Claim"),
        Column(head="Model", filter="choice", cited=False),
        Column(head="Printed", numeric=True),
        Column(head="Ours", numeric=True),
        Column(head="Why", cited=False),
        Column(head="Last read"),
        Column(head="State", filter="choice"),
    )
    page.add(table("Errata", columns, [_erratum_row(page, each) for each in found], sortable=True))
    return page.finished()


def _erratum_row(page: Page, checked: CheckedErratum) -> Row:
    each = checked.erratum
    said = page.facts(f"errata/{each.id}")["said"]
    right = "not published" if checked.right is UNKNOWN else shown(checked.right)
    state = str(each.said.status)
    return Row(
        anchor=each.id,
        cells=(
            Cell(escape(each.title)),
            Cell(each.model or "any", each.model or "any"),
            Cell(escape(each.said.printed) + page.note(said["printed"])),
            Cell(f"{escape(right)}{_unit(each.ours)}{_proof(page, each.ours)}"),
            Cell(escape(each.why) + (f" <br><small class='hint'>{escape(each.note)}</small>" if each.note else "")),
            page.cell(said["checked"]),
            Cell(_STATES[state] + page.note(said["status"], brief=True), state),
        ),
    )


def _unit(ours: Reference) -> str:
    unit = unit_of(ours.quantity or ours.field or "")
    return f" {escape(unit)}" if unit else ""


def _proof(page: Page, ours: Reference) -> str:
    if ours.quantity is not None:
        return page.notes.computed(f"{code(ours.quantity)} of {page.entity(ours.entity, ours.entity)}")
    return page.note(page.facts(ours.entity)[ours.field or ""])
