"""How far is the estimate from a measurement, of speed, of memory and of capacity?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.engine.layout import Layout
from llama4ref.engine.settings_reading import EngineDefaults, draft_of, read_settings
from llama4ref.facts.types.metrics import Statistic, metric
from llama4ref.facts.types.states import UNKNOWN, known
from llama4ref.memory.gpu_budget import memory_budget
from llama4ref.memory.predicted_metrics import predicted_metrics
from llama4ref.performance.throughput import Estimated, Performance, estimate
from llama4ref.performance.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.measurements import Measurement, Observation
    from llama4ref.memory.gpu_budget import MemoryBudget
    from llama4ref.performance.calibration import Constants

_UNSTATED_TOKENS = 1000
"""Prompt and reply of a measurement that states none: short beside the weights, whose reading then takes the time."""
_AVERAGES = (None, Statistic.MEAN, Statistic.MEDIAN)
"""Statistics that an estimate, which is of the usual request, stands beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """One observed number beside the estimate of it."""

    measurement: str
    """Id of the measurement."""
    metric: str
    """What was measured."""
    observed: float
    """In the unit of the metric."""
    estimated: Estimated
    """In the same unit."""

    @property
    def ratio(self) -> float:
        """Estimate over observation: above one, the estimate was too high."""
        return self.estimated.value / self.observed


def comparisons(
    measurement: Measurement, catalog: Catalog, *, constants: Constants | None = None
) -> tuple[Residual, ...]:
    """Every observation of a measurement that can be estimated, beside the estimate.

    Observations that the source itself calls disturbed are left out, as are metrics without an estimate. Memory and capacity can be
    estimated where the measurement quotes the settings of its server.

    Raises:
        UnknownFactError: where a fact that the estimate needs is not known.
        SettingError: where a quoted setting cannot be meant.
    """
    budget = budget_of(measurement, catalog)
    memory = _memory_figures(budget) if budget else {}
    found = []
    for seen in measurement.observations:
        figures = memory
        if metric(seen.metric).of_requests:
            figures = _speed_figures(_estimate(measurement, seen, catalog, budget, constants), seen, measurement.count)
        if seen.disturbed is None and seen.metric in figures:
            found.append(
                Residual(
                    measurement=measurement.id,
                    metric=seen.metric,
                    observed=seen.value,
                    estimated=figures[seen.metric],
                )
            )
    return tuple(found)


def quoted_config(measurement: Measurement, catalog: Catalog) -> EngineConfig | None:
    """The configuration that a measurement quotes; None where it quotes none.

    Raises:
        UnknownFactError: where its release is not known.
        ReleaseError: where the facts do not cover the release.
        SettingError: where a quoted setting cannot be meant.
    """
    if measurement.settings is UNKNOWN:
        return None
    release = known(measurement.release, f"measurements/{measurement.id}", "release")
    platform = catalog.accelerator(measurement.accelerator).platform
    defaults = EngineDefaults(behaviour=catalog.engine(measurement.engine).at(release), platform=platform)
    return read_settings(measurement.settings, defaults, environment=measurement.environment)


def budget_of(measurement: Measurement, catalog: Catalog) -> MemoryBudget | None:
    """The budget of the configuration that a measurement quotes; None where it quotes none."""
    config = quoted_config(measurement, catalog)
    if config is None:
        return None
    return memory_budget(
        catalog.model(measurement.model),
        catalog.checkpoint(known(measurement.checkpoint, f"measurements/{measurement.id}", "checkpoint")),
        catalog.accelerator(measurement.accelerator),
        config,
        catalog.engine(measurement.engine).at(config.release),
        draft=draft_of(config.settings),
    )


def _memory_figures(budget: MemoryBudget) -> dict[str, Estimated]:
    return {
        name: Estimated(value=each.value, low=each.low, high=each.high)
        for name, each in predicted_metrics(budget).items()
    }


def _estimate(
    measurement: Measurement,
    observation: Observation,
    catalog: Catalog,
    budget: MemoryBudget | None,
    constants: Constants | None,
) -> Performance:
    config, entity = quoted_config(measurement, catalog), f"measurements/{measurement.id}"
    workload = Workload(
        prompt_tokens=observation.prompt_tokens or _UNSTATED_TOKENS,
        output_tokens=observation.output_tokens or _UNSTATED_TOKENS,
        concurrency=observation.concurrency,
        requests=observation.requests,
    )
    return estimate(
        catalog.model(measurement.model),
        catalog.checkpoint(known(measurement.checkpoint, entity, "checkpoint")),
        catalog.accelerator(measurement.accelerator),
        config.layout if config else layout_of(measurement),
        workload,
        cache_dtype=measurement.cache_dtype or "auto",
        engine=measurement.engine,
        hybrid=measurement.hybrid_kv_cache is True,
        held=budget.cache.requests_held(workload.tokens, budget.room()) if budget else None,
        max_batch=config.max_num_seqs if config else None,
        catalog=catalog,
        release=known(measurement.release, entity, "release"),
        constants=constants,
    )


def layout_of(measurement: Measurement) -> Layout:
    """How the measured model lay over GPUs; raises UnknownFactError where nobody says."""
    entity = f"measurements/{measurement.id}"
    return Layout(
        tensor_parallel=known(measurement.tensor_parallel, entity, "tensor_parallel"),
        pipeline_parallel=known(measurement.pipeline_parallel, entity, "pipeline_parallel"),
        data_parallel=known(measurement.data_parallel, entity, "data_parallel"),
        expert_parallel=known(measurement.expert_parallel, entity, "expert_parallel"),
    )


def _speed_figures(performance: Performance, seen: Observation, count: int) -> dict[str, Estimated]:
    """What is estimated for an observation, by metric."""
    output, reply = performance.output_throughput, seen.output_tokens
    figures = {
        "output_throughput": output,
        "output_throughput_per_gpu": _times(output, 1 / count),
        "total_throughput": performance.total_throughput,
        "total_throughput_per_gpu": _times(performance.total_throughput, 1 / count),
        **dict(_latencies(performance, seen)),
    }
    return figures if reply is UNKNOWN else {**figures, "request_throughput": _times(output, 1 / reply)}


def _latencies(performance: Performance, seen: Observation) -> Iterator[tuple[str, Estimated]]:
    between, first = performance.itl_seconds, performance.ttft_seconds
    each: dict[str, Estimated | None] = {"itl": between, "tpot": between, "ttft": first}
    if first is not None and seen.output_tokens is not UNKNOWN:
        rest = _times(between, seen.output_tokens - 1)
        each["e2el"] = Estimated(value=first.value + rest.value, low=first.low + rest.low, high=first.high + rest.high)
    for quantity, figure in each.items():
        if figure is not None:
            for statistic in _AVERAGES:
                yield (f"{quantity}_{statistic}" if statistic else quantity), figure


def _times(figure: Estimated, factor: float) -> Estimated:
    return Estimated(value=figure.value * factor, low=figure.low * factor, high=figure.high * factor)
