"""How many tokens does one request take: the text of its prompt, its images and its reply?"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.arithmetic.image_tokens import image_tokens, tiles_of

if TYPE_CHECKING:
    from llama4ref.facts.types.models import Architecture
    from llama4ref.planning.request import PlanRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Tokens of the requests that are asked for; None is left open."""

    prompt: int | None
    """Text of a prompt."""
    reply: int | None
    context: int | None
    """Longest request, as asked for."""
    images: int
    """Images of one prompt."""
    tiles: int
    """Tiles of one image, the global tile not counted; 0 without images."""
    tokens_per_image: int
    """Tokens of one image; 0 without images."""

    @property
    def images_tokens(self) -> int:
        """Tokens of all images of a prompt."""
        return self.images * self.tokens_per_image

    @property
    def least(self) -> int:
        """Fewest tokens of a request: what is given, and one where prompt or reply is left open beside something given."""
        if self.prompt is None and self.reply is None and not self.images:
            return 1
        return (self.prompt or 1) + self.images_tokens + (self.reply or 1)

    @property
    def stated(self) -> int | None:
        """The request that concurrency is counted for: prompt, images and reply, where both lengths are given."""
        if self.prompt is None or self.reply is None:
            return None
        return self.prompt + self.images_tokens + self.reply

    @property
    def longest(self) -> int | None:
        """The longest request that is asked for: the context, or else prompt, images and reply."""
        return self.stated if self.context is None else self.context


def lengths_of(request: PlanRequest, architecture: Architecture) -> Lengths:
    """The lengths of a request in tokens of a model; an image of unknown size counts as one of the most tiles."""
    tiles = _tiles(request, architecture) if request.images else 0
    prompt, reply, context = request.prompt_tokens, request.output_tokens, request.context
    return Lengths(
        prompt=prompt if isinstance(prompt, int) else None,
        reply=reply if isinstance(reply, int) else None,
        context=context if isinstance(context, int) else None,
        images=request.images,
        tiles=tiles,
        tokens_per_image=image_tokens(architecture.vision, tiles) if tiles else 0,
    )


def _tiles(request: PlanRequest, architecture: Architecture) -> int:
    if request.image_size is None:
        return architecture.vision.max_tiles
    return _tiles_of_size(architecture, request.image_size)


@functools.lru_cache(maxsize=256)
def _tiles_of_size(architecture: Architecture, size: str) -> int:
    width, height = map(int, size.split("x"))
    return tiles_of(architecture.vision, width, height)


def in_words(lengths: Lengths) -> str:
    """What the images of a prompt take; empty without images.

    Examples:
        >>> in_words(Lengths(prompt=500, reply=200, context=None, images=2, tiles=16, tokens_per_image=2467))
        '2 images of 2,467 tokens each (16 tiles and a global one)'
        >>> in_words(Lengths(prompt=500, reply=200, context=None, images=1, tiles=1, tokens_per_image=147))
        'an image of 147 tokens (1 tile)'
    """
    if not lengths.images:
        return ""
    tiles = "1 tile" if lengths.tiles == 1 else f"{lengths.tiles} tiles and a global one"
    if lengths.images == 1:
        return f"an image of {lengths.tokens_per_image:,} tokens ({tiles})"
    return f"{lengths.images:,} images of {lengths.tokens_per_image:,} tokens each ({tiles})"
