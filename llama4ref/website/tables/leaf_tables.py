"""All leaves of an entity as tables: each with its meaning, its value, its unit and its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.website.markup.field_values import label, shown, unit_of
from llama4ref.website.markup.field_words import meanings
from llama4ref.website.markup.html import Cell, Column, Row, admonition, bullets, code, escape, inline, table
from llama4ref.wording import counted

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from llama4ref.facts.types.sources import Provenance
    from llama4ref.website.markup.drafting import Draft

LINKED = {
    "model": "models", "license": "licenses", "accelerator": "accelerators", "engine": "engines", "checkpoint": "checkpoints",
    "format": "formats", "supersedes": "licenses", "members": "models", "teacher": "models", "derived_from": "models",
    "accelerators": "accelerators", "system": "models",
}  # fmt: skip
"""Fields whose words are ids of other entities."""
_LONG_LIST = 60


def leaf_sections(
    draft: Draft, entity: str, thing: DataclassInstance, *, skip: Sequence[str] = (), level: int = 2
) -> None:
    """Every field of an entity: scalars first, then a section for each group."""
    draft.heading(level, "At a glance", "at-a-glance")
    draft.add(_group(draft, entity, "", thing, caption="At a glance", skip=skip))
    _groups(draft, entity, "", thing, level=level, skip=skip)


def _groups(
    draft: Draft, entity: str, path: str, thing: DataclassInstance, *, level: int, skip: Sequence[str] = ()
) -> None:
    words = meanings(type(thing))
    for field in fields(thing):
        value, inner = getattr(thing, field.name), f"{path}{field.name}"
        if field.name in skip or not is_compound(value):
            continue
        draft.heading(level, label(field.name), inner)
        draft.add(f"<p>{inline(words[field.name])}</p>" if field.name in words else "")
        compound(draft, entity, inner, value, level)


def compound(draft: Draft, entity: str, path: str, value: object, level: int, *, caption: str = "") -> None:
    """A group, a list of groups, or a mapping, as one or several tables."""
    title = caption or label(path.rpartition(".")[2])
    if is_dataclass(value) and not isinstance(value, type):
        draft.add(_group(draft, entity, f"{path}.", value, caption=title))
        _groups(draft, entity, f"{path}.", value, level=min(level + 1, 5))
    elif isinstance(value, Mapping):
        draft.add(_mapping(draft, entity, path, value, title))
    elif isinstance(value, tuple) and all(is_dataclass(item) for item in value):
        rows = {str(index): item for index, item in enumerate(value)}
        draft.add(records(draft, entity, path, rows, title, keyed=False))


def is_compound(value: object) -> bool:
    """Whether a value holds further fields."""
    if isinstance(value, tuple):
        return bool(value) and is_dataclass(value[0])
    return (isinstance(value, Mapping) and bool(value)) or is_dataclass(value)


def _group(
    draft: Draft, entity: str, path: str, thing: DataclassInstance, *, caption: str, skip: Sequence[str] = ()
) -> str:
    words = meanings(type(thing))
    rows = []
    for field in fields(thing):
        value = getattr(thing, field.name)
        if field.name in {"id", *skip} or is_compound(value):
            continue
        leaf = f"{path}{field.name}"
        if draft.provenance(entity, leaf) is None:
            continue
        rows.append(_leaf_row(draft, entity, leaf, value, words.get(field.name, "")))
    return _fact_table(caption, rows)


def _fact_table(caption: str, rows: Sequence[Row]) -> str:
    columns = (Column(head="Fact"), Column(head="Value"))
    return table(caption, columns, rows) if rows else ""


def _leaf_row(draft: Draft, entity: str, path: str, value: object, meaning: str) -> Row:
    name = label(path.rpartition(".")[2])
    hint = f' <br><small class="hint">{inline(meaning)}</small>' if meaning else ""
    note = _note(draft, entity, path)
    unit = unit_of(path) if isinstance(value, int | float) and not isinstance(value, bool) else ""
    return Row(
        anchor=path,
        cells=(
            Cell(f"{escape(name)}{hint}"),
            Cell(f"{linked(draft, entity, path, value, unit=unit)}{note}"),
        ),
    )


def _note(draft: Draft, entity: str, path: str) -> str:
    leaf = draft.provenance(entity, path)
    note = leaf.citations[0].note if leaf and leaf.citations else None
    return f' <br><small class="hint">{escape(note)}</small>' if note else ""


def linked(draft: Draft, entity: str, path: str, value: object, *, brief: bool = False, unit: str = "") -> str:
    """A value with its note; ids of other entities lead to their pages, long lists are lists."""
    leaf = draft.provenance(entity, path)
    if leaf is None or not is_stated(value):
        return draft.value(entity, path, value, brief=brief)
    tail = draft.dispute(entity, path) + draft.notes.of(leaf, path, brief=brief)
    kind = LINKED.get(path.rpartition(".")[2]) or ("formats" if ".coverage." in f".{path}" else None)
    if kind is not None:
        words = value if isinstance(value, tuple) else (value,)
        return ", ".join(_linked_id(draft, kind, str(word)) for word in words) + tail
    if isinstance(value, tuple) and not brief and sum(len(str(item)) for item in value) > _LONG_LIST:
        return bullets([*(escape(shown(item, path)) for item in value[:-1]), escape(shown(value[-1], path)) + tail])
    return draft.value(entity, path, value, brief=brief, unit=unit)


def _linked_id(draft: Draft, kind: str, id_: str) -> str:
    known = getattr(draft.catalog, kind)
    return draft.entity(f"{kind}/{id_}", _name(known[id_], id_)) if id_ in known else escape(id_)


def _name(thing: object, id_: str) -> str:
    name = getattr(thing, "name", None)
    return name if isinstance(name, str) else id_


def _mapping(draft: Draft, entity: str, path: str, value: Mapping[str, object], caption: str) -> str:
    if all(is_dataclass(item) for item in value.values()):
        return records(draft, entity, path, value, caption, keyed=True)
    rows = [_leaf_row(draft, entity, f"{path}.{key}", item, "") for key, item in value.items()]
    return _fact_table(caption, rows)


def records(
    draft: Draft, entity: str, path: str, rows: Mapping[str, object], caption: str, *, keyed: bool, brief: bool = True
) -> str:
    """Groups of one kind as the rows of one table; columns that no row fills are left out."""
    known = [field.name for row in rows.values() if is_dataclass(row) for field in fields(row)]
    names = [name for name in dict.fromkeys(known) if _is_used(draft, entity, path, rows, name)]
    columns = [Column(head="Name")] if keyed else []
    columns += [_column(path, name, rows) for name in names]
    body = [
        Row(
            anchor=f"{path}.{key}",
            cells=[
                *([Cell(code(key), key)] if keyed else []),
                *(
                    _record_cell(draft, entity, f"{path}.{key}.{name}", getattr(row, name), brief=brief)
                    for name in names
                ),
            ],
        )
        for key, row in rows.items()
    ]
    return table(caption, columns, body, sortable=len(body) > 5)


def _column(path: str, name: str, rows: Mapping[str, object]) -> Column:
    values = [getattr(row, name) for row in rows.values()]
    numeric = any(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return Column(head=label(name), unit=unit_of(f"{path}.0.{name}") if numeric else "", numeric=numeric)


def _is_used(draft: Draft, entity: str, path: str, rows: Mapping[str, object], name: str) -> bool:
    values = [getattr(row, name) for row in rows.values()]
    return any(
        value not in (None, (), UNKNOWN)
        and (is_compound(value) or draft.provenance(entity, f"{path}.{key}.{name}") is not None)
        for key, value in zip(rows, values, strict=True)
    )


def _record_cell(draft: Draft, entity: str, path: str, value: object, *, brief: bool) -> Cell:
    if is_dataclass(value) and not isinstance(value, type):
        parts = [
            f"{escape(label(field.name))}: {linked(draft, entity, f'{path}.{field.name}', getattr(value, field.name), brief=brief)}"
            for field in fields(value)
            if draft.provenance(entity, f"{path}.{field.name}") is not None
        ]
        return Cell(bullets(parts))
    if isinstance(value, tuple) and is_compound(value):
        return Cell(_steps(draft, entity, path, value))
    leaf = draft.provenance(entity, path)
    if leaf is None:
        return Cell("", "")
    sort = (
        value
        if isinstance(value, int | float) and not isinstance(value, bool)
        else shown(value, path)
        if is_stated(value)
        else ""
    )
    return Cell(linked(draft, entity, path, value, brief=brief) + _note(draft, entity, path), sort)


def _steps(draft: Draft, entity: str, path: str, steps: Sequence[object]) -> str:
    return bullets(
        f"from {draft.value(entity, f'{path}.{index}.since', getattr(step, 'since', None), brief=True)}: "
        f"{draft.value(entity, f'{path}.{index}.holds', getattr(step, 'holds', None), brief=True)}"
        for index, step in enumerate(steps)
    )


def disagreements(draft: Draft, entity: str) -> Iterator[str]:
    """A box for each value of an entity that sources dispute: all values, who says so, and why one is preferred."""
    id_ = entity.partition("/")[2]
    for path, leaf in draft.catalog.provenance.get(entity, {}).items():
        if leaf.disputed:
            words = [_word(draft, path, leaf, index) for index in range(len(leaf.citations))]
            reason = f"<p>Preferred: {escape(leaf.because)}.</p>" if leaf.because else ""
            title = f"{spoken(draft, entity, path)}: sources disagree"
            yield admonition("question", title, bullets(words) + reason, anchor=f"disputed-{id_}.{path}")


def _word(draft: Draft, path: str, leaf: Provenance, index: int) -> str:
    """What one source says, who it is, and what speaks against it."""
    each = leaf.citations[index]
    said = leaf.state if each.agrees and leaf.state != "known" else shown(each.value, path)
    who = f"<i>{escape(each.source.publisher)}</i>" + (f", as of {each.as_of}" if each.as_of else "")
    preferred = ", preferred" if not index else ""
    doubt = f"; not believed: {escape(each.doubt)}" if each.doubt else ""
    note = f"; {escape(each.note)}" if each.note and not each.agrees else ""
    return f"<b>{escape(said)}</b>{preferred}: {who}{draft.notes.word(each)}{doubt}{note}"


def add_disagreements(draft: Draft, entity: str, *, level: int = 2) -> None:
    """The section with all of them, where there is one."""
    boxes = list(disagreements(draft, entity))
    if boxes:
        draft.heading(level, f"{counted(len(boxes), 'disagreement')} among sources", "disagreements")
        for box in boxes:
            draft.add(box)


def spoken(draft: Draft, entity: str, path: str) -> str:
    """The name of a leaf in words."""
    kind, _, id_ = entity.partition("/")
    parts = path.split(".")
    if kind == "providers" and parts[0] == "offers":
        offer = draft.catalog.providers[id_].offers[int(parts[1])]
        return f"{draft.catalog.models[offer.model].name}, {label(parts[-1])}" + (
            f" ({offer.tier})" if offer.tier else ""
        )
    return " / ".join(label(part) for part in parts)
