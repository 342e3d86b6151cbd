"""A draft head against vLLM's own modules on the meta device, and what it adds to a budget."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import Layout
from llama4ref.errors import RequestError
from llama4ref.facts.types.drafts import DraftHead
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.memory import kv_cache, memory_budget
from llama4ref.memory.draft_head import DraftBounds, DraftShape, draft_bounds, draft_lines, draft_weight_bytes
from llama4ref.memory.gpu_budget import estimates_for
from llama4ref.units import GIB, MIB

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.facts import Catalog

SCOUTS = "lmsys/sglang-EAGLE3-Llama-4-Scout-17B-16E-Instruct-v1"
MAVERICKS = "nvidia/Llama-4-Maverick-17B-128E-Eagle3"
EAGLE3 = DraftShape(
    algorithm="eagle3", layers=1, hidden_size=5120, heads=40, kv_heads=8, head_dim=128, intermediate_size=32_768,
    vocab_size=32_000, max_position_embeddings=16_384, tapped_layers=3, own_embedding=True, own_lm_head=True,
)  # fmt: skip
LAYOUTS = [(1, 1), (2, 1), (8, 1), (2, 2), (4, 3)]
CONFIG = EngineConfig(
    release="0.32.0",
    layout=Layout(tensor_parallel=8),
    max_model_len=131_072,
    max_num_seqs=256,
    max_num_batched_tokens=8192,
    gpu_memory_utilization=0.9,
)


def _eagle3_config(shape: DraftShape) -> dict[str, Any]:
    """A `config.json` of a head of Llama layers, with the field names of the published ones."""
    return {
        "architectures": ["LlamaForCausalLMEagle3"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "max_position_embeddings": shape.max_position_embeddings,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "num_hidden_layers": shape.layers,
        "num_aux_hidden_states": shape.tapped_layers,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "vocab_size": 202_048,
        "draft_vocab_size": shape.vocab_size,
        "target_hidden_size": 5120,
    }


def _eagle_config(shape: DraftShape) -> dict[str, Any]:
    """A `config.json` of a head of the model's own kind of layers."""
    return {
        "architectures": ["Llama4ForCausalLM"],
        "model_type": "llama4_text",
        "hidden_size": shape.hidden_size,
        "intermediate_size": 8192,
        "intermediate_size_mlp": shape.intermediate_size,
        "max_position_embeddings": shape.max_position_embeddings,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "num_hidden_layers": shape.layers,
        "interleave_moe_layer_step": 0,
        "moe_layers": [],
        "no_rope_layers": [1] * shape.layers,
        "yoco_global_kv_layer": None,
        "yoco_local_kv_layer": None,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "vocab_size": 202_048,
        "draft_vocab_size": shape.vocab_size,
        "pad_token_id": None,
    }


def _modules(meta_ranks: Any, catalog: Catalog, folder: Path, shape: DraftShape, layout: tuple[int, int]) -> Any:
    """vLLM's modules of a head on a rank of the last stage."""
    written = _eagle3_config(shape) if shape.algorithm == "eagle3" else _eagle_config(shape)
    (folder / "config.json").write_text(json.dumps(written))
    config = meta_ranks.config(
        catalog.model("scout"),
        limit_mm_per_prompt={"image": 1},
        speculative_config={"method": shape.algorithm, "model": str(folder), "num_speculative_tokens": 3},
    )
    return meta_ranks.module(config, *layout, stage=layout[1] - 1, draft=True)


@pytest.mark.vllm
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"intermediate_size": 16_384, "vocab_size": 202_048},
        {"layers": 2, "tapped_layers": 2},
        {"heads": 32, "kv_heads": 4, "head_dim": 64},
        {"hidden_size": 4096, "heads": 32},
        {"algorithm": "eagle", "intermediate_size": 16_384, "vocab_size": 202_048},
        {"algorithm": "eagle", "intermediate_size": 8192, "layers": 2, "vocab_size": 202_048},
    ],
    ids=["scout", "whole vocabulary", "two layers", "few heads", "narrow", "eagle", "eagle of two layers"],
)
def test_a_head_holds_what_vllm_creates(
    catalog: Catalog, meta_ranks: Any, tmp_path: Path, changes: dict[str, Any], layout: tuple[int, int]
) -> None:
    """Bytes of all parameters of a head that has its own embedding and output head."""
    shape = dataclasses.replace(EAGLE3, **changes)
    made = _modules(meta_ranks, catalog, tmp_path, shape, layout)
    created = sum(each.numel() * each.element_size() for each in made.parameters())
    split = Layout(tensor_parallel=layout[0], pipeline_parallel=layout[1])

    assert draft_weight_bytes(shape, catalog.model("scout").architecture, split) == created


