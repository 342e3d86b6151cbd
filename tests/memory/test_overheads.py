"""Lines that no formula gives, against what servers printed at their start."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.estimates import EstimateScope, EstimatesFor, spread_over
from llama4ref.engine.layout import Layout
from llama4ref.facts import load
from llama4ref.memory.overheads import overhead_lines
from llama4ref.units import GIB

if TYPE_CHECKING:
    from llama4ref.facts.types.starts import Start
    from llama4ref.memory.budget_lines import BudgetLine

CATALOG = load()
VLLM = CATALOG.engine("vllm")
CONFIG = EngineConfig(release="0.19.0",
    layout=Layout(), max_model_len=8192, max_num_seqs=1024, max_num_batched_tokens=8192, gpu_memory_utilization=0.95,
)  # fmt: skip
RELEASED = [start for start in CATALOG.starts.values() if start.earliest_release]
DENSE = [start for start in RELEASED if start.checkpoint is None]
"""Starts of other models: none has experts in FP8."""


def lines(layout: Layout, release: str, accelerator: str = "h100-sxm", **changes: object) -> dict[str, BudgetLine]:
    """The lines by name."""
    device = CATALOG.accelerator(accelerator)
    where = EstimateScope(release=release, accelerator=device, gpus=spread_over(layout))
    config = replace(CONFIG, layout=layout, **changes)
    found = overhead_lines(config, VLLM.at(release), EstimatesFor(CATALOG, "vllm", where), platform=device.platform)
    return {line.name: line for line in found}


def lines_of(start: Start) -> dict[str, BudgetLine]:
    """The lines of a start."""
    layout = Layout(tensor_parallel=start.tensor_parallel, pipeline_parallel=start.pipeline_parallel)
    return lines(layout, start.earliest_release, start.accelerator)


@pytest.mark.parametrize(
    "start", [each for each in DENSE if "non_torch" in each.printed_gib], ids=lambda start: start.id
)
def test_libraries_take_what_was_printed(start: Start):
    """While the engine measures a step; on a B300 by bounds that are widened, as none was logged with its release."""
    line = lines_of(start)["driver and libraries"]

    assert line.low <= start.gib["non_torch"] * GIB <= line.high


@pytest.mark.parametrize(
    "start", [each for each in RELEASED if "gpu_memory_free" in each.printed_gib], ids=lambda start: start.id
)
def test_what_is_taken_before_the_count_lies_outside(start: Start):
    """All memory less what was free: communication too, wherever GPUs work together, be it as pipeline stages alone."""
    line = lines_of(start)["driver context and collectives"]
    taken = start.gib["gpu_memory_total"] - start.gib["gpu_memory_free"]

    assert line.place == "outside"
    assert line.low <= taken * GIB <= line.high


def test_stages_communicate_before_the_count_and_not_while_the_engine_measures():
    """Two and four stages of 0.19.0: 1.43 and 1.48 GiB before, 0.07 GiB after; two GPUs that share layers take 2.07 GiB after."""
    stages, shared = lines(Layout(pipeline_parallel=2), "0.19.0"), lines(Layout(tensor_parallel=2), "0.19.0")
    context = "driver context and collectives"

    assert stages[context].bytes == pytest.approx(1.45 * GIB, rel=0.05)
    assert stages["driver and libraries"].high < 0.25 * GIB
    assert shared["driver and libraries"].bytes == pytest.approx(2.1 * GIB, rel=0.05)
    assert lines(Layout(), "0.19.0")[context].bytes == pytest.approx(0.51 * GIB, rel=0.05)


def test_libraries_follow_the_release():
    """Graphs are tried out while the engine measures from 0.18.0 on; on several GPUs that more than doubles what is loaded."""
    layout = Layout(tensor_parallel=2)
    older, newer = lines(layout, "0.17.0")["driver and libraries"], lines(layout, "0.18.0")["driver and libraries"]

    assert older.high <= 1.6 * GIB
    assert newer.low >= 1.8 * GIB


def test_graphs_of_llama_4_take_what_was_printed():
    """Scout on four H100 was estimated at 1.09 GiB and took 1.13; the piecewise graphs of no logged model took more than 1.37."""
    line = lines(Layout(tensor_parallel=4), "0.19.0")["CUDA graphs"]
    largest = max(start.gib.get("cuda_graphs_piecewise_estimated", 0) for start in CATALOG.starts.values())

    assert line.bytes == pytest.approx(1.13 * GIB, rel=0.05)
    assert largest == 1.37
    assert largest * GIB < line.high


def test_graphs_are_inside_the_share_once_the_engine_counts_them():
    """Since 0.20.0; outside before, and nowhere in eager mode."""
    layout = Layout(tensor_parallel=4)
    places = {release: lines(layout, release)["CUDA graphs"].place for release in ("0.19.0", "0.20.0")}

    assert places == {"0.19.0": "outside", "0.20.0": "overhead"}
    assert "CUDA graphs" not in lines(layout, "0.20.0", enforce_eager=True)


@pytest.mark.parametrize(
    ("release", "accelerator", "place"),
    [
        ("0.19.1", "mi300x", "outside"), ("0.20.0", "mi300x", "outside"), ("0.25.1", "mi300x", "outside"),
        ("0.26.0", "mi300x", "overhead"), ("0.33.0", "mi300x", "overhead"), ("0.25.1", "h100-sxm", "overhead"),
    ],
)  # fmt: skip
def test_graphs_of_rocm_are_inside_the_share_six_releases_later(release: str, accelerator: str, place: str):
    """From 0.26.0 on: until then the engine tried graphs out on CUDA alone, as its wheels say."""
    assert lines(Layout(tensor_parallel=8), release, accelerator)["CUDA graphs"].place == place


def test_nothing_lies_outside_while_the_engine_counts_from_zero():
    """Until 0.9.1."""
    context = "driver context and collectives"

    assert context not in lines(Layout(tensor_parallel=8), "0.9.0")
    assert context in lines(Layout(tensor_parallel=8), "0.9.1")


@pytest.mark.parametrize("accelerator", ["b200", "mi300x", "a100-sxm", "l40s", "gb200"])
def test_what_was_not_observed_is_borrowed_with_wider_bounds(accelerator: str):
    """And the line says from where."""
    own, borrowed = lines(Layout(), "0.19.0"), lines(Layout(), "0.19.0", accelerator)

    for name, line in borrowed.items():
        assert "observed on" in line.formula, name
        assert line.high > own[name].high, name
        assert line.low < own[name].low or line.low == 0, name


def test_the_nearest_accelerator_lends():
    """B200 and B300 are of one generation; eight H200 were seen to take more than eight H100."""
    layout, context = Layout(tensor_parallel=8), "driver context and collectives"

    assert "observed on b300" in lines(layout, "0.19.0", "b200")[context].formula
    assert "observed on" not in lines(layout, "0.19.0", "h200-sxm")[context].formula
    assert lines(layout, "0.19.0", "h200-sxm")[context].high >= 2.6 * GIB
    assert lines(layout, "0.19.0", "b300")[context].high >= 3.8 * GIB
