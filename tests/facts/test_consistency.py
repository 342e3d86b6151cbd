"""Facts that rule each other out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.audit.consistency import contradictions

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

BASE = "meta-llama/Llama-4-Scout-17B-16E"


@pytest.mark.parametrize(("stage", "faults"), [("base", 0), ("instruct", 1)])
def test_a_recipe_is_of_the_stage_that_it_starts_from(catalog: Catalog, stage: str, faults: int):
    """One that starts from the base checkpoint has the base checkpoint's positions, so it must say that it is one."""
    recipe = catalog.checkpoint("recipe-vllm-fp8-per-tensor-scout")
    made = dataclasses.replace(recipe, repository=BASE, stage=stage)
    changed = dataclasses.replace(catalog, checkpoints={**catalog.checkpoints, recipe.id: made})
    found = contradictions(changed)

    assert len(found) == faults
    assert all((fault.file, fault.field) == (f"specs/checkpoints/{recipe.id}.yaml", "stage") for fault in found)
