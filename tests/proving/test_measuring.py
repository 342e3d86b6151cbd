"""Measuring the full size: what can be shown where there is no GPU."""

from __future__ import annotations

import pytest

from llama4ref.facts import load
from llama4ref.proving.environment import environment
from llama4ref.proving.records.measuring import CONTEXT, main, predicted
from llama4ref.proving.rungs.full_size import standard_configurations

pytest.importorskip("vllm")
pytestmark = pytest.mark.vllm


def test_every_standard_configuration_is_predicted_to_fit_one_h200() -> None:
    """A configuration that cannot start would waste the accelerator's time."""
    catalog = load()

    foreseen = [predicted(each, "h200-sxm", catalog)[0] for each in standard_configurations(CONTEXT)]

    assert all(each.predicted["available_kv_cache"] > 0 for each in foreseen)
    assert all(each.bounds["available_kv_cache"] > 0 for each in foreseen)


@pytest.mark.skipif(bool(environment().gpus), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so_and_exits_3(capsys: pytest.CaptureFixture[str], tmp_path: object) -> None:
    """Nothing is pretended where the accelerator is missing."""
    code = main(["--out", str(tmp_path)])

    assert code == 3
    assert "this machine has none" in capsys.readouterr().err
