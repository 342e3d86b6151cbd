"""Published figures beside what follows from the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.arithmetic.quantities import quantities
from llama4ref.facts.types.claims import Claim
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


def _claim(figure: float, precision: float) -> Claim:
    return Claim(about="parameters.total", stated="x", figure=figure, precision=precision)


@pytest.mark.parametrize(
    ("figure", "precision", "computed", "agrees"),
    [
        (400e9, 100e9, 401_583_781_376, True),
        (400e9, 1e9, 401_583_781_376, False),
        (402e9, 1e9, 401_583_781_376, True),
        (109e9, 1e9, 108_641_793_536, True),
        (48, 1, 48, True),
        (48, 1, 49, False),
    ],
)
def test_a_figure_agrees_where_it_rounds_to_what_is_stated(
    figure: float, precision: float, computed: float, agrees: bool
):
    """To half a step of its last place."""
    assert _claim(figure, precision).agrees_with(computed) is agrees


def test_a_claim_is_computed_wherever_its_quantity_is(catalog: Catalog):
    """Where nothing computes it, the shapes are not published, it is about memory that a machine should have, or
    a note says what it is."""
    for each in catalog.claims():
        kind, id_ = each.entity.split("/")
        model = catalog.model(id_ if kind == "models" else catalog.checkpoint(id_).model)
        if each.claim.about in quantities(model) and each.claim.about != "weights.bytes":
            assert each.computed == quantities(model)[each.claim.about]
        if each.computed is None:
            assert model.text is UNKNOWN or each.claim.note or each.claim.about.startswith("memory."), each
        assert (each.agrees is None) == (each.computed is None)


def test_every_claim_is_cited_where_it_stands(catalog: Catalog):
    """Its figure has a source and a place."""
    for each in catalog.claims():
        citations = catalog.cite(each.entity, each.field)

        assert citations[0].at
        assert citations[0].value == each.claim.figure


def test_a_figure_that_disagrees_is_explained(catalog: Catalog):
    """What does not follow from the facts says why."""
    for each in catalog.claims():
        if each.agrees is False:
            assert each.claim.note, (each.entity, each.claim.stated, each.computed)
