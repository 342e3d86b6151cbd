"""Batch limits that one vLLM release chooses for a GPU by its memory and name.

The branches that choose them are followed for some devices; a test that is about anything else than memory and name is taken as
one that does not hold.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llama4ref.units import GIB
from llama4ref.watching.python_files import PythonFiles
from llama4ref.watching.syntax import constant, functions
from llama4ref.watching.vllm_options import Readings

_CHOOSING = ("get_batch_defaults", "_set_default_args_v1", "_set_default_args")
"""Functions that choose, newest first."""
_NAMES = {"default_max_num_batched_tokens": "max-num-batched-tokens", "default_max_num_seqs": "max-num-seqs"}
LIMITS = tuple(_NAMES.values())
"""Options that are limits of a batch."""
_SERVER = "OPENAI_API_SERVER"


@dataclass(frozen=True, slots=True)
class Device:
    """A device as the engine sees it."""

    platform: str
    name: str
    """As the driver calls it, in small letters."""
    gib: int
    """Its memory, in whole GiB."""


DEVICES = (
    Device("cuda", "nvidia l4", 22),
    Device("cuda", "nvidia a100-sxm4-80gb", 79),
    Device("cuda", "nvidia h100 80gb hbm3", 79),
    Device("cuda", "nvidia h200", 139),
    Device("cuda", "nvidia b200", 178),
    Device("cuda", "nvidia gb10", 119),
    Device("rocm", "amd instinct mi300x", 191),
)


def path_of(flag: str, device: Device) -> str:
    """The field that stands for a limit on a device."""
    return f"hardware_defaults.{flag}.{device.name}"


def batch_limits(files: PythonFiles) -> Readings:
    """The limits of a server on each device."""
    known = functions(files.tree("vllm/engine/arg_utils.py"))
    chosen = next((known[name] for name in _CHOOSING if name in known), None)
    if chosen is None:
        return {}
    return {
        path_of(flag, device): value
        for device in DEVICES
        for flag, value in _limits(chosen.body, device)
        if value is not None
    }


def _limits(body: Sequence[ast.stmt], device: Device) -> Iterator[tuple[str, int | None]]:
    found = dict(_taken(body, device))
    for name, flag in _NAMES.items():
        yield flag, _of_server(found.get(name))


def _taken(body: Sequence[ast.stmt], device: Device) -> Iterator[tuple[str, ast.expr]]:
    """Assignments in the branches that a device takes."""
    for statement in body:
        if isinstance(statement, ast.If):
            yield from _taken(statement.body if _holds(statement.test, device) else statement.orelse, device)
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0].id, statement.value


def _holds(test: ast.expr, device: Device) -> bool:
    match test:
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_holds(each, device) for each in parts)
        case ast.BoolOp(op=ast.Or(), values=parts):
            return any(_holds(each, device) for each in parts)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return not _holds(inner, device)
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            return _compared(left, comparison, right, device)
        case _:
            return isinstance(test, ast.Name) and test.id == "is_gb10" and "gb10" in device.name


def _compared(left: ast.expr, comparison: ast.cmpop, right: ast.expr, device: Device) -> bool:
    match left, comparison, right:
        case ast.Constant(value=str(part)), ast.In() | ast.NotIn(), ast.Name(id="device_name"):
            return (part in device.name) is isinstance(comparison, ast.In)
        case ast.Name(id="device_memory"), ast.GtE(), _:
            return device.gib * GIB >= _bytes(right)
        case _:
            return False


def _bytes(size: ast.expr) -> float:
    """A size such as `70 * GiB_bytes`; larger than any device where it is written otherwise."""
    match size:
        case ast.BinOp(left=ast.Constant(value=int(gib)), op=ast.Mult(), right=ast.Name(id="GiB_bytes")):
            return gib * GIB
        case _:
            return float("inf")


def _of_server(value: ast.expr | None) -> int | None:
    """A limit, or that of the server in a table by use."""
    if isinstance(value, ast.Dict):
        pairs = zip(value.keys, value.values, strict=True)
        value = next((each for key, each in pairs if isinstance(key, ast.Attribute) and key.attr == _SERVER), None)
    number = constant(value)
    return number if isinstance(number, int) else None


__all__ = ["DEVICES", "LIMITS", "Device", "batch_limits", "path_of"]
