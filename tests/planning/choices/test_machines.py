"""How many GPUs come into question, and over how many machines?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref import plan
from llama4ref.errors import RequestError
from llama4ref.planning.choices.machines import Placement, fewest_nodes, placements
from llama4ref.planning.outcomes import Plan, Refusal
from llama4ref.planning.request import PlanRequest

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


def _placed(catalog: Catalog, gpu: str, **wish: int) -> tuple[Placement, ...]:
    found = placements(PlanRequest(gpu=gpu, **wish), catalog.accelerator(gpu))
    assert not isinstance(found, Refusal), found
    return found


@pytest.mark.parametrize(
    ("gpu", "wish", "expected"),
    [
        ("h100-sxm", {}, [(1, 1), (2, 1), (4, 1), (8, 1)]),
        ("h100-sxm", {"nodes": 2}, [(2, 2), (4, 2), (8, 2), (16, 2)]),
        ("gb200", {}, [(1, 1), (2, 1), (4, 1)]),
        ("dgx-spark", {}, [(1, 1)]),
        ("h100-sxm", {"count": 16}, [(16, 2)]),
        ("gb200", {"count": 8}, [(8, 2)]),
        ("dgx-spark", {"count": 4}, [(4, 4)]),
        ("h100-sxm", {"count": 12}, [(12, 2)]),
        ("h100-sxm", {"count": 8, "nodes": 4}, [(8, 4)]),
        ("h100-sxm", {"tensor_parallel": 8, "data_parallel": 2}, [(16, 2)]),
        ("h100-sxm", {"tensor_parallel": 8, "nodes": 2}, [(16, 2)]),
        ("h100-sxm", {"tensor_parallel": 1, "nodes": 3}, [(3, 3)]),
        ("h100-sxm", {"tensor_parallel": 4, "data_parallel": 2, "nodes": 2}, [(8, 2)]),
        ("h100-sxm", {"tensor_parallel": 2, "pipeline_parallel": 3, "nodes": 2}, [(12, 2)]),
        ("rtx-4090", {"count": 16}, [(16, 1)]),
    ],
)
def test_a_machine_holds_as_many_gpus_as_the_facts_say(
    catalog: Catalog, gpu: str, wish: dict[str, int], expected: list[tuple[int, int]]
):
    """More of them need more machines; where nobody says how many a machine holds, it holds what is asked for."""
    assert [(each.count, each.nodes) for each in _placed(catalog, gpu, **wish)] == expected


@pytest.mark.parametrize(
    ("gpu", "wish", "numbers", "instead"),
    [
        ("h100-sxm", {"count": 16, "nodes": 1}, "16 a machine, and one holds 8", "nodes 2 would"),
        ("gb200", {"count": 16, "nodes": 2}, "8 a machine, and one holds 4", "nodes 4 would"),
        ("h100-sxm", {"count": 17}, "do not share out evenly over machines of 8", "16 or 24 GPUs would"),
        ("h100-sxm", {"pipeline_parallel": 17}, "do not share out evenly", "16 or 24 GPUs would"),
    ],
)
def test_more_gpus_than_a_machine_holds_are_refused(
    catalog: Catalog, gpu: str, wish: dict[str, int], numbers: str, instead: str
):
    """With what would do."""
    result = plan(PlanRequest(model="scout", gpu=gpu, **wish), catalog)
    found = [each for each in result.refused if each.rule == "nodes"]

    assert not result.plans
    assert numbers in found[0].numbers
    assert found[0].instead == instead


def test_every_plan_has_machines_for_its_gpus(catalog: Catalog):
    """And tensor parallel inside one of them."""
    for gpu, count in (("h100-sxm", 16), ("gb200", 8), ("dgx-spark", 4), ("b200", 24)):
        plans = plan(PlanRequest(model="scout", gpu=gpu, count=count), catalog).plans
        assert plans
        for each in plans:
            assert isinstance(each, Plan)
            assert each.count == count
            assert each.nodes * (each.accelerator.per_node or count) >= count
            assert count // each.nodes % each.config.layout.tensor_parallel == 0
            assert {"nnodes", "distributed-executor-backend"} & set(each.settings)


def test_sizes_that_do_not_divide_over_the_machines_contradict(catalog: Catalog):
    """Eight GPUs on three machines."""
    with pytest.raises(RequestError, match="do not divide over 3 nodes"):
        placements(
            PlanRequest(tensor_parallel=8, pipeline_parallel=1, data_parallel=1, nodes=3),
            catalog.accelerator("h100-sxm"),
        )


def test_no_machine_count_takes_long_to_find():
    """However many GPUs are asked for."""
    assert fewest_nodes(2**53 - 1, 8) is None
    assert fewest_nodes(2**53, 8) == 2**50
