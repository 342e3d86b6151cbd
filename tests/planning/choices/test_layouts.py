"""Which splits of the GPUs come into question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.planning.choices.layouts import candidate_layouts, described
from llama4ref.planning.choices.machines import Placement
from llama4ref.planning.outcomes import Refusal
from llama4ref.planning.request import PlanRequest

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


def _offered(catalog: Catalog, count: int, **wish: object) -> list[str]:
    placement = Placement(count, int(wish.get("nodes", 1)))
    layouts, refused = candidate_layouts(catalog.model("scout"), PlanRequest(**wish), placement)
    assert not refused
    assert all(placement.per_node % layout.tensor_parallel == 0 for layout in layouts)
    assert all(layout.gpus == count for layout in layouts)
    return [described(layout) for layout in layouts]


def _refused(catalog: Catalog, count: int, **wish: object) -> Refusal:
    placement = Placement(count, int(wish.get("nodes", 1)))
    layouts, refused = candidate_layouts(catalog.model("scout"), PlanRequest(**wish), placement)
    assert not layouts
    (refusal,) = refused
    return refusal


def test_the_widest_tensor_parallel_comes_first(catalog: Catalog):
    """One replica over all GPUs of a node, then more replicas."""
    assert _offered(catalog, 1) == ["TP1"]
    assert _offered(catalog, 8)[0] == "TP8"
    assert "TP4 DP2" in _offered(catalog, 8)
    assert _offered(catalog, 16)[0] == "TP8 DP2"


def test_an_odd_factor_becomes_stages(catalog: Catalog):
    """Three GPUs share no head and no expert evenly, but layers they do."""
    assert _offered(catalog, 3) == ["TP1 PP3"]
    assert _offered(catalog, 6)[0] == "TP2 PP3"
    assert _offered(catalog, 5) == ["TP1 PP5"]


def test_stages_lie_between_nodes(catalog: Catalog):
    """Tensor parallel stays inside a node."""
    offered = _offered(catalog, 16, nodes=2)

    assert "TP8 PP2" in offered
    assert not any(each.startswith("TP16") for each in offered)


def test_throughput_looks_at_whole_experts(catalog: Catalog):
    """Only where replicas share them."""
    assert "TP1 DP8 EP" in _offered(catalog, 8, goal="throughput")
    assert not any("EP" in each for each in _offered(catalog, 8))


def test_what_is_asked_for_is_what_is_offered(catalog: Catalog):
    """The rest of the GPUs become replicas, or stages where replicas are named too."""
    assert _offered(catalog, 8, tensor_parallel=4) == ["TP4 DP2"]
    assert _offered(catalog, 8, pipeline_parallel=2) == ["TP4 PP2"]
    assert _offered(catalog, 8, tensor_parallel=2, data_parallel=2) == ["TP2 PP2 DP2"]
    assert _offered(catalog, 8, tensor_parallel=1, data_parallel=8, expert_parallel=True) == ["TP1 DP8 EP"]


@pytest.mark.parametrize("tensor_parallel", [3, 5, 6, 7, 10, 16, 40])
def test_tensor_parallel_that_cuts_a_head_is_refused(catalog: Catalog, tensor_parallel: int):
    """With the rule and its numbers: 40 query heads, 8 KV heads."""
    refusal = _refused(catalog, tensor_parallel, tensor_parallel=tensor_parallel)

    assert refusal.rule == "layout"
    assert str(tensor_parallel) in refusal.numbers
    assert "40" in refusal.numbers or "8 KV heads" in refusal.numbers
    assert refusal.source == "vllm-0.32.0"


def test_a_layout_that_leaves_gpus_idle_is_refused(catalog: Catalog):
    """Eight GPUs are given, six would work."""
    refusal = _refused(catalog, 8, tensor_parallel=2, pipeline_parallel=3, data_parallel=1)

    assert refusal.rule == "layout"
    assert "it takes 6 GPUs, given: 8" in refusal.numbers


def test_tensor_parallel_across_nodes_is_refused(catalog: Catalog):
    """It would cross the slow link; the numbers say how many GPUs a node has."""
    refusal = _refused(catalog, 8, tensor_parallel=8, nodes=2)

    assert refusal.rule == "tensor-parallel-across-nodes"
    assert "4 GPUs of a node" in refusal.numbers
    assert refusal.instead


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"data_parallel": 1}, "TP4 PP2"),
        ({"data_parallel": 2}, "TP4 DP2"),
        ({"pipeline_parallel": 1}, "TP4 DP2"),
        ({"pipeline_parallel": 2}, "TP4 PP2"),
        ({"pipeline_parallel": 4}, "TP2 PP4"),
        ({"pipeline_parallel": 2, "data_parallel": 2}, "TP2 PP2 DP2"),
        ({"tensor_parallel": 2}, "TP2 DP4"),
        ({"tensor_parallel": 2, "data_parallel": 1}, "TP2 PP4"),
        ({"tensor_parallel": 4, "pipeline_parallel": 2}, "TP4 PP2"),
        ({"tensor_parallel": 4, "data_parallel": 1}, "TP4 PP2"),
    ],
)
def test_an_open_tensor_parallel_is_chosen_within_a_node(catalog: Catalog, wish: dict[str, int], expected: str):
    """Eight GPUs on two nodes: whatever else is named, the four of a node share a layer at most."""
    assert _offered(catalog, 8, nodes=2, **wish) == [expected]


@pytest.mark.parametrize("wish", [{"pipeline_parallel": 1, "data_parallel": 1}, {"tensor_parallel": 8}])
def test_what_only_fits_across_nodes_is_refused(catalog: Catalog, wish: dict[str, int]):
    """With what a node has."""
    assert "4 GPUs of a node" in _refused(catalog, 8, nodes=2, **wish).numbers


def test_a_tensor_parallel_group_never_straddles_two_nodes(catalog: Catalog):
    """Four of six GPUs would leave the next group half on the other node."""
    refusal = _refused(catalog, 12, nodes=2, tensor_parallel=4)

    assert refusal.rule == "tensor-parallel-across-nodes"
    assert "tensor parallel 2" in (refusal.instead or "")


def test_all_sizes_named_must_take_all_gpus(catalog: Catalog):
    """One GPU's worth of sizes does not use eight."""
    assert "it takes 1 GPU, given: 8" in (
        _refused(catalog, 8, tensor_parallel=1, pipeline_parallel=1, data_parallel=1).numbers
    )


def test_an_enormous_layout_is_refused_at_once(catalog: Catalog):
    """No loop runs over the GPUs."""
    assert _refused(catalog, 2**50 + 1, pipeline_parallel=3).rule == "layout"
