"""What a serving engine does, needs and accepts, and from which release on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from llama4ref.errors import ReleaseError
from llama4ref.facts.types.constraints import NotNegative
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.releases import (
    BoolStep,
    FloatStep,
    IntStep,
    TextStep,
    holds_at,
    nearest_releases,
    normalized_release,
    release_key,
    step_at,
)
from llama4ref.facts.types.serving import CapacityClaim, FlagSet, HardwareDefault, Variable
from llama4ref.facts.types.sizing import EnginePlatform, Sizing
from llama4ref.facts.types.states import UNKNOWN, Unknown

YesT = TypeVar("YesT")
ShareT = TypeVar("ShareT")
WordT = TypeVar("WordT")
CountT = TypeVar("CountT")


@dataclass(frozen=True, kw_only=True)
class MemoryRules(Generic[YesT, ShareT, WordT, CountT]):
    """What the memory rules turn on, at one release (`Behaviour`) or as steps, oldest first (`SteppedRules`)."""

    hybrid_kv_cache: YesT
    """Whether chunked-local layers keep one chunk only, without being asked to."""
    hybrid_platforms: WordT
    """Platforms where they can, being asked to: names with spaces between, or `none`."""
    in_flight_tokens_reserved: YesT
    """Whether a chunked-local layer reserves all tokens in flight instead of one batch."""
    pipeline_batch_overlap: YesT
    """Whether asynchronous scheduling adds a batch in flight under pipeline parallelism too."""
    null_block_reserved: YesT
    """Whether the start check keeps one block back."""
    start_check: WordT
    """What the start check counts of one request: `layers` before they are grouped, the `first-group` of the whole model,
    the `first-group-of-stage`, or all `groups`."""
    concurrency_in_blocks: YesT
    """Whether the printed concurrency counts whole blocks of a request instead of its tokens."""
    tokens_from_concurrency: YesT
    """Whether the printed KV cache size is concurrency x max_model_len instead of blocks / groups x block size."""
    cuda_graphs_in_budget: YesT
    """Whether CUDA-graph memory is subtracted from the KV cache budget where it is estimated."""
    cuda_graphs_platforms: WordT
    """Platforms where it is estimated: names with spaces between, or `none`."""
    gpu_memory_utilization: ShareT
    """Default of `--gpu-memory-utilization`."""
    v2_model_runner: YesT
    """Whether the V2 model runner, with its buffers, is the default on a GPU."""
    early_buffers_in_budget: YesT
    """Whether buffers that the V1 model runner makes before it profiles memory count against the KV cache budget: they do where
    torch's whole peak or the device's free memory is measured, and do not where only growth is."""
    draft_positions_raised: YesT
    """Whether the rotary table of a draft head is made as long as `max_model_len` where its own configuration is shorter."""
    block_table_alignment: CountT
    """Tokens that a row of a block table is padded to a multiple of; 1 where it is not padded."""
    sampling_words: CountT
    """Numbers of four bytes that are kept of each request's sampling, beside penalties and the grammar's masks."""
    token_kinds_kept: YesT
    """Whether the host keeps a byte beside each token id that says what kind of input it is."""
    sampler_profile: WordT
    """What the profiled sampling step does: `sort` the logits, find a `threshold` by kernel, take the largest (`greedy`), or that and
    then sample with all parameters (`warm-up`)."""
    collectives_in_budget: YesT
    """Whether memory of the communication library counts against the KV cache budget."""
    vision_left_out: YesT
    """Whether a limit of no images leaves the vision tower unbuilt."""
    nested_overrides: YesT
    """Whether `--hf-overrides` changes single values inside `text_config`, such as the positions that the RoPE table is built for;
    where it does not, the object that is given replaces all of `text_config`."""


SteppedRules = MemoryRules[tuple[BoolStep, ...], tuple[FloatStep, ...], tuple[TextStep, ...], tuple[IntStep, ...]]
"""As the specs record them."""


@dataclass(frozen=True, kw_only=True)
class Behaviour(MemoryRules[bool, float, str, int]):
    """The memory rules at one release."""

    release: str

    def counts_cuda_graphs_on(self, platform: str) -> bool:
        """Whether graphs of a platform are inside the KV cache budget."""
        return self.cuda_graphs_in_budget and platform in self.cuda_graphs_platforms.split()


@dataclass(frozen=True, kw_only=True)
class Flag:
    """One option of the engine's server."""

    since: str | Unknown
    """First release that has it; unknown where it was there before the first release the facts cover."""
    until: str | None
    """First release that no longer has it; none while it is there."""
    takes: Literal["value", "json", "switch"]
    """A plain value, a JSON object or its dotted form, or nothing: a switch is turned off by `--no-` and its name."""
    default: str | None
    """Default at the newest release covered, as written on the command line (a switch: `true` or `false`); none where
    the engine finds a value itself."""
    note: str | None
    """What it means for Llama 4."""
    json_since: str | None = None
    """First release that takes JSON where earlier ones take `key=value` pairs; none where an object is JSON in each release."""
    values: dict[str, str] = field(default_factory=dict)
    """First release that takes a value, for values of Llama 4 that not all releases take."""
    only: tuple[str, ...] = ()
    """Values that it takes, where no other one is taken; an empty list where that is not so, or not recorded."""

    def takes_at(self, value: str, release: str) -> bool:
        """Whether a release takes a value; those that nothing is recorded of are taken by each."""
        return holds_at(release, since=self.values.get(value))

    def takes_pairs_at(self, release: str) -> bool:
        """Whether an object is written as `key=value` pairs at a release, not as JSON."""
        return self.json_since is not None and not holds_at(release, since=self.json_since)


