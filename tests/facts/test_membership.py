"""Which family does a model belong to?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import UnknownNameError
from llama4ref.facts.queries.membership import family_of

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


def test_every_model_has_its_family(catalog: Catalog):
    """The one that names it."""
    for model in catalog.models.values():
        assert model.id in family_of(catalog, model).members


def test_a_model_that_no_family_names_is_told_with_those_that_are(catalog: Catalog):
    """As a name that is not known."""
    stranger = dataclasses.replace(catalog.model("scout"), id="scuot")

    with pytest.raises(UnknownNameError, match="did you mean scout"):
        family_of(catalog, stranger)
