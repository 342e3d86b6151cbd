"""A record that a proof writes is kept: it loads, is checked, is compared with the estimates, and quotes what was launched."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.calibration import calibrate
from llama4ref.calibration.memory_bounds import fitted_memory, unobserved_accelerators
from llama4ref.calibration.proposal import proposed_files
from llama4ref.calibration.records import memory_records
from llama4ref.cli.check_command import command
from llama4ref.facts import load
from llama4ref.facts.audit.cross_checks import check_results
from llama4ref.facts.building import build
from llama4ref.facts.loading import spec_files
from llama4ref.performance.comparison import comparisons, quoted_config
from llama4ref.planning import Plan
from llama4ref.proving.probes.load_test import load_test
from llama4ref.proving.probes.token_stream import Arrival
from llama4ref.proving.records.measurement_records import RunDetails, measurement_record, record_id
from llama4ref.proving.records.measuring import configuration_of, keep, planned, standard_runs
from llama4ref.proving.rungs.full_size import RANDOM_WEIGHTS_SETTINGS, stated
from llama4ref.proving.rungs.proof_configs import added
from llama4ref.proving.server.launching import for_serving
from llama4ref.proving.server.observing import observe
from llama4ref.proving.verdict import RANDOM_WEIGHTS, Rung, Verdict, compare
from tests.proving.conftest import start_of

if TYPE_CHECKING:
    from llama4ref.facts import Catalog
    from llama4ref.proving.records.measuring import StandardRun

SPECS = Path(__file__).parents[2] / "specs"
RELEASE = "0.32.0"
KEPT = ("fp8", "w4a16")
SUMMARY = """(Worker pid=7) INFO 11-25 10:01:30 [gpu_model_runner.py:6582] Graph capturing finished in 9 secs, took 0.95 GiB
(Worker pid=7) INFO 11-25 10:01:31 [gpu_worker.py:1009] Free memory on device cuda:0 (139.21/139.80 GiB) on startup. Desired GPU \
memory utilization is (0.92, 128.62 GiB). Actual usage is 105.12 GiB for consumed memory (weights + non-torch), 2.31 GiB for peak \
activation, and 0.95 GiB for CUDAGraph memory.
"""
"""The engine's own summary on one H200, in the form that it has since 0.28.0."""
REPLIES = [[Arrival(0.061, 1), *(Arrival(round(0.061 + 0.0123 * n, 6), 1 + n) for n in range(1, 64))]]


def proven(run: StandardRun, catalog: Catalog) -> tuple[Verdict, RunDetails]:
    """The verdict on a standard run whose server printed what was predicted, as the full-size proof makes it."""
    best = planned(run, catalog)
    assert isinstance(best, Plan)
    configuration = configuration_of(run, best, {})
    config = for_serving(added(configuration.config, RANDOM_WEIGHTS_SETTINGS)[0], checkpoint=Path("/somewhere"), port=0)
    log, metrics = start_of(configuration.predicted)
    report = observe(log + SUMMARY, metrics)
    seen = stated(report, config)
    verdict = Verdict(
        rung=Rung.FULL_SIZE,
        subject=f"Llama 4 Scout, {run.name}",
        config=config,
        comparisons=compare(configuration.predicted, seen, bounds=configuration.bounds),
        observed=seen,
        loads=(load_test(REPLIES, prompt_tokens=1024, seconds=0.87),),
        versions={"python": "3.12.3", "vllm": f"{RELEASE}+cu130"},
        notes=(RANDOM_WEIGHTS,),
    )
    about = RunDetails(
        checkpoint=best.checkpoint, accelerator="h200-sxm", device="NVIDIA H200", as_of="2026-11-25", name=run.name
    )
    return verdict, about


@pytest.fixture(scope="module")
def runs(catalog: Catalog) -> tuple[tuple[Verdict, RunDetails], ...]:
    """Two standard runs."""
    return tuple(proven(run, catalog) for run in standard_runs("h200-sxm", RELEASE) if run.name in KEPT)


