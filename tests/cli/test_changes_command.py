"""`llama4ref facts changes`: two releases side by side, and what that does to a saved plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _saved(call: Callable[..., Any], folder: Path, *words: str) -> str:
    file = folder / "plan.yaml"
    assert call("plan", *words, "--save", str(file)).code == 0
    return str(file)


def test_what_changed_between_two_releases_is_listed_by_subject(call: Callable[..., Any]) -> None:
    """With its values at both."""
    answer = call("facts", "changes", "vllm", "0.10.2", "0.19.0")

    assert answer.code == 0
    for words in (
        "Memory rules",
        "hybrid kv cache",
        "Abilities",
        "Options",
        "\nnew ",
        "\ngone ",
        "nnodes",
        "swap-space",
    ):
        assert words in answer.out


def test_json_has_the_leaf_that_tells_of_each_change(call: Callable[..., Any]) -> None:
    """And the same changes."""
    answer = call("facts", "changes", "vllm", "0.10.2", "0.19.0", "--json")
    (hybrid,) = [each for each in answer.json["changes"] if each["name"] == "hybrid kv cache"]

    assert (hybrid["subject"], hybrid["entity"], hybrid["field"]) == (
        "memory", "engines/vllm", "behaviours.hybrid_kv_cache.3.holds",
    )  # fmt: skip


def test_a_saved_plan_is_laid_beside_itself(call: Callable[..., Any], tmp_path: Path) -> None:
    """Settings and promises that differ."""
    file = _saved(call, tmp_path, "--model", "scout", "--gpu", "h100-sxm", "--count", "8", "--context", "1M")
    answer = call("facts", "changes", "vllm", "0.19.0", "0.33.0", "--plan", file)

    assert answer.code == 0
    assert "gpu-memory-utilization" in answer.out
    assert "0.92" in answer.out


def test_a_plan_that_the_release_does_not_serve_exits_with_1(call: Callable[..., Any], tmp_path: Path) -> None:
    """The refusal is printed."""
    words = ("--model", "maverick", "--gpu", "h100-sxm", "--count", "16", "--nodes", "2", "--tensor-parallel", "8")
    answer = call(
        "facts",
        "changes",
        "vllm",
        "0.33.0",
        "0.8.3",
        "--plan",
        _saved(call, tmp_path, *words, "--pipeline-parallel", "2"),
    )

    assert answer.code == 1
    assert "The plan at 0.8.3: refused" in answer.out
    assert "pipeline parallel" in answer.out


@pytest.mark.parametrize(
    "words",
    [
        ("vllm", "0.8.2", "0.9.0"),
        ("vlm", "0.8.3", "0.9.0"),
        ("vllm", "0.9.0", "0.9.0"),
        ("vllm", "nine", "0.9.0"),
        ("vllm", "0.9.0"),
    ],
)
def test_what_cannot_be_compared_exits_with_2(call: Callable[..., Any], words: tuple[str, ...]) -> None:
    """In one message."""
    answer = call("facts", "changes", *words)

    assert answer.code == 2
    assert "Traceback" not in answer.err
