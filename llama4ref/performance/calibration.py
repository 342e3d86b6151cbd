"""Which constants does an estimate of speed rest on? Those of `specs/estimates`, for one engine at one release.

A stated constant is a published figure, or a round number that physics allows. A fitted one is set so that the published
measurements in `specs/measurements` come out with a small squared error of the logarithm; each stands for one physical thing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.engine.estimates import EstimateScope, estimate_at
from llama4ref.errors import UnknownFactError, UnknownNameError

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.estimates import EstimateRow, EstimateSet, HardwareEstimates, Quantity

HARDWARE = "hardware"
"""Id of the estimates that all engines share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConstants:
    """What one engine adds to the hardware's own time, and keeps of its memory."""

    layer_seconds: float
    """Latency of one layer that no kernel hides: launches, small kernels, waiting."""
    expert_layer_seconds: float
    """What a layer with experts adds once a batch fills a tile: sorting tokens by expert, tiles that are half empty."""
    tile_sequences: float
    """Sequences that fill a tile of the experts' kernels."""
    launch_hiding: float
    """Exponent with which kernels and launches make up a step: 1 where nothing hides, more of it the larger it is."""
    first_token_seconds: float
    """From request to first token, beyond the passes over the GPU: parsing, tokenizing, scheduling, eager kernels."""
    hybrid_seconds: float
    """What a step pays for the tables of chunked-local layers under the hybrid KV cache."""
    mixes_prefill: bool
    """Whether a prompt is computed inside a decode step, and so pays no latency of layers of its own."""
    utilization: float
    """Share of a GPU's memory that the engine takes."""
    reserved_bytes: int
    """Memory of a GPU that is neither weights nor KV cache: runtime, activations, logits, graphs."""
    max_batch: int
    """Sequences that one replica decodes at once at most, on a large GPU."""
    chunk_tokens: int
    """Prompt tokens of one step."""
    spread: float
    """Factor around an estimate within which a measurement is expected."""
    rows: tuple[str, ...]
    """Measurements that the constants were fitted on."""
    borrowed: tuple[str, ...]
    """Measurements of another engine or release that stated constants come from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constants:
    """Everything an estimate rests on that is no fact about a model, checkpoint or accelerator."""

    memory_efficiency: float
    """Share of the published bandwidth that reading weights reaches."""
    cache_efficiency: float
    """Share of the published bandwidth that attention over the KV cache reaches."""
    matmul_efficiency: float
    """Share of the peak rate that the best matrix shape reaches, where no measurement of the accelerator is known."""
    matmul_share: float
    """Share of the best shape's rate that the shapes of a served model reach."""
    link_efficiency: float
    """Share of the link's published rate that a ring's bytes see."""
    collective_seconds: float
    """Latency of one collective operation."""
    logit_bytes: float
    """Bytes moved for one logit that is sampled from."""
    free_kept: float
    """Most of the memory beside the weights that `reserved_bytes` may take."""
    sources: tuple[str, ...]
    """Ids of the sources of the stated constants."""
    accelerators: tuple[str, ...]
    """Accelerators that the measurements were made on."""
    engines: Mapping[str, EstimateSet]
    """Estimates of each engine's speed, by engine id."""

    def engine(self, id_: str, release: str | None = None) -> EngineConstants:
        """The constants of an engine at a release, the newest where none is named.

        Raises:
            UnknownNameError: where the engine's speed was never estimated.
            UnknownFactError: where it was not at this release.
        """
        if id_ not in self.engines:
            raise UnknownNameError("engine with measurements to estimate from", id_, self.engines)
        return _engine_constants(self, id_, release)


