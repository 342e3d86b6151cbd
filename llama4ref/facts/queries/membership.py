"""Which family does a model belong to?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.errors import UnknownNameError

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.families import Family
    from llama4ref.facts.types.models import Model


def family_of(catalog: Catalog, model: Model) -> Family:
    """The family that a model is a member of.

    Raises:
        UnknownNameError: for a model that no family names.

    Examples:
        >>> from llama4ref.facts import load
        >>> family_of(load(), load().model("scout")).name
        'Llama 4'
    """
    for family in catalog.families.values():
        if model.id in family.members:
            return family
    members = [member for family in catalog.families.values() for member in family.members]
    raise UnknownNameError("member of a family", model.id, members)
