"""How is a plan file read? Strictly: whoever wrote it, what is wrong is told by line and field, and nothing is guessed."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pydantic import TypeAdapter, ValidationError

from llama4ref.errors import Fault, PlanFileError
from llama4ref.facts.reading.validation import STRICT, faults_of
from llama4ref.facts.reading.yaml_reader import Group, Leaf, Node, Series, read_spec
from llama4ref.plan_files.document import FORMAT, PlanDocument
from llama4ref.wording import shortened

if TYPE_CHECKING:
    from llama4ref.wording import Json

LARGEST_BYTES = 2**20
"""A plan file has about 20 KB; whatever is much larger is none."""
_UNREADABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)
"""Characters that have no place in a plan: those that do not print, and those that break lines or turn text round."""
_MARK = "plan_format"
_VALUES, _EXPECTED = ("config.settings.", "request."), "text, a number, true or false"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan file that has the right fields."""

    name: str
    """How the file is called in messages."""
    document: PlanDocument
    lines: Mapping[str, int]
    """Line of each field, by its path with dots; settings by their names."""

    def refuse(self, path: str, found: str, expected: str, do: str) -> NoReturn:
        """Raise PlanFileError about one field."""
        raise PlanFileError([Fault(self.name, line_of(path, self.lines), path, shortened(found), expected, do)])

    def error(self, path: str, expected: str, told: str) -> PlanFileError:
        """What another part of the package says of one field."""
        found = shortened(_value_at(path, self.document))
        return PlanFileError([Fault(self.name, line_of(path, self.lines), path, found, expected, told)])


def read_plan_file(path: str | Path) -> PlanFile:
    """The content of a plan file.

    Raises:
        PlanFileError: where it cannot be read, has another format, or has wrong, missing or unknown fields; with all of them.
    """
    name = str(path)
    return read_plan_text(_text(Path(path), name), name)


def read_plan_text(text: str, name: str) -> PlanFile:
    """The content of a plan file's text; `name` stands for the file in messages."""
    tree, faults = read_spec(text, name)
    if tree is None or faults:
        raise PlanFileError(faults)
    lines = _lines_of(tree, "")
    _check_characters(tree, name)
    _check_format(tree, name)
    adapter = TypeAdapter(dict[str, PlanDocument], config=STRICT)
    try:
        documents = adapter.validate_json(json.dumps({"plan": _plain(tree)}))
    except ValidationError as error:
        raise PlanFileError(_worded(faults_of(error, name, lines, skip=1), lines)) from error
    return PlanFile(name=name, document=documents["plan"], lines=lines)


def line_of(path: str, lines: Mapping[str, int]) -> int:
    """The line of a field, or of the group that it would stand in."""
    return lines.get(_known(path, lines), 1)


def _value_at(path: str, document: PlanDocument) -> str:
    """The value of a field in words."""
    value: object = document
    while path:
        if isinstance(value, Mapping):
            return repr(value.get(path, "a group of fields"))
        name, _, path = path.partition(".")
        value = getattr(value, name, None)
    return "a group of fields" if isinstance(value, Mapping) else repr(value)


def _text(path: Path, name: str) -> str:
    content = _content(path, name)
    if len(content) > LARGEST_BYTES:
        raise _unreadable(name, f"more than {LARGEST_BYTES:,} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unreadable(name, "bytes that are not UTF-8", line) from error
    bad = _UNREADABLE.search(text)
    if bad is not None:
        raise _unreadable(name, f"the character U+{ord(bad[0]):04X}", text.count("\n", 0, bad.start()) + 1)
    return text


def _content(path: Path, name: str) -> bytes:
    """Its first bytes, one more than a plan file may have; what is no regular file is not opened, since it may never end."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            with path.open("rb") as stream:
                return stream.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise _unreadable(name, found.lower()) from error
    raise _unreadable(name, "a folder" if stat.S_ISDIR(mode) else "no regular file")


def _unreadable(name: str, found: str, line: int = 1) -> PlanFileError:
    do = "name a file that `llama4ref plan --save` has written"
    return PlanFileError([Fault(name, line, "", found, "a plan file", do)])


def _check_format(tree: Group, name: str) -> None:
    """Another format, or none at all, is one fault and not one for each field."""
    found = tree.entries.get(_MARK)
    if found is None:
        raise _unreadable(name, f"no field {_MARK}", tree.line)
    value = found.value if isinstance(found, Leaf) else "a group"
    if value != FORMAT or isinstance(value, bool):
        do = "save the plan again with this release of llama4ref"
        raise PlanFileError([Fault(name, tree.lines[_MARK], _MARK, shortened(str(value)), str(FORMAT), do)])


def _check_characters(tree: Node, name: str) -> None:
    """Characters that have no place in a plan are no better where they are written as escapes."""
    for path, leaf in _leaves(tree, ""):
        bad = _UNREADABLE.search(f"{path}{leaf.value}")
        if bad is not None:
            raise PlanFileError(
                [
                    Fault(
                        name,
                        leaf.line,
                        _UNREADABLE.sub("?", path),
                        f"the character U+{ord(bad[0]):04X}",
                        "text that prints",
                        "take it out",
                    )
                ]
            )


def _leaves(node: Node, path: str) -> Iterator[tuple[str, Leaf]]:
    if isinstance(node, Leaf):
        yield path, node
    else:
        inner = node.entries.items() if isinstance(node, Group) else enumerate(node.items)
        for key, each in inner:
            yield from _leaves(each, f"{path}.{key}" if path else str(key))


def _worded(faults: Sequence[Fault], lines: Mapping[str, int]) -> list[Fault]:
    """The same faults in words about plan files, one for each field, by line."""
    told: dict[tuple[int, str], Fault] = {}
    for fault in faults:
        if fault.found == "nothing":
            worded = replace(fault, do="add the field, or save the plan again")
        else:
            field = _known(fault.field, lines)
            expected = _EXPECTED if field.startswith(_VALUES) else fault.expected
            worded = replace(fault, field=field, found=shortened(fault.found), expected=expected)
        told.setdefault((worded.line, worded.field), worded)
    return sorted(told.values(), key=lambda fault: fault.line)


def _known(path: str, lines: Mapping[str, int]) -> str:
    """The field of the file that a path leads to, without the names of types that pydantic puts behind it."""
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return path


def _plain(node: Node) -> Json:
    if isinstance(node, Group):
        return {key: _plain(each) for key, each in node.entries.items()}
    if isinstance(node, Series):
        return [_plain(each) for each in node.items]
    if isinstance(node.value, tuple):
        return list(node.value)
    return node.value if isinstance(node.value, str | int | float | bool) else None


def _lines_of(node: Node, path: str) -> dict[str, int]:
    found: dict[str, int] = {}
    if isinstance(node, Group):
        for key, each in node.entries.items():
            inner = f"{path}.{key}" if path else key
            found |= {inner: node.lines[key], **_lines_of(each, inner)}
    elif isinstance(node, Series):
        for index, item in enumerate(node.items):
            found |= {f"{path}.{index}": item.line, **_lines_of(item, f"{path}.{index}")}
    return found
