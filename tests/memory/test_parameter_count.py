"""Parameter counts, against published and independently counted ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import UnknownFactError
from llama4ref.memory.parameter_count import parameters

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

# Counted on transformers' modules, and stated by Meta as 109B, 400B and 17B active.
COUNTED = {
    "scout": (108_641_793_536, 107_769_861_120, 17_172_894_720),
    "maverick": (401_583_781_376, 400_711_848_960, 17_184_691_200),
}


@pytest.mark.parametrize("model", COUNTED)
def test_totals_are_those_counted_on_modules(catalog: Catalog, model: str) -> None:
    """All parameters, those of the language model, and those that one text token uses."""
    counted = parameters(catalog.model(model))

    assert (counted.total, counted.text, counted.active_text) == COUNTED[model]


def test_scout_without_routing_is_llama_guard_4(catalog: Catalog) -> None:
    """Llama Guard 4 is Scout with router and routed experts pruned, published as 12B."""
    counted = parameters(catalog.model("scout"))
    pruned = counted.total - counted.by_component["router"] - counted.by_component["routed_experts"]

    assert round(pruned / 1e9) == 12


def test_components_add_up(catalog: Catalog) -> None:
    """The projector is one matrix; the tower has the pixel-shuffle adapter."""
    counted = parameters(catalog.model("scout"))

    assert sum(counted.by_component.values()) == counted.total == counted.text + counted.vision
    assert counted.by_component["projector"] == 4096 * 5120
    assert counted.by_component["dense_mlp"] == 0


def test_an_unpublished_model_has_no_count(catalog: Catalog) -> None:
    """Behemoth's shapes were never published."""
    with pytest.raises(UnknownFactError):
        parameters(catalog.model("behemoth"))
