"""Tiles and tokens of an image, against the published processor and what vLLM makes of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama4ref.errors import RequestError
from llama4ref.facts import load
from llama4ref.facts.arithmetic.image_tokens import (
    encoded_tiles,
    image_tokens,
    largest_image_tokens,
    tiles_of,
    tokens_per_tile,
)

VISION = load().model("scout").architecture.vision
SIZES = st.integers(1, 12_000)


@pytest.fixture(scope="module")
def processing(transformers: Any) -> Any:
    """The module of the published image processor."""
    return pytest.importorskip("transformers.models.llama4.image_processing_llama4")


@pytest.fixture(scope="module")
def splitting(transformers: Any) -> Any:
    """The published processor, as much of it as writes an image's tokens."""
    from transformers.models.llama4.processing_llama4 import Llama4Processor

    return Llama4Processor._prompt_split_image


def _canvas(processing: Any, width: int, height: int) -> tuple[int, int]:
    """Rows and columns of tiles that the published processor chooses."""
    import torch

    side = SimpleNamespace(height=VISION.image_size, width=VISION.image_size)
    canvases = torch.tensor(processing.find_supported_resolutions.__wrapped__(VISION.max_tiles, side))
    rows, columns = (processing.get_best_fit((height, width), canvases) // VISION.image_size).tolist()
    return rows, columns


def _written(splitting: Any, rows: int, columns: int) -> int:
    """Tokens that the published processor writes for an image; each is in angle brackets."""
    return splitting(None, (rows, columns), tokens_per_tile(VISION)).count("<|")


@settings(max_examples=300, deadline=None)
@given(width=SIZES, height=SIZES)
def test_tiles_are_those_of_the_published_processor(processing: Any, width: int, height: int):
    """For any size of picture."""
    rows, columns = _canvas(processing, width, height)

    assert tiles_of(VISION, width, height) == rows * columns


@pytest.mark.parametrize("width", [1, 335, 336, 337, 672, 1008, 1344, 5376, 5377])
@pytest.mark.parametrize("height", [1, 336, 337, 672, 673, 1344, 1345])
def test_tiles_change_at_the_same_sizes(processing: Any, width: int, height: int):
    """A pixel more than a tile asks for another one."""
    rows, columns = _canvas(processing, width, height)

    assert tiles_of(VISION, width, height) == rows * columns


@pytest.mark.parametrize("rows", range(1, 17))
def test_tokens_are_those_of_the_published_processor(splitting: Any, rows: int):
    """For every canvas."""
    for columns in range(1, 16 // rows + 1):
        assert image_tokens(VISION, rows * columns) == _written(splitting, rows, columns)


@pytest.mark.parametrize(("tiles", "tokens"), [(1, 147), (2, 437), (16, 2467)])
def test_tokens_are_the_published_ones(tiles: int, tokens: int):
    """As Meta's prompt format and the reference's image encoding count them."""
    assert image_tokens(VISION, tiles) == tokens
    assert largest_image_tokens(VISION) == 2467


@pytest.mark.vllm
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 2), (4, 4), (3, 5)])
def test_embeddings_are_as_many_as_vllm_expects(transformers: Any, rows: int, columns: int):
    """Patches of each tile that the tower reads; marks and separators are text."""
    pytest.importorskip("vllm")
    from llama4ref.proving.model_files.torch_companions import repair_torch_companions

    repair_torch_companions()
    from vllm.model_executor.models.mllama4 import Mllama4ProcessingInfo

    per_tile = Mllama4ProcessingInfo.get_patch_per_chunk(
        SimpleNamespace(
            image_size=VISION.image_size,
            patch_size=VISION.patch_size,
            pixel_shuffle_ratio=VISION.pixel_shuffle_ratio,
        )
    )
    tiles = rows * columns
    separators = 0 if tiles == 1 else tiles

    assert tokens_per_tile(VISION) == per_tile
    assert image_tokens(VISION, tiles) == encoded_tiles(VISION, tiles) * per_tile + separators + 3


def test_more_tiles_than_the_model_takes_are_refused():
    """Nor is there an image of none."""
    for tiles in (0, 17):
        with pytest.raises(RequestError, match="1 to 16"):
            image_tokens(VISION, tiles)
    with pytest.raises(RequestError, match="0 x 10"):
        tiles_of(VISION, 0, 10)
