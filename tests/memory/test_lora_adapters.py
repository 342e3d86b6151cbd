"""LoRA adapters take what the engine reserves for them, to the byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llama4ref import PlanRequest, load, plan
from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import Layout
from llama4ref.memory.lora_adapters import lora_lines
from llama4ref.planning.outcomes import Plan
from llama4ref.proving.model_files.miniature import build, miniature_of

CATALOG = load()
RESERVED = Path(__file__).with_name("lora_reserved.py")
SCOUT_ON_EIGHT = {"model": "scout", "gpu": "h100-sxm", "count": 8, "tensor_parallel": 8, "context": "128K"}


def _config(**changes: Any) -> EngineConfig:
    usual: dict[str, Any] = {
        "release": "0.32.0", "layout": Layout(), "max_model_len": 512, "max_num_seqs": 2, "max_num_batched_tokens": 512,
        "gpu_memory_utilization": 0.9, "max_loras": 2, "max_lora_rank": 8,
    }  # fmt: skip
    return EngineConfig(**usual | changes)


def _bytes(model: Any, config: EngineConfig) -> list[int]:
    """Of each stage."""
    stages = config.layout.pipeline(model.text.layers)
    return [sum(line.bytes for line in lora_lines(model.architecture, config, stage)) for stage in stages]


@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize(("model", "images"), [("maverick", 0), ("scout", 1)])
def test_bytes_are_those_of_the_tensors_that_vllm_makes(tmp_path: Path, model: str, images: int) -> None:
    """Dense and expert layers, embedding and head, of a miniature that the engine loaded; the vision tower has none."""
    miniature = miniature_of(CATALOG.model(model))
    build(miniature, tmp_path / "model")
    seen = subprocess.run(
        [sys.executable, str(RESERVED), str(tmp_path / "model"), str(images)],
        capture_output=True, text=True, timeout=280, check=False, env=os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1"},
    )  # fmt: skip

    assert seen.returncode == 0, seen.stderr[-2000:]
    assert _bytes(miniature.model, _config()) == [int(seen.stdout.split()[-1])]


def test_only_the_side_that_a_layer_is_sliced_on_is_sliced() -> None:
    """Scout on eight GPUs at rank 16, added by hand: 48 layers, embedding and head."""
    attention = 3 * 5120 + 5120 // 8 + 2 * 128 + (5120 // 8 + 5120)
    expert = 2 * (5120 + 1024) + (1024 + 5120)
    layer = attention + (5120 + 16) + expert + 16 * expert
    by_hand = 16 * 2 * (48 * layer + 2 * (202_048 + 5120))

    assert _bytes(CATALOG.model("scout"), _config(layout=Layout(tensor_parallel=8), max_loras=1, max_lora_rank=16)) == [
        by_hand
    ]


def test_stages_share_the_layers_and_the_ends_have_embedding_and_head() -> None:
    """Two stages hold together what one holds."""
    scout = CATALOG.model("scout")
    first, last = _bytes(scout, _config(layout=Layout(pipeline_parallel=2)))

    assert first == last
    assert [first + last] == _bytes(scout, _config())


def _best(**wish: Any) -> Plan:
    best = plan(PlanRequest(**SCOUT_ON_EIGHT | wish)).best
    assert isinstance(best, Plan)
    return best


def test_a_plan_with_adapters_reserves_their_memory_and_says_so() -> None:
    """The rank is the next that the engine takes; the cache is smaller."""
    with_four, without = _best(lora_adapters=4, lora_rank=24), _best()

    assert (
        with_four.settings["enable-lora"],
        with_four.settings["max-loras"],
        with_four.settings["max-lora-rank"],
    ) == (True, 4, 32)
    assert with_four.checkpoint == without.checkpoint
    assert with_four.kv_cache_tokens < without.kv_cache_tokens
    assert "enable-lora" not in without.settings
    assert _best(lora_adapters=1).settings["max-lora-rank"] == 16


def test_adapters_before_their_first_release_name_it() -> None:
    """Llama 4 takes adapters from 0.11.1, though the option is older."""
    result = plan(PlanRequest(**SCOUT_ON_EIGHT, lora_adapters=1, engine_release="0.11.0"))

    assert not result.plans
    assert ("engine_release", "0.11.1") in [change for each in result.refused for change in each.changes]


def test_a_rank_that_the_engine_does_not_take_is_refused_with_the_largest() -> None:
    """A rank alone asks for one adapter."""
    result = plan(PlanRequest(**SCOUT_ON_EIGHT, lora_adapters=1, lora_rank=1024))

    assert {each.changes for each in result.refused if each.rule == "lora-rank"} == {(("lora_rank", 512),)}
    assert _best(lora_rank=8).settings["max-loras"] == 1
