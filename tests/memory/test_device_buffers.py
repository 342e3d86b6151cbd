"""Tables and buffers against the tensors that the installed engine makes, small ones on the CPU and large ones on the meta device."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import Layout, PipelineStage
from llama4ref.facts import load
from llama4ref.memory.attention_cache import kv_cache
from llama4ref.memory.device_buffers import block_table_width, buffer_lines
from llama4ref.memory.gpu_budget import cache_of
from llama4ref.proving.model_files.architecture_files import write_architecture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llama4ref.facts.types.models import Model
    from llama4ref.memory.budget_lines import BudgetLine

CATALOG = load()
VLLM = CATALOG.engine("vllm")
SCOUT = CATALOG.model("scout")
SERVING = EngineConfig(release="0.32.0",
    layout=Layout(tensor_parallel=8), max_model_len=10_000, max_num_seqs=24, max_num_batched_tokens=512,
    gpu_memory_utilization=0.9,
)  # fmt: skip
V2_RUNNER = VLLM.at("0.32.0")
V1_RUNNER = VLLM.at("0.19.0")


ONLY = PipelineStage(index=0, layers=range(48), last=True)


def _budget_lines(
    serving: EngineConfig = SERVING,
    behaviour: Any = V2_RUNNER,
    *,
    model: Model = SCOUT,
    positions: int | None = None,
    stage: PipelineStage = ONLY,
    hybrid: bool = True,
) -> dict[str, BudgetLine]:
    cache = kv_cache(
        model,
        max_model_len=serving.max_model_len,
        block_size=serving.block_size,
        hybrid=hybrid,
        rules=behaviour,
        limit=positions,
    )
    lines = buffer_lines(model.architecture, serving, behaviour, cache=cache, stage=stage)
    return {line.name: line for line in lines}


def _lines(*arguments: Any, **named: Any) -> dict[str, int]:
    return {name: line.bytes for name, line in _budget_lines(*arguments, **named).items()}


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
@pytest.mark.parametrize("model", ["scout", "maverick"])
def test_an_override_shortens_the_engines_table_and_changes_no_frequency(meta_ranks: Any, model: str):
    """`--hf-overrides` with positions for the longest request alone, in the modules that vLLM builds for the full-size model."""
    facts = CATALOG.model(model)
    shortened = {"text_config": {"max_position_embeddings": 16_384}}
    whole, short = (_rope(meta_ranks, facts, overrides) for overrides in ({}, shortened))
    serving = replace(SERVING, rope_positions=16_384)
    counted = cache_of(facts, None, serving, platform="cuda", rules=V2_RUNNER).limit
    line = _budget_lines(serving, model=facts, positions=counted)["RoPE table"]

    assert whole.cos_sin_cache.shape[0] > short.cos_sin_cache.shape[0]
    assert line.bytes == short.cos_sin_cache.numel() * short.cos_sin_cache.element_size()
    assert whole._compute_inv_freq(whole.base).tolist() == short._compute_inv_freq(short.base).tolist()


def _rope(meta_ranks: Any, model: Model, overrides: dict[str, Any]) -> Any:
    """The one rotary embedding that all layers of vLLM's modules share."""
    config = meta_ranks.config(model, limit_mm_per_prompt={"image": 0}, hf_overrides=overrides)
    modules = {id(each): each for each in meta_ranks.module(config, 8).modules()}.values()
    (rope,) = [each for each in modules if type(each).__name__.endswith("RotaryEmbedding")]
    return rope