@pytest.mark.vllm
@pytest.mark.parametrize("positions", [4096, 16_384])
def test_the_rope_table_is_as_long_as_the_server_at_least(
    catalog: Catalog, meta_ranks: Any, tmp_path: Path, positions: int
) -> None:
    """vLLM raises the head's positions to `max_model_len`, which is 8,192 on this server."""
    shape = dataclasses.replace(EAGLE3, max_position_embeddings=positions)
    table = next(
        each
        for name, each in _modules(meta_ranks, catalog, tmp_path, shape, (1, 1)).named_buffers()
        if name.endswith("cos_sin_cache")
    )
    line = _lines(catalog, shape, dataclasses.replace(CONFIG, max_model_len=8192))["draft head: RoPE table"]

    assert line.exact
    assert line.bytes == table.numel() * table.element_size() == max(positions, 8192) * 128 * 2


def _lines(
    catalog: Catalog, shape: DraftShape, config: EngineConfig = CONFIG, release: str = "0.32.0"
) -> dict[str, Any]:
    bounds = DraftBounds(name="head", least=shape, most=shape)
    lines = draft_lines(bounds, catalog.model("scout").architecture, config, catalog.engine("vllm").at(release))
    return {line.name: line for line in lines}


@pytest.mark.parametrize(
    ("release", "images", "place", "copies"),
    [
        ("0.19.0", 0, "outside", 2),
        ("0.27.0", 0, "buffers", 2),
        ("0.32.0", 0, "buffers", 1),
        ("0.32.0", 1, "buffers", 2),
    ],
)
def test_inputs_of_a_head_lie_where_those_of_the_runner_do(
    catalog: Catalog, release: str, images: int, place: str, copies: int
) -> None:
    """Hidden states, and in the V1 runner or for images embeddings too: 8,192 tokens x 5,120 x 2 bytes each."""
    line = _lines(catalog, EAGLE3, dataclasses.replace(CONFIG, images_per_prompt=images), release)["draft head: inputs"]

    assert (line.place, line.bytes) == (place, copies * 8192 * 5120 * 2)


@pytest.mark.parametrize(("positions", "shared"), [(None, True), (131_072, True), (16_384, False)])
def test_an_eagle_head_shares_no_table_of_another_length(
    catalog: Catalog, positions: int | None, *, shared: bool
) -> None:
    """vLLM keeps rotary tables by their positions among others; overrides of the model's configuration do not reach a head."""
    head = dataclasses.replace(EAGLE3, algorithm="eagle", max_position_embeddings=131_072)
    config = dataclasses.replace(CONFIG, max_model_len=16_384, rope_positions=positions)
    line = _lines(catalog, head, config)["draft head: RoPE table"]

    assert (line.low, line.high) == (0 if shared else 32 * MIB, 32 * MIB)


def test_positions_are_the_heads_own_before_they_were_raised(catalog: Catalog) -> None:
    """4 MiB for 16,384 of them, whatever the server's longest request is; 32 MiB for its 131,072 since 0.27.0."""
    sizes = {
        release: _lines(catalog, EAGLE3, release=release)["draft head: RoPE table"].bytes
        for release in ("0.26.0", "0.27.0")
    }

    assert sizes == {"0.26.0": 4 * MIB, "0.27.0": 32 * MIB}


def test_what_is_known_of_scouts_head_is_counted(catalog: Catalog) -> None:
    """845 million numbers as its trainer's configuration has them; the embedding may be the model's or its own."""
    bounds = draft_bounds(catalog.model("scout"), SCOUTS)
    architecture = catalog.model("scout").architecture
    least, most = (draft_weight_bytes(shape, architecture, Layout()) for shape in (bounds.least, bounds.most))

    assert least == 845_434_880 * 2 + 32_000 * 8
    assert most - least == 202_048 * 5120 * 2


def test_what_is_unknown_of_a_head_has_bounds(catalog: Catalog) -> None:
    """Between the model's narrower feed-forward and the widest head, shared or own matrices, short or all positions."""
    for name in (MAVERICKS, "somebody/head"):
        bounds = draft_bounds(catalog.model("maverick"), name)

        assert (bounds.least.intermediate_size, bounds.most.intermediate_size) == (8192, 32_768)
        assert (bounds.least.own_embedding, bounds.most.own_embedding) == (False, True)
        assert bounds.most.max_position_embeddings == 1_048_576
        assert bounds.most.layers == 1
        assert not bounds.exact
    assert bounds.name == "somebody/head"


