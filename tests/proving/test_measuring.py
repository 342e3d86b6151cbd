"""Measuring the full size: what can be shown where there is no GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.planning import Plan
from llama4ref.proving.environment import environment
from llama4ref.proving.records.measuring import configuration_of, main, planned, standard_runs

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

RELEASE = "0.32.0"


def test_every_standard_run_is_predicted_to_fit_one_h200(catalog: Catalog) -> None:
    """A run that cannot start would waste the accelerator's time; each differs from the others in what is launched."""
    plans = [planned(run, catalog) for run in standard_runs("h200-sxm", RELEASE)]
    launched = {(best.checkpoint.id, tuple(best.config.settings.items())) for best in plans if isinstance(best, Plan)}

    assert len(launched) == len(plans) == 5


def test_what_is_predicted_has_the_bounds_of_the_plans_budget(catalog: Catalog) -> None:
    """The last value inside is within bound and the first outside differs, for memory and for blocks."""
    for run in standard_runs("h200-sxm", RELEASE):
        best = planned(run, catalog)
        assert isinstance(best, Plan)
        foreseen, budget = configuration_of(run, best, {}), best.budget
        low, high = foreseen.bounds["available_kv_cache"]

        assert low * 2**30 == budget.kv_cache_at_least_bytes
        assert high * 2**30 == budget.kv_cache_at_most_bytes
        assert foreseen.predicted["available_kv_cache"] * 2**30 == budget.kv_cache_bytes
        assert foreseen.bounds["num_gpu_blocks"] == (
            budget.cache.capacity(budget.kv_cache_at_least_bytes).num_blocks,
            budget.cache.capacity(budget.kv_cache_at_most_bytes).num_blocks,
        )
        assert "max_model_len" not in foreseen.bounds


def test_a_run_that_the_planner_refuses_says_why(catalog: Catalog) -> None:
    """Scout in 8 bits does not fit one H100; in 4 bits it does."""
    fp8, *_ = standard_runs("h100-sxm", RELEASE)
    found = {run.name: planned(run, catalog) for run in standard_runs("h100-sxm", RELEASE)}

    assert "weights take" in str(found[fp8.name])
    assert isinstance(found["w4a16"], Plan)


def test_kernels_of_ones_own_are_launched_with_the_reason(catalog: Catalog) -> None:
    """Where the engine's own choice is not installed."""
    run = standard_runs("h200-sxm", RELEASE)[0]
    best = planned(run, catalog)
    assert isinstance(best, Plan)
    config = configuration_of(run, best, {"moe-backend": "triton"}).config

    assert config.settings["moe-backend"] == "triton"
    assert [reason.because for reason in config.reasons if reason.about == "moe-backend"] == [
        "asked for on the command line"
    ]


@pytest.mark.skipif(bool(environment().gpus), reason="this machine has a GPU")
@pytest.mark.vllm
def test_without_a_gpu_it_says_so_and_exits_3(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    """Nothing is pretended where the accelerator is missing."""
    pytest.importorskip("vllm")
    code = main(["--out", str(tmp_path)])

    assert code == 3
    assert "this machine has none" in capsys.readouterr().err
