"""By which rules an engine sizes its memory: where it runs, its share of a device, what layers keep of a request, its cache types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import Count, NotNegative, NotNegativeFloat, PositiveFloat
from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import Unknown
from llama4ref.units import GIB

Split = Literal["tensor", "layers", "one"]
"""`tensor`: a slice of every layer on each device; `layers`: consecutive layers on each; `one`: one device holds all."""


@dataclass(frozen=True, kw_only=True)
class EnginePlatform:
    """What is known of the engine with Llama 4 on a platform."""

    since: str | Unknown | None
    """First release that serves it there; unknown where that was not looked up, none where a source says that none does."""
    note: str | None
    """What to know of it there."""


@dataclass(frozen=True, kw_only=True)
class MemoryShare:
    """How much of a device's memory weights and cache may take; the first row that is meant for a device counts."""

    since: str | Unknown
    """First release with it; unknown where it was there before the first release that was read."""
    until: str | None
    """First release without it; none while it holds."""
    of: Literal["memory", "left"]
    """Share of the whole `memory`, weights included, or of what is `left` beside the weights for the cache alone."""
    from_devices: Count
    """Fewest devices that it is meant for."""
    below_gib: Count | None
    """Memory of a device, in GiB, from which it is no longer meant; none for any."""
    share: PositiveFloat
    """The part, where nobody asks for another."""
    reserved_mib: NotNegativeFloat
    """MiB that are subtracted first."""
    reserved_mib_per_device: NotNegativeFloat
    """MiB that are subtracted besides, for each device in the layout."""
    share_with_images: PositiveFloat
    """What the part is multiplied by where images are served."""

    def is_meant_for(self, *, release: str, devices: int, memory_bytes: int) -> bool:
        """Whether it holds for so many devices of this memory at a release."""
        return (
            holds_at(release, since=self.since, until=self.until)
            and devices >= self.from_devices
            and (self.below_gib is None or memory_bytes < self.below_gib * GIB)
        )


@dataclass(frozen=True, kw_only=True)
class CacheRule:
    """How many tokens of a request each kind of layer keeps."""

    since: str | Unknown
    """First release with it; unknown where it was there before the first release that was read."""
    until: str | None
    """First release without it; none while it holds."""
    local_layers: Literal["all", "chunk", "share"]
    """What a chunked-local layer keeps: `all` tokens, one `chunk` and some beside it, or a `share` of what a global layer keeps."""
    beside_chunk: NotNegative
    """Tokens beside one chunk, where that is kept: those of one step of the prompt."""
    local_share: PositiveFloat
    """The share; 1 where it is none."""
    rounded_to: Count
    """Tokens that a layer's room is padded to a multiple of."""

    def holds_at(self, release: str) -> bool:
        """Whether it holds at a release."""
        return holds_at(release, since=self.since, until=self.until)

    def local_tokens(self, tokens: int, chunk: int) -> float:
        """Tokens that a chunked-local layer has room for, of a request of so many; padded."""
        if self.local_layers == "share":
            return self.padded(tokens) * self.local_share
        return self.padded(tokens if self.local_layers == "all" else min(tokens, chunk + self.beside_chunk))

    def padded(self, tokens: int) -> int:
        """Tokens that a layer has room for.

        Examples:
            >>> rule = CacheRule(since="0.1.0", until=None, local_layers="chunk", beside_chunk=512, local_share=1.0, rounded_to=256)
            >>> rule.padded(32_769), rule.local_tokens(32_769, 8192)
            (33024, 8704)
        """
        return -(-tokens // self.rounded_to) * self.rounded_to


@dataclass(frozen=True, kw_only=True)
class CacheType:
    """A number format of the cache."""

    name: str
    """As the engine calls it."""
    bits: PositiveFloat
    """Bits of a number, scales included."""
    options: tuple[str, ...]
    """Options that choose it; an empty list where it is the default."""


@dataclass(frozen=True, kw_only=True)
class Overhead:
    """Memory of a device beside weights and cache, as an interval: nobody's promise, wide on purpose."""

    least_bytes: NotNegative
    most_bytes: NotNegative
    least_bytes_per_token: NotNegative
    """For each token of the context."""
    most_bytes_per_token: NotNegative


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """The rules of memory of an engine that this project sizes plans for but does not prove."""

    split: Split
    """How several devices share the model."""
    memory: tuple[MemoryShare, ...]
    """Rows of more devices first."""
    cache: tuple[CacheRule, ...]
    cache_types: dict[str, CacheType]
    """Types by the word that a request has for them: `bfloat16` for 16 bits, `fp8` for 8."""
    overhead: Overhead | Unknown
    """Unknown where nobody states it; then nothing is promised to fit."""
    command: tuple[str, ...]
    """How a server is started, word by word, with `{repository}`, `{hub}` (`hf.co/` before those of Hugging Face), `{context}`,
    `{all_contexts}`, `{requests}` and `{devices}` filled in."""
    projector_file: bool | Unknown
    """Whether images can be read by a vision tower that lies in a file of its own beside the checkpoint."""
    image_options: tuple[str, ...]
    """What is added where images are served."""


__all__ = ["CacheRule", "CacheType", "EnginePlatform", "MemoryShare", "Overhead", "Sizing", "Split"]
