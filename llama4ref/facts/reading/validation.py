"""Strict types at the door: what pydantic objects to, as faults with the line of the spec."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ConfigDict, ValidationError

from llama4ref.errors import Fault

STRICT = ConfigDict(strict=True, extra="forbid")
"""How a spec is read into its type: no coercion, no unknown keys."""


def faults_of(error: ValidationError, file: str, lines: Mapping[str, int], *, skip: int = 0) -> list[Fault]:
    """A fault for each objection, at the line of its field; `skip` leading parts of its path are not fields."""
    found = []
    for each in error.errors(include_url=False):
        path = ".".join(str(part) for part in each["loc"][skip:])
        found.append(Fault(file, _line(path, lines), path, *_explained(each["type"], each)))
    return found


def _line(path: str, lines: Mapping[str, int]) -> int:
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path, 1)


def _explained(kind: str, error: Mapping[str, object]) -> tuple[str, str, str]:
    if kind == "missing":
        return "nothing", "a value", "add the field, or write `unknown` where it is not published"
    if kind in {"unexpected_keyword_argument", "extra_forbidden"}:
        return "an unknown key", "a field of the schema", "correct its spelling or remove it"
    found = error["input"]
    shown = "unknown or none" if found is None else "a group of fields" if isinstance(found, dict) else repr(found)
    expected = str(error["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")
    return shown, expected, "change the value" if found is not None else "give a value; this field cannot be left open"
