"""A plan file is refused where its request asks for another plan; no other edit changes a plan unsaid."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama4ref.errors import PlanFileError
from llama4ref.facts import load
from llama4ref.plan_files.reading import read_plan_text
from llama4ref.plan_files.restoring import restored
from llama4ref.plan_files.writing import tree_of, yaml_text
from llama4ref.planning import Plan, PlanRequest, plan
from llama4ref.rendering import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CATALOG = load()
ENGINE = CATALOG.engine("vllm")
EVERYTHING = PlanRequest(
    model="scout", gpu="h200-sxm", count=8, nodes=1, context="64K", prompt_tokens=3000, output_tokens=500,
    concurrency=16, images=1, image_size="1000x500", tools=True, json_schema=True, goal="latency", headroom=0.1,
    checkpoint="nvidia-llama-4-scout-17b-16e-instruct-fp8", min_weight_bits=8, engine_release="0.32.0", cache_dtype="fp8",
    hybrid=True, tensor_parallel=8, pipeline_parallel=1, data_parallel=1, expert_parallel=False, enforce_eager=False,
    gpu_memory_utilization=0.9, max_num_seqs=32, max_num_batched_tokens=4096,
)  # fmt: skip
DRAFTED = PlanRequest(
    model="maverick", gpu="h200-sxm", count=8, context="16K", speculative="nvidia/Llama-4-Maverick-17B-128E-Eagle3"
)
OPEN = PlanRequest(model="scout", hosted=False, prompt_tokens=3000)
TIGHT = PlanRequest(
    model="scout", gpu="rtx-4090", count=4, tensor_parallel=4, context="16K", max_num_seqs=4, enforce_eager=True,
    checkpoint="redhatai-llama-4-scout-17b-16e-instruct-quantized-w4a16",
)  # fmt: skip
"""Its RoPE table is shortened."""


def best_of(request: PlanRequest) -> Plan:
    """The best plan, which is one on own GPUs."""
    best = plan(request, CATALOG).best
    assert isinstance(best, Plan)
    return best


TREES = [tree_of(best_of(request)) for request in (EVERYTHING, DRAFTED, OPEN, TIGHT)]


def edited(number: int, path: tuple[str | int, ...], value: object) -> dict[str, object]:
    """One of the trees with another value at a path."""
    tree = copy.deepcopy(TREES[number])
    at: object = tree
    for step in path[:-1]:
        at = at[step]  # type: ignore[index]
    at[path[-1]] = value  # type: ignore[index]
    return tree  # type: ignore[return-value]


def read(tree: object) -> Plan:
    """The plan of a tree that stands in a file."""
    return restored(read_plan_text(json.dumps(tree), "plan.json"), CATALOG)


def leaves(node: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Each value of a tree with its path."""
    if isinstance(node, dict):
        for key, each in node.items():
            yield from leaves(each, (*path, key))
    elif isinstance(node, list):
        for index, each in enumerate(node):
            yield from leaves(each, (*path, index))
    else:
        yield path, node


