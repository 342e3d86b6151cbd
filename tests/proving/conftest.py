"""Miniatures, and one of them served, for all tests that can share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from llama4ref.engine.settings_reading import EngineDefaults, read_settings
from llama4ref.facts import load
from llama4ref.memory import kv_cache
from llama4ref.proving.model_files.miniature import Miniature, build, miniature_of
from llama4ref.proving.rungs.miniature_proof import MiniatureProof, prove_on_miniature

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llama4ref.engine.engine_config import EngineConfig, Setting
    from llama4ref.facts import Catalog
    from llama4ref.facts.types.models import Model
    from llama4ref.proving.verdict import Verdict

RELEASE = "0.32.0"
CPU_BLOCK_SIZE = 128
BATCHED_TOKENS = 2048
CONTEXT = 32_768
KV_BYTES = 2**30


START_LOG = """(EngineCore pid=6) INFO 11-25 10:00:05 [core.py:134] Initializing a V1 LLM engine (v0.32.0) with config: model=...
(Worker pid=7) INFO 11-25 10:00:40 [default_loader.py:502] Loading weights took 0.52 seconds
(Worker pid=7) INFO 11-25 10:00:41 [gpu_model_runner.py:5150] Model loading took {model_loading:.2f} GiB memory and 3.118802 seconds
(Worker pid=7) INFO 11-25 10:01:10 [gpu_model_runner.py:6475] Estimated CUDA graph memory: 1.13 GiB total
(Worker pid=7) INFO 11-25 10:01:11 [gpu_worker.py:760] Available KV cache memory: {available_kv_cache:.2f} GiB
(EngineCore pid=6) INFO 11-25 10:01:11 [kv_cache_utils.py:2327] GPU KV cache size: {kv_cache_tokens:,} tokens, \
Maximum concurrency for {max_model_len:,} tokens per request: {max_concurrency:.2f}x
(EngineCore pid=6) INFO 11-25 10:01:31 [core.py:403] init engine (profile, create kv cache, warmup model) took 49.12 s
"""
"""What vLLM 0.32.0 prints, in the format strings of its source."""
START_METRICS = (
    'vllm:cache_config_info{{block_size="16",kv_cache_max_concurrency="{max_concurrency}",kv_cache_size_tokens="{kv_cache_tokens}",'
    'num_gpu_blocks="{num_gpu_blocks}"}} 1.0\n'
)


def start_of(figures: Mapping[str, float]) -> tuple[str, str]:
    """The log and the metrics of a start that states figures by metric."""
    return START_LOG.format(**figures), START_METRICS.format(**figures)


@dataclass(frozen=True)
class Proven:
    """A miniature that was served and probed, with every progress report."""

    proof: MiniatureProof
    verdict: Verdict
    stages: tuple[str, ...]
    log: str


def configured(
    settings: dict[str, Setting], *, platform: str = "cpu", environment: dict[str, str] | None = None
) -> EngineConfig:
    """The configuration of settings, where those that are left out are any."""
    defaults = {"max-model-len": 4096, "max-num-seqs": 256, "max-num-batched-tokens": 2048}
    around = EngineDefaults(behaviour=load().engine("vllm").at(RELEASE), platform=platform, by_option=defaults)
    return read_settings(settings, around, environment=environment)


@pytest.fixture(scope="session")
def scout(catalog: Catalog) -> Model:
    return catalog.model("scout")


@pytest.fixture(scope="session")
def maverick(catalog: Catalog) -> Model:
    return catalog.model("maverick")


@pytest.fixture(scope="session")
def built(scout: Model, tmp_path_factory: pytest.TempPathFactory) -> tuple[Miniature, Path]:
    """A Scout-like miniature with vision, on disk."""
    pytest.importorskip("transformers")
    miniature = miniature_of(scout, text_only=False)
    directory = tmp_path_factory.mktemp("miniature") / miniature.model.id
    build(miniature, directory)
    return miniature, directory


def predicted_capacity(miniature: Miniature, **changes: object) -> dict[str, int | float]:
    """What our own memory rules say of a miniature served on the CPU with `KV_BYTES`."""
    settings = {
        "max_model_len": CONTEXT,
        "block_size": CPU_BLOCK_SIZE,
        "max_num_batched_tokens": BATCHED_TOKENS,
        "platform": "cpu",
    } | changes
    capacity = kv_cache(miniature.model, **settings).capacity(KV_BYTES)
    return {
        "kv_cache_tokens": capacity.tokens,
        "num_gpu_blocks": capacity.num_blocks,
        "max_concurrency": capacity.max_concurrency,
        "max_model_len": CONTEXT,
    }


def served(
    miniature: Miniature,
    directory: Path,
    settings: dict[str, Setting],
    *,
    environment: dict[str, str] | None = None,
    **predicted: object,
) -> Proven:
    """Prove a miniature, with its predicted capacity."""
    proof = MiniatureProof(
        miniature=miniature,
        config=configured(
            {
                "max-model-len": CONTEXT,
                "max-num-batched-tokens": BATCHED_TOKENS,
                "kv-cache-memory-bytes": KV_BYTES,
                **settings,
            },
            environment=environment,
        ),
        predicted=predicted_capacity(miniature, **predicted),
        directory=directory,
    )
    stages: list[str] = []
    verdict = prove_on_miniature(proof, progress=lambda stage, _seconds: stages.append(stage))
    return Proven(proof, verdict, tuple(stages), (directory / "server.log").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def scout_proven(scout: Model, tmp_path_factory: pytest.TempPathFactory) -> Proven:
    """A Scout-like miniature with vision, hybrid cache on, served once for all tests."""
    pytest.importorskip("vllm")
    return served(miniature_of(scout, text_only=False), tmp_path_factory.mktemp("scout-proof"), {})
