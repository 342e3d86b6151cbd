"""Measurements: runs that hang together, in words that comparisons know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.types.metrics import METRICS
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


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
        if measurement.checkpoint is not UNKNOWN:
            assert catalog.checkpoint(measurement.checkpoint).model == measurement.model, measurement.id


def test_every_metric_has_its_unit(observations):
    """One word and one unit for a thing."""
    for measurement, each in observations:
        assert METRICS[each.metric].unit == each.unit, measurement.id
        assert each.value > 0, measurement.id


def test_a_run_has_clients_or_a_queue(observations):
    """What was seen while requests were served: so many at once, or so many queued, never both."""
    for measurement, each in observations:
        loads = [each.concurrency, each.requests].count(None)

        assert loads == (1 if METRICS[each.metric].of_requests else 2), measurement.id