@pytest.mark.parametrize(
    ("name", "value", "has"),
    [
        ("model", "maverick", "scout"),
        ("gpu", "h100-sxm", "h200-sxm"),
        ("gpu", "B200", "h200-sxm"),
        ("count", 4, "8"),
        ("nodes", 2, "1"),
        ("context", "128K", "a request of 65,536 tokens"),
        ("context", 32_768, "a request of 65,536 tokens"),
        ("prompt_tokens", 4000, "3,000"),
        ("output_tokens", 499, "500"),
        ("concurrency", 15, "16"),
        ("images", 2, "1"),
        ("image_size", "300x300", "6 tiles"),
        ("tools", False, "yes"),
        ("checkpoint", "meta-llama/Llama-4-Scout-17B-16E-Instruct", "nvidia-llama-4-scout-17b-16e-instruct-fp8"),
        ("min_weight_bits", 16, "8"),
        ("engine", "sglang", "vllm"),
        ("engine_release", "0.31.0", "0.32.0"),
        ("cache_dtype", "bfloat16", "fp8"),
        ("hybrid", False, "yes"),
        ("tensor_parallel", 4, "8"),
        ("pipeline_parallel", 2, "1"),
        ("data_parallel", 2, "1"),
        ("expert_parallel", True, "no"),
        ("gpu_memory_utilization", 0.91, "0.9"),
        ("max_num_seqs", 33, "32"),
        ("max_num_batched_tokens", 4095, "4,096"),
    ],
)  # fmt: skip
def test_a_request_for_another_plan_is_refused(name: str, value: object, has: str) -> None:
    """By its line and field, with what the plan has; exit code 2."""
    text = json.dumps(edited(0, ("request", name), value), indent=1)
    before = text[: text.index(f'"{name}":', text.index('"request":'))]
    with pytest.raises(PlanFileError) as refused:
        restored(read_plan_text(text, "plan.json"), CATALOG)

    assert f"plan.json:{before.count(chr(10)) + 1} request.{name}: found " in str(refused.value)
    assert f"expected {has} as in the plan" in str(refused.value)
    assert refused.value.exit_code == 2


def test_everything_that_disagrees_is_told_at_once() -> None:
    """A line for each."""
    tree = edited(0, ("request", "gpu"), "h100-sxm")
    tree["request"] |= {"context": "96K", "prompt_tokens": 400}  # type: ignore[operator]
    with pytest.raises(PlanFileError) as refused:
        read(tree)

    assert [line.split()[1] for line in str(refused.value).splitlines()] == [
        "request.gpu:", "request.context:", "request.prompt_tokens:",
    ]  # fmt: skip


def test_another_draft_head_is_refused() -> None:
    """Also one that nobody knows."""
    for head in ("somebody/another-head", "nvidia-llama-4-scout-17b-16e-eagle3"):
        with pytest.raises(PlanFileError, match=r"request\.speculative|request: "):
            read(edited(1, ("request", "speculative"), head))


def test_a_prompt_that_the_context_has_no_room_for_is_refused() -> None:
    """Where the request leaves the length open."""
    context = TREES[2]["promises"]["context"]  # type: ignore[index,call-overload]
    with pytest.raises(
        PlanFileError, match=r"request.prompt_tokens: found \d+, expected a request of [\d,]+ tokens as in"
    ):
        read(edited(2, ("request", "prompt_tokens"), context))


def test_a_rope_table_shorter_than_the_context_is_refused() -> None:
    """The engine takes no longer request than there are positions for; a longer table is counted, and an override of anything else told."""
    at = ("config", "settings", "hf-overrides")
    text = '{{"text_config": {{"max_position_embeddings": {}}}}}'
    with pytest.raises(PlanFileError, match=r"config.settings.hf-overrides: found 16383, expected .* at least 16384"):
        read(edited(3, at, text.format(16_383)))
    longer = read(edited(3, at, text.format(20_000)))
    other = read(edited(3, at, '{"text_config": {"max_position_embeddings": 16384, "num_hidden_layers": 2}}'))

    assert longer.config.rope_positions == 20_000
    assert [line.bytes for line in longer.budget.lines if line.name == "RoPE table"] == [20_000 * 256]
    assert not any("take account" in each.because for each in longer.caveats)
    assert any("--hf-overrides" in each.value and "take account" in each.because for each in other.caveats)


def test_names_as_people_write_them_are_the_same_request() -> None:
    """A repository for its checkpoint, a product's name for a GPU."""
    tree = edited(0, ("request", "checkpoint"), "nvidia/Llama-4-Scout-17B-16E-Instruct-FP8")
    tree["request"] |= {"gpu": "H200", "model": "Scout", "context": "64K", "cache_dtype": "auto"}  # type: ignore[operator]

    assert render(read(tree), "command", ENGINE) == render(best_of(EVERYTHING), "command", ENGINE)


