"""Published measurements: runs that hang together, in words that comparisons know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

UNITS = {
    "output_rate": "tokens/s",
    "output_rate_per_gpu": "tokens/s",
    "tpot": "s",
    "tpot_median": "s",
    "ttft_mean": "s",
    "ttft_median": "s",
}


@pytest.fixture
def observations(catalog: Catalog) -> list:
    """Each measurement with each of its observations."""
    return [(measurement, each) for measurement in catalog.measurements.values() for each in measurement.observations]


def test_parallelism_makes_up_the_gpus(catalog: Catalog):
    """Tensor, pipeline and data parallelism multiply to the GPUs of the run."""
    for measurement in catalog.measurements.values():
        sizes = (measurement.tensor_parallel, measurement.pipeline_parallel, measurement.data_parallel)
        if None not in sizes:
            tensor, pipeline, data = sizes

            assert tensor * pipeline * data == measurement.count, measurement.id


def test_a_checkpoint_is_of_the_measured_model(catalog: Catalog):
    """Where the checkpoint is known."""
    for measurement in catalog.measurements.values():
        if measurement.checkpoint is not None:
            assert catalog.checkpoint(measurement.checkpoint).model == measurement.model, measurement.id


def test_every_metric_has_its_unit(observations):
    """One word and one unit for a thing."""
    for measurement, each in observations:
        assert UNITS[each.metric] == each.unit, measurement.id
        assert each.value > 0, measurement.id


def test_a_run_has_clients_or_a_queue(observations):
    """So many requests at once, or so many queued; never both."""
    for measurement, each in observations:
        assert (each.concurrency is None) != (each.requests is None), measurement.id
