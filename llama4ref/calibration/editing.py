"""How changed rows are written into the text of `specs/estimates`, with their citations.

A row is written anew, one field a line; everything else in the file stays as it is. Citations of the row stay, and sources of its
basis that it did not cite yet are added.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import SpecErrors
from llama4ref.facts.reading.yaml_reader import Group, Leaf, Node, Series, Value, read_spec
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.calibration.changes import Change

FIELDS = (
    "value", "low", "high", "method", "since", "until", "accelerators", "platforms", "gpus", "experts", "basis", "alone", "borrowed_from", "note",
)  # fmt: skip
"""Fields of a row in the order in which they are written."""
CITED_AT = "bounds around what the starts of basis printed"
"""Where a new row's sources say it."""
FITTED_FIELDS = frozenset({"value", "low", "high", "basis", "alone"})


@dataclass(frozen=True, slots=True)
class _Edit:
    """Lines of a file that are replaced."""

    start: int
    end: int
    """First line that is kept again."""
    lines: tuple[str, ...]


def edited(text: str, changes: Iterable[Change]) -> str:
    """The text of one file of estimates with its changed rows.

    Raises:
        SpecErrors: where the text is no spec.
    """
    tree, faults = read_spec(text, "estimates")
    if tree is None or faults:
        raise SpecErrors(faults)
    lines = text.splitlines()
    for edit in sorted((_edit(lines, tree, each) for each in changes), key=lambda each: -each.start):
        lines[edit.start : edit.end] = edit.lines
    return "\n".join(lines) + "\n"


def _edit(lines: Sequence[str], tree: Group, change: Change) -> _Edit:
    rows = _rows(tree, change.field)
    known = rows[change.index] if change.index < len(rows) else None
    start = (known or rows[-1]).line - 1
    indent = len(lines[start]) - len(lines[start].lstrip()) if lines[start].lstrip().startswith("-") else 0
    end = start + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > indent):
        end += 1
    written = tuple(_row(change, known, " " * indent))
    return _Edit(start, end, written) if known else _Edit(end, end, written)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _rows(tree: Group, field: str) -> list[Group]:
    node: Node = tree
    for name in (*field.split("."), "rows"):
        if not isinstance(node, Group):
            break
        node = node.entries[name]
    return node.items if isinstance(node, Series) else []


def _row(change: Change, known: Group | None, indent: str) -> Iterator[str]:
    entries = known.entries if known else {}
    first = True
    for name in FIELDS:
        text = _new_value(change, name) if name in FITTED_FIELDS or known is None else _kept(entries.get(name))
        if text is not None:
            yield f"{indent}{'- ' if first else '  '}{name}: {text}"
            first = False
    yield from (f"{indent}  {line}" for line in _citations(change, entries))


def _new_value(change: Change, name: str) -> str | None:
    value = getattr(change.new, name)
    return None if value is None or value == () else _written(value)


def _kept(node: Node | None) -> str | None:
    if not isinstance(node, Leaf):
        return None
    return _written(node.value)


def _citations(change: Change, entries: dict[str, Node]) -> Iterator[str]:
    """The row's own source, place and further sources, and those of its basis that are not among them."""
    own = _text(entries.get("source")) or next(iter(change.sources), None)
    also = entries.get("also")
    others = also.items if isinstance(also, Series) else []
    words = [(_text(each.entries.get("source")) or "", _text(each.entries.get("at")) or "") for each in others]
    at = _text(entries.get("at")) or CITED_AT
    named = {own, *(source for source, _ in words)}
    words += [(source, at) for source in change.sources if source not in named]
    if own is not None:
        yield f"source: {own}"
    yield f"at: {json.dumps(at, ensure_ascii=False)}"
    if words:
        yield "also:"
        yield from (f"  - {{source: {source}, at: {json.dumps(place, ensure_ascii=False)}}}" for source, place in words)


def _text(node: Node | None) -> str | None:
    return node.value if isinstance(node, Leaf) and isinstance(node.value, str) else None


def _written(value: Value) -> str:
    if value is None or value is UNKNOWN:
        return "none" if value is None else "unknown"
    if isinstance(value, tuple):
        return f"[{', '.join(_written(each) for each in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        whole = int(value) if value == int(value) else None
        if whole is not None:
            return f"{whole:_}" if abs(whole) >= 10_000 else str(whole)
        return repr(value)
    text = str(value)
    return (
        text
        if re.fullmatch(r"[a-z][a-z0-9.+_-]*", text) and text not in {"none", "unknown"}
        else json.dumps(text, ensure_ascii=False)
    )