OTHER_TEXTS = (
    "maverick",
    "h100-sxm",
    "b200",
    "0.31.0",
    "vllm-0.32.0",
    "16K",
    "auto",
    "",
    "none",
    "--help",
    "$(id)",
    "a\nb",
    "\u202e",
)


@st.composite
def one_change(draw: st.DrawFn) -> tuple[int, dict[str, object]]:
    """A tree with one leaf changed."""
    number = draw(st.sampled_from(range(len(TREES))))
    path, old = draw(st.sampled_from(list(leaves(TREES[number]))))
    new = draw(
        st.one_of(
            st.sampled_from([*OTHER_TEXTS, True, False, 0, 1, -1, 8, 0.5, None]),
            st.integers(1, 2**40),
            st.floats(0, 2, allow_nan=False),
            st.text(max_size=20),
            st.just(old * 2 if isinstance(old, int | float) else f"{old}x"),
        ).filter(lambda value: (type(value), value) != (type(old), old))
    )
    return number, edited(number, path, new)


@given(change=one_change())
@settings(deadline=None, max_examples=200)
def test_no_leaf_of_a_file_changes_a_plan_unsaid(change: tuple[int, dict[str, object]]) -> None:
    """It is refused, or said among the caveats or reasons, or what is launched and promised is the same to the letter."""
    number, tree = change
    try:
        found = read(tree)
    except PlanFileError:
        return
    said = [each for each in found.caveats if each.about == "saved plan"]
    said += [each for each in found.reasons if "in the plan file" in each.because]

    assert said or what_matters(tree_of(found)) == what_matters(TREES[number])


def what_matters(tree: dict[str, object]) -> object:
    """A plan without the words of its reasons, and without the request, which is only held against it."""
    config: dict[str, object] = tree["config"]  # type: ignore[assignment]
    return {**tree, "request": None, "config": {**config, "reasons": None}}


def test_a_setting_that_is_left_out_is_said(edited_file: Callable[[str, str], Plan]) -> None:
    """Also where no size depends on it."""
    found = edited_file("    enable-auto-tool-choice: true\n", "")

    assert {each.value: each.because for each in found.caveats if each.about == "saved plan"} == {
        "no enable-auto-tool-choice": "the settings were edited; it was True when the plan was saved"
    }


def test_another_release_is_said(edited_file: Callable[[str, str], Plan]) -> None:
    """Where the request names none, as another image is pulled."""
    found = edited_file('  release: "0.33.0"\n  settings', '  release: "0.32.0"\n  settings')
    said = {each.value: each.because for each in found.caveats if each.about == "saved plan"}

    assert found.release == "0.32.0"
    assert said["release 0.32.0"] == "the settings were edited; it was 0.33.0 when the plan was saved"


def test_a_reason_cites_a_source_of_the_facts(edited_file: Callable[[str, str], Plan]) -> None:
    """Nothing else stands behind a reason in what is rendered."""
    with pytest.raises(PlanFileError, match=r"config\.reasons\.\d+\.source: found 'vllm-0\.32\.99', expected the id"):
        edited_file('source: "vllm-0.32.0"', 'source: "vllm-0.32.99"')


@pytest.mark.parametrize("character", ["\u202e", "\u2028", "\u2066"])
def test_text_that_turns_round_or_breaks_lines_is_refused(
    edited_file: Callable[[str, str], Plan], character: str
) -> None:
    """A comment in a rendered file reads as it stands."""
    with pytest.raises(
        PlanFileError,
        match=rf"plan\.yaml:\d+ config\.reasons\.\d+\.because: found the character U\+{ord(character):04X}",
    ):
        edited_file('because: "', f'because: "{character}')


@pytest.fixture
def edited_file() -> Callable[[str, str], Plan]:
    """Reads the file of a plan after words in it were replaced."""
    text = yaml_text(best_of(PlanRequest(model="scout", gpu="h100-sxm", count=8, context="128K", tools=True)))

    def changed(old: str, new: str) -> Plan:
        assert old in text
        return restored(read_plan_text(text.replace(old, new, 1), "plan.yaml"), CATALOG)

    return changed
