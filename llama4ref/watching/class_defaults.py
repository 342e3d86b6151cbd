"""Which default has a field of one of vLLM's configuration classes?"""

from __future__ import annotations

import ast
import functools

from llama4ref.watching.python_files import PythonFiles
from llama4ref.watching.syntax import NOT_READ, Default, NotRead, bases, classes, constant, keyword, own_assigned

_PLACES = ("vllm/config.py", "vllm/config/*.py", "vllm/engine/arg_utils.py", "vllm/entrypoints/*cli_args.py")
_DEEPEST = 8
"""References followed from one default to the next."""


class Defaults:
    """Defaults of fields, followed from class to class."""

    def __init__(self, files: PythonFiles) -> None:
        """Take the files of a release."""
        self._files = files

    @functools.cached_property
    def _classes(self) -> dict[str, ast.ClassDef]:
        found: dict[str, ast.ClassDef] = {}
        for name in self._files.matching(*_PLACES):
            found |= classes(self._files.tree(name))
        return found

    def fields(self, class_: str) -> frozenset[str]:
        """Annotated names of a class and of those that it is made from."""
        found = self._classes.get(class_)
        if found is None:
            return frozenset()
        own = {
            each.target.id
            for each in found.body
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        }
        return frozenset(own).union(*(self.fields(base) for base in bases(found)))

    def of(self, class_: str, field: str, *, deep: int = 0) -> Default | NotRead:
        """The default of a field; NOT_READ where it is no constant."""
        found = self._classes.get(class_)
        if found is None or deep > _DEEPEST:
            return NOT_READ
        expression = own_assigned(found, field)
        if expression is not None:
            return self.value(expression, deep=deep + 1)
        inherited = (self.of(base, field, deep=deep + 1) for base in bases(found))
        return next((each for each in inherited if each is not NOT_READ), NOT_READ)

    def value(self, expression: ast.expr, *, deep: int = 0) -> Default | NotRead:
        """What an expression comes to: a constant, a field of a class, or either inside `field` or `get_field`."""
        match expression:
            case ast.Attribute(value=ast.Name(id=class_), attr=field):
                return self.of(class_, field, deep=deep)
            case ast.Call(func=ast.Name(id="get_field"), args=[ast.Name(id=class_), ast.Constant(value=str(field))]):
                return self.of(class_, field, deep=deep)
            case ast.Call(func=ast.Name(id="field" | "Field")):
                default = keyword(expression, "default") or next(iter(expression.args), None)
                return NOT_READ if default is None else self.value(default, deep=deep)
            case _:
                return constant(expression)


__all__ = ["Defaults"]
