"""Bytes of whole checkpoints, against sums made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.arithmetic.stored_bytes import checkpoint_bytes
from llama4ref.memory import parameters

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

CHECKPOINT = "nvidia-llama-4-scout-17b-16e-instruct-fp8"
ROUTED_PARAMETERS, ROUTED_MATRICES = 16 * 3 * 5120 * 8192, 16 * 3
"""Of one layer of Scout: sixteen experts with a gate, an up and a down matrix of 5,120 x 8,192."""
SHARED_PARAMETERS, SHARED_MATRICES = 3 * 5120 * 8192, 3
FORMAT = "fp8-per-tensor-static"
SCALE_BYTES = 4 + 4
"""Of one matrix: the scale of its weights and that of its activations."""


@pytest.mark.parametrize("skipped", [(0,), (47,), (0, 47), tuple(range(48))])
def test_experts_of_skipped_layers_are_stored_in_the_published_dtype(
    catalog: Catalog, skipped: tuple[int, ...]
) -> None:
    """Two bytes a weight instead of one, and no scales."""
    checkpoint = catalog.checkpoint(CHECKPOINT)
    coverage = replace(checkpoint.coverage, routed_experts=FORMAT, shared_expert=FORMAT)

    def stored(layers: tuple[int, ...]) -> int:
        changed = replace(checkpoint, coverage=coverage, skipped_moe_layers=layers)
        return checkpoint_bytes(catalog.model("scout"), changed, catalog.formats)

    saved = ROUTED_PARAMETERS + SHARED_PARAMETERS - SCALE_BYTES * (ROUTED_MATRICES + SHARED_MATRICES)
    assert stored(skipped) - stored(()) == len(skipped) * saved


def test_what_a_checkpoint_omits_takes_no_bytes(catalog: Catalog) -> None:
    """The vision tower and the projector, in the published dtype."""
    checkpoint = replace(catalog.checkpoint(CHECKPOINT), omitted_components=())
    text_only = replace(checkpoint, omitted_components=("vision_tower", "projector"))
    model, formats = catalog.model("scout"), catalog.formats
    vision = sum(parameters(model).by_component[name] for name in ("vision_tower", "projector"))
    assert checkpoint_bytes(model, checkpoint, formats) - checkpoint_bytes(model, text_only, formats) == 2 * vision
