"""Dictionaries that nobody changes by accident: the catalogue is shared by a whole process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ReadOnlyDict(dict[K, V]):
    """A dictionary that refuses every change; `|` and `dict()` make changed copies.

    Examples:
        >>> facts = ReadOnlyDict({"layers": 48})
        >>> facts["layers"] = 1
        Traceback (most recent call last):
            ...
        TypeError: facts are read-only; copy them with dict() to change the copy
        >>> dict(facts) | {"layers": 1}
        {'layers': 1}
    """

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("facts are read-only; copy them with dict() to change the copy")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[ReadOnlyDict[K, V]], tuple[dict[K, V]]]:
        return type(self), (dict(self),)

    def __copy__(self) -> ReadOnlyDict[K, V]:
        return self


def read_only(mapping: Mapping[K, V]) -> ReadOnlyDict[K, V]:
    """A mapping as a read-only dictionary, itself where it is one."""
    return mapping if isinstance(mapping, ReadOnlyDict) else ReadOnlyDict(mapping)


def freeze(thing: object) -> object:
    """A value in which every dictionary, however deep in dataclasses and tuples, is read-only.

    Dataclasses are changed in place, so this is for values that nobody else holds yet.
    """
    if isinstance(thing, dict):
        return ReadOnlyDict({key: freeze(value) for key, value in thing.items()})
    if isinstance(thing, tuple):
        return tuple(map(freeze, thing))
    if is_dataclass(thing) and not isinstance(thing, type):
        for each in fields(thing):
            object.__setattr__(thing, each.name, freeze(getattr(thing, each.name)))
    return thing
