"""Pages across all entities: disagreements, unknowns, claims, errata, retirements, pictures of the offers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.audit.errata_checking import checked_errata
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.website.markup.drafting import Draft
from llama4ref.website.markup.field_values import shown, unit_of
from llama4ref.website.markup.html import Cell, Column, Row, bullets, code, escape, table
from llama4ref.website.markup.links import home_of, relative
from llama4ref.website.pages.question_page import question_page
from llama4ref.website.tables.claim_tables import checked, claim_table
from llama4ref.website.tables.leaf_tables import spoken
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.errata import CheckedErratum, Reference
    from llama4ref.facts.types.sources import Provenance


def overview_pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The pages, by path."""
    yield "questions.md", question_page(catalog)
    yield "disagreements.md", _disagreements(catalog)
    yield "unknowns.md", _unknowns(catalog)
    yield "claims.md", _claims(catalog)
    yield "errata.md", _errata(catalog)


def _disputed(catalog: Catalog) -> Iterator[tuple[str, str, Provenance]]:
    for entity, leaves in catalog.provenance.items():
        for path, leaf in leaves.items():
            if leaf.disputed:
                yield entity, path, leaf


def _disagreements(catalog: Catalog) -> str:
    found = list(_disputed(catalog))
    draft = Draft(
        catalog, "disagreements.md", title="Disagreements", description="Every value that sources dispute: all of them, and why one is preferred.",
        boost=1.5, hide=("toc",),
    )  # fmt: skip
    draft.add(
        f"{counted(len(found), 'value')} in this catalogue are disputed. All values are kept, one is preferred, and the reason is said; "
        "the link of a fact leads to the sources of each word."
    )
    columns = (
        Column(head="Fact"),
        Column(head="Kind", filter="choice"),
        Column(head="Preferred"),
        Column(head="Others say"),
        Column(head="Why the preferred one"),
    )
    rows = []
    for entity, path, leaf in found:
        page, _ = home_of(catalog, entity)
        href = relative(draft.path, page, f"disputed-{entity.partition('/')[2]}.{path}")
        kind, _, id_ = entity.partition("/")
        words = f"{id_}: {spoken(draft, entity, path)}"
        others = [
            f"{escape(shown(each.value, path))}, <i>{escape(each.source.publisher)}</i>"
            + (" (not believed)" if each.doubt else "")
            for each in leaf.citations
            if not each.agrees
        ]
        rows.append(
            Row(
                cells=(
                    Cell(f'<a href="{href}">{escape(words)}</a>', words),
                    Cell(kind, kind),
                    Cell(
                        escape(shown(leaf.citations[0].value, path) if leaf.state == "known" else leaf.state)
                        + f", <i>{escape(leaf.citations[0].source.publisher)}</i>"
                    ),
                    Cell("<br>".join(others)),
                    Cell(escape(leaf.because or "")),
                )
            )
        )
    draft.add(table("Values that sources dispute", columns, rows, sortable=True))
    return draft.finished()


def _unknowns(catalog: Catalog) -> str:
    draft = Draft(
        catalog,
        "unknowns.md",
        title="Unknowns",
        description="What nobody has published about Llama 4, as far as was found.",
        boost=1.5,
        hide=("toc",),
    )
    found = [
        (entity, path)
        for entity, leaves in catalog.provenance.items()
        for path, leaf in leaves.items()
        if leaf.state == "unknown"
    ]
    draft.add(
        f"{counted(len(found), 'value')} are recorded as unknown: looked for, and not published. Nothing is guessed in their place."
    )
    columns = (
        Column(head="Of"),
        Column(head="Kind", filter="choice"),
        Column(head="Unknown"),
        Column(head="Facts", numeric=True, filter="least"),
    )
    entities = dict.fromkeys(entity for entity, _ in found)
    rows = [_unknown_row(draft, entity, [path for each, path in found if each == entity]) for entity in entities]
    draft.add(table("What is not published", columns, rows, sortable=True))
    for family in catalog.families.values():
        draft.heading(2, f"What the developer of {family.name} does not say", family.id)
        note = draft.notes.of(draft.provenance(f"families/{family.id}", "undisclosed"))
        draft.add(bullets(escape(item) + note for item in family.undisclosed))
    return draft.finished()


