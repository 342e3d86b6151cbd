"""Estimates beside every published measurement that the constants were fitted on, and some that they were not."""

from __future__ import annotations

import dataclasses
import math
import statistics

import pytest

from llama4ref.facts import load
from llama4ref.facts.types.measurements import Observation
from llama4ref.facts.types.metrics import METRICS
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.performance.calibration import constants_from, constants_of
from llama4ref.performance.comparison import comparisons

CATALOG = load()
ESTIMATES = CATALOG.estimates
CONSTANTS = constants_of(CATALOG)
FITTED = [(engine, row) for engine in CONSTANTS.engines for row in CONSTANTS.engine(engine).rows]


@pytest.mark.parametrize(("engine", "row"), FITTED)
def test_the_bounds_hold_each_fitted_measurement(catalog, engine, row):
    """No row that was fitted lies outside of what the estimate claims."""
    compared = comparisons(catalog.measurement(row), catalog)

    assert compared
    for each in compared:
        assert each.estimated.low <= each.observed <= each.estimated.high, each


@pytest.mark.parametrize(("engine", "row"), FITTED)
def test_a_fitted_row_is_of_its_engine_and_on_a_named_accelerator(catalog, engine, row):
    """What an estimate says about its origin is so."""
    measurement = catalog.measurement(row)

    assert measurement.engine == engine
    assert measurement.accelerator in CONSTANTS.accelerators


@pytest.mark.parametrize(
    ("row", "observed_ms"),
    [("vllm-0.23-maverick-mi300x-8-plain", 7.66), ("vllm-0.23-maverick-mi300x-8-hybrid", 8.75)],
)
def test_one_stream_of_maverick_on_mi300x(catalog, row, observed_ms):
    """vLLM PR 46553; not fitted on, but for the difference of the two. Within a tenth."""
    (each,) = comparisons(catalog.measurement(row), catalog)

    assert each.observed * 1e3 == observed_ms
    assert each.ratio == pytest.approx(1, abs=0.1)


def test_one_stream_of_scout_on_mi300x(catalog):
    """The SGLang cookbook's medians: 7.40 ms a token, 68.57 ms to the first; the disturbed means are left out."""
    compared = {
        each.metric: each for each in comparisons(catalog.measurement("sglang-0.5.9-scout-mi300x-8-1000-1000"), catalog)
    }

    assert compared.keys() == {"tpot_median", "ttft_median"}
    assert compared["tpot_median"].estimated.value == pytest.approx(7.40e-3, rel=0.02)
    assert compared["ttft_median"].estimated.value == pytest.approx(68.57e-3, rel=0.02)


def own_run(catalog, **values):
    """A run of Scout on four H100s that quotes its settings, with observations of one request at a time where they are of requests."""
    fair = catalog.measurement("vllm-0.8.3-scout-h100-sxm-8-1000-1000")
    load = {"concurrency": 1, "prompt_tokens": 1024, "output_tokens": 64}
    return dataclasses.replace(
        fair,
        release="0.19.0",
        count=4,
        tensor_parallel=4,
        settings={
            "tensor-parallel-size": 4,
            "max-model-len": 8192,
            "max-num-seqs": 1024,
            "max-num-batched-tokens": 8192,
            "gpu-memory-utilization": 0.95,
        },
        hybrid_kv_cache=True,
        observations=tuple(
            Observation(metric=name, value=value, unit=METRICS[name].unit, **load if METRICS[name].of_requests else {})
            for name, value in values.items()
        ),
    )


def test_memory_of_a_run_that_quotes_its_settings_is_compared(catalog):
    """Scout on four H100s at 0.19.0, as its log states: memory and capacity lie within the bounds of the budget."""
    printed = catalog.start("vllm-0.19.0-scout-h100-sxm-4")
    seen = {name: printed.gib[name] for name in ("model_loading", "available_kv_cache")}
    run = own_run(catalog, **seen)
    compared = {each.metric: each for each in comparisons(run, catalog)}

    assert compared.keys() == seen.keys()
    assert all(each.estimated.low <= each.observed <= each.estimated.high for each in compared.values())
    assert comparisons(dataclasses.replace(run, settings=UNKNOWN), catalog) == ()


