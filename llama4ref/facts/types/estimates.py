"""Estimates: numbers that no source states exactly, each with the bounds that logs and measurements set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

from llama4ref.facts.types.constraints import Factor, NotNegativeFloat
from llama4ref.facts.types.entities import Entity

EstimateUnit = Literal["MiB", "bytes", "s", "ms", "us", "ratio", "tokens", "sequences"]
"""`us` are microseconds; a `ratio` multiplies something that is computed."""
Method = Literal["stated", "logged", "fitted", "borrowed"]
Spread = Literal["one", "several", "stages"]
"""`one` GPU; `several` that compute each layer together; or several that hold one pipeline `stage` each and nothing else."""


@dataclass(frozen=True, kw_only=True)
class EstimateRow:
    """What one estimate is, under the conditions that it is known for."""

    value: NotNegativeFloat
    """The figure that is expected."""
    low: NotNegativeFloat
    """Least that it is expected to be."""
    high: NotNegativeFloat
    """Most that it is expected to be."""
    method: Method
    """`stated` by its source; `logged`, with bounds around what the starts in `basis` printed; `fitted` to the measurements in
    `basis` by least squares; `borrowed` from another engine's estimate of the same name."""
    since: str | None = None
    """First release that it holds for; none where it holds from the first."""
    until: str | None = None
    """First release that it no longer holds for; none while it holds."""
    accelerators: tuple[str, ...] = ()
    """Ids of the accelerators that it was observed on; an empty list where it depends on none."""
    platforms: tuple[str, ...] = ()
    """Platforms that it is for, such as `cuda` or `rocm`; an empty list where they do not matter."""
    gpus: Spread | None = None
    """How the model lies over GPUs; none where that does not matter."""
    experts: tuple[str, ...] = ()
    """Ids of the formats of routed experts that it is for; an empty list where they do not matter."""
    basis: tuple[str, ...] = ()
    """Ids of the starts or measurements that set it."""
    alone: tuple[str, ...] = ()
    """Which of them sets a bound by itself: the others' bounds would not hold it."""
    borrowed_from: str | None = None
    """Id of the estimates that it is borrowed from."""
    note: str | None = None
    """What to know before relying on it."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One estimate, by release and number of GPUs."""

    unit: EstimateUnit
    """Unit of every value and bound."""
    rows: tuple[EstimateRow, ...]
    """What it is; the most specific row that applies counts."""
    wider_same: Factor | None = None
    """Factor on the bounds where it was observed on another accelerator of the same architecture alone; none where every row
    holds for all accelerators."""
    wider_other: Factor | None = None
    """Factor on the bounds where it was observed on accelerators of other architectures alone."""


@dataclass(frozen=True, kw_only=True)
class MemoryEstimates:
    """Lines of a GPU's memory budget that no formula gives exactly."""

    libraries: Quantity
    """What no tensor holds while the engine measures a step: kernel modules, communication buffers, library workspaces; before
    the engine counted from what it found, the driver's context as well."""
    driver_context: Quantity
    """What is taken when the engine begins to count: the driver's context and, where GPUs work together, the first buffers of
    their communication."""
    cuda_graphs: Quantity
    """Piecewise CUDA graphs of all batch sizes; Llama 4 has no others."""
    activations: Quantity
    """A step's peak over the tensors that the model's code has at once."""
    vision_activations: Quantity
    """The peak of encoding images over the tensors that the vision tower's code has at once."""
    logit_bytes: Quantity
    """Bytes that are alive for each logit while the profiled step samples."""
    served_logit_bytes: Quantity
    """Bytes that are alive for each logit while a step that is served samples with top-k and top-p, at releases whose profile does
    not."""
    draft_logit_bytes: Quantity
    """Bytes that are alive for each logit of a drafted token while it is verified, at releases that verify all drafts at once; their
    profile drafts one token a request."""
    draft_verification: Quantity
    """Most that is alive in fp32 while drafts are verified, at releases that verify them in parts; no profile does so."""
    loading: Quantity
    """What loading a model leaves on a GPU over the tensors of its weights and tables."""
    margin: Quantity
    """Share that bounds reach beyond what was logged at most; it counts whole where a single start was logged."""
    narrow_margin: Quantity
    """Share that they reach beyond it at least, however close together it lies."""
    least_margin: Quantity
    """What bounds of sizes reach beyond what was logged at least."""


