"""What a checkpoint weighs, and what it is multiplied in."""

from __future__ import annotations

import dataclasses

import pytest

from llama4ref.engine.layout import Layout
from llama4ref.errors import RequestError, UnknownFactError
from llama4ref.memory.weight_shards import weights_of
from llama4ref.performance.stored_model import arithmetic_of, stored_in


def test_bytes_read_of_every_checkpoint_agree_with_the_exact_ones(catalog, h100):
    """Scales are rounded differently, so within a hundredth; what is unknown there is unknown here."""
    compared = 0
    for checkpoint in catalog.checkpoints.values():
        facts = catalog.model(checkpoint.model)
        try:
            exact = weights_of(facts, checkpoint, Layout()).largest.by_component["routed_experts"]
        except UnknownFactError:
            with pytest.raises(UnknownFactError):
                stored_in(facts, checkpoint, h100, catalog)
            continue
        compared += 1

        read = stored_in(facts, checkpoint, h100, catalog).bytes_per_weight["routed_experts"] * exact.parameters
        assert read == pytest.approx(exact.bytes, rel=0.01)
    assert compared > 0


@pytest.mark.parametrize(
    ("format_", "accelerator", "arithmetic"),
    [
        ("bf16", "h100-sxm", "bf16"),
        ("fp8-per-channel-dynamic", "h100-sxm", "fp8"),
        ("fp8-per-channel-dynamic", "a100-sxm", "bf16"),
        ("int8-per-channel", "a100-sxm", "int8"),
        ("int8-per-channel-weight-only", "a100-sxm", "bf16"),
        ("int4-group-128", "h100-sxm", "bf16"),
        ("nvfp4", "b200", "fp4"),
        ("nvfp4", "h100-sxm", "bf16"),
    ],
)
def test_arithmetic_is_what_format_and_device_have_in_common(catalog, format_, accelerator, arithmetic):
    """Quantized activations are multiplied natively where the device can, everything else in bfloat16."""
    assert arithmetic_of(catalog.format(format_), catalog.accelerator(accelerator)) == arithmetic


def test_a_checkpoint_of_another_model_is_refused(catalog, h100):
    """The message names both models."""
    checkpoint = next(each for each in catalog.checkpoints.values() if each.model == "maverick" and each.coverage)

    with pytest.raises(RequestError, match="of maverick, not of scout"):
        stored_in(catalog.model("scout"), checkpoint, h100, catalog)


def test_what_a_checkpoint_omits_is_its_own(catalog, h100):
    """A file for text alone that is asked for after the full one holds nothing of the vision tower."""
    full = catalog.checkpoint("meta-llama-4-scout-17b-16e-instruct")
    text_alone = dataclasses.replace(full, omitted_components=("vision_tower", "projector"))

    assert stored_in(catalog.model("scout"), full, h100, catalog).of("vision_tower")[0] == 2.0
    assert stored_in(catalog.model("scout"), text_alone, h100, catalog).of("vision_tower")[0] == 0.0
