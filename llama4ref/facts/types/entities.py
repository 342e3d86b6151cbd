"""What all things of a catalogue have in common: each knows the catalogue that it was read into."""

from __future__ import annotations

import copy
from typing import TypeVar

EntityT = TypeVar("EntityT", bound="Entity")
_CATALOG = "_catalog"


class Entity:
    """A model, a checkpoint, or another thing that a spec file describes.

    The catalogue is no field: it takes no part in comparing, printing, copying or pickling an entity. A copy, such as
    `dataclasses.replace` makes, belongs to no catalogue.
    """

    id: str

    def __repr__(self) -> str:
        """Short, as an entity may hold thousands of facts; `dataclasses.asdict` has them all."""
        return f"{type(self).__name__}({self.id!r})"

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != _CATALOG}


def owner_of(entity: Entity) -> object | None:
    """The catalogue that an entity was read into; None for one that was made by hand."""
    return vars(entity).get(_CATALOG)


def owned(entity: EntityT, catalog: object) -> EntityT:
    """An entity as part of a catalogue: itself, or a copy where it is part of another one already."""
    if owner_of(entity) is not None:
        entity = copy.copy(entity)
    vars(entity)[_CATALOG] = catalog
    return entity
