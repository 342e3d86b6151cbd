"""How a spec file becomes values with line numbers, and which YAML is refused.

YAML guesses types from spelling; specs do not let it. A plain scalar is a number only in its one canonical spelling, and
spellings that YAML 1.1 and 1.2 read differently (`off`, `1:30`, `010`), or that lose what was written (`1.10`), are
faults. Duplicate keys, anchors, aliases, tags and several documents are faults too. Anchors and aliases are refused before anything
is made of them, as a few lines of them can stand for gigabytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from llama4ref.errors import Fault
from llama4ref.facts.types.states import UNKNOWN, Unknown

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...] | Unknown | None
"""What a leaf holds: None is `none` (there is none), UNKNOWN is `unknown` (not published)."""


@dataclass(slots=True)
class Leaf:
    """A scalar, or a list of scalars."""

    value: Value
    line: int


@dataclass(slots=True)
class Group:
    """A mapping; keys in order, with the line of each."""

    entries: dict[str, Node]
    line: int
    lines: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Series:
    """A list of mappings."""

    items: list[Group]
    line: int


Node = Leaf | Group | Series

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,29}|-?[1-9][0-9]{0,2}(_[0-9]{3}){1,9}")
_NUMBER_LIKE = re.compile(r"[-+.]?[0-9][0-9_.:eE+-]*|0[xob][0-9a-fA-F_]+|[-+]?\.(inf|nan|Inf|NaN|INF|NAN)")
_TRAPS = frozenset({"y", "n", "yes", "no", "on", "off", "null", "~", "", "true", "false", "unknown", "none"})
_MARK = re.compile(r"[&*!][^\s&*!]")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SEPARATORS = ",\n:[{-"
_MOST_VALUES = 100_000
"""Separators between values in one file; the largest spec has a tenth of it, and each value takes memory."""
_DEEPEST = 24
"""Groups in groups; specs need six."""


def read_spec(text: str, file: str) -> tuple[Group | None, list[Fault]]:
    """The tree of one spec file and every fault in its YAML; no tree where the YAML itself cannot be read."""
    if sum(map(text.count, _SEPARATORS)) > _MOST_VALUES:
        return None, [Fault(file, 1, "", f"more than {_MOST_VALUES:,} values", "a spec", "split it or remove it")]
    reader = _Reader(file)
    try:
        if _MARK.search(text):
            reader.refuse_marks(text)
        if reader.faults:
            return None, reader.faults
        node = yaml.compose(text, Loader=_LOADER)
        if not isinstance(node, yaml.MappingNode):
            return None, [Fault(file, 1, "", "no mapping", "fields of a spec", "write one `field: value` a line")]
        return reader.group(node, ""), reader.faults
    except yaml.YAMLError as error:
        return None, [_syntax_fault(error, file)]
    except (RecursionError, _TooDeepError):
        return None, [Fault(file, 1, "", "groups in groups without end", "a few levels", "flatten the file")]


class _TooDeepError(Exception):
    """Groups lie in groups, deeper than any spec needs."""


def _syntax_fault(error: yaml.YAMLError, file: str) -> Fault:
    mark = getattr(error, "problem_mark", None)
    problem = (
        (getattr(error, "problem", None) or str(error).splitlines()[0]).removeprefix("but ").removeprefix("found ")
    )
    return Fault(
        file, mark.line + 1 if mark else 1, "", problem, "readable YAML", "check indentation, colons and quotes"
    )


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self._depth = 0

    def fault(self, line: int, path: str, found: str, expected: str, do: str) -> None:
        self.faults.append(Fault(self.file, line, path, found, expected, do))

    def refuse_marks(self, text: str) -> None:
        """Fault every anchor, alias and tag; only the parser tells them from `&`, `*` and `!` inside text."""
        for event in yaml.parse(text, Loader=_LOADER):
            tag = getattr(event, "tag", None)
            if isinstance(event, yaml.AliasEvent):
                found = "an alias"
            elif getattr(event, "anchor", None):
                found = "an anchor"
            elif tag:
                found = f"the tag {tag}"
            else:
                continue
            line = event.start_mark.line + 1 if event.start_mark else 1
            self.fault(line, "", found, "plain values", "write the value out where it is used")

    def node(self, node: yaml.Node, path: str) -> Node:
        if isinstance(node, yaml.MappingNode):
            return self.group(node, path)
        if isinstance(node, yaml.SequenceNode):
            return self.sequence(node, path)
        if isinstance(node, yaml.ScalarNode):
            return Leaf(self.scalar(node, path), node.start_mark.line + 1)
        raise TypeError(f"YAML has no node of type {type(node).__name__}")

    def group(self, node: yaml.MappingNode, path: str) -> Group:
        group = Group({}, node.start_mark.line + 1)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _TooDeepError
        for key_node, value_node in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            inner = f"{path}.{key}" if path else key
            if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
                self.fault(line, path, "a key that is no plain word", "a field name", "write the fields out")
            elif key in group.entries:
                self.fault(
                    line, inner, "the key a second time", "each key once", f"see line {group.lines[key]}; keep one"
                )
            else:
                group.entries[key] = self.node(value_node, inner)
                group.lines[key] = line
        self._depth -= 1
        return group

    def sequence(self, node: yaml.SequenceNode, path: str) -> Leaf | Series:
        line = node.start_mark.line + 1
        groups = [item for item in node.value if isinstance(item, yaml.MappingNode)]
        if groups and len(groups) == len(node.value):
            return Series([self.group(item, f"{path}.{index}") for index, item in enumerate(groups)], line)
        return Leaf(tuple(self._items(node, path)), line)

    def _items(self, node: yaml.SequenceNode, path: str) -> Iterator[Scalar]:
        for index, item in enumerate(node.value):
            line = item.start_mark.line + 1
            if not isinstance(item, yaml.ScalarNode):
                self.fault(line, f"{path}.{index}", "a nested list", "a scalar", "make it a list of mappings")
                continue
            value = self.scalar(item, f"{path}.{index}")
            if value is None or value is UNKNOWN:
                word = "none" if value is None else "unknown"
                self.fault(line, f"{path}.{index}", word, "a value", f"write {word} for the whole list instead")
                continue
            yield value

    def scalar(self, node: yaml.ScalarNode, path: str) -> Scalar | Unknown | None:
        text = str(node.value)
        if node.style:
            return text
        if text in {"unknown", "none"}:
            return UNKNOWN if text == "unknown" else None
        if text in {"true", "false"}:
            return text == "true"
        if text.lower() in _TRAPS:
            self.fault(node.start_mark.line + 1, path, f"`{text}`", "true, false, unknown, none or quoted text",
                       "YAML readers disagree on this word; spell it out")  # fmt: skip
            return text
        if _NUMBER_LIKE.fullmatch(text) and not re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", text):
            return self._number(text, node.start_mark.line + 1, path)
        return text

    def _number(self, text: str, line: int, path: str) -> Scalar:
        if _INTEGER.fullmatch(text):
            return int(text)
        try:
            number = float(text)
        except ValueError:
            number = None
        if number is not None and math.isfinite(number) and "_" not in text and _canonical(number, text):
            return number
        self.fault(line, path, f"`{text}`", "a number in its shortest spelling, or quoted text",
                   'quote it if it is a version, a time or a code, as in "1.10"; otherwise write 0.1 for 0.10')  # fmt: skip
        return text


def _canonical(number: float, text: str) -> bool:
    mantissa, _, exponent = text.partition("e")
    if exponent:
        return mantissa == repr(float(mantissa)).removesuffix(".0") or mantissa == repr(float(mantissa))
    return repr(number) == text