def _unknown_row(draft: Draft, entity: str, paths: list[str]) -> Row:
    kind = entity.partition("/")[0]
    counted = Counter(_general(path) for path in paths)
    words = ", ".join(code(path) + (f" x {count}" if count > 1 else "") for path, count in counted.items())
    return Row(
        cells=(
            Cell(draft.entity(entity, entity), entity),
            Cell(kind, kind),
            Cell(words),
            Cell(str(len(paths)), len(paths)),
        )
    )


def _general(path: str) -> str:
    return ".".join(part for part in path.split(".") if not part.isdecimal())


def _claims(catalog: Catalog) -> str:
    claims = checked(catalog)
    counts = Counter(each.agrees for each in claims)
    draft = Draft(
        catalog,
        "claims.md",
        title="Published figures, checked",
        description="Figures that others publish beside what follows from the facts.",
        boost=1.5,
        hide=("toc",),
    )
    draft.add(
        f"{counted(len(claims), 'published figure')} about things that can be computed: {counts[True]} agree at the precision they are stated in, "
        f"{counts[False]} differ, and nothing computes {counts[None]}."
    )
    draft.add(claim_table(draft, claims, with_entity=True))
    return draft.finished()


def _errata(catalog: Catalog) -> str:
    found = checked_errata(catalog)
    draft = Draft(
        catalog,
        "errata.md",
        title="Errata",
        description="What public catalogues and pages get wrong about Llama 4, with the proof.",
        boost=1.5,
        hide=("toc",),
    )
    draft.add(
        f"{counted(len(found), 'wrong value')} that public catalogues, tools and pages state about Llama 4, each beside ours. "
        "The proof is computed from cited facts whenever the site is built; the date says when the wrong value was last seen."
    )
    columns = (
        Column(head="Claim"),
        Column(head="Model", filter="choice"),
        Column(head="Printed", numeric=True),
        Column(head="Ours", numeric=True),
        Column(head="Why"),
        Column(head="Last read"),
        Column(head="State", filter="choice"),
    )
    draft.add(table("Errata", columns, [_erratum_row(draft, each) for each in found], sortable=True))
    return draft.finished()


def _erratum_row(draft: Draft, checked: CheckedErratum) -> Row:
    each = checked.erratum
    entity = f"errata/{each.id}"
    said = draft.notes.of(draft.provenance(entity, "said.printed"))
    right = "not published" if checked.right is UNKNOWN else shown(checked.right)
    state = str(each.said.status)
    return Row(
        anchor=each.id,
        cells=(
            Cell(escape(each.title)),
            Cell(each.model or "any", each.model or "any"),
            Cell(escape(each.said.printed) + said),
            Cell(f"{escape(right)}{_unit(each.ours)}{_proof(draft, each.ours)}"),
            Cell(escape(each.why) + (f" <br><small class='hint'>{escape(each.note)}</small>" if each.note else "")),
            Cell(each.said.checked, each.said.checked),
            Cell({"there": "still there", "corrected": "corrected", "unknown": "unknown"}[state], state),
        ),
    )


def _unit(ours: Reference) -> str:
    unit = unit_of(ours.quantity or ours.field or "")
    return f" {escape(unit)}" if unit else ""


def _proof(draft: Draft, ours: Reference) -> str:
    if ours.quantity is not None:
        return draft.notes.computed(f"{code(ours.quantity)} of {draft.entity(ours.entity, ours.entity)}")
    return draft.notes.of(draft.provenance(ours.entity, ours.field or ""), ours.field or "")
