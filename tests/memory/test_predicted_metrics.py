"""What a budget predicts of a server's log, against logs of Llama 4 and worked by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.calibration.started_budgets import budget_of_start
from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import Layout
from llama4ref.facts.types.metrics import METRICS
from llama4ref.memory.gpu_budget import MemoryBudget, memory_budget
from llama4ref.memory.predicted_metrics import loaded_bytes, predicted_metrics
from llama4ref.units import GIB

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


def _budget(catalog: Catalog, *, count: int = 4, pipeline: int = 1, **changes: object) -> MemoryBudget:
    """Scout in bf16 on H100s, as vLLM 0.19.0 started it."""
    config = {
        "release": "0.19.0",
        "layout": Layout(tensor_parallel=count // pipeline, pipeline_parallel=pipeline),
        "max_model_len": 8192,
        "max_num_seqs": 1024,
        "max_num_batched_tokens": 8192,
        "gpu_memory_utilization": 0.95,
    }
    return memory_budget(
        catalog.model("scout"),
        catalog.checkpoint("meta-llama-4-scout-17b-16e-instruct"),
        catalog.accelerator("h100-sxm"),
        EngineConfig(**config | changes),
        catalog.engine("vllm").at("0.19.0"),
    )


def test_every_figure_is_of_a_known_metric_and_between_its_bounds(catalog: Catalog) -> None:
    """Memory and capacity, none of them upside down."""
    figures = predicted_metrics(_budget(catalog))

    assert figures.keys() <= METRICS.keys()
    assert all(each.low <= each.value <= each.high for each in figures.values())
    assert {"model_loading", "peak_activation", "non_torch", "cuda_graphs", "available_kv_cache"} <= figures.keys()
    assert {"num_gpu_blocks", "kv_cache_tokens", "max_concurrency"} <= figures.keys()


def test_what_is_left_is_the_share_less_what_is_used(catalog: Catalog) -> None:
    """At best, as expected and at worst, worked from the lines."""
    budget = _budget(catalog)
    seen = predicted_metrics(budget)["available_kv_cache"]
    share = budget.requested_bytes

    assert (seen.low, seen.value, seen.high) == (
        (share - budget.used_at_most_bytes) / GIB,
        (share - budget.used_bytes) / GIB,
        (share - budget.used_at_least_bytes) / GIB,
    )


def test_a_logged_start_of_llama_4_is_as_predicted(catalog: Catalog) -> None:
    """Scout on four H100s at 0.19.0: every line that the log states lies within the bounds."""
    start = catalog.start("vllm-0.19.0-scout-h100-sxm-4")
    figures = predicted_metrics(
        _budget(
            catalog,
            max_model_len=start.max_model_len or 8192,
            gpu_memory_utilization=start.gpu_memory_utilization,
            max_num_seqs=start.max_num_seqs or 1024,
            max_num_batched_tokens=start.max_num_batched_tokens or 8192,
        )
    )
    stated = {name: value for name, value in start.printed_gib.items() if name in figures}

    assert {"model_loading", "available_kv_cache"} <= stated.keys()
    for name, value in stated.items():
        assert figures[name].low <= value <= figures[name].high, name


def test_loading_is_what_the_estimate_makes_of_the_tensors(catalog: Catalog) -> None:
    """Its bounds are those of the specs; the logged start lies ten times nearer."""
    budget = _budget(catalog)
    expected, tensors = predicted_metrics(budget)["model_loading"], loaded_bytes(budget) / GIB
    row = catalog.estimate("vllm").memory.loading.rows[0]
    logged = catalog.start("vllm-0.19.0-scout-h100-sxm-4").printed_gib["model_loading"]

    assert (expected.low, expected.high) == pytest.approx((row.low * tensors, row.high * tensors))
    assert row.low < 1 < row.high
    assert logged == pytest.approx(expected.value, rel=0.001)


def test_a_serving_device_holds_its_share_and_what_lies_beside_it(catalog: Catalog) -> None:
    """Worked from the lines; what one H200 was seen to hold while it served lies between the bounds."""
    budget = _budget(catalog)
    beside = [line for line in budget.lines if line.place == "outside"]
    found = predicted_metrics(budget)["gpu_memory_used_serving"]
    start = catalog.start("vllm-0.16-scout-fp8-dynamic-h200-sxm-1-fp8")
    of_start = predicted_metrics(budget_of_start(start, catalog))["gpu_memory_used_serving"]

    assert found.value == (budget.requested_bytes + sum(line.bytes for line in beside)) / GIB
    assert found.high == (budget.requested_bytes + budget.outside_bytes) / GIB
    assert of_start.low <= start.gib["gpu_memory_used_serving"] <= of_start.high


def test_of_several_stages_the_fullest_gpu_counts(catalog: Catalog) -> None:
    """As the log is read: most of what is used, least of what is left."""
    budget = _budget(catalog, count=8, pipeline=2)
    figures = predicted_metrics(budget)
    left = [stage.requested_bytes - stage.used_bytes for stage in budget.stages]
    loaded = [sum(line.bytes for line in stage.lines if line.place == "weights") for stage in budget.stages]

    assert len(set(left)) == len(set(loaded)) == 2
    assert figures["available_kv_cache"].value == min(left) / GIB
    assert figures["model_loading"].value >= max(loaded) / GIB


def test_without_room_for_a_cache_there_is_no_capacity(catalog: Catalog) -> None:
    """The engine does not start, and states none."""
    figures = predicted_metrics(_budget(catalog, gpu_memory_utilization=0.6))

    assert figures["available_kv_cache"].value < 0
    assert "num_gpu_blocks" not in figures
