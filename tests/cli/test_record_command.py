"""From a saved plan and the log of its server to a measurement that the specs keep."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts import load
from llama4ref.performance.comparison import comparisons
from llama4ref.plan_files import load_plan
from llama4ref.proving.rungs.predictions import full_size_predictions
from tests.proving.conftest import start_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Answer

SPECS = Path(__file__).parents[2] / "specs"
SCOUT = ("--model", "scout", "--gpu", "h100-sxm", "--count", "4", "--context", "128K", "--engine-release", "0.32.0")


@pytest.fixture
def started(call: Callable[..., Answer], tmp_path: Path) -> tuple[str, ...]:
    """A saved plan, and the log and metrics of its server, as words of a call."""
    saved = tmp_path / "scout.yaml"
    assert call("plan", *SCOUT, "--save", str(saved)).code == 0
    plan = load_plan(saved)
    log, metrics = start_of(full_size_predictions(plan.config, plan.budget)[0])
    (tmp_path / "server.log").write_text(log, encoding="utf-8")
    (tmp_path / "metrics.txt").write_text(metrics, encoding="utf-8")
    return "--plan", str(saved), "--log", str(tmp_path / "server.log"), "--metrics", str(tmp_path / "metrics.txt")


def test_a_logged_start_becomes_a_measurement(
    call: Callable[..., Answer], started: tuple[str, ...], tmp_path: Path
) -> None:
    """It is laid beside what was predicted, written, loaded with the specs, and compared there."""
    shutil.copytree(SPECS, tmp_path / "specs")
    words = (
        "--device",
        "NVIDIA H100 80GB HBM3",
        "--day",
        "2026-11-24",
        "--out",
        str(tmp_path / "specs/measurements"),
    )
    answer = call("record", *started, *words)

    assert answer.code == 0, answer.err
    assert answer.out.startswith("Held: ")
    assert "Record: " in answer.out
    catalog = load(tmp_path / "specs")
    record = catalog.measurement("vllm-0.32.0-scout-h100-sxm-4-logged")
    compared = {each.metric: each.ratio for each in comparisons(record, catalog)}
    assert (record.device, record.as_of) == ("NVIDIA H100 80GB HBM3", "2026-11-24")
    assert compared["num_gpu_blocks"] == compared["kv_cache_tokens"] == 1
    assert call("check", "--specs", str(tmp_path / "specs"), "--no-engine").code == 0


def test_a_start_that_failed_leaves_no_record(
    call: Callable[..., Answer], started: tuple[str, ...], tmp_path: Path
) -> None:
    """The answer is no, with the reason and what to try."""
    log = tmp_path / "server.log"
    log.write_text("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB.", encoding="utf-8")
    answer = call("record", *started[:4], "--out", str(tmp_path / "records"))

    assert answer.code == 1
    assert "Did not hold" in answer.out
    assert not (tmp_path / "records").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--log", "nowhere.log"), "nowhere.log"),
        (("--day", "yesterday"), "yesterday"),
        (("--name", "a/b"), "lowercase letters"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused(
    call: Callable[..., Answer], started: tuple[str, ...], words: tuple[str, str], message: str
) -> None:
    """With one message and exit 2."""
    answer = call("record", *started, *words)

    assert answer.code == 2
    assert message in answer.err


def test_a_proof_of_the_full_size_is_recorded(
    call: Callable[..., Answer], started: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the driver's name of this machine's GPU, after the verdict is said."""
    from llama4ref.proving import environment as around
    from llama4ref.proving.rungs import proofs
    from llama4ref.proving.rungs.logged_starts import verdict_of_log

    gpu = around.Gpu(name="NVIDIA H100 80GB HBM3", memory_bytes=None, free_bytes=None)
    here = dataclasses.replace(around.environment(), gpus=(gpu,) * 4)
    log = (tmp_path / "server.log").read_text(encoding="utf-8")
    monkeypatch.setattr(around, "environment", lambda: here)
    monkeypatch.setattr(proofs, "prove", lambda plan, **_: verdict_of_log(plan, log))
    answer = call("prove", *started[:2], "--rung", "full-size", "--record", str(tmp_path / "records"), "--json")

    (record,) = (tmp_path / "records").iterdir()
    assert answer.json["conclusion"] == "held"
    assert f"record: {record}" in answer.err
    assert 'device: "NVIDIA H100 80GB HBM3"' in record.read_text(encoding="utf-8")


def test_a_lower_rung_has_nothing_to_record(call: Callable[..., Answer], tmp_path: Path) -> None:
    """A miniature measures nothing of the accelerator."""
    answer = call("prove", *SCOUT, "--rung", "miniature", "--record", str(tmp_path))

    assert answer.code == 2
    assert "lower rungs measure nothing" in answer.err
