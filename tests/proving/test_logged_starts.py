"""A server that somebody else started is judged by its log, as one that was launched here."""

from __future__ import annotations

from pathlib import Path

import pytest

from llama4ref.errors import ProofError, RequestError
from llama4ref.planning import Plan, PlanRequest, plan
from llama4ref.proving.records.plan_records import write_record
from llama4ref.proving.rungs.logged_starts import verdict_of_log
from llama4ref.proving.rungs.predictions import full_size_predictions
from llama4ref.proving.verdict import Conclusion
from tests.proving.conftest import start_of

LOGS = Path(__file__).parent / "logs"


@pytest.fixture(scope="module")
def planned() -> Plan:
    """Scout at 128K on four H100s."""
    best = plan(PlanRequest(model="scout", gpu="h100-sxm", count=4, context="128K", engine_release="0.32.0")).best
    assert isinstance(best, Plan)
    return best


@pytest.fixture(scope="module")
def figures(planned: Plan) -> dict[str, float]:
    """What is predicted of it."""
    return full_size_predictions(planned.config, planned.budget)[0]


def test_a_start_as_predicted_holds(planned: Plan, figures: dict[str, float]) -> None:
    """Every prediction is observed; the verdict says that nobody watched."""
    verdict = verdict_of_log(planned, *start_of(figures))

    assert verdict.conclusion is Conclusion.HELD
    assert "not watched" in verdict.notes[0]
    assert len(verdict.notes) == 1


@pytest.mark.parametrize(
    ("change", "name"), [({"num_gpu_blocks": 10}, "num_gpu_blocks"), ({"max_model_len": 8192}, "max_model_len")]
)
def test_a_start_that_is_not_as_predicted_does_not_hold(
    planned: Plan, figures: dict[str, float], change: dict[str, int], name: str
) -> None:
    """Fewer blocks than the worst, another context than planned."""
    verdict = verdict_of_log(planned, *start_of(figures | change))

    assert verdict.conclusion is Conclusion.DID_NOT_HOLD
    assert [row.name for row in verdict.comparisons if row.agreement == "differs"] == [name]


def test_a_log_alone_is_judged_by_what_it_states(planned: Plan, figures: dict[str, float]) -> None:
    """Blocks stand in the metrics only; tokens, which follow from them, stand in the log."""
    verdict = verdict_of_log(planned, start_of(figures)[0])

    assert verdict.holds
    assert "kv_cache_tokens" in {row.name for row in verdict.comparisons}
    assert "num_gpu_blocks" not in {row.name for row in verdict.comparisons}


def test_a_start_that_failed_is_explained(planned: Plan) -> None:
    """By the same causes as a launch of our own."""
    verdict = verdict_of_log(planned, (LOGS / "context_too_long.log").read_text(encoding="utf-8"))

    assert verdict.conclusion is Conclusion.DID_NOT_HOLD
    assert verdict.explanation is not None
    assert "262144 tokens needs" in verdict.explanation.what


def test_a_log_of_another_release_is_predicted_for_it(planned: Plan, figures: dict[str, float]) -> None:
    """And the verdict says so; a release that the facts do not cover, or that lacks a setting, is refused."""
    log, metrics = start_of(figures)
    other = verdict_of_log(planned, log.replace("v0.32.0", "v0.31.0+cu130"), metrics)

    assert other.config.release == "0.31.0"
    assert "the plan is for vLLM 0.32.0, the log is of 0.31.0+cu130" in other.notes[1]
    with pytest.raises(ProofError, match=r"cannot be of this plan: .*0\.4\.2"):
        verdict_of_log(planned, log.replace("v0.32.0", "v0.4.2"), metrics)


def test_a_log_without_its_release_is_taken_for_the_plans(planned: Plan, figures: dict[str, float]) -> None:
    """A log that was cut is still worth something."""
    log, metrics = start_of(figures)
    verdict = verdict_of_log(planned, log.partition("\n")[2], metrics)

    assert verdict.holds
    assert "does not say its release" in verdict.notes[1]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"device": "NVIDIA H200"}, ProofError, "is h200-sxm, but the plan is for h100-sxm"),
        ({"device": "NVIDIA H100"}, ProofError, "no accelerator in the facts"),
        ({"name": "../../etc/passwd"}, RequestError, "expected lowercase letters"),
        ({"name": ""}, RequestError, "expected lowercase letters"),
    ],
)
def test_a_record_under_a_wrong_name_is_not_written(
    planned: Plan, tmp_path: Path, changes: dict[str, str], error: type[Exception], message: str
) -> None:
    """Neither of another GPU nor outside its folder."""
    verdict = verdict_of_log(planned, *start_of(full_size_predictions(planned.config, planned.budget)[0]))
    about = {"device": None, "name": "logged", "as_of": "2026-11-25", "directory": tmp_path}
    with pytest.raises(error, match=message):
        write_record(verdict, planned, **about | changes)

    assert list(tmp_path.iterdir()) == []
