"""Which components quantizing while loading reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.arithmetic.tensors import COMPONENTS
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

QUANTIZED_BY_BITSANDBYTES = {"vision_tower", "projector", "attention", "shared_expert", "dense_mlp"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("bits", [4, 8])
def test_bitsandbytes_leaves_experts_router_and_head_alone(
    catalog: Catalog, transformers, published_configuration, component_of, bits: int
) -> None:
    """Fused experts and the router are no plain linear layers, and the head is left out by default."""
    import torch
    from transformers.quantizers.auto import AutoHfQuantizer

    published = published_configuration(catalog.model("maverick"))
    text = published["text_config"] | {"num_hidden_layers": 4}
    config = transformers.Llama4Config(
        text_config=text, vision_config=published["vision_config"] | {"num_hidden_layers": 1}
    )
    with torch.device("meta"):
        module = transformers.Llama4ForConditionalGeneration(config)
    recipe = transformers.BitsAndBytesConfig(load_in_4bit=bits == 4, load_in_8bit=bits == 8)
    AutoHfQuantizer.from_config(recipe, pre_quantized=False).preprocess_model(
        model=module, device_map=None, keep_in_fp32_modules=None
    )
    reached = {
        component_of(f"{name}.")
        for name, part in module.named_modules()
        if type(part).__name__ in {"Linear4bit", "Linear8bitLt"}
    }

    assert reached == QUANTIZED_BY_BITSANDBYTES


def test_coverage_has_a_format_that_exists_for_each_component(catalog: Catalog) -> None:
    """No checkpoint names a format that is not there."""
    for checkpoint in catalog.checkpoints.values():
        if checkpoint.coverage:
            named = {checkpoint.coverage.of(component) for component in COMPONENTS} - {None, UNKNOWN}
            assert named <= set(catalog.formats), checkpoint.id
