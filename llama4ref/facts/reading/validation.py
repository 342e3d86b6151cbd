"""Strict types at the door: what pydantic objects to, as faults with the line of the spec."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import ConfigDict, ValidationError

from llama4ref.errors import Fault
from llama4ref.facts.types.states import NOT_UNKNOWN, WRITTEN_UNKNOWN

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

STRICT = ConfigDict(strict=True, extra="forbid")
"""How a spec is read into its type: no coercion, no unknown keys."""


def faults_of(error: ValidationError, file: str, lines: Mapping[str, int], *, skip: int = 0) -> list[Fault]:
    """A fault for each objection, at the line of its field; `skip` leading parts of its path are not fields."""
    errors = error.errors(include_url=False)
    may_be_unknown = {each["loc"][:-1] for each in errors if each["type"] == NOT_UNKNOWN}
    found = []
    for each in errors:
        path = ".".join(_place(each["loc"], may_be_unknown)[skip:])
        if each["type"] != NOT_UNKNOWN:
            found.append(Fault(file, _line(path, lines), path, *_explained(each, each["loc"][:-1] in may_be_unknown)))
    return found


def _place(loc: Sequence[int | str], may_be_unknown: Collection[tuple[int | str, ...]]) -> list[str]:
    """Where a fault is: without the names of types that pydantic puts behind a field of more than one."""
    return [str(part) for index, part in enumerate(loc) if tuple(loc[:index]) not in may_be_unknown]


def _line(path: str, lines: Mapping[str, int]) -> int:
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path, 1)


def _explained(error: ErrorDetails, may_be_unknown: bool) -> tuple[str, str, str]:
    kind, found = error["type"], error["input"]
    if kind == "missing":
        return "nothing", "a value", "add the field, or write `unknown` where it is not published"
    if kind in {"unexpected_keyword_argument", "extra_forbidden"}:
        return "an unknown key", "a field of the schema", "correct its spelling or remove it"
    expected = str(error["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    if found is None:
        do = "write `unknown` where it is not published" if may_be_unknown else "this field cannot be left open"
        return "none", expected, f"give a value; {do}"
    if found == WRITTEN_UNKNOWN:
        return "unknown", expected, "give a value; this field cannot be unknown"
    return "a group of fields" if isinstance(found, dict) else repr(found), expected, "change the value"
