"""How Llama 4 has been served with an engine: defaults by hardware, variables, published launches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import Count, NotNegative
from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import Unknown
from llama4ref.units import GIB


@dataclass(frozen=True, kw_only=True)
class HardwareDefault:
    """The value that a server option gets on some hardware where nobody gives one; rows of more memory come first."""

    flag: str
    """Name of the option."""
    platform: str
    """`cuda`, `rocm`, `cpu`."""
    since: str
    """First release with this default."""
    until: str | None
    """First release without it; none while it holds."""
    min_memory_gib: NotNegative
    """Least device memory it is meant for, in GiB."""
    only_names: tuple[str, ...]
    """Lowercase parts of the names of the devices it is meant for; an empty list where the name does not matter."""
    except_names: tuple[str, ...]
    """Lowercase parts of the names of devices that get the next row instead."""
    value: NotNegative
    """The default of a server."""
    per_worker: bool
    """Whether it is multiplied by the number of workers."""

    def is_meant_for(self, *, platform: str, release: str, memory_bytes: int, device: str) -> bool:
        """Whether it holds for a device of this memory and name at a release."""
        name = device.lower()
        return (
            platform == self.platform
            and memory_bytes >= self.min_memory_gib * GIB
            and (not self.only_names or any(part in name for part in self.only_names))
            and not any(part in name for part in self.except_names)
            and holds_at(release, since=self.since, until=self.until)
        )


@dataclass(frozen=True, kw_only=True)
class Variable:
    """An environment variable of the engine."""

    since: str | Unknown
    """First release that reads it; unknown where it was there before the first release the facts cover."""
    until: str | None
    """First release that no longer reads it; none while it is read."""
    default: str | None
    """Value in force where it is not set; none where nothing is."""
    note: str | None
    """What it means for Llama 4."""


@dataclass(frozen=True, kw_only=True)
class CapacityClaim:
    """A published context length that some machine served, or was said to serve."""

    release: str | Unknown
    """Release of the engine; unknown where only a pull request or a day is named."""
    accelerator: str
    """Id of the accelerator."""
    count: Count
    """Accelerators altogether."""
    model: str
    """Id of the model."""
    checkpoint: str | Unknown
    """Id of the checkpoint; unknown where only a precision is named."""
    precision: str | Unknown
    """Precision of the weights in the publisher's word."""
    max_context: NotNegative
    """Tokens of one request, prompt and answer."""
    is_rounded: bool
    """Whether the publisher says `about` or `up to`."""
    flags: tuple[str, ...] | Unknown
    """Options of the launch."""
    note: str | None
    """What else was said."""
    shown: Literal["stated", "started", "served"] = "stated"
    """What the source shows: its word alone, a server that started with this limit, or a request of that length that was answered."""


@dataclass(frozen=True, kw_only=True)
class FlagSet:
    """Settings that somebody published for serving Llama 4."""

    id: str
    """A short name."""
    release: str | Unknown
    """Release of the engine that they are for, at least."""
    accelerators: tuple[str, ...]
    """Ids of the accelerators."""
    count: Count | None
    """Accelerators altogether; none where any number will do."""
    model: str
    """Id of the model."""
    checkpoint: str | Unknown
    """Id of the checkpoint."""
    goal: str | None
    """What they are tuned for."""
    max_context: NotNegative | None
    """Context limit of the launch."""
    flags: tuple[str, ...]
    """Options as on the command line."""
    environment: tuple[str, ...]
    """Variables as `NAME=value`."""
    note: str | None
    """What has changed since, or contradicts it."""


__all__ = ["CapacityClaim", "FlagSet", "HardwareDefault", "Variable"]