def test_a_head_that_states_all_is_exact(catalog: Catalog) -> None:
    """Nothing is taken from elsewhere."""
    stated = DraftHead(**{each.name: getattr(EAGLE3, each.name) for each in dataclasses.fields(DraftShape)})
    checkpoint = dataclasses.replace(catalog.checkpoint(SCOUTS), draft=stated)
    bounds = draft_bounds(catalog.model("scout"), checkpoint)

    assert bounds.exact
    assert bounds.most == EAGLE3
    open_ = dataclasses.replace(checkpoint, draft=dataclasses.replace(stated, heads=UNKNOWN))
    assert draft_bounds(catalog.model("scout"), open_).most.heads == 40


def test_a_checkpoint_that_drafts_nothing_is_refused(catalog: Catalog) -> None:
    """Nor does Maverick's head draft for Scout."""
    with pytest.raises(RequestError, match="no draft head"):
        draft_bounds(catalog.model("scout"), "meta-llama/Llama-4-Scout-17B-16E-Instruct")
    with pytest.raises(RequestError, match="for maverick"):
        draft_bounds(catalog.model("scout"), MAVERICKS)
    with pytest.raises(RequestError, match="does not divide the heads of the draft head, 40"):
        draft_weight_bytes(EAGLE3, catalog.model("scout").architecture, Layout(tensor_parallel=16))


def test_a_budget_counts_the_head_on_the_last_stage(catalog: Catalog) -> None:
    """Its weights, tables and inputs, more activations there, and a layer more in every block of the cache."""
    model = catalog.model("scout")
    arguments = (
        model,
        catalog.checkpoint("meta-llama/Llama-4-Scout-17B-16E-Instruct"),
        catalog.accelerator("h200-sxm"),
        dataclasses.replace(
            CONFIG, layout=Layout(tensor_parallel=4, pipeline_parallel=2), hybrid=False, draft_tokens=3
        ),
        catalog.engine("vllm").at("0.32.0"),
    )
    without = (*arguments[:3], dataclasses.replace(arguments[3], draft_tokens=0), arguments[4])
    plain, drafted = memory_budget(*without), memory_budget(*arguments, draft=SCOUTS)
    added = [
        {line.name for line in with_.lines} - {line.name for line in alone.lines}
        for with_, alone in zip(drafted.stages, plain.stages, strict=True)
    ]

    assert added == [set(), {"draft head: weights", "draft head: RoPE table", "draft head: inputs"}]
    assert drafted.stages[0] == plain.stages[0]
    page = 2 * 16 * 2 * 128 * 2
    assert [stage.bytes_per_block for stage in drafted.stages] == [24 * page, 25 * page]
    assert drafted.kv_cache_at_least_bytes < plain.kv_cache_at_least_bytes
    peaks = [
        {line.name: line.bytes for line in each.stages[1].lines if line.place == "peak"} for each in (plain, drafted)
    ]
    more = peaks[1]["activations and MoE workspace"] - peaks[0]["activations and MoE workspace"]
    per_byte = estimates_for(*arguments[1:]).of("memory.activations").value
    assert more == pytest.approx(8192 * 3 * 5120 * 2 * per_byte, abs=1)


def test_how_many_tokens_a_head_proposes_is_never_guessed(catalog: Catalog) -> None:
    """A budget with a head needs them from the configuration; each takes a row of the grammar's masks."""
    model, accelerator = catalog.model("scout"), catalog.accelerator("h200-sxm")
    behaviour = catalog.engine("vllm").at("0.32.0")

    def settings_bytes(tokens: int) -> int:
        config = dataclasses.replace(CONFIG, hybrid=False, draft_tokens=tokens)
        budget = memory_budget(model, None, accelerator, config, behaviour, draft=SCOUTS)
        return next(line.bytes for line in budget.lines if line.name == "sampling settings")

    with pytest.raises(RequestError, match="proposes 0 tokens in a step"):
        settings_bytes(0)
    assert settings_bytes(5) - settings_bytes(3) == 2 * CONFIG.max_num_seqs * math.ceil(202_048 / 32) * 4


def test_a_head_turns_the_hybrid_cache_off(catalog: Catalog) -> None:
    """All 48 layers and the head's hold every token, in one group."""
    model = catalog.model("scout")
    cache = kv_cache(model, max_model_len=100_000, tensor_parallel=8, draft=SCOUTS)

    assert not cache.hybrid
    assert len(cache.groups) == 1
    assert cache.bytes_per_request == 49 * 2 * 128 * 2 * 100_000
    assert (
        cache.capacity(10 * GIB).tokens
        < kv_cache(model, max_model_len=100_000, tensor_parallel=8).capacity(10 * GIB).tokens
    )