@dataclass(frozen=True, kw_only=True)
class ContainerImage:
    """Where the engine's own images for a platform are published; each release is a tag, with a `v` in front."""

    repository: str
    since: str | None
    """First release with an image; none where it is older than Llama 4."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """One name that `--quantization` accepts."""

    since: str | Unknown
    until: str | None
    min_capability: NotNegative | Unknown
    """Lowest CUDA compute capability of the method, times ten; the expert kernel may ask for more."""
    online: bool
    """Whether it quantizes a bf16 checkpoint while loading."""
    note: str | None
    """What it is for."""
    platforms: tuple[str, ...] | Unknown = UNKNOWN
    """Platforms that take the name at the newest release, kernels or not; unknown for methods that ended."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Engine(Entity):
    """A serving engine."""

    id: str
    name: str
    publisher: str
    first_release: str | Unknown
    """First release that serves Llama 4."""
    newest_release: str | Unknown
    """Newest release that these facts cover."""
    behaviours: SteppedRules | None
    """Memory rules, where this project plans for the engine."""
    flags: dict[str, Flag]
    """Server options by name, without dashes in front."""
    methods: dict[str, Method]
    """Quantization methods by name."""
    notes: tuple[str, ...]
    """What else to know."""
    releases: tuple[str, ...] = ()
    """Every published release since the first, oldest first; an empty list where they are not recorded."""
    hardware_defaults: tuple[HardwareDefault, ...] = ()
    """Defaults that depend on the hardware, rows of more memory first."""
    environment: dict[str, Variable] = field(default_factory=dict)
    """Environment variables by name."""
    images: dict[str, ContainerImage] = field(default_factory=dict)
    """Container images by platform."""
    claims_of_capacity: tuple[CapacityClaim, ...] = ()
    """Published context lengths."""
    flag_sets: tuple[FlagSet, ...] = ()
    """Published settings."""
    platforms: dict[str, EnginePlatform] = field(default_factory=dict)
    """Where it serves Llama 4, by the name of the platform."""
    sizing: Sizing | None = None
    """Rules of memory that plans are sized by, where this project proves none for the engine."""

    def at(self, release: str | None = None) -> Behaviour:
        """What holds at a release; the newest one that the facts cover where none is named.

        Raises:
            ReleaseError: for a release before the first one that serves Llama 4, after the newest one covered, or
                of an engine whose memory rules are not recorded.
        """
        wanted = self.covered_release(release)
        steps = {name: step_at(getattr(self.behaviours, name), wanted) for name in MemoryRules.__dataclass_fields__}
        missing = [name for name, step in steps.items() if step is None]
        if missing:
            raise ReleaseError(f"{self.name} {wanted}: {missing[0]} is not recorded for this release")
        return Behaviour(release=wanted, **{name: step.holds for name, step in steps.items() if step is not None})

    def covered_release(self, release: str | None = None) -> str:
        """A release that the facts cover, in its one spelling; the newest where none is named.

        Raises:
            ReleaseError: for what is no release, was never published, lies before the first release that serves Llama 4
                or after the newest one covered, or for an engine whose memory rules are not recorded.
        """
        first, newest = self.first_release, self.newest_release
        if self.behaviours is None or first is UNKNOWN or newest is UNKNOWN:
            raise ReleaseError(f"{self.name}: its memory rules are not recorded; plan for vllm")
        if release is None:
            return newest
        span = f"name a release from {first} to {newest}"
        try:
            wanted = normalized_release(release)
        except ReleaseError as error:
            raise ReleaseError(f"{error}; {span}") from error
        if not release_key(first) <= release_key(wanted) <= release_key(newest):
            raise ReleaseError(f"{self.name} {wanted} is not covered; {span}")
        if self.releases and wanted not in self.releases:
            nearest = " and ".join(nearest_releases(wanted, self.releases))
            raise ReleaseError(f"{self.name} {wanted} was never released; the nearest are {nearest}")
        return wanted

    def flags_at(self, release: str) -> tuple[str, ...]:
        """Names of the options that exist at a release."""
        return tuple(name for name, flag in self.flags.items() if holds_at(release, since=flag.since, until=flag.until))

    def default_on(
        self,
        flag: str,
        *,
        platform: str,
        memory_bytes: int,
        device: str = "",
        release: str | None = None,
        workers: int = 1,
    ) -> int | None:
        """The default of an option that depends on the hardware; None where nothing is recorded.

        `memory_bytes` is the memory of one device, `device` its name in any case of letters, `workers` how many
        processes share the load (tensor times pipeline parallel).
        """
        wanted = release or self.newest_release
        if wanted is UNKNOWN:
            return None
        for row in self.hardware_defaults:
            if row.flag == flag and row.is_meant_for(
                platform=platform, release=wanted, memory_bytes=memory_bytes, device=device
            ):
                return row.value * workers if row.per_worker else row.value
        return None


__all__ = [
    "Behaviour",
    "BoolStep",
    "CapacityClaim",
    "ContainerImage",
    "Engine",
    "EnginePlatform",
    "Flag",
    "FlagSet",
    "FloatStep",
    "HardwareDefault",
    "IntStep",
    "MemoryRules",
    "Method",
    "Sizing",
    "SteppedRules",
    "TextStep",
    "Variable",
]
