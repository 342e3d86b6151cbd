"""Finding the model, accelerator or checkpoint that somebody names: `Scout`, `h200`, or a repository.

Specs name each other exactly, and so does the catalogue; people need not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.errors import UnknownNameError
from llama4ref.facts.types.kinds import KINDS
from llama4ref.names import meant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llama4ref.facts.entries import Entries


def id_meant(catalog: Entries, kind: str, name: str) -> str:
    """The id of the one thing of a kind, such as `accelerators`, that a name can mean.

    Args:
        catalog: The facts.
        kind: A folder of `specs/`.
        name: An id, a name, a repository, or some of their words, in any case of letters.

    Raises:
        UnknownNameError: where it can mean none or several, with the nearest.

    Examples:
        >>> from llama4ref.facts import load
        >>> [id_meant(load(), "accelerators", name) for name in ("H200", "RTX PRO 6000", "amd mi300x")]
        ['h200-sxm', 'rtx-pro-6000', 'mi300x']
        >>> id_meant(load(), "models", "meta-llama/Llama-4-Scout-17B-16E-Instruct")
        'scout'
    """
    entities: Mapping[str, object] = getattr(catalog, kind)
    if name in entities:
        return name
    called = {id_: tuple(_other_names(entity)) for id_, entity in entities.items()}
    found = meant(name, entities, called)
    if found is not None:
        return found
    known = [each for names in called.values() for each in names if "/" in each] if "/" in name else []
    listing = f"llama4ref facts list {kind}"
    raise UnknownNameError(KINDS[kind].singular, name, known or entities, called, listing=listing)


def _other_names(entity: object) -> Iterator[str]:
    """What else an entity is called."""
    name = getattr(entity, "name", None)
    if isinstance(name, str):
        yield name
        yield f"{getattr(entity, 'vendor', '')} {name}"
    if getattr(entity, "kind", None) != "recipe":
        yield from filter(None, (getattr(entity, "repository", None), *getattr(entity, "other_names", ())))
    yield from getattr(entity, "repositories", {}).values()
    yield from getattr(entity, "driver_names", None) or ()
