"""What people published that they served is not refused for a fault or a missing ability of the engine."""

from __future__ import annotations

from typing import Any

import pytest

from llama4ref import PlanRequest, load, plan
from llama4ref.facts.types.measurements import Measurement
from llama4ref.facts.types.serving import CapacityClaim, FlagSet
from llama4ref.facts.types.states import is_stated
from llama4ref.planning.choices.checkpoints import PLATFORMS

CATALOG = load()
VLLM = CATALOG.engine("vllm")
OF_THE_ENGINE = {"engine-fault", "engine-ability", "no-expert-kernel"}
FIELDS = {
    "tensor-parallel-size": "tensor_parallel",
    "pipeline-parallel-size": "pipeline_parallel",
    "data-parallel-size": "data_parallel",
    "max-num-seqs": "max_num_seqs",
    "max-num-batched-tokens": "max_num_batched_tokens",
}
"""Options of a published launch, as a request names them."""
NOT_SERVED: frozenset[str] = frozenset()
"""Published settings that the wheels of their release do not start, each with its reason."""


def _wish(flags: tuple[str, ...]) -> dict[str, Any]:
    """What the options of a launch ask for, as far as a request can."""
    given = {name.removeprefix("--"): value for name, _, value in (flag.partition(" ") for flag in flags)}
    wish: dict[str, Any] = {field: int(given[name]) for name, field in FIELDS.items() if name in given}
    if given.get("kv-cache-dtype", "").startswith("fp8"):
        wish["cache_dtype"] = "fp8"
    if "enable-expert-parallel" in given:
        wish["expert_parallel"] = True
    if "enforce-eager" in given:
        wish["enforce_eager"] = True
    return wish


def _claim(each: CapacityClaim) -> dict[str, Any]:
    return {
        "gpu": each.accelerator, "count": each.count, "context": each.max_context, "checkpoint": each.checkpoint,
        "engine_release": each.release, **_wish(each.flags if is_stated(each.flags) else ()),
    }  # fmt: skip


def _launch(each: FlagSet, gpu: str) -> dict[str, Any]:
    return {
        "gpu": gpu, "count": each.count or 8, "context": each.max_context or 8192, "checkpoint": each.checkpoint,
        "engine_release": each.release, **_wish(each.flags),
    }  # fmt: skip


def _measured(each: Measurement) -> dict[str, Any]:
    wish = {
        "gpu": each.accelerator, "count": each.count, "checkpoint": each.checkpoint, "engine_release": each.release,
        "tensor_parallel": each.tensor_parallel, "pipeline_parallel": each.pipeline_parallel,
        "data_parallel": each.data_parallel, "expert_parallel": each.expert_parallel, "context": 8192,
    }  # fmt: skip
    return {name: value for name, value in wish.items() if is_stated(value)}


PUBLISHED = {
    **{f"claim-{number}": _claim(each) for number, each in enumerate(VLLM.claims_of_capacity)},
    **{f"{each.id}-{gpu}": _launch(each, gpu) for each in VLLM.flag_sets for gpu in each.accelerators},
    **{each.id: _measured(each) for each in CATALOG.measurements.values() if each.engine == "vllm"},
}
PLANNED = {
    id_: wish
    for id_, wish in PUBLISHED.items()
    if is_stated(wish.get("engine_release"))
    and is_stated(wish.get("checkpoint"))
    and CATALOG.accelerator(wish["gpu"]).platform in PLATFORMS
    and "." in wish["engine_release"]
}


@pytest.mark.parametrize("id_", PLANNED)
def test_a_published_launch_is_not_refused_for_the_engine(id_: str) -> None:
    """Neither a fault nor a missing ability nor a missing kernel; memory may be short where the launch left things open."""
    rules = {each.rule for each in plan(PlanRequest(**PLANNED[id_])).refused}

    assert bool(rules & OF_THE_ENGINE) is (id_ in NOT_SERVED)


def test_there_are_published_launches() -> None:
    """Of several releases and platforms."""
    assert len(PLANNED) >= 20
    assert {CATALOG.accelerator(wish["gpu"]).platform for wish in PLANNED.values()} == set(PLATFORMS)
