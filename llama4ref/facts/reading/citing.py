"""How values and citations part: a spec's tree becomes plain values for the types, and a provenance for each leaf.

A group may carry `source` and `at` (and `also`, further sources that agree) as defaults for everything inside it. A leaf is a scalar
or a list, or a mapping with `value` that brings its own. `as_of` dates a group and is a value of it as well. A day belongs to the
source that it is stated with: what names another source inside a dated group holds as of its own `as_of`, or of the day on which
that source was published, or is not dated.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from llama4ref.errors import Fault, nearest_names
from llama4ref.facts.reading.yaml_reader import Group, Leaf, Node, Scalar, Series, Value
from llama4ref.facts.types.constraints import is_partial_day
from llama4ref.facts.types.sources import Citation, Provenance, Source
from llama4ref.facts.types.states import UNKNOWN, Unknown

Plain = Scalar | Unknown | None | list["Plain"] | dict[str, "Plain"]

_DEFAULTS = frozenset({"source", "at", "also"})
_LEAF = frozenset({"value", "source", "at", "also", "as_of", "disputed", "because", "note"})
_WORD = frozenset({"value", "source", "at", "as_of", "doubt", "note"})


@dataclass(frozen=True)
class Context:
    """Defaults in force at a place of the tree."""

    source: str | None = None
    at: str | None = None
    as_of: str | None = None
    also: tuple[Group, ...] = ()


@dataclass(slots=True)
class Cited:
    """A spec file with values and provenance apart."""

    values: dict[str, Plain]
    provenance: dict[str, Provenance]
    lines: dict[str, int]


@functools.lru_cache(maxsize=1024)
def _nearest(name: str, sources: tuple[str, ...]) -> tuple[str, ...]:
    """Kept, since a source that is missing is missed by many leaves."""
    return nearest_names(name, sources)


class Citer:
    """Walks one file; collects its faults."""

    def __init__(self, file: str, sources: Mapping[str, Source]) -> None:
        self.file, self.sources = file, sources
        self.faults: list[Fault] = []
        self.provenance: dict[str, Provenance] = {}
        self.lines: dict[str, int] = {}
        self._around: list[tuple[str, Group]] = []

    def cite(self, root: Group) -> Cited:
        """The file's values and the provenance of each leaf, by dotted path."""
        values = self._group(root, "", Context())
        return Cited(values, self.provenance, self.lines)

    def _fault(self, line: int, path: str, found: str, expected: str, do: str) -> None:
        self.faults.append(Fault(self.file, line, path, found, expected, do))

    def _text(self, group: Group, key: str, path: str) -> str | None:
        node = group.entries.get(key)
        if node is None:
            return None
        if isinstance(node, Leaf) and isinstance(node.value, str) and node.value:
            return node.value
        self._fault(group.lines[key], f"{path}.{key}".lstrip("."), "no text", "text", f"give {key} as text")
        return None

    def _day(self, group: Group, path: str) -> str | None:
        day = self._text(group, "as_of", path)
        if day is not None and not is_partial_day(day):
            self._fault(group.lines["as_of"], f"{path}.as_of".lstrip("."), repr(day), "a day such as 2026-11-21",
                        "write year, month and day")  # fmt: skip
        return day

    def _published(self, name: str) -> str | None:
        source = self.sources.get(name)
        return source.published if source and source.published is not UNKNOWN else None

    def _words(self, group: Group, key: str, path: str) -> tuple[Group, ...]:
        node = group.entries.get(key)
        if node is None:
            return ()
        if isinstance(node, Series):
            return tuple(node.items)
        self._fault(group.lines[key], f"{path}.{key}".lstrip("."), "no list of sources", "a list of mappings",
                    "write `- source: …` with `at: …` for each")  # fmt: skip
        return ()

    def _context(self, group: Group, path: str, outer: Context) -> Context:
        source = self._text(group, "source", path)
        context = replace(outer, source=source, at=None, also=()) if source else outer
        if source and source != outer.source and outer.as_of:
            context = replace(context, as_of=self._published(source))
        at = self._text(group, "at", path)
        as_of = self._day(group, path)
        also = self._words(group, "also", path)
        return replace(context, at=at or context.at, as_of=as_of or context.as_of, also=also or context.also)

    def _group(self, group: Group, path: str, outer: Context) -> dict[str, Plain]:
        context = self._context(group, path, outer)
        values: dict[str, Plain] = {}
        self._around.append((path, group))
        for key, node in group.entries.items():
            if key not in _DEFAULTS:
                inner = f"{path}.{key}" if path else key
                self.lines[inner] = group.lines[key]
                values[key] = self._node(node, inner, context, group.lines[key])
        self._around.pop()
        return values

    def _written_at(self, key: str, word: Group | None = None) -> str:
        """The innermost group or leaf around the place being read that has the key, or this word in its list."""
        for path, group in reversed(self._around):
            node = group.entries.get(key)
            if word is None and node is not None:
                return path
            if isinstance(node, Series) and any(each is word for each in node.items):
                return path
        return ""

    def _node(self, node: Node, path: str, context: Context, line: int) -> Plain:
        if isinstance(node, Series):
            items: list[Plain] = []
            for index, item in enumerate(node.items):
                self.lines[f"{path}.{index}"] = item.line
                items.append(self._group(item, f"{path}.{index}", context))
            return items
        if isinstance(node, Group) and "value" not in node.entries:
            return self._group(node, path, context)
        if isinstance(node, Group):
            return self._long_leaf(node, path, context)
        self._record(path, line, node.value, context)
        return _plain(node.value)

    def _long_leaf(self, group: Group, path: str, outer: Context) -> Plain:
        for key in group.entries.keys() - _LEAF:
            near = nearest_names(key, _LEAF)
            self._fault(group.lines[key], f"{path}.{key}", "an unknown key", f"one of {', '.join(sorted(_LEAF))}",
                        f"did you mean {near[0]}" if near else "remove it")  # fmt: skip
        value = group.entries["value"]
        self.lines[path] = group.lines["value"]
        if not isinstance(value, Leaf):
            self._fault(
                group.lines["value"], path, "a mapping", "a scalar or a list of scalars", "a leaf holds one value"
            )
            return None
        context = self._context(group, path, outer)
        disputed = self._words(group, "disputed", path)
        because = self._text(group, "because", path)
        if disputed and because is None:
            self._fault(
                group.line, path, "a disagreement without a reason", "`because:`", "say why this value is preferred"
            )
        self._around.append((path, group))
        self._record(
            path, group.lines["value"], value.value, context,
            disputed=disputed, because=because, note=self._text(group, "note", path),
        )  # fmt: skip
        self._around.pop()
        return _plain(value.value)

    def _record(
        self,
        path: str,
        line: int,
        value: Value,
        context: Context,
        *,
        disputed: tuple[Group, ...] = (),
        because: str | None = None,
        note: str | None = None,
    ) -> None:
        own = self._source(context.source, path, line)
        if own is None:
            return
        first = Citation(
            source=own,
            at=context.at or "",
            value=value,
            agrees=True,
            as_of=context.as_of,
            doubt=None,
            note=note,
            written_at=self._written_at("source"),
        )
        others = [self._word(word, path, value, agrees=True) for word in context.also]
        others += [self._word(word, path, value, agrees=False) for word in disputed]
        citations = (first, *(citation for citation in others if citation is not None))
        state: Literal["known", "unknown", "none"] = (
            "unknown" if value is UNKNOWN else "none" if value is None else "known"
        )
        self.provenance[path] = Provenance(file=self.file, line=line, state=state, citations=citations, because=because)

    def _word(self, group: Group, path: str, said: Value, *, agrees: bool) -> Citation | None:
        for key in group.entries.keys() - _WORD:
            self._fault(
                group.lines[key], path, f"the unknown key {key}", f"one of {', '.join(sorted(_WORD))}", "remove it"
            )
        source = self._source(self._text(group, "source", path), path, group.line)
        value = said
        if not agrees:
            node = group.entries.get("value")
            if not isinstance(node, Leaf):
                self._fault(
                    group.line, path, "a disagreeing source without its value", "`value:`", "say what it states"
                )
                return None
            value = node.value
            if value == said:
                self._fault(group.line, path, "a disagreeing source that agrees", "another value", "move it to `also:`")
        if source is None:
            return None
        return Citation(
            source=source,
            at=self._text(group, "at", path) or "",
            value=value,
            agrees=agrees,
            as_of=self._day(group, path),
            doubt=self._text(group, "doubt", path),
            note=self._text(group, "note", path),
            written_at=self._written_at("also" if agrees else "disputed", group),
        )

    def _source(self, name: str | None, path: str, line: int) -> Source | None:
        if name is None:
            self._fault(line, path, "no source", "a source", "add `source:` here, to its group or to the file")
            return None
        if name not in self.sources:
            near = _nearest(name, tuple(self.sources))
            self._fault(line, path, f"source {name}", "a key of sources.yaml",
                        f"did you mean {' or '.join(near)}" if near else "add it to sources.yaml")  # fmt: skip
            return None
        return self.sources[name]


def _plain(value: Value) -> Plain:
    return list(value) if isinstance(value, tuple) else value
