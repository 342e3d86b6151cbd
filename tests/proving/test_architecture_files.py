"""The configuration files are what transformers reads as the published architecture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llama4ref.memory import parameters
from llama4ref.proving.model_files.architecture_files import config, write_architecture

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from llama4ref.facts import Catalog


@pytest.mark.parametrize("name", ["scout", "maverick"])
@pytest.mark.parametrize("text_only", [False, True])
def test_transformers_builds_a_model_of_the_counted_parameters(
    catalog: Catalog, transformers: ModuleType, tmp_path: Path, name: str, text_only: bool
) -> None:
    """Instantiated on the meta device from the written files, part by part as many parameters as counted."""
    import torch

    model = catalog.model(name)
    write_architecture(tmp_path, model, text_only=text_only)
    loaded = transformers.AutoConfig.from_pretrained(tmp_path)
    kind = transformers.Llama4ForCausalLM if text_only else transformers.Llama4ForConditionalGeneration
    with torch.device("meta"):
        network = kind(loaded)
    counted = parameters(model)
    vision = counted.by_component["vision_tower"] + counted.by_component["projector"]

    assert sum(parameter.numel() for parameter in network.parameters()) == counted.total - vision * text_only


@pytest.mark.parametrize("name", ["scout", "maverick"])
def test_transformers_reads_the_layer_pattern(
    catalog: Catalog, transformers: ModuleType, tmp_path: Path, name: str
) -> None:
    """Chunked and global layers, MoE layers, RoPE and the special tokens stand where the facts have them."""
    model = catalog.model(name)
    a = model.architecture
    write_architecture(tmp_path, model)
    loaded = transformers.AutoConfig.from_pretrained(tmp_path)
    text = loaded.text_config

    assert [i for i, kind in enumerate(text.layer_types) if kind == "full_attention"] == [
        i for i in range(a.text.layers) if (i + 1) % a.attention.nope_interval == 0
    ]
    assert text.moe_layers == [i for i in range(a.text.layers) if (i + 1) % a.experts.interleave_step == 0]
    assert text.attention_chunk_size == a.attention.chunk_size
    assert text.use_qk_norm == a.attention.qk_norm
    assert text.rope_parameters["rope_theta"] == a.rope.theta
    assert text.rope_parameters.get("factor") == (a.rope.scaling and a.rope.scaling.factor)
    assert text.max_position_embeddings == a.context.instruct_max_position_embeddings
    assert loaded.image_token_id == model.tokens.patch
    assert transformers.GenerationConfig.from_pretrained(tmp_path).eos_token_id == list(model.tokens.eos)


@pytest.mark.parametrize("name", ["scout", "maverick"])
def test_a_base_checkpoint_has_its_own_positions(
    catalog: Catalog, transformers: ModuleType, tmp_path: Path, name: str
) -> None:
    """The published configurations of the base models say 262,144."""
    write_architecture(tmp_path, catalog.model(name), stage="base")

    assert transformers.AutoConfig.from_pretrained(tmp_path).text_config.max_position_embeddings == 262_144


def test_transformers_makes_the_image_processor(catalog: Catalog, transformers: ModuleType, tmp_path: Path) -> None:
    """Tile size and number of tiles come from the facts."""
    write_architecture(tmp_path, catalog.model("scout"))
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    vision = catalog.model("scout").architecture.vision

    assert processor.max_patches == vision.max_tiles
    assert processor.size["height"] == vision.image_size


def test_a_checkpoints_quantization_is_written(catalog: Catalog) -> None:
    """It stands at the top level, where engines look for it."""
    content = config(catalog.model("scout"), quantization={"quant_method": "compressed-tensors"})

    assert json.loads(json.dumps(content))["quantization_config"] == {"quant_method": "compressed-tensors"}
