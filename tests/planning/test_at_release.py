"""A plan at another release is the plan that would be made there, and what differs is said."""

from __future__ import annotations

from llama4ref import PlanRequest, plan
from llama4ref.facts import load
from llama4ref.planning.at_release import moved
from llama4ref.planning.outcomes import Plan

CATALOG = load()


def _planned(**wish: object) -> Plan:
    best = plan(PlanRequest(**wish)).best  # type: ignore[arg-type]
    assert isinstance(best, Plan)
    return best


def test_differences_are_those_of_the_two_plans() -> None:
    """Settings that came and went, and promises; what is the same is not said."""
    found = moved(_planned(model="scout", gpu="h100-sxm", count=8, context="1M"), "0.8.3", "0.33.0", CATALOG)
    old, new = found.before.best, found.after.best
    assert isinstance(old, Plan)
    assert isinstance(new, Plan)
    by_name = {each.about: each for each in found.differences}

    assert (old.release, new.release) == ("0.8.3", "0.33.0")
    assert by_name["gpu-memory-utilization"].before == "0.9"
    assert by_name["gpu-memory-utilization"].after == "0.92"
    assert by_name["override-generation-config"].after == "-"
    assert by_name["KV cache tokens"].after == f"{new.kv_cache_tokens:,}"
    assert "tensor-parallel-size" not in by_name
    assert not found.refused


def test_the_split_and_the_checkpoint_stay() -> None:
    """What the plan chose is not chosen anew."""
    planned = _planned(model="scout", gpu="h200-sxm", count=8, goal="throughput", context="64K")
    found = moved(planned, "0.32.0", "0.33.0", CATALOG)

    for result in (found.before, found.after):
        assert isinstance(result.best, Plan)
        assert result.best.checkpoint.id == planned.checkpoint.id
        assert result.best.config.layout == planned.config.layout


def test_a_release_that_cannot_serve_it_says_why() -> None:
    """Pipeline parallel is younger than the first release."""
    planned = _planned(model="maverick", gpu="h100-sxm", count=16, nodes=2, tensor_parallel=8, pipeline_parallel=2)
    found = moved(planned, "0.33.0", "0.8.3", CATALOG)

    assert found.before.plans
    assert "engine-ability" in {each.rule for each in found.refused}
    assert not found.differences