def test_latencies_and_throughput_hang_together(catalog):
    """Of one request at a time: the whole is the first token and the rest, and throughput counts tokens and requests."""
    names = (
        "ttft_median",
        "ttft_mean",
        "itl_median",
        "tpot_mean",
        "e2el_median",
        "output_throughput",
        "total_throughput",
    )
    compared = {
        each.metric: each.estimated.value
        for each in comparisons(
            own_run(catalog, **dict.fromkeys(names, 1.0), request_throughput=1.0, output_throughput_per_gpu=1.0),
            catalog,
        )
    }

    assert compared["ttft_mean"] == compared["ttft_median"]
    assert compared["itl_median"] == compared["tpot_mean"]
    assert compared["e2el_median"] == pytest.approx(compared["ttft_median"] + 63 * compared["itl_median"])
    assert compared["request_throughput"] == pytest.approx(compared["output_throughput"] / 64)
    assert compared["output_throughput_per_gpu"] == pytest.approx(compared["output_throughput"] / 4)
    assert compared["total_throughput"] == pytest.approx(compared["output_throughput"] * (1024 + 64) / 64)


def test_a_percentile_stands_beside_no_estimate(catalog):
    """An estimate is of the usual request, not of the slowest."""
    assert comparisons(own_run(catalog, ttft_p99=1.0, itl_p95=1.0), catalog) == ()


def test_a_remark_does_not_switch_a_comparison_off(catalog):
    """Only what the source calls disturbed is left out; a note is a note."""
    fair = catalog.measurement("vllm-0.8.3-scout-h100-sxm-8-1000-1000")
    (observation,) = fair.observations
    noted, spoiled = (
        dataclasses.replace(fair, observations=(dataclasses.replace(observation, **{field: "bar label"}),))
        for field in ("note", "disturbed")
    )

    assert comparisons(noted, catalog) == comparisons(fair, catalog) != ()
    assert comparisons(spoiled, catalog) == ()


def test_the_typical_error_is_small(catalog):
    """Half of the fitted rows are within a tenth, and the average leans to neither side."""
    errors = [math.log(each.ratio) for _, row in FITTED for each in comparisons(catalog.measurement(row), catalog)]

    assert statistics.median(map(abs, errors)) < 0.1
    assert abs(statistics.fmean(errors)) < 0.05


FITTED_ROWS = [
    (set_.id, field, index)
    for set_ in ESTIMATES.values()
    for field, quantity in set_.quantities()
    for index, row in enumerate(quantity.rows)
    if row.method == "fitted"
]


@pytest.mark.parametrize(("set_", "field", "index"), FITTED_ROWS)
def test_each_fitted_constant_is_where_its_rows_put_it(catalog, set_, field, index):
    """Half or twice the constant makes the squared error of the measurements in its basis larger."""
    basis = dict(ESTIMATES[set_].quantities())[field].rows[index].basis
    here = squared_error(catalog, basis, CONSTANTS)

    for factor in (0.5, 2):
        assert squared_error(catalog, basis, constants_from(moved(set_, field, index, factor))) > here


def moved(set_, field, index, factor):
    """The estimates with one value moved by a factor."""
    group, name = field.split(".")
    inside = getattr(ESTIMATES[set_], group)
    quantity = getattr(inside, name)
    rows = list(quantity.rows)
    rows[index] = dataclasses.replace(rows[index], value=rows[index].value * factor)
    quantity = dataclasses.replace(quantity, rows=tuple(rows))
    changed = dataclasses.replace(ESTIMATES[set_], **{group: dataclasses.replace(inside, **{name: quantity})})
    return {**ESTIMATES, set_: changed}


@pytest.mark.parametrize("field", ["cache_efficiency", "matmul_share"])
def test_each_shared_constant_is_where_the_offline_rows_put_it(catalog, field):
    """A third less or a third more makes the squared error of the TensorRT-LLM rows larger."""
    basis = CONSTANTS.engine("tensorrt-llm").rows
    here = squared_error(catalog, basis, CONSTANTS)

    for factor in (2 / 3, 4 / 3):
        other = dataclasses.replace(CONSTANTS, **{field: getattr(CONSTANTS, field) * factor})
        assert squared_error(catalog, basis, other) > here


def squared_error(catalog, rows, constants):
    """Sum of squared logarithms of estimate over observation."""
    return sum(
        math.log(each.ratio) ** 2
        for row in rows
        for each in comparisons(catalog.measurement(row), catalog, constants=constants)
    )
