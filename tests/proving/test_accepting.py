"""The installed vLLM accepts settings for the full-size architecture, and its planner equals the memory rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.memory import kv_cache
from llama4ref.proving.model_files.architecture_files import write_architecture
from llama4ref.proving.rungs.accepting import AcceptanceProof, accept, prove_accepted
from llama4ref.proving.rungs.full_size import W4A16, standard_configurations
from llama4ref.units import GIB

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.facts.types.models import Model

pytestmark = [pytest.mark.vllm, pytest.mark.slow]
FLAGS = {"tensor-parallel-size": 8, "max-model-len": 1_048_576, "max-num-batched-tokens": 8192}


@pytest.fixture(scope="module")
def checkpoint(scout: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scout's full-size configuration files."""
    pytest.importorskip("vllm")
    directory = tmp_path_factory.mktemp("scout")
    write_architecture(directory, scout)
    return directory


@pytest.mark.parametrize(
    ("flags", "rules"),
    [
        ({}, {"tensor_parallel": 8}),
        (
            {"tensor-parallel-size": 4, "pipeline-parallel-size": 2, "kv-cache-dtype": "fp8"},
            {"tensor_parallel": 4, "pipeline_parallel": 2, "cache_dtype": "fp8"},
        ),
        (
            {"disable-hybrid-kv-cache-manager": True, "block-size": 32},
            {"tensor_parallel": 8, "hybrid": False, "block_size": 32},
        ),
    ],
)
def test_the_planner_gives_the_predicted_capacity(
    scout: Model, checkpoint: Path, flags: dict[str, object], rules: dict[str, object]
) -> None:
    """Blocks, tokens, concurrency and the largest context, for a CUDA machine."""
    available = 30 * GIB + 12_345
    cache = kv_cache(scout, max_model_len=1_048_576, max_num_batched_tokens=8192, **rules)
    capacity = cache.capacity(available)
    verdict = prove_accepted(
        AcceptanceProof(
            subject=scout.name,
            checkpoint=checkpoint,
            flags=FLAGS | flags,
            available_bytes=available,
            predicted={
                "num_gpu_blocks": capacity.num_blocks,
                "kv_cache_tokens": capacity.tokens,
                "max_concurrency": capacity.max_concurrency,
                "largest_max_model_len": cache.largest_max_model_len(available),
            },
        )
    )

    assert [row for row in verdict.comparisons if row.observed != row.predicted] == []
    assert len(verdict.comparisons) == 4
    assert verdict.holds


def test_what_does_not_fit_is_said_in_the_engines_words(checkpoint: Path) -> None:
    """Settings can be accepted while a memory is too small for them."""
    said = accept(checkpoint, FLAGS, available_bytes=(GIB,))

    assert said.accepted
    assert not said.plans[0].fits
    assert "larger than the available KV cache memory" in (said.plans[0].refusal or "")
    assert 0 < said.plans[0].largest_max_model_len < FLAGS["max-model-len"]


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        ({"tensor-parallel-size": 16}, "40 query heads cannot be split over 16"),
        ({"max-model-length": 5}, "does not know --max-model-length"),
        ({"quantization": "no-such"}, "no quantization method no-such"),
        ({"max-model-len": 20_000_000}, "above the model's own limit of 10485760"),
    ],
)
def test_refused_settings_are_explained(checkpoint: Path, flags: dict[str, object], what: str) -> None:
    """By vLLM's own parser and configuration."""
    said = accept(checkpoint, FLAGS | flags)

    assert not said.accepted
    assert said.explanation is not None
    assert what in said.explanation.what


@pytest.mark.parametrize("configuration", standard_configurations(), ids=lambda configuration: configuration.name)
def test_the_full_size_measurement_uses_settings_that_vllm_accepts(
    scout: Model, tmp_path: Path, configuration: object
) -> None:
    """So that time on an accelerator is not lost on a flag."""
    pytest.importorskip("vllm")
    write_architecture(tmp_path, scout, text_only=True, quantization=configuration.quantization)
    said = accept(tmp_path, {"load-format": "dummy", **configuration.flags})

    assert said.explanation is None
    assert said.resolved["quantization"] == (
        "compressed-tensors" if configuration.quantization is W4A16 else configuration.flags["quantization"]
    )
