"""Measuring the full size: what can be shown where there is no GPU."""

from __future__ import annotations

import pytest

from llama4ref.errors import ProofError
from llama4ref.facts import load
from llama4ref.proving.environment import environment
from llama4ref.proving.records.measuring import CONTEXT, accelerator_of, main, predicted
from llama4ref.proving.rungs.full_size import standard_configurations

pytest.importorskip("vllm")
pytestmark = pytest.mark.vllm


def test_every_standard_configuration_is_predicted_to_fit_one_h200() -> None:
    """A configuration that cannot start would waste the accelerator's time."""
    catalog = load()

    foreseen = [predicted(each, "h200-sxm", catalog)[0] for each in standard_configurations(CONTEXT)]

    assert all(each.predicted["available_kv_cache"] > 0 for each in foreseen)
    assert all(each.bounds["available_kv_cache"] > 0 for each in foreseen)


@pytest.mark.parametrize(
    ("name", "accelerator"),
    [("NVIDIA H200", "h200-sxm"), ("NVIDIA H100 80GB HBM3", "h100-sxm"), ("NVIDIA B200", "b200"), ("NVIDIA L4", "l4")],
)
def test_the_drivers_name_leads_to_the_accelerator(name: str, accelerator: str) -> None:
    """The record is kept under the accelerator's id."""
    assert accelerator_of(name, load()) == accelerator


def test_an_unknown_gpu_is_named_with_the_file_to_add() -> None:
    """A measurement without facts about its accelerator could not be compared."""
    with pytest.raises(ProofError, match=r"specs/accelerators/t4\.yaml"):
        accelerator_of("NVIDIA T4", load())


@pytest.mark.skipif(bool(environment().gpus), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so_and_exits_3(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    """Nothing is pretended where the accelerator is missing."""
    code = main(["--out", str(tmp_path)])

    assert code == 3
    assert "this machine has none" in capsys.readouterr().err