@dataclass(frozen=True, kw_only=True)
class SpeedEstimates:
    """What one engine adds to the hardware's own time, and keeps of its memory."""

    layer_latency: Quantity
    """Latency of one layer that no kernel hides: launches, small kernels, waiting."""
    expert_layer_latency: Quantity
    """What a layer with experts adds once a batch fills a tile of the experts' kernels: sorting tokens by expert, tiles that are
    half empty. Smaller batches add their share of it, larger ones no more."""
    expert_tile: Quantity
    """Sequences that fill a tile of the experts' kernels."""
    launch_hiding: Quantity
    """Exponent p with which the time of kernels and the latency of launches make up a step, (kernels^p + latency^p)^(1/p): 1 where
    nothing hides, and the more of the shorter one hides under the longer one the larger it is."""
    first_token_latency: Quantity
    """From request to first token, beyond the passes over the GPU: parsing, tokenizing, scheduling, eager kernels."""
    hybrid_latency: Quantity
    """What a step pays for the tables of chunked-local layers under the hybrid KV cache."""
    reserved_memory: Quantity
    """Memory of a GPU that is neither weights nor KV cache: runtime, activations, logits, graphs."""
    utilization: Quantity
    """Share of a GPU's memory that the engine takes."""
    max_batch: Quantity
    """Sequences that one replica decodes at once at most, on a large GPU."""
    chunk: Quantity
    """Prompt tokens of one step."""
    spread: Quantity
    """Factor around an estimate within which a measurement is expected."""


@dataclass(frozen=True, kw_only=True)
class HardwareEstimates:
    """How much of its published rates an accelerator reaches, whatever the engine."""

    memory_efficiency: Quantity
    """Share of the published bandwidth that reading weights reaches."""
    cache_efficiency: Quantity
    """Share of the published bandwidth that attention over the KV cache reaches."""
    matmul_efficiency: Quantity
    """Share of the peak rate that the best matrix shape reaches, where no measurement of the accelerator is known."""
    matmul_share: Quantity
    """Share of the best shape's rate that the shapes of a served model reach."""
    link_efficiency: Quantity
    """Share of the link's published rate that a ring's bytes see."""
    collective_latency: Quantity
    """Latency of one collective operation."""
    logit_traffic: Quantity
    """Bytes that are read and written for one logit in sampling."""
    free_kept: Quantity
    """Most of the memory beside the weights that reserved memory may take: where memory is short, an engine is given smaller
    limits."""


@dataclass(frozen=True, kw_only=True, repr=False)
class EstimateSet(Entity):
    """The estimates of one engine, or those that all engines share."""

    id: str
    name: str
    """What they are estimates of."""
    engine: str | None
    """Id of the engine; none where they hold for all."""
    mixes_prefill: bool | None = None
    """Whether a prompt is computed inside a decode step, and so pays no latency of layers of its own."""
    memory: MemoryEstimates | None = None
    """Of a GPU's memory."""
    speed: SpeedEstimates | None = None
    """Of an engine's speed."""
    hardware: HardwareEstimates | None = None
    """Of what all engines reach on the hardware."""

    def quantities(self) -> Iterator[tuple[str, Quantity]]:
        """Every estimate by its field, such as `speed.layer_latency`."""
        for group in ("memory", "speed", "hardware"):
            inside = getattr(self, group)
            for field in fields(inside) if inside is not None else ():
                yield f"{group}.{field.name}", getattr(inside, field.name)


__all__ = [
    "EstimateRow",
    "EstimateSet",
    "EstimateUnit",
    "HardwareEstimates",
    "MemoryEstimates",
    "Method",
    "Quantity",
    "SpeedEstimates",
    "Spread",
]
