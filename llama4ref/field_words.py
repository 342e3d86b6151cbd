"""What does a field mean? The words that stand under it in the code, for `help()` and for the site.

Python drops a sentence under a field, so that it is read from the source where somebody asks; until then it costs nothing.
"""

from __future__ import annotations

import functools
import sys
from dataclasses import fields, is_dataclass
from typing import TypeVar

T = TypeVar("T")
_HEAD = "Attributes:"


class FieldDoc:
    """A docstring that ends with the meaning of each field; it is put together when it is first read."""

    def __init__(self, plain: str) -> None:
        self.plain = plain
        """The docstring as it stands in the code."""

    def __get__(self, _instance: object, kind: type) -> str:
        """The whole docstring of a class."""
        words = meanings(kind)
        public = [each.name for each in fields(kind) if each.name in words] if is_dataclass(kind) else []
        if not public:
            return self.plain
        section = "\n".join(f"        {name}: {words[name]}" for name in public)
        return f"{self.plain.rstrip()}\n\n    {_HEAD}\n{section}\n    "


def described(kind: type[T]) -> type[T]:
    """Let `help()` of a dataclass show the words under its fields.

    Examples:
        >>> from llama4ref import Refusal
        >>> "rule: Short name of the rule, such as `kv-cache-too-small`." in Refusal.__doc__
        True
    """
    kind.__doc__ = FieldDoc(kind.__doc__ or "")  # type: ignore[assignment]  # what is read of it is text
    return kind


def plain_doc(thing: object) -> str:
    """The docstring of a class or function without the meanings of fields."""
    doc = vars(thing).get("__doc__") if isinstance(thing, type) else None
    return doc.plain if isinstance(doc, FieldDoc) else getattr(thing, "__doc__", None) or ""


def without_meanings(doc: str) -> str:
    """A docstring that was read from a class, without the meanings of fields."""
    return doc.partition(f"\n\n{_HEAD}")[0]


def meanings(kind: type) -> dict[str, str]:
    """The sentence under each field of a dataclass, by field; without those that have none.

    Examples:
        >>> from llama4ref.facts.types.models import Text
        >>> meanings(Text)["layers"]
        'Transformer layers.'
    """
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__) if is_dataclass(kind) else ():
        found |= _meanings(each.__module__, each.__name__) if is_dataclass(each) else {}
    return found


@functools.cache
def _meanings(module: str, name: str) -> dict[str, str]:
    import ast
    import inspect
    import textwrap

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
