"""A miniature keeps the structure, is small, reproducible, and a model that transformers loads."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from llama4ref.memory import parameters
from llama4ref.proving.model_files.miniature import build, miniature_of

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from llama4ref.facts.types.models import Model
    from llama4ref.proving.model_files.miniature import Miniature

STRUCTURE = {
    "attention.qk_norm",
    "attention.chunk_size",
    "attention.nope_interval",
    "attention.temperature_floor_scale",
    "rope.scaling",
    "experts.per_token",
    "experts.shared",
    "experts.interleave_step",
    "vision.image_size",
    "vision.patch_size",
    "vision.pixel_shuffle_ratio",
    "vision.max_tiles",
}


@pytest.mark.parametrize("name", ["scout", "maverick"])
def test_structure_is_kept_and_widths_are_shrunk(name: str, request: pytest.FixtureRequest) -> None:
    """Both are stated field by field, and together they are all fields."""
    miniature = miniature_of(request.getfixturevalue(name), text_only=False)
    shrunk = {difference.field for difference in miniature.shrunk}

    assert set(miniature.kept) >= STRUCTURE
    assert {"text.hidden_size", "text.layers", "experts.count", "attention.heads"} <= shrunk
    assert shrunk.isdisjoint(miniature.kept)


def test_the_ratio_of_heads_is_kept(scout: Model) -> None:
    """Five query heads share a key and value head, as in the original."""
    own = miniature_of(scout).model.architecture.attention
    original = scout.architecture.attention

    assert own.heads * original.kv_heads == original.heads * own.kv_heads


def test_the_models_differ_in_miniature_as_in_full(scout: Model, maverick: Model) -> None:
    """Interleaving, QK-norm and number of experts tell them apart."""
    small_scout, small_maverick = (miniature_of(model).model.architecture for model in (scout, maverick))

    assert (small_scout.attention.qk_norm, small_maverick.attention.qk_norm) == (True, False)
    assert (small_scout.experts.interleave_step, small_maverick.experts.interleave_step) == (1, 2)
    assert 1 < small_scout.experts.count < small_maverick.experts.count


def test_the_same_seed_gives_the_same_weights(scout: Model, transformers: ModuleType, tmp_path: Path) -> None:
    """Byte for byte, and another seed gives others."""
    digests = []
    for number, seed in enumerate((0, 0, 1)):
        directory = tmp_path / str(number)
        build(miniature_of(scout, seed=seed), directory)
        digests.append(hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest())

    assert digests[0] == digests[1] != digests[2]


def test_transformers_loads_what_was_built(built: tuple[Miniature, Path], transformers: ModuleType) -> None:
    """With every weight in its place, and as many parameters as counted for it."""
    miniature, directory = built
    network, report = transformers.Llama4ForConditionalGeneration.from_pretrained(directory, output_loading_info=True)

    assert (set(report["missing_keys"]), set(report["unexpected_keys"])) == (set(), set())
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters(miniature.model).total