@functools.lru_cache(maxsize=8)
def constants_of(catalog: Catalog) -> Constants:
    """The constants that the estimates of a catalogue give."""
    shared = f"estimates/{HARDWARE}"
    stated = [
        catalog.cite(shared, f"{field}.rows.{index}.value")[0].source.id
        for field, quantity in catalog.estimate(HARDWARE).quantities()
        for index, row in enumerate(quantity.rows)
        if row.method == "stated"
    ]
    bases = {id_ for each in catalog.estimates.values() for row in _rows(each) for id_ in row.basis}
    measured = [run.accelerator for id_, run in catalog.measurements.items() if id_ in bases]
    return constants_from(
        catalog.estimates, sources=tuple(dict.fromkeys(stated)), accelerators=tuple(dict.fromkeys(measured))
    )


def constants_from(
    estimates: Mapping[str, EstimateSet], *, sources: tuple[str, ...] = (), accelerators: tuple[str, ...] = ()
) -> Constants:
    """The constants that some estimates give, such as those of a fit."""
    shared = hardware_of(estimates)
    number = functools.partial(_number, HARDWARE, where=EstimateScope())
    return Constants(
        memory_efficiency=number("memory_efficiency", shared.memory_efficiency),
        cache_efficiency=number("cache_efficiency", shared.cache_efficiency),
        matmul_efficiency=number("matmul_efficiency", shared.matmul_efficiency),
        matmul_share=number("matmul_share", shared.matmul_share),
        link_efficiency=number("link_efficiency", shared.link_efficiency),
        collective_seconds=number("collective_latency", shared.collective_latency),
        logit_bytes=number("logit_traffic", shared.logit_traffic),
        free_kept=number("free_kept", shared.free_kept),
        sources=sources,
        accelerators=accelerators,
        engines={each.engine: each for each in estimates.values() if each.engine and each.speed},
    )


def hardware_of(estimates: Mapping[str, EstimateSet]) -> HardwareEstimates:
    """What all engines share; raises UnknownFactError where nobody recorded it."""
    shared = estimates.get(HARDWARE)
    if shared is None or shared.hardware is None:
        raise UnknownFactError(f"estimates/{HARDWARE}", "hardware")
    return shared.hardware


@functools.lru_cache(maxsize=256)
def _engine_constants(constants: Constants, id_: str, release: str | None) -> EngineConstants:
    each = constants.engines[id_]
    speed = each.speed
    if speed is None or each.mixes_prefill is None:
        raise UnknownFactError(f"estimates/{each.id}", "speed")
    number = functools.partial(_number, each.id, where=EstimateScope(release=release))
    fitted = [row for row in _rows(each) if row.method == "fitted"]
    others = [row for row in _rows(each) if row.method != "fitted"]
    return EngineConstants(
        layer_seconds=number("layer_latency", speed.layer_latency),
        expert_layer_seconds=number("expert_layer_latency", speed.expert_layer_latency),
        tile_sequences=number("expert_tile", speed.expert_tile),
        launch_hiding=number("launch_hiding", speed.launch_hiding),
        first_token_seconds=number("first_token_latency", speed.first_token_latency),
        hybrid_seconds=number("hybrid_latency", speed.hybrid_latency),
        mixes_prefill=each.mixes_prefill,
        utilization=number("utilization", speed.utilization),
        reserved_bytes=round(number("reserved_memory", speed.reserved_memory)),
        max_batch=round(number("max_batch", speed.max_batch)),
        chunk_tokens=round(number("chunk", speed.chunk)),
        spread=number("spread", speed.spread),
        rows=tuple(dict.fromkeys(id_ for row in fitted for id_ in row.basis)),
        borrowed=tuple(dict.fromkeys(id_ for row in others for id_ in row.basis)),
    )


def _number(set_: str, name: str, quantity: Quantity, *, where: EstimateScope) -> float:
    found = estimate_at(quantity, where)
    if found is None:
        release = f" of {where.release}" if where.release else ""
        raise UnknownFactError(f"estimates/{set_}", f"{name}{release}")
    return found.value


def _rows(each: EstimateSet) -> Iterator[EstimateRow]:
    for field, quantity in each.quantities():
        if not field.startswith("memory."):
            yield from quantity.rows
