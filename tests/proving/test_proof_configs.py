"""What a proof leaves out of a plan's configuration is what this machine cannot take, and it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref import PlanRequest, load, plan
from llama4ref.planning.outcomes import Plan
from llama4ref.proving.rungs.proof_configs import miniature_config, reachable

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from llama4ref.engine.engine_config import EngineConfig

TEMPLATE = "examples/tool_chat_template_llama4_pythonic.jinja"


def _config() -> EngineConfig:
    best = plan(PlanRequest(model="scout", gpu="h100-sxm", count=8, context="64K", tools=True)).best
    assert isinstance(best, Plan)
    return best.config


def test_a_template_that_is_not_here_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that is here stays."""
    monkeypatch.chdir(tmp_path)
    without, words = reachable(_config())

    assert "chat-template" not in without.settings
    assert words == (f"chat-template {TEMPLATE} is left out: the file is not on this machine",)
    (tmp_path / "examples").mkdir()
    (tmp_path / TEMPLATE).write_text("{{ messages }}")
    assert reachable(_config())[0].settings["chat-template"] == TEMPLATE


def test_kernels_of_a_gpu_are_not_asked_of_a_processor() -> None:
    """A remedy against a fault of GPU kernels has nothing to do with a miniature."""
    config = _config().with_settings({"moe-backend": "triton"}, because="a fault")
    served, words = miniature_config(config, load().engine("vllm"))

    assert "moe-backend" not in served.settings
    assert any(each.startswith("moe-backend triton is left out") for each in words)
