"""What a serving engine does, needs and accepts, and from which release on."""

from __future__ import annotations

from dataclasses import dataclass

from llama4ref.errors import ReleaseError
from llama4ref.facts.releases import BoolStep, FloatStep, IntStep, TextStep, holds_at, release_key, step_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviours:
    """What the memory rules turn on; each a list of steps, oldest first."""

    hybrid_kv_cache: tuple[BoolStep, ...]
    """Whether chunked-local layers keep one chunk only, without being asked to."""
    hybrid_platforms: tuple[TextStep, ...]
    """Platforms where they can, being asked to: names with spaces between, or `none`."""
    in_flight_tokens_reserved: tuple[BoolStep, ...]
    """Whether a chunked-local layer reserves all tokens in flight instead of one batch."""
    pipeline_batch_overlap: tuple[BoolStep, ...]
    """Whether asynchronous scheduling adds a batch in flight under pipeline parallelism too."""
    null_block_reserved: tuple[BoolStep, ...]
    """Whether the start check keeps one block back."""
    checked_by_group: tuple[BoolStep, ...]
    """Whether the start check counts the blocks of groups instead of the bytes of layers before they are grouped."""
    concurrency_in_blocks: tuple[BoolStep, ...]
    """Whether the printed concurrency counts whole blocks of a request instead of its tokens."""
    tokens_from_concurrency: tuple[BoolStep, ...]
    """Whether the printed KV cache size is concurrency x max_model_len instead of blocks / groups x block size."""
    cuda_graphs_in_budget: tuple[BoolStep, ...]
    """Whether CUDA-graph memory is estimated and subtracted from the KV cache budget."""
    gpu_memory_utilization: tuple[FloatStep, ...]
    """Default of `--gpu-memory-utilization`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """`Behaviours` at one release."""

    release: str
    hybrid_kv_cache: bool
    hybrid_platforms: str
    in_flight_tokens_reserved: bool
    pipeline_batch_overlap: bool
    null_block_reserved: bool
    checked_by_group: bool
    concurrency_in_blocks: bool
    tokens_from_concurrency: bool
    cuda_graphs_in_budget: bool
    gpu_memory_utilization: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One option of the engine's server."""

    since: str | None
    """First release that has it; unknown where it was there before the first release the facts cover."""
    until: str | None
    """First release that no longer has it, or unknown-free `none` while it is there."""
    default: str | None
    """Default value as written on the command line, where it is one word."""
    note: str | None
    """What it means for Llama 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One name that `--quantization` accepts."""

    since: str | None
    until: str | None
    min_capability: int | None
    """Lowest CUDA compute capability of the method, times ten; the expert kernel may ask for more."""
    online: bool
    """Whether it quantizes a bf16 checkpoint while loading."""
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """Where the engine can run routed experts that are stored in a format."""

    format: str
    """Id of the experts' format."""
    platform: str
    """`cuda`, `rocm` or `cpu`."""
    min_capability: int | None
    """Lowest CUDA compute capability, times ten."""
    max_capability: int | None
    """Highest CUDA compute capability, times ten."""
    supported: bool
    kernels: str | None
    """Kernels in the order the engine tries them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A serving engine."""

    id: str
    name: str
    publisher: str
    first_release: str
    """First release that serves Llama 4."""
    newest_release: str
    """Newest release that these facts cover."""
    behaviours: Behaviours | None
    """Memory rules, where this project plans for the engine."""
    flags: dict[str, Flag]
    """Server options by name, without dashes in front."""
    methods: dict[str, Method]
    """Quantization methods by name."""
    kernels: tuple[Kernel, ...]
    """Routed-expert support by format and platform."""
    notes: tuple[str, ...]

    def at(self, release: str | None = None) -> Behaviour:
        """What holds at a release; the newest one that the facts cover where none is named.

        Raises:
            ReleaseError: for a release before the first one that serves Llama 4, after the newest one covered, or
                of an engine whose memory rules are not recorded.
        """
        wanted = self.newest_release if release is None else release.removeprefix("v")
        if self.behaviours is None:
            raise ReleaseError(f"{self.name}: its memory rules are not recorded; plan for vllm")
        if not release_key(self.first_release) <= release_key(wanted) <= release_key(self.newest_release):
            raise ReleaseError(
                f"{self.name} {wanted} is not covered; name a release from {self.first_release} to {self.newest_release}"
            )
        steps = {name: step_at(getattr(self.behaviours, name), wanted) for name in Behaviours.__dataclass_fields__}
        missing = [name for name, step in steps.items() if step is None]
        if missing:
            raise ReleaseError(f"{self.name} {wanted}: {missing[0]} is not recorded for this release")
        return Behaviour(release=wanted, **{name: step.holds for name, step in steps.items() if step is not None})

    def flags_at(self, release: str) -> tuple[str, ...]:
        """Names of the options that exist at a release."""
        return tuple(name for name, flag in self.flags.items() if holds_at(release, since=flag.since, until=flag.until))


__all__ = ["Behaviour", "Behaviours", "BoolStep", "Engine", "Flag", "FloatStep", "IntStep", "Kernel", "Method", "TextStep"]
