"""Tiles and tokens of an image.

An image is resized to a canvas of square tiles; each tile becomes the same number of tokens, and an image of several tiles is
followed by a small copy of the whole, the global tile.

Sources: transformers' `image_processing_llama4.py` (`find_supported_resolutions`, `get_best_fit`) and `processing_llama4.py`
(`_prompt_split_image`), which vLLM's `models/mllama4.py` calls; `_encode_image` of Meta's `chat_format.py`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError

if TYPE_CHECKING:
    from llama4ref.facts.types.models import Vision

MARKS = 3
"""Tokens beside patches and separators: image start, image, image end."""


def tokens_per_tile(vision: Vision) -> int:
    """Tokens of the patches of one tile.

    Examples:
        >>> from llama4ref.facts import load
        >>> tokens_per_tile(load().model("scout").architecture.vision)
        144
    """
    side = vision.image_size // vision.patch_size
    return round((side * vision.pixel_shuffle_ratio) ** 2)


def encoded_tiles(vision: Vision, tiles: int) -> int:
    """Tiles that the vision tower reads of an image of so many tiles: with the global one where there are several.

    Raises:
        RequestError: for fewer than one tile, or more than the model takes.
    """
    if not 1 <= tiles <= vision.max_tiles:
        raise RequestError(f"tiles: found {tiles}, expected 1 to {vision.max_tiles}")
    return tiles + int(tiles > 1 and vision.global_tile)


def image_tokens(vision: Vision, tiles: int) -> int:
    """Prompt tokens of an image of so many tiles, the global tile not counted among them.

    Raises:
        RequestError: for fewer than one tile, or more than the model takes.

    Examples:
        >>> from llama4ref.facts import load
        >>> vision = load().model("scout").architecture.vision
        >>> [image_tokens(vision, tiles) for tiles in (1, 2, 16)]
        [147, 437, 2467]
    """
    separators = tiles if tiles > 1 else 0
    return tokens_per_tile(vision) * encoded_tiles(vision, tiles) + separators + MARKS


def largest_image_tokens(vision: Vision) -> int:
    """Prompt tokens of an image of the most tiles."""
    return image_tokens(vision, vision.max_tiles)


def tiles_of(vision: Vision, width: int, height: int) -> int:
    """Tiles that an image of so many pixels is cut into, the global tile not counted.

    The processor takes the canvas that enlarges the image least; where none is large enough, the one that shrinks it least;
    of equal ones the smallest.

    Raises:
        RequestError: for a width or height below one pixel.

    Examples:
        >>> from llama4ref.facts import load
        >>> vision = load().model("scout").architecture.vision
        >>> tiles_of(vision, 336, 336), tiles_of(vision, 1920, 1080), tiles_of(vision, 4000, 3000)
        (1, 15, 12)
    """
    if width < 1 or height < 1:
        raise RequestError(f"image size: found {width} x {height} pixels, expected at least 1 x 1")
    return min(
        (_unfitness(vision, columns, rows, width, height), columns * rows)
        for rows in range(1, vision.max_tiles + 1)
        for columns in range(1, vision.max_tiles // rows + 1)
    )[1]


def _unfitness(vision: Vision, columns: int, rows: int, width: int, height: int) -> tuple[bool, Fraction]:
    """Sorts canvases, best first: those that the image fits into by their scale, then the others by how much they shrink it."""
    scale = min(Fraction(columns * vision.image_size, width), Fraction(rows * vision.image_size, height))
    return (False, scale) if scale >= 1 else (True, -scale)