@pytest.fixture(scope="module")
def kept(
    runs: tuple[tuple[Verdict, RunDetails], ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, tuple[str, ...]]:
    """A copy of the specs with their records in it, as a person would copy them, and the records' ids."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copytree(SPECS, folder / "specs")
    for verdict, about in runs:
        keep(verdict, about, folder)
    records = sorted(folder.glob("*.yaml"))
    for record in records:
        shutil.copy(record, folder / "specs/measurements")
    return folder / "specs", tuple(record.stem for record in records)


def test_a_run_as_predicted_holds(runs: tuple[tuple[Verdict, RunDetails], ...]) -> None:
    """What is printed with two digits lies within the bounds, blocks and tokens are equal."""
    assert [verdict.conclusion.value for verdict, _ in runs] == ["held", "held"]
    assert {row.name for row in runs[0][0].comparisons if row.agreement == "equal"} >= {
        "num_gpu_blocks",
        "kv_cache_tokens",
    }


def test_records_load_and_every_check_holds(kept: tuple[Path, tuple[str, ...]]) -> None:
    """No fault at the door, and no comparison of facts that does not hold."""
    folder, ids = kept
    catalog = load(folder)
    ours = {f"measurements/{id_}" for id_ in ids}
    compared = [(check.name, verdict) for check, verdict in check_results(catalog) if verdict.entity in ours]

    assert ids == (f"vllm-{RELEASE}-scout-h200-sxm-1-fp8", f"vllm-{RELEASE}-scout-h200-sxm-1-w4a16")
    assert {name for name, _ in compared} >= {"observed-units", "observed-load", "runs", "quoted-settings"}
    assert [(name, verdict) for name, verdict in compared if not verdict.held] == []


def test_check_passes_with_records(kept: tuple[Path, tuple[str, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    """The command that a person runs before a record is kept."""
    code = command.main(["--specs", str(kept[0]), "--no-engine"], standalone_mode=False)

    assert code == 0, capsys.readouterr().out


def test_every_number_of_a_record_is_compared(kept: tuple[Path, tuple[str, ...]]) -> None:
    """Latencies, throughput, memory and capacity stand beside the estimate; what was printed as predicted agrees."""
    folder, ids = kept
    catalog = load(folder)
    for id_ in ids:
        found = {each.metric: each for each in comparisons(catalog.measurement(id_), catalog)}

        assert found.keys() >= {
            "model_loading", "available_kv_cache", "kv_cache_tokens", "num_gpu_blocks", "max_concurrency", "cuda_graphs_estimated",
            "ttft_median", "ttft_mean", "itl_median", "tpot_median", "e2el_median", "output_throughput", "total_throughput",
            "request_throughput",
        }  # fmt: skip
        assert found["num_gpu_blocks"].ratio == found["kv_cache_tokens"].ratio == 1
        assert found["model_loading"].ratio == pytest.approx(1, abs=0.001)


def test_a_record_calibrates(kept: tuple[Path, tuple[str, ...]]) -> None:
    """What its server stated counts among the observations that bounds of memory are set by, with its own source."""
    catalog = load(kept[0])
    records = memory_records(catalog)
    estimates = catalog.estimate("vllm")
    fitted = (*fitted_memory(estimates, records), *unobserved_accelerators(estimates, records))
    ours = {field: row for field, _, row in fitted if set(kept[1]) <= set(row.basis)}

    assert {record.id: record.sources for record in records}[kept[1][0]] == ("full-size-runs",)
    assert {"memory.cuda_graphs", "memory.driver_context"} <= ours.keys()
    assert ours["memory.cuda_graphs"].value == pytest.approx(0.95 * 1024, abs=1)
    assert ours["memory.driver_context"].value == pytest.approx((139.80 - 139.21) * 1024, abs=1)
    assert all(row.low <= row.value <= row.high for row in ours.values())


@pytest.mark.slow
def test_a_record_moves_the_constants_of_its_engine(kept: tuple[Path, tuple[str, ...]]) -> None:
    """Its speed counts with those of its release, and what would change can be written and loaded."""
    catalog = load(kept[0])
    found = calibrate(catalog, kept[1])
    moved = {(change.estimates, change.field): change for change in found.changes}
    layers = moved["vllm", "speed.layer_latency"]
    files = spec_files(kept[0])
    again = build({**files, **{path: text.encode() for path, text in proposed_files(found, files).items()}})

    assert set(kept[1]) <= set(layers.moved_by)
    assert "full-size-runs" in layers.sources
    assert found.errors_after["vllm"] < found.errors_before["vllm"]
    assert dict(again.estimate("vllm").quantities())["speed.layer_latency"].rows[layers.index] == layers.new


def test_a_record_quotes_the_configuration(
    kept: tuple[Path, tuple[str, ...]], runs: tuple[tuple[Verdict, RunDetails], ...]
) -> None:
    """Read back it is the launched one in every size, without the folder and the port of one machine."""
    catalog = load(kept[0])
    for verdict, about in runs:
        run = catalog.measurement(record_id(verdict, about))
        quoted = quoted_config(run, catalog)
        assert quoted is not None
        sizes = [
            field.name
            for field in dataclasses.fields(quoted)
            if field.name not in {"settings", "environment", "reasons"}
        ]

        assert [getattr(quoted, name) for name in sizes] == [getattr(verdict.config, name) for name in sizes]
        assert quoted.settings["load-format"] == "dummy"
        assert "/somewhere" not in str(run)
        assert (run.checkpoint, run.device) == (about.checkpoint.id, "NVIDIA H200")


def test_a_record_states_formats_that_are_known(kept: tuple[Path, tuple[str, ...]]) -> None:
    """Precision names the formats of the experts and of the cache by their ids."""
    catalog = load(kept[0])
    stated_ = [str(catalog.measurement(id_).precision) for id_ in kept[1]]

    assert stated_ == ["W:fp8-per-tensor-dynamic KV:bfloat16", "W:int4-group-128 KV:bfloat16"]
    assert all(words.split()[0].removeprefix("W:") in catalog.formats for words in stated_)


@pytest.mark.parametrize("written", ["0.24.0+cu130", "v0.24", "0.24.0"])
def test_the_release_is_that_of_the_build(catalog: Catalog, written: str) -> None:
    """A wheel says how it was built; the record says which release it is."""
    verdict, about = proven(standard_runs("h200-sxm", RELEASE)[0], catalog)
    built = dataclasses.replace(verdict, config=dataclasses.replace(verdict.config, release=written))

    assert '\nrelease: "0.24.0"\n' in measurement_record(built, about)
    assert record_id(built, about) == "vllm-0.24.0-scout-h200-sxm-1-fp8"


def test_the_verdict_beside_it_has_every_number(kept: tuple[Path, tuple[str, ...]]) -> None:
    """Also what nothing was predicted of, for programs that read it."""
    content = json.loads((kept[0].parent / f"{kept[1][0]}.json").read_text(encoding="utf-8"))

    assert content["conclusion"] == "held"
    assert content["observed"]["cuda_graphs_estimated"] == 1.13
    assert content["loads"][0]["values"]["ttft_median"] == 0.061
