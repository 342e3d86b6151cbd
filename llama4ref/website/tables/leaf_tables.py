"""All leaves of an entity as tables: each with its meaning, its value, its unit and its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.types.states import UNKNOWN
from llama4ref.field_words import meanings
from llama4ref.website.markup.field_values import label, shown, unit_of
from llama4ref.website.markup.html import Cell, Column, Row, admonition, bullets, code, escape, inline, table
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.types.sources import Provenance
    from llama4ref.website.markup.cited import Cited
    from llama4ref.website.markup.page import Page


def leaf_sections(page: Page, entity: str, *, skip: Sequence[str] = (), level: int = 2) -> None:
    """Every field of an entity: scalars first, then a section for each group."""
    page.heading(level, "At a glance", "at-a-glance")
    thing = page.facts(entity)
    page.add(_group(page, thing, caption="At a glance", skip=skip))
    _groups(page, thing, level=level, skip=skip)


def _groups(page: Page, thing: Cited, *, level: int, skip: Sequence[str] = ()) -> None:
    words = meanings(type(thing.value))
    for field in thing.fields():
        if field.key not in skip and field.is_compound:
            page.heading(level, label(field.key), field.path)
            page.add(f"<p>{inline(words[field.key])}</p>" if field.key in words else "")
            compound(page, field, level)


def compound(page: Page, group: Cited, level: int, *, caption: str = "") -> None:
    """A group, a list of groups, or a mapping, as one or several tables."""
    title = caption or label(group.key)
    if is_dataclass(group.value):
        page.add(_group(page, group, caption=title))
        _groups(page, group, level=min(level + 1, 5))
    elif isinstance(group.value, Mapping) and not all(is_dataclass(item.value) for item in group):
        page.add(_fact_table(title, [_leaf_row(page, item, "") for item in group]))
    elif isinstance(group.value, Mapping | tuple):
        page.add(records(page, group, title))


def _group(page: Page, thing: Cited, *, caption: str, skip: Sequence[str] = ()) -> str:
    words = meanings(type(thing.value))
    rows = [
        _leaf_row(page, field, words.get(field.key, ""))
        for field in thing.fields()
        if field.key not in {"id", *skip} and not field.is_compound and field.leaf is not None
    ]
    return _fact_table(caption, rows)


def _fact_table(caption: str, rows: Sequence[Row]) -> str:
    columns = (Column(head="Fact"), Column(head="Value"))
    return table(caption, columns, rows) if rows else ""


def _leaf_row(page: Page, fact: Cited, meaning: str) -> Row:
    hint = f' <br><small class="hint">{inline(meaning)}</small>' if meaning else ""
    value = Cell(page.value(fact, unit=True) + _remark(fact))
    return Row(anchor=fact.path, cells=(Cell(f"{escape(label(fact.key))}{hint}"), value))


def _remark(fact: Cited) -> str:
    remark = fact.leaf.citations[0].note if fact.leaf else None
    return f' <br><small class="hint">{escape(remark)}</small>' if remark else ""


def records(page: Page, groups: Cited, caption: str, *, brief: bool = True) -> str:
    """Groups of one kind as the rows of one table; columns that no row fills are left out."""
    keyed = isinstance(groups.value, Mapping)
    known = dict.fromkeys(field.key for group in groups for field in group.fields())
    names = [name for name in known if any(_fills(group[name]) for group in groups)]
    columns = [*([Column(head="Name")] if keyed else []), *(_column(groups, name) for name in names)]
    rows = [
        Row(
            anchor=group.path,
            cells=[
                *([Cell(code(group.key), group.key)] if keyed else []),
                *(_record_cell(page, group[name], brief=brief) for name in names),
            ],
        )
        for group in groups
    ]
    return table(caption, columns, rows, sortable=len(rows) > 5)


def _column(groups: Cited, name: str) -> Column:
    numeric = any(group[name].is_number for group in groups)
    return Column(head=label(name), unit=unit_of(f"{groups.path}.0.{name}") if numeric else "", numeric=numeric)


def _fills(fact: Cited) -> bool:
    return fact.value not in (None, (), UNKNOWN) and (fact.is_compound or fact.leaf is not None)


def _record_cell(page: Page, fact: Cited, *, brief: bool) -> Cell:
    if isinstance(fact.value, tuple) and fact.is_compound:
        return Cell(bullets(_step(page, step) for step in fact))
    if is_dataclass(fact.value):
        return Cell(bullets(_fields(page, fact, brief=brief)))
    if fact.leaf is None:
        return Cell("", "")
    found = page.cell(fact, brief=brief)
    return Cell(found.html + _remark(fact), found.sort)


def _fields(page: Page, fact: Cited, *, brief: bool) -> list[str]:
    """The fields of a group, a line each; a note that all of them have stands once, at the end."""
    fields = [field for field in fact.fields() if field.leaf is not None]
    notes = {page.note(field, brief=brief) for field in fields}
    shared = notes.pop() if len(notes) == 1 else ""
    lines = [f"{escape(label(field.key))}: {page.value(field, brief=brief).removesuffix(shared)}" for field in fields]
    return [*lines[:-1], lines[-1] + shared] if lines else []


def _step(page: Page, step: Cited) -> str:
    """From when what holds, or the fields of another thing."""
    names = {field.key for field in step.fields()}
    if {"since", "holds"} <= names:
        return f"from {page.value(step['since'], brief=True)}: {page.value(step['holds'], brief=True)}"
    return "; ".join(
        f"{escape(label(field.key))}: {page.value(field, brief=True)}"
        for field in step.fields()
        if field.leaf is not None
    )


def disagreements(page: Page, entity: str) -> Iterator[str]:
    """A box for each value of an entity that sources dispute: all values, who says so, and why one is preferred."""
    id_ = entity.partition("/")[2]
    for path, leaf in page.catalog.provenance.get(entity, {}).items():
        if leaf.disputed:
            words = [_word(page, path, leaf, index) for index in range(len(leaf.citations))]
            reason = f"<p>Preferred: {escape(leaf.because)}.</p>" if leaf.because else ""
            title = f"{leaf_title(page, entity, path)}: sources disagree"
            yield admonition("question", title, bullets(words) + reason, anchor=f"disputed-{id_}.{path}")


def _word(page: Page, path: str, leaf: Provenance, index: int) -> str:
    """What one source says, who it is, and what speaks against it."""
    each = leaf.citations[index]
    said = leaf.state if each.agrees and leaf.state != "known" else shown(each.value, path)
    who = f"<i>{escape(each.source.publisher)}</i>" + (f", as of {each.as_of}" if each.as_of else "")
    preferred = ", preferred" if not index else ""
    doubt = f"; not believed: {escape(each.doubt)}" if each.doubt else ""
    note = f"; {escape(each.note)}" if each.note and not each.agrees else ""
    return f"<b>{escape(said)}</b>{preferred}: {who}{page.notes.citation(each)}{doubt}{note}"


def add_disagreements(page: Page, entity: str, *, level: int = 2) -> None:
    """The section with all of them, where there is one."""
    boxes = list(disagreements(page, entity))
    if boxes:
        page.heading(level, f"{counted(len(boxes), 'disagreement')} among sources", "disagreements")
        for box in boxes:
            page.add(box)


def leaf_title(page: Page, entity: str, path: str) -> str:
    """The name of a leaf in words."""
    kind, _, id_ = entity.partition("/")
    parts = path.split(".")
    if kind == "providers" and parts[0] == "offers":
        offer = page.catalog.providers[id_].offers[int(parts[1])]
        tier = f" ({offer.tier})" if offer.tier else ""
        return f"{page.catalog.models[offer.model].name}, {label(parts[-1])}{tier}"
    return " / ".join(label(part) for part in parts)
