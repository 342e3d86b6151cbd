"""What a field means, in the words that stand under it in the code."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
from dataclasses import is_dataclass


def meanings(kind: type) -> dict[str, str]:
    """The sentence under each field of a dataclass, by field; without those that have none.

    Examples:
        >>> from llama4ref.facts.types.models import Text
        >>> meanings(Text)["layers"]
        'Transformer layers.'
    """
    return _meanings(kind.__module__, kind.__name__) if is_dataclass(kind) else {}


@functools.cache
def _meanings(module: str, name: str) -> dict[str, str]:
    source = inspect.getsource(getattr(sys.modules[module], name))
    body = ast.parse(textwrap.dedent(source)).body[0]
    found: dict[str, str] = {}
    if not isinstance(body, ast.ClassDef):
        return found
    for field, after in zip(body.body, body.body[1:], strict=False):
        match (field, after):
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str() as sentence)),
            ):
                found[name] = " ".join(sentence.split())
            case _:
                continue
    return found
