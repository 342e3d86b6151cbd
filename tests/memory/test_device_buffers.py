"""Tables and buffers against the tensors that the installed engine makes, small ones on the CPU and large ones on the meta device."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import Layout
from llama4ref.facts import load
from llama4ref.memory.device_buffers import block_table_width, buffer_lines
from llama4ref.proving.model_files.architecture_files import write_architecture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llama4ref.facts.types.models import Model

CATALOG = load()
VLLM = CATALOG.engine("vllm")
SCOUT = CATALOG.model("scout")
SERVING = EngineConfig(release="0.32.0",
    layout=Layout(tensor_parallel=8), max_model_len=10_000, max_num_seqs=24, max_num_batched_tokens=512,
    gpu_memory_utilization=0.9,
)  # fmt: skip
V2_RUNNER = VLLM.at("0.32.0")
V1_RUNNER = VLLM.at("0.19.0")


def _lines(
    serving: EngineConfig = SERVING,
    behaviour: Any = V2_RUNNER,
    groups: int = 4,
    model: Model = SCOUT,
    positions: int | None = None,
) -> dict[str, int]:
    limit = positions or model.architecture.context.limit()
    lines = buffer_lines(model.architecture, serving, behaviour, cache_groups=groups, positions=limit)
    return {line.name: line.bytes for line in lines}


@pytest.fixture(scope="module")
def torch(transformers: object) -> Iterator[Any]:
    """torch, beside an engine that can be imported and takes its memory without pinning it."""
    pytest.importorskip("vllm")
    from vllm.v1.worker.gpu import buffer_utils

    with mock.patch.object(buffer_utils, "is_uva_available", return_value=False):
        yield pytest.importorskip("torch")


@pytest.mark.vllm
@pytest.mark.parametrize("stage", ["base", "instruct"])
@pytest.mark.parametrize("model", ["scout", "maverick"])
def test_the_rope_table_is_the_engines(torch: Any, transformers: Any, tmp_path: Path, model: str, stage: Any):
    """Of the positions of the checkpoint's own configuration, in bf16, whatever `max_model_len` is."""
    from vllm.config import VllmConfig, set_current_vllm_config
    from vllm.model_executor.layers.rotary_embedding import get_rope

    facts = CATALOG.model(model)
    a = facts.architecture
    write_architecture(tmp_path, facts, stage=stage)
    config = transformers.AutoConfig.from_pretrained(tmp_path).text_config
    parameters = dict(getattr(config, "rope_parameters", None) or {"rope_type": "default", "rope_theta": a.rope.theta})
    with set_current_vllm_config(VllmConfig()), torch.device("meta"):
        rope = get_rope(
            a.attention.head_dim,
            max_position=config.max_position_embeddings,
            rope_parameters=parameters,
            is_neox_style=False,
            dtype=torch.bfloat16,
        )
    table = rope.cos_sin_cache

    assert _lines(model=facts, positions=a.context.limit(stage))["RoPE table"] == table.numel() * table.element_size()


