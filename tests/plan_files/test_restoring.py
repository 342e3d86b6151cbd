"""An edited setting is launched, the promises follow it, and what no longer holds is said."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import PlanFileError
from llama4ref.facts import load
from llama4ref.memory.gpu_budget import memory_budget
from llama4ref.plan_files import load_plan, save_plan
from llama4ref.planning import Plan, PlanRequest, plan
from llama4ref.rendering.server_command import server_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CATALOG = load()
ENGINE = CATALOG.engine("vllm")


def caveats(found: Plan) -> dict[str, str]:
    """What is said about the file, by what it is about."""
    return {each.value: each.because for each in found.caveats if each.about == "saved plan"}


def test_an_edited_setting_is_launched_and_its_promises_are_computed_again(
    edited: Callable[..., Plan], scout: Plan
) -> None:
    """As if it had been planned so; the reason says who wanted it."""
    found = edited(("max-num-seqs: 4", "max-num-seqs: 64"))
    words = server_command(found.config, ENGINE).words
    reason = next(each for each in found.reasons if each.about == "max-num-seqs")
    budget = memory_budget(scout.model, scout.checkpoint, scout.accelerator, found.config, ENGINE.at("0.32.0"))

    assert words[words.index("--max-num-seqs") + 1] == "64"
    assert found.config.max_num_seqs == 64
    assert reason.because == "edited in the plan file; planned was 4"
    assert found.budget == budget
    assert found.max_concurrency < scout.max_concurrency
    assert caveats(found)["max num seqs 64"] == "the settings were edited; it was 4 when the plan was saved"
    assert any(name.startswith("max concurrency ") for name in caveats(found))


def test_a_planned_configuration_is_what_an_edit_to_it_gives(edited: Callable[..., Plan], scout: Plan) -> None:
    """Editing the length is the same as asking for it, but for the words."""
    found = edited(("max-model-len: 1048576", "max-model-len: 131072"), ("  context: 1048576", "  context: 131072"))
    asked = plan(dataclasses.replace(scout.request, context=131_072), CATALOG).best
    assert isinstance(asked, Plan)

    for name in (
        "context",
        "largest_context",
        "max_concurrency",
        "kv_cache_tokens",
        "budget",
        "performance",
        "workload",
    ):
        assert getattr(found, name) == getattr(asked, name), name


def test_settings_that_do_not_fit_are_kept_and_said(edited: Callable[..., Plan]) -> None:
    """A person may try them; the plan says that nothing backs them."""
    found = edited(("gpu-memory-utilization: 0.92", "gpu-memory-utilization: 0.4"))

    assert found.settings["gpu-memory-utilization"] == 0.4
    assert "do not fit into the GPU's memory" in caveats(found)["not backed"]
    assert found.max_concurrency < 1


def test_settings_that_hold_less_than_asked_for_are_said(edited: Callable[..., Plan]) -> None:
    """The request in the file is compared with what the settings give."""
    found = edited(("max-model-len: 1048576", "max-model-len: 8192"))

    assert caveats(found)["not backed"] == "these settings hold less than the request in the file asks for"


def test_settings_that_no_promise_takes_account_of_are_said(edited: Callable[..., Plan]) -> None:
    """They are launched all the same; names may be spelled with underscores."""
    found = edited(
        ("    max-num-seqs: 4\n", "    max-num-seqs: 4\n    kv_cache_memory_bytes: 1000000000\n    port: 9000\n"),
        ("environment: {}", 'environment: {VLLM_USE_V2_MODEL_RUNNER: "1"}'),
    )
    words = server_command(found.config, ENGINE).words
    told = caveats(found)

    assert words[words.index("--kv-cache-memory-bytes") + 1] == "1000000000"
    assert words[words.index("--port") + 1] == "9000"
    assert told == {"--kv-cache-memory-bytes, VLLM_USE_V2_MODEL_RUNNER": "the promises do not take account of it"}
    assert {each.because for each in found.reasons if each.about in {"port", "VLLM_USE_V2_MODEL_RUNNER"}} == {
        "added in the plan file"
    }


def test_a_setting_that_gets_round_a_fault_is_said_only_where_it_was_edited(tmp_path: Path) -> None:
    """The promises were made with it; with another value they were not."""
    path = tmp_path / "plan.yaml"
    wish = PlanRequest(
        model="scout",
        gpu="h200-sxm",
        count=2,
        context="32K",
        checkpoint="RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic",
        engine_release="0.32.0",
    )
    best = plan(wish).best
    assert isinstance(best, Plan)
    assert best.settings["moe-backend"] == "triton"
    save_plan(best, path)

    assert not caveats(load_plan(path))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('moe-backend: "triton"', 'moe-backend: "cutlass"'), encoding="utf-8")
    assert caveats(load_plan(path)) == {"--moe-backend": "the promises do not take account of it"}


def test_another_place_of_the_weights_is_said(edited: Callable[..., Plan]) -> None:
    """They are counted as those of the checkpoint."""
    found = edited(('    model: "meta-llama/Llama-4-Scout-17B-16E-Instruct"', '    model: "/models/my scout"'))

    assert server_command(found.config, ENGINE).model == "/models/my scout"
    assert "weights are counted as those of" in caveats(found)["model /models/my scout"]


def test_a_deleted_setting_is_the_engines_own_choice(edited: Callable[..., Plan]) -> None:
    """Its reason goes with it."""
    found = edited(("    max-num-seqs: 4\n", ""))

    assert "max-num-seqs" not in found.settings
    assert "max-num-seqs" not in {each.about for each in found.reasons}
    assert found.config.max_num_seqs == 1024


def test_an_edited_promise_is_put_right(edited: Callable[..., Plan], scout: Plan) -> None:
    """What follows from the settings is never taken from the file."""
    found = edited((f"  kv_cache_tokens: {scout.kv_cache_tokens}", "  kv_cache_tokens: 99999999"))

    assert found.kv_cache_tokens == scout.kv_cache_tokens
    assert caveats(found) == {
        f"kv cache tokens {scout.kv_cache_tokens:,}": "computed again; the file promises 99,999,999"
    }


def test_promises_of_another_program_are_compared(edited: Callable[..., Plan], scout: Plan) -> None:
    """A difference names who promised."""
    found = edited(
        ('made_by: "llama4ref ', 'made_by: "llama4ref 9'),
        (f"  kv_cache_tokens: {scout.kv_cache_tokens}", "  kv_cache_tokens: 1"),
    )

    assert re.search(r"the file promises 1 by llama4ref 9", next(iter(caveats(found).values())))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("tensor-parallel-size: 8", "tensor-parallel-size: 3")], r":\d+ config.settings.tensor-parallel-size: found 3, .* use one of 1, 2, 4, 8"),
        ([("tensor-parallel-size: 8", "tensor-parallel-size: 4")], r":\d+ count: found 8, expected 4 GPUs by the parallel sizes"),
        ([("max-model-len: 1048576", "max-model-len: 20000000")], r":\d+ config.settings.max-model-len: found 20000000, expected at most 10485760"),
        ([("max-model-len: 1048576", "max-model-len: auto")], r":\d+ config.settings.max-model-len: found 'auto'"),
        ([("max-model-len: 1048576", "max-modellen: 1048576")], r":\d+ config.settings.max-modellen: .* did you mean --max-model-len"),
        ([("max-num-seqs: 4\n", "max-num-seqs: 4\n    max_num_seqs: 4\n")], r":\d+ config.settings.max_num_seqs: .* each setting once"),
        ([("max-num-batched-tokens: 8192", "max-num-batched-tokens: 2")], r":\d+ config.settings.max-num-batched-tokens: found 2, expected at least 4"),
        ([("gpu-memory-utilization: 0.92", "gpu-memory-utilization: 92")], r":\d+ config.settings.gpu-memory-utilization: found 92"),
        ([('    limit-mm-per-prompt: "{', '    limit-mm-per-prompt: "')], r":\d+ config.settings.limit-mm-per-prompt: .* expected a JSON object"),
        ([('    model: "', '    model: "--trust-remote-code')], r":\d+ config.settings.model: found '--trust"),
        ([('    model: "', '    model: "a\\u0007')], r":\d+ config.settings.model: .* U\+0007"),
        ([('config:\n  release: "0.32.0"', 'config:\n  release: "0.32.99"')], r":\d+ config.release: found '0.32.99'"),
        ([("environment: {}", 'environment: {"A B": "1"}')], r":\d+ config.environment"),
        ([('checkpoint: "meta-llama-4-scout', 'checkpoint: "meta-llama-4-maverick'), ("17b-16e", "17b-128e")], r":\d+ checkpoint: .* a checkpoint of scout"),
        ([("nodes: 1", "nodes: 3")], r":\d+ nodes: found 3"),
        ([("nodes: 1", "nodes: 0")], r":\d+ nodes: found 0"),
        ([("  concurrency: 4", "  concurrency: 0")], r":\d+ request.concurrency: found 0"),
        ([("  concurrency: 4", "  concurrencies: 4")], r":\d+ request"),
        ([('    because: "', '    because: 5 #"')], r":\d+ config.reasons.0.because"),
    ],
)  # fmt: skip
def test_a_contradiction_is_told_by_line_and_field(
    edited: Callable[..., Plan], pairs: list[tuple[str, str]], message: str
) -> None:
    """One line, whatever part of the package finds it."""
    with pytest.raises(PlanFileError, match=message) as refused:
        edited(*pairs)

    assert "\n" not in str(refused.value)
