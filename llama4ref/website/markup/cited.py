"""A value of the catalogue together with its sources: pages are written from these, so that no value loses its citation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import UnknownNameError
from llama4ref.facts.types.states import UNKNOWN, is_stated

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.sources import Provenance


@dataclass(frozen=True, slots=True, eq=False)
class Cited:
    """A value, or a group of values, of one entity.

    Examples:
        >>> from llama4ref.facts import load
        >>> layers = cited(load(), "models/scout")["text.layers"]
        >>> layers.value, layers.path, layers.leaf is not None
        (48, 'text.layers', True)
    """

    catalog: Entries
    entity: str
    """Such as `providers/groq`."""
    path: str
    """Of the value inside the entity, such as `offers.0.price_input`; empty for the entity itself."""
    value: object

    def __getitem__(self, path: str | int) -> Cited:
        """A value further in; what is unknown or none has nothing but that inside.

        Raises:
            UnknownNameError: for a field that is not there, with the nearest.
        """
        found = self
        for key in str(path).split("."):
            found = found.inner(key)
        return found

    def inner(self, key: str) -> Cited:
        """The value of one field, one key of a mapping, or one place of a list."""
        path = f"{self.path}.{key}" if self.path else key
        try:
            return Cited(self.catalog, self.entity, path, _inside(self.value, key))
        except (AttributeError, KeyError, IndexError, ValueError):
            raise UnknownNameError(
                f"field of {self.entity}", path, self.catalog.provenance.get(self.entity, {})
            ) from None

    def __iter__(self) -> Iterator[Cited]:
        """The things of a list or of a mapping."""
        keys = self.value if isinstance(self.value, Mapping) else range(len(self._items))
        return (self.inner(str(key)) for key in keys)

    def fields(self) -> Iterator[Cited]:
        """The fields of a group, in the order of its type."""
        if is_dataclass(self.value):
            yield from (self.inner(field.name) for field in fields(self.value))

    @property
    def _items(self) -> tuple[object, ...]:
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def leaf(self) -> Provenance | None:
        """Who says so; None for a group, and for a field that the spec leaves out.

        For what is inside a group that is unknown or none, who says that of the group.
        """
        leaves, path = self.catalog.provenance.get(self.entity, {}), self.path
        while path not in leaves and path and not is_stated(self.value):
            path = path.rpartition(".")[0]
        return leaves.get(path)

    @property
    def key(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def id(self) -> str:
        """Of the entity."""
        return self.entity.partition("/")[2]

    @property
    def is_number(self) -> bool:
        """Whether it is a number, truth values aside."""
        return isinstance(self.value, int | float) and not isinstance(self.value, bool)

    @property
    def is_compound(self) -> bool:
        """Whether it holds further fields."""
        if isinstance(self.value, tuple):
            return bool(self.value) and is_dataclass(self.value[0])
        return (isinstance(self.value, Mapping) and bool(self.value)) or is_dataclass(self.value)


def cited(catalog: Entries, entity: str) -> Cited:
    """An entity such as `models/scout`; raises KeyError for one that is not there."""
    kind, _, id_ = entity.partition("/")
    return Cited(catalog, entity, "", getattr(catalog, kind)[id_])


def _inside(value: object, key: str) -> object:
    if not is_stated(value):
        return UNKNOWN if value is UNKNOWN else None
    if isinstance(value, Mapping):
        return value[key]
    if isinstance(value, tuple):
        return value[int(key)]
    return getattr(value, key)