@pytest.mark.vllm
@settings(max_examples=200, deadline=None)
@given(length=st.integers(1, 10_485_760), block_size=st.sampled_from([1, 8, 16, 32, 48, 64, 128, 256]))
def test_a_row_of_a_block_table_is_as_wide_as_the_engines(torch: Any, length: int, block_size: int):
    """Padded to 128 tokens."""
    from vllm.v1.worker.block_table import get_block_table_width

    alignment = VLLM.at("0.32.0").block_table_alignment

    assert block_table_width(length, block_size, alignment=alignment) == get_block_table_width(
        -(-length // block_size), block_size
    )


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


@pytest.mark.parametrize(
    ("release", "first", "embeddings"),
    [
        ("0.8.3", "buffers", "buffers"),
        ("0.9.0", "buffers", "buffers"),
        ("0.9.1", "outside", "outside"),
        ("0.9.2", "outside", "outside"),
        ("0.19.0", "outside", "outside"),
        ("0.26.0", "outside", "outside"),
        ("0.27.0", "buffers", "buffers"),
        ("0.28.0", "buffers", "buffers"),
    ],
)
def test_what_the_v1_runner_makes_first_counts_where_the_release_measures_it(release: str, first: str, embeddings: str):
    """Torch's whole peak to 0.9.0 and free memory from 0.27.0 see the first table and the embeddings; growth does not."""
    lines = _budget_lines(behaviour=VLLM.at(release))

    assert lines["block table"].place == first
    assert lines["input embeddings"].place == embeddings
    assert lines["input embeddings"].bytes == 512 * 5120 * 2


@pytest.mark.parametrize(("release", "blocks"), [("0.20.2", 625), ("0.21.0", 632), ("0.28.0", 632)])
def test_the_v1_runner_makes_a_table_of_each_group(release: str, blocks: int):
    """625 blocks of 16 tokens in a row, since 0.21.0 padded to 128 tokens; the host has a copy of all four tables."""
    lines = _lines(behaviour=VLLM.at(release))

    assert lines["block table"] == 24 * blocks * 4
    assert lines["block tables of further groups"] == 3 * 24 * blocks * 4
    assert lines["block tables on the host"] == 4 * 24 * blocks * 4
    assert "sampling penalties" not in lines
    assert "block tables of further groups" not in _lines(behaviour=VLLM.at(release), hybrid=False)


@pytest.mark.parametrize(("release", "each"), [("0.10.2", 4), ("0.11.0", 5), ("0.28.0", 5), ("0.29.0", 4)])
def test_token_ids_have_a_byte_more_where_their_kind_is_kept(release: str, each: int):
    """From 0.11.0 on, and not in the V2 runner."""
    assert _lines(behaviour=VLLM.at(release))["token ids"] == 24 * 10_000 * each


def test_input_embeddings_are_kept_by_the_v1_runner_in_any_case():
    """The V2 runner has them where images can be served."""
    text = replace(SERVING, images_per_prompt=0)

    assert _lines()["input embeddings"] == 512 * 5120 * 2
    assert "input embeddings" not in _lines(text)
    assert _lines(text, V1_RUNNER)["input embeddings"] == 512 * 5120 * 2


def test_each_stage_has_its_own_buffers():
    """The last one samples, the first one embeds images, all but the first receive what the stage before made."""
    first, middle, last = Layout(pipeline_parallel=3).pipeline(48)
    names = {stage.index: set(_lines(stage=stage)) for stage in (first, middle, last)}
    common = {"RoPE table", "block tables", "token ids"}

    assert names[0] == common | {"input embeddings"}
    assert names[1] == common | {"pipeline inputs"}
    assert names[2] == common | {"pipeline inputs", "sampling penalties", "sampling settings"}
    assert _lines(stage=last)["pipeline inputs"] == 2 * 512 * 5120 * 2
    assert "input embeddings" in _lines(behaviour=V1_RUNNER, stage=last)


def test_a_stage_of_global_layers_needs_no_rope_table():
    """Layer 3 is the first without a position embedding."""
    stages = Layout(pipeline_parallel=48).pipeline(48)

    assert [("RoPE table" in _lines(stage=stage)) for stage in stages[:5]] == [True, True, True, False, True]


@pytest.mark.vllm
def test_sampling_settings_take_what_the_engine_gives_them(torch: Any):
    """Allowed and biased tokens, stop tokens, bad words, tokens to give probabilities of, and the grammar's mask."""
    from vllm.v1.worker.gpu import structured_outputs
    from vllm.v1.worker.gpu.sample import bad_words, logit_bias, logprob

    vocabulary = SCOUT.architecture.text.vocab_size
    states = SimpleNamespace(
        device=torch.device("cpu"),
        max_num_reqs=SERVING.max_num_seqs,
        vocab_size=vocabulary,
        prompt_len=mock.MagicMock(),
    )
    made: list[Any] = []

    def tensor(shape: tuple[int, ...], dtype: Any, **_: Any) -> Any:
        made.append(torch.empty(shape, dtype=dtype, device="meta"))
        return mock.MagicMock()

    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(torch.cuda, "Stream"))
        for module in (bad_words, logit_bias, logprob):
            patches.enter_context(mock.patch.object(module, "UvaBackedTensor"))
            patches.enter_context(mock.patch.object(module, "StagedWriteTensor", tensor))
        bad_words.BadWordsState(mock.MagicMock(), states)
        logit_bias.LogitBiasState(mock.MagicMock(), states)
        logprob.LogprobTokenIdsState(SERVING.max_num_seqs, torch.device("cpu"))
        worker = structured_outputs.StructuredOutputsWorker(
            max_num_logits=SERVING.max_num_seqs, vocab_size=vocabulary, device=torch.device("cpu"), mask_stride=1,
            num_bonus_tokens=1,
        )  # fmt: skip
    made.append(worker.grammar_bitmask)

    assert _lines()["sampling settings"] == sum(each.numel() * each.element_size() for each in made)


@pytest.mark.vllm
def test_pipeline_inputs_take_what_the_engine_gives_them(torch: Any):
    """Hidden states and residual, for every token of a batch."""
    from vllm.model_executor.models.utils import make_empty_intermediate_tensors_factory

    make = make_empty_intermediate_tensors_factory(["hidden_states", "residual"], SCOUT.architecture.text.hidden_size)
    made = make(SERVING.max_num_batched_tokens, torch.bfloat16, torch.device("meta"))
    stage = Layout(pipeline_parallel=2).pipeline(48)[1]

    assert _lines(stage=stage)["pipeline inputs"] == sum(
        each.numel() * each.element_size() for each in made.tensors.values()
    )


@settings(max_examples=60, deadline=None)
@given(length=st.integers(1, 5_000_000), more=st.integers(0, 1_000_000), requests=st.integers(1, 1024))
def test_longer_requests_never_need_smaller_tables(length: int, more: int, requests: int):
    """Nor do more of them."""
    small = _lines(replace(SERVING, max_model_len=length, max_num_seqs=requests))
    large = _lines(replace(SERVING, max_model_len=length + more, max_num_seqs=requests + 1))

    assert all(small[name] <= large[name] for name in small)
