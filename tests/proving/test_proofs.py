"""From a plan to what is launched for it."""

from __future__ import annotations

import pytest

from llama4ref.errors import ProofError, RequestError
from llama4ref.planning import Plan, PlanRequest, plan
from llama4ref.proving.environment import environment
from llama4ref.proving.rungs.full_size import W4A16
from llama4ref.proving.rungs.proofs import engine_flags, full_size_configuration, miniature_flags, prove


def planned(**wishes: object) -> Plan:
    """The best plan for Scout on H200s."""
    best = plan(PlanRequest(model="scout", gpu="h200-sxm", **wishes)).best  # type: ignore[arg-type]  # wishes of tests
    assert isinstance(best, Plan)
    return best


def test_json_settings_are_launched_as_objects_and_the_checkpoint_is_not_a_flag() -> None:
    """The launcher writes JSON itself, and serves a folder of its own."""
    flags = engine_flags(planned(count=8, images=2))

    assert flags["limit-mm-per-prompt"] == {"image": 2}
    assert "model" not in flags


def test_what_one_processor_cannot_take_is_named() -> None:
    """A verdict must say which settings of the plan it does not show."""
    flags, left_out = miniature_flags(planned(count=8))

    assert "tensor-parallel-size" not in flags
    assert any(line.startswith("tensor-parallel-size 8") for line in left_out)
    assert flags["max-model-len"] == planned(count=8).context


def test_a_four_bit_checkpoint_brings_its_quantization_to_the_full_size() -> None:
    """Random weights must lie in the checkpoint's format, or memory would be that of bf16."""
    four_bit = planned(count=1, checkpoint="RedHatAI/Llama-4-Scout-17B-16E-Instruct-quantized.w4a16")

    assert full_size_configuration(four_bit).quantization == W4A16


def test_a_checkpoint_of_unknown_configuration_is_not_measured_in_another_format() -> None:
    """NVIDIA's configuration is not among the facts, so nothing is launched in its name."""
    with pytest.raises(ProofError, match="quantization_config"):
        full_size_configuration(planned(count=1, checkpoint="nvidia/Llama-4-Scout-17B-16E-Instruct-FP8"))


def test_predicted_memory_of_the_full_size_has_bounds() -> None:
    """A prediction without a bound could not be wrong."""
    configuration = full_size_configuration(planned(count=1, checkpoint="recipe-vllm-fp8-per-tensor-scout"))

    assert configuration.bounds.keys() == configuration.predicted.keys()
    assert all(bound > 0 for bound in configuration.bounds.values())


def test_an_unknown_rung_is_refused() -> None:
    """Rungs are few and have names."""
    with pytest.raises(RequestError, match="accepted, miniature, full-size"):
        prove(planned(count=8), rung="real")  # type: ignore[arg-type]  # what a person may type


@pytest.mark.skipif(len(environment().gpus) >= 8, reason="this machine has the GPUs")
def test_the_full_size_without_its_gpus_says_so() -> None:
    """The rung is not claimed where it was not stood on."""
    with pytest.raises(ProofError, match="needs 8 GPUs, this machine has"):
        prove(planned(count=8), rung="full-size")
