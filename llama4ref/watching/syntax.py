"""Questions to a syntax tree: which classes, which words, which default."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import Enum
from typing import Final

Default = str | int | float | bool | None


class _NotRead(Enum):
    NOT_READ = "not read"


NOT_READ: Final = _NotRead.NOT_READ
"""An expression whose value shows only when it runs."""
NotRead = _NotRead


def classes(tree: ast.AST) -> dict[str, ast.ClassDef]:
    """Classes by name, wherever they stand; of two with one name the last."""
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def functions(tree: ast.AST) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions and methods by name; of two with one name the last."""
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def bases(class_: ast.ClassDef | None) -> frozenset[str]:
    """Names of the classes that a class is made from, without their modules."""
    return frozenset(_last_name(base) for base in class_.bases) if class_ else frozenset()


def _last_name(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)


def assignments(body: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Every name that is given a value somewhere in a tree, with the expression."""
    for node in ast.walk(body):
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value


def assigned(body: ast.AST, name: str) -> ast.expr | None:
    """What a name is given first; None where it is given nothing."""
    return next((value for each, value in assignments(body) if each == name), None)


def own_assigned(class_: ast.ClassDef, name: str) -> ast.expr | None:
    """What a class body itself gives a name."""
    return assigned(ast.Module(body=[each for each in class_.body if not _is_scope(each)], type_ignores=[]), name)


def _is_scope(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def words(node: ast.AST | None) -> frozenset[str]:
    """All texts in an expression or a file: members of a Literal or a list, keys of a dict, messages."""
    if node is None:
        return frozenset()
    return frozenset(
        each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )


def keys(node: ast.expr | None) -> frozenset[str]:
    """Texts that are keys of a dict."""
    if not isinstance(node, ast.Dict):
        return frozenset()
    return frozenset(each.value for each in node.keys if isinstance(each, ast.Constant) and isinstance(each.value, str))


def names(node: ast.AST | None) -> frozenset[str]:
    """Every name and attribute that is used in a tree, and every argument and function that it defines."""
    found: set[str] = set()
    for each in ast.walk(node) if node is not None else ():
        match each:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case _:
                pass
    return frozenset(found)


def returned(function: ast.FunctionDef | ast.AsyncFunctionDef | None) -> Default | NotRead:
    """The constant that a function returns, where it returns nothing else."""
    if function is None:
        return NOT_READ
    found = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    return constant(found[0]) if len(found) == 1 and found[0] is not None else NOT_READ


def parameter(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> ast.expr | None:
    """The default of a parameter that is passed by name."""
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return next((default for each, default in pairs if each.arg == name), None)


def constant(node: ast.expr | None) -> Default | NotRead:
    """The value of a constant, with or without a sign."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case _:
            return NOT_READ


def called(node: ast.AST, name: str) -> Iterator[ast.Call]:
    """Calls of a function or method of this name."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and _last_name(each.func) == name:
            yield each


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """A keyword argument of a call."""
    return next((each.value for each in call.keywords if each.arg == name), None)


__all__ = [
    "NOT_READ",
    "Default",
    "NotRead",
    "assigned",
    "assignments",
    "bases",
    "called",
    "classes",
    "constant",
    "functions",
    "keys",
    "keyword",
    "names",
    "own_assigned",
    "parameter",
    "returned",
    "words",
]
