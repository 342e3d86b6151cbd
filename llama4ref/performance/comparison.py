"""How far is the estimate from a published measurement?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.engine.layout import Layout
from llama4ref.facts.types.states import known
from llama4ref.performance.calibration import Constants
from llama4ref.performance.throughput import Estimated, Performance, estimate
from llama4ref.performance.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.measurements import Measurement, Observation

_UNSTATED_TOKENS = 1000
"""Prompt and reply of a measurement that states none: short beside the weights, whose reading then takes the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One observed number beside the estimate of it."""

    measurement: str
    """Id of the measurement."""
    metric: str
    """What was measured."""
    observed: float
    """In the unit of the observation."""
    estimated: Estimated
    """In the same unit."""

    @property
    def ratio(self) -> float:
        """Estimate over observation: above one, the estimate was too high."""
        return self.estimated.value / self.observed


def comparisons(
    measurement: Measurement, catalog: Catalog, *, constants: Constants | None = None
) -> tuple[Comparison, ...]:
    """Every observation of a measurement that can be estimated, beside the estimate.

    Observations that the source itself calls disturbed are left out, as are metrics without an estimate.

    Raises:
        UnknownFactError: where a fact that the estimate needs is not known.
    """
    return tuple(_compared(measurement, catalog, constants))


def _compared(measurement: Measurement, catalog: Catalog, constants: Constants | None) -> Iterator[Comparison]:
    for observation in measurement.observations:
        if observation.disturbed is not None:
            continue
        performance = _estimate(measurement, observation, catalog, constants)
        figure = _figure(performance, observation.metric, measurement.count)
        if figure is not None:
            yield Comparison(
                measurement=measurement.id,
                metric=observation.metric,
                observed=observation.value,
                estimated=figure,
            )


def _estimate(
    measurement: Measurement, observation: Observation, catalog: Catalog, constants: Constants | None
) -> Performance:
    entity = f"measurements/{measurement.id}"
    return estimate(
        catalog.model(measurement.model),
        catalog.checkpoint(known(measurement.checkpoint, entity, "checkpoint")),
        catalog.accelerator(measurement.accelerator),
        Layout(
            tensor_parallel=known(measurement.tensor_parallel, entity, "tensor_parallel"),
            pipeline_parallel=known(measurement.pipeline_parallel, entity, "pipeline_parallel"),
            data_parallel=known(measurement.data_parallel, entity, "data_parallel"),
            expert_parallel=known(measurement.expert_parallel, entity, "expert_parallel"),
        ),
        Workload(
            prompt_tokens=observation.prompt_tokens or _UNSTATED_TOKENS,
            output_tokens=observation.output_tokens or _UNSTATED_TOKENS,
            concurrency=observation.concurrency,
            requests=observation.requests,
        ),
        cache_dtype=measurement.cache_dtype or "auto",
        engine=measurement.engine,
        hybrid=measurement.hybrid_kv_cache is True,
        catalog=catalog,
        release=known(measurement.release, entity, "release"),
        constants=constants,
    )


def _figure(performance: Performance, metric: str, count: int) -> Estimated | None:
    rate = performance.output_throughput
    figures = {
        "output_throughput": rate,
        "output_throughput_per_gpu": Estimated(value=rate.value / count, low=rate.low / count, high=rate.high / count),
        "tpot": performance.itl_seconds,
        "tpot_median": performance.itl_seconds,
        "ttft_median": performance.ttft_seconds,
    }
    return figures.get(metric)