@pytest.mark.vllm
@settings(max_examples=200, deadline=None)
@given(length=st.integers(1, 10_485_760), block_size=st.sampled_from([1, 8, 16, 32, 48, 64, 128, 256]))
def test_a_row_of_a_block_table_is_as_wide_as_the_engines(torch: Any, length: int, block_size: int):
    """Padded to 128 tokens."""
    from vllm.v1.worker.block_table import get_block_table_width

    assert block_table_width(length, block_size) == get_block_table_width(-(-length // block_size), block_size)


@pytest.mark.vllm
def test_block_tables_are_the_engines(torch: Any):
    """Two copies of a table for each group, in the V2 model runner."""
    from vllm.v1.worker.block_table import get_block_table_width
    from vllm.v1.worker.gpu import block_table

    width = get_block_table_width(-(-SERVING.max_model_len // 16), 16)
    with mock.patch.object(block_table, "UvaBackedTensor"), mock.patch.object(block_table, "FusedStagedWriter"):
        made = block_table.BlockTables(
            block_sizes=[16] * 4, max_num_reqs=SERVING.max_num_seqs, max_num_batched_tokens=512,
            max_num_blocks_per_group=[width] * 4, device=torch.device("cpu"),
        )  # fmt: skip
    tensors = [each.gpu for each in made.block_tables] + made.input_block_tables

    assert _lines()["block tables"] == sum(each.numel() * each.element_size() for each in tensors)


@pytest.mark.vllm
def test_penalties_take_what_the_engine_gives_them(torch: Any):
    """A count for every token of the vocabulary and a bit for each of the prompt's."""
    from vllm.v1.worker.gpu.sample import penalties

    states = SimpleNamespace(
        device=torch.device("meta"), max_num_reqs=SERVING.max_num_seqs, vocab_size=SCOUT.architecture.text.vocab_size
    )
    with mock.patch.object(penalties, "UvaBackedTensor"):
        made = penalties.PenaltiesState(mock.MagicMock(), states)
    tensors = (made.prompt_bin_mask, made.output_bin_counts)

    assert _lines()["sampling penalties"] == sum(each.numel() * each.element_size() for each in tensors)


@pytest.mark.vllm
def test_token_ids_take_what_the_engine_gives_them(torch: Any):
    """A number for every token of every request at its longest, in host memory where it can be shared."""
    from vllm.v1.worker.gpu import states

    with mock.patch.object(states, "UvaBackedTensor"):
        made = states.RequestState(
            max_num_reqs=SERVING.max_num_seqs, max_model_len=SERVING.max_model_len, max_num_batched_tokens=512,
            num_speculative_steps=0, vocab_size=1000, device=torch.device("cpu"),
        )  # fmt: skip
    ids = made.all_token_ids.gpu

    assert _lines()["token ids"] == ids.numel() * ids.element_size()


def test_the_rope_table_of_a_logged_launch():
    """10,485,760 positions x 128 x 2 bytes are 2.5 GiB on every GPU; the base checkpoint has a fortieth of them."""
    assert _lines()["RoPE table"] == 10_485_760 * 128 * 2 == 5 * 2**29
    assert _lines(positions=262_144)["RoPE table"] == 64 * 2**20


def test_the_v1_runner_makes_its_tables_before_it_measures():
    """One table is inside the engine's share; those of further groups come after, and penalties take nothing."""
    lines = {
        line.name: line for line in buffer_lines(SCOUT.architecture, SERVING, V1_RUNNER, cache_groups=4, positions=1)
    }
    row = block_table_width(SERVING.max_model_len, 16) * 4

    assert (lines["block table"].place, lines["block table"].bytes) == ("buffers", 24 * row)
    assert (lines["block tables of further groups"].place, lines["block tables of further groups"].bytes) == (
        "outside",
        3 * 24 * row,
    )
    assert "sampling penalties" not in lines
    assert "block tables of further groups" not in _lines(behaviour=V1_RUNNER, groups=1)


def test_input_embeddings_are_kept_where_images_can_be_served():
    """Before 0.10.1 that is always."""
    text = replace(SERVING, images_per_prompt=0)

    assert _lines(SERVING)["input embeddings"] == 512 * 5120 * 2
    assert _lines(text)["input embeddings"] == 0
    assert _lines(text, VLLM.at("0.9.1"))["input embeddings"] == 512 * 5120 * 2


@settings(max_examples=60, deadline=None)
@given(length=st.integers(1, 5_000_000), more=st.integers(0, 1_000_000), requests=st.integers(1, 1024))
def test_longer_requests_never_need_smaller_tables(length: int, more: int, requests: int):
    """Nor do more of them."""
    small = _lines(replace(SERVING, max_model_len=length, max_num_seqs=requests))
    large = _lines(replace(SERVING, max_model_len=length + more, max_num_seqs=requests + 1))

    assert all(small[name] <= large[name] for name in small)
