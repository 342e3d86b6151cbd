"""No refusal for memory is lifted by a setting that nobody asked for, and what a refusal names lifts it, as little as that.

The grid is drawn from all of it at random, by a fixed seed; each draw is planned, then asked again with one thing changed.
"""

from __future__ import annotations

import itertools
import random
from functools import cache
from typing import Any

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.errors import RequestError
from llama4ref.facts import load
from llama4ref.planning.outcomes import Plan, PlanResult, Refusal

CATALOG = load()
MEMORY = {
    "weights-too-large",
    "nothing-left-for-kv-cache",
    "buffers-beside-the-cache",
    "kv-cache-too-small",
    "concurrency",
}
GPUS = [each.id for each in CATALOG.accelerators.values() if each.platform in {"cuda", "rocm"}]
GRID = list(
    itertools.product(
        ["scout", "maverick"],
        GPUS,
        [1, 2, 4, 8, 16],
        [None, "4K", "128K", "1M", "4M", "10M"],
        [
            {},
            {"max_num_seqs": 1024},
            {"max_num_seqs": 300, "gpu_memory_utilization": 0.9},
            {"gpu_memory_utilization": 0.95},
            {"max_num_batched_tokens": 16_384},
            {"max_num_seqs": 512, "max_num_batched_tokens": 8_192, "gpu_memory_utilization": 0.85},
            {"concurrency": 64},
            {"enforce_eager": True},
            {"cache_dtype": "bfloat16"},
        ],
    )
)
DRAWS = 24
OPEN_VALUES: dict[str, list[Any]] = {
    "max_num_seqs": [1, 8, 64, 128, 256],
    "gpu_memory_utilization": [0.7, 0.8, 0.85, 0.9, 0.95],
    "max_num_batched_tokens": [256, 1_024, 2_048],
    "enforce_eager": [True],
}


def drawn() -> list[dict[str, Any]]:
    """A sample of the grid in which something is refused for memory."""
    found: list[dict[str, Any]] = []
    for model, gpu, count, context, pinned in random.Random(7).sample(GRID, len(GRID)):  # noqa: S311  # any draw will do
        wish = {"model": model, "gpu": gpu, "count": count, "context": context, **pinned}
        if len(found) == DRAWS:
            break
        if _refused(_answer(wish)):
            found.append(wish)
    return found


def _answer(wish: dict[str, Any]) -> PlanResult:
    return _kept(tuple(sorted(wish.items(), key=lambda item: item[0])))


@cache
def _kept(wish: tuple[tuple[str, Any], ...]) -> PlanResult:
    return plan(PlanRequest(**dict(wish)), CATALOG)


def _refused(result: PlanResult) -> list[Refusal]:
    return [each for each in result.refused if each.rule in MEMORY]


def _planned(result: PlanResult) -> set[str]:
    """What is planned, by checkpoint, machines, layout and cache, as refusals name their subjects."""
    return {_place(_subject(each)) for each in result.plans if isinstance(each, Plan)}


def _subject(each: Plan) -> str:
    from llama4ref.planning.choices.layouts import described

    return f"{each.checkpoint.id} on {each.count} x {each.accelerator.id}, {described(each.config.layout)}"


def _place(subject: str) -> str:
    """A subject without its cache dtype, which is open as well."""
    return subject.removesuffix(", fp8 KV")


@pytest.fixture(scope="module")
def wishes() -> list[dict[str, Any]]:
    return drawn()


def test_no_refusal_for_memory_is_lifted_by_a_setting_that_nobody_asked_for(wishes: list[dict[str, Any]]):
    """Whatever value it is given by hand."""
    for wish in wishes:
        refused = {_place(each.subject) for each in _refused(_answer(wish))}
        for name, values in OPEN_VALUES.items():
            if name in wish or (name == "max_num_seqs" and "concurrency" in wish):
                continue
            for value in values:
                try:
                    planned = _planned(_answer({**wish, name: value}))
                except RequestError:
                    continue
                assert not refused & planned, (wish, name, value)


def test_what_is_named_fits_and_the_next_nearer_value_does_not(wishes: list[dict[str, Any]]):
    """Of each refusal, on its own checkpoint, layout and cache."""
    named = 0
    for wish in wishes:
        for each in {refusal.changes: refusal for refusal in _refused(_answer(wish))}.values():
            if not each.changes:
                continue
            named += 1
            assert _place(each.subject) in _planned(_answer({**wish, **dict(each.changes)})), (wish, each)
            for name, value in each.changes:
                nearer = {**wish, **dict(each.changes), name: _nearer(name, value, wish)}
                assert _place(each.subject) not in _planned(_answer(nearer)), (wish, each, name)
    assert named > DRAWS // 4


def _nearer(name: str, value: float, wish: dict[str, Any]) -> float:
    """The next value towards the one that was asked for."""
    match name:
        case "gpu_memory_utilization":
            return round(value + (0.01 if wish[name] > value else -0.01), 2)
        case "max_num_seqs" | "max_num_batched_tokens":
            return min(2 * int(value), wish[name])
        case _:
            return int(value) + 1
