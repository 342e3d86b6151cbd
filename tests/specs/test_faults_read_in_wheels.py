"""Faults of vLLM that were found by laying its released wheels side by side: their releases, and what becomes of plans."""

from __future__ import annotations

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.facts import load
from llama4ref.planning.outcomes import Plan
from llama4ref.proving.model_files.torch_companions import repair_torch_companions

FAULTS = load().fault_set("vllm").faults
BOUNDS = (
    # fault, last release before it, first that has it, last that has it, first without it
    ("vision-rotary-loses-half", "0.10.2", "0.11.0", "0.11.0", "0.11.1"),
    ("long-prompts-never-admitted", "0.18.1", "0.19.0", "0.19.1", "0.20.0"),
    ("lora-on-fp8-experts", "0.19.1", "0.20.0", "0.23.0", "0.24.0"),
    ("lora-spoils-the-base", "0.19.1", "0.20.0", "0.23.0", "0.24.0"),
    ("checkpoint-in-host-memory", "0.21.0", "0.22.0", "0.23.0", "0.24.0"),
    ("mori-refuses-router-weights", "0.14.1", "0.15.0", "0.33.0", None),
    ("aiter-refuses-blocks", "0.13.0", "0.14.0", "0.33.0", None),
    ("humming-refuses-router-weights", "0.19.1", "0.20.0", "0.33.0", None),
    ("flashinfer-b12x-router-weight-twice", "0.21.0", "0.22.0", "0.33.0", None),
    ("b12x-refuses-router-weights", "0.28.0", "0.29.0", "0.33.0", None),
    ("int4-router-weight-twice", "0.26.0", "0.27.0", "0.33.0", None),
    ("nvfp4-marlin-router-weight-twice", "0.13.0", "0.14.0", "0.33.0", None),
    ("bf16-router-weight-on-output", "0.23.0", "0.24.0", "0.33.0", None),
    ("nvfp4-router-weight-on-output", "0.14.1", "0.15.0", "0.33.0", None),
    ("bf16-router-weight-twice-on-12", "0.23.0", "0.24.0", "0.33.0", None),
    ("block-fp8-router-weight-twice", "0.23.0", "0.24.0", "0.33.0", None),
    ("block-fp8-router-weight-twice-in-parallel", "0.23.0", "0.24.0", "0.33.0", None),
    ("mxfp8-router-weight-twice", "0.23.0", "0.24.0", "0.33.0", None),
    ("mxfp4-router-weight-twice", "0.31.0", "0.32.0", "0.33.0", None),
    ("text-behind-the-call", "0.8.5.post1", "0.9.0", "0.33.0", None),
    ("underscore-names", "0.8.5.post1", "0.9.0", "0.33.0", None),
)


@pytest.mark.parametrize(("id_", "before", "first", "last", "after"), BOUNDS)
def test_it_holds_from_the_wheel_that_has_the_code_to_the_one_that_lost_it(
    id_: str, before: str, first: str, last: str, after: str | None
) -> None:
    """Both ends are the neighbours of published releases."""
    fault = FAULTS[id_]

    assert [fault.at(each) for each in (before, first, last)] == [False, True, True]
    assert after is None or not fault.at(after)


def test_images_are_not_planned_in_the_release_that_misreads_them() -> None:
    """vLLM #25888: four dice are no longer recognized; the release after reads them."""
    wish = {"model": "scout", "gpu": "h100-sxm", "count": 8, "tensor_parallel": 8, "context": "32K", "images": 1}
    misread = plan(PlanRequest(**wish, engine_release="0.11.0"))  # type: ignore[arg-type]  # as any request from outside
    read = plan(PlanRequest(**wish, engine_release="0.11.1"))  # type: ignore[arg-type]  # as above

    assert misread.best is None
    assert any("(vision-rotary-loses-half)" in each.numbers for each in misread.refused)
    assert isinstance(read.best, Plan)


@pytest.mark.parametrize(
    ("release", "written"), [("0.18.1", False), ("0.19.0", True), ("0.19.1", True), ("0.20.0", False)]
)
def test_the_gate_that_never_opens_is_taken_away(release: str, written: bool) -> None:
    """Only where it asks for the blocks of a whole prompt in chunked-local layers too."""
    wish = PlanRequest(
        model="scout", gpu="h100-sxm", count=8, tensor_parallel=8, context="1M", hybrid=True, engine_release=release
    )
    best = plan(wish).best

    assert isinstance(best, Plan)
    assert (best.settings.get("scheduler-reserve-full-isl") is False) is written


@pytest.mark.vllm
@pytest.mark.parametrize(
    ("reply", "called"),
    [("[look(x=1)]", True), ("[look(x=1)] Done.", False), ("So: [look(x=1)]", False), ("[_look(x=1)]", False)],
)
def test_the_installed_parser_loses_the_calls_that_the_faults_say(reply: str, called: bool) -> None:
    """Text around a call, or an underscore in front of its name."""
    repair_torch_companions()
    parsers = pytest.importorskip("vllm.tool_parsers.llama4_pythonic_tool_parser")
    parser = object.__new__(parsers.Llama4PythonicToolParser)  # reading a whole reply needs no tokenizer

    assert parser.extract_tool_calls(reply, None).tools_called is called
