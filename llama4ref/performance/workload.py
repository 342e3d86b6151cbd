"""What is asked of a deployment: how long, how many at once, with which images and shared beginnings."""

from __future__ import annotations

from dataclasses import dataclass

from llama4ref.errors import RequestError
from llama4ref.field_words import described


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Requests of one kind, served together.

    Raises:
        RequestError: for a size that is out of range.

    Examples:
        >>> Workload(prompt_tokens=1000, output_tokens=500).tokens
        1500
        >>> Workload(prompt_tokens=1000, output_tokens=500, concurrency=None).offline
        True
    """

    prompt_tokens: int
    """Text tokens of one prompt, those of images not counted."""
    output_tokens: int
    """Tokens of one reply."""
    concurrency: int | None = 1
    """Requests in progress at once over the whole deployment; None is offline: the queue is never empty."""
    requests: int | None = None
    """Requests of an offline run, all queued at once; None is an endless queue."""
    images: int = 0
    """Images of one prompt."""
    tiles_per_image: int = 1
    """Tiles that one image is cut into, the global tile not counted."""
    shared_prefix_tokens: int = 0
    """Leading prompt tokens that all requests share, so that the prefix cache holds them."""

    def __post_init__(self) -> None:
        least = {"prompt_tokens": 1, "output_tokens": 1, "images": 0, "tiles_per_image": 1, "shared_prefix_tokens": 0}
        least |= {name: 1 for name in ("concurrency", "requests") if getattr(self, name) is not None}
        for name, lowest in least.items():
            size = getattr(self, name)
            if isinstance(size, bool) or not isinstance(size, int) or size < lowest:
                raise RequestError(f"{name}: found {size!r}, expected a whole number of at least {lowest}")
        if self.shared_prefix_tokens >= self.prompt_tokens:
            raise RequestError(
                f"shared_prefix_tokens: found {self.shared_prefix_tokens}, expected fewer than the {self.prompt_tokens} "
                "prompt_tokens; at least one token of each prompt is its own"
            )

    @property
    def offline(self) -> bool:
        """Whether as many requests run as fit."""
        return self.concurrency is None

    @property
    def tokens(self) -> int:
        """Text tokens of one request, prompt and reply."""
        return self.prompt_tokens + self.output_tokens
