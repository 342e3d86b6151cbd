"""A plan reads well, and a refusal says what would fit."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from llama4ref.cli.request_options import make_request
from llama4ref.planning import PlanRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Answer

SCOUT_1M = ("plan", "--model", "scout", "--gpu", "h100-sxm", "--count", "8", "--context", "1M")


def test_a_plan_says_what_where_how_long_and_why(call: Callable[..., Answer]) -> None:
    """The parts a person looks for, in their order."""
    answer = call(*SCOUT_1M)
    parts = [
        "Llama 4 Scout on 8 x H100 SXM, with vLLM",
        "1,048,576 tokens promised",
        "Settings",
        "--max-model-len 1048576",
        "Memory of one GPU",
        "KV cache (lower bound)",
        "Caveats",
        "beyond 262,144 tokens",
        "Other plans",
        "Refused",
        "Sources",
        "[1] ",
    ]
    places = [answer.out.find(part) for part in parts]

    assert answer.code == 0
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("columns", [80, 120])
def test_lines_fit_the_screen(call: Callable[..., Answer], columns: int) -> None:
    """Addresses too, which are broken between their parts."""
    lines = call(*SCOUT_1M, columns=columns).out.splitlines()

    assert [line for line in lines if len(line) > columns] == []


def test_output_in_a_pipe_is_plain(call: Callable[..., Answer]) -> None:
    """No colour codes, no spaces at the ends of lines."""
    out = call(*SCOUT_1M).out

    assert "\x1b" not in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_marks_of_sources_and_the_list_match(call: Callable[..., Answer]) -> None:
    """Every number in the text is in the list, and the other way round."""
    text, _, listed = call(*SCOUT_1M).out.partition("\nSources\n")
    known = {line.split("]")[0] + "]" for line in listed.splitlines() if line.startswith("[")}
    used = {f"[{number}]" for number in range(1, 100) if f"[{number}]" in text}

    assert used == known != set()


def test_json_holds_the_same_plan_in_bytes(call: Callable[..., Answer]) -> None:
    """Figures agree with the library."""
    from llama4ref.planning.planner import plan
    from llama4ref.planning.request import PlanRequest

    best = plan(PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M")).best
    answer = call(*SCOUT_1M, "--json")
    first = answer.json["plans"][0]

    assert answer.code == 0
    assert first["settings"] == best.settings
    assert first["budget"]["kv_cache_at_least_bytes"] == best.budget.kv_cache_at_least_bytes
    assert sum(line["bytes"] for line in first["budget"]["lines"] if line["place"] == "weights") == sum(
        line.bytes for line in best.budget.lines if line.place == "weights"
    )
    assert {reason["source"] for reason in first["reasons"]} - {None} <= set(answer.json["sources"])


def test_speed_says_for_which_requests_it_is(call: Callable[..., Answer]) -> None:
    """As many and as long as the estimate assumes."""
    words = ("--concurrency", "4", "--prompt-tokens", "3000", "--output-tokens", "200")
    stated, assumed = call(*SCOUT_1M, *words), call(*SCOUT_1M, "--json").json["plans"][0]["workload"]

    assert "prompts of 3,000 tokens and replies of 200 tokens" in stated.out
    assert "tokens/s a request, 4 at once;" in " ".join(stated.out.split())
    assert {assumed["prompt_tokens"], assumed["output_tokens"], assumed["concurrency"]} == {1000, 1}


def test_nothing_fits_is_an_answer(call: Callable[..., Answer]) -> None:
    """Exit 1, the rule, and the numbers."""
    answer = call("plan", "--model", "scout", "--gpu", "l4", "--count", "1", "--context", "1M")

    assert answer.code == 1
    assert answer.out.startswith("Nothing fits: model scout, gpu l4, count 1, context 1,048,576")
    assert "weights-too-large" in answer.out
    assert "GiB" in answer.out
    assert answer.err == ""


def test_what_would_fit_is_a_command_to_paste(call: Callable[..., Answer]) -> None:
    """Each is planned, with the option that it changes."""
    words = "--model scout --gpu b200 --count 8 --context 10M --max-num-seqs 1024 --gpu-memory-utilization 0.92"
    answer = call("plan", *words.split(), columns=200)
    commands = [line.split()[1:] for line in answer.out.splitlines() if line.startswith("  llama4ref plan")]

    assert answer.code == 1
    assert ["--max-num-seqs", "256"] in [command[-2:] for command in commands]
    for command in commands:
        assert call(*command).code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--model", "scout", "--no-hybrid", "--enforce-eager", "--headroom", "0.5"),
        ("--self-hosted", "--images", "2", "--image-size", "336x336", "--goal", "latency"),
        ("--no-expert-parallel", "--tensor-parallel", "8", "--cache-dtype", "fp8"),
        ("--hosted", "--max-price", "1.5", "--as-of", "2026-11-21", "--tools"),
    ],
)
def test_a_request_is_written_as_the_command_that_makes_it(words: tuple[str, ...]) -> None:
    """Options and switches, in any form."""
    import shlex

    from llama4ref.cli.plan_command import command
    from llama4ref.cli.request_options import command_of

    made = command.make_context("plan", list(words)).params
    given = {name: value for name, value in made.items() if name in {each.name for each in fields(PlanRequest)}}
    request = make_request(given)
    again = command.make_context("plan", shlex.split(command_of(request))[2:]).params

    assert make_request({name: again[name] for name in given}) == request


def test_hardware_without_plans_is_sized_for_the_engines_that_serve_there(call: Callable[..., Answer]) -> None:
    """The text says that it is sized and not proved, how it is started, and never names an engine that does not run there."""
    answer = call("plan", "--model", "scout", "--gpu", "m3-ultra", "--context", "32K")
    out = " ".join(answer.out.split())

    assert answer.code == 0
    assert answer.out.startswith("Llama 4 Scout on 1 x Apple M3 Ultra, with llama.cpp b11413: sized, not proved")
    assert "llama-server -hf unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF:UD-Q4_K_XL -c 32768" in out
    assert "mlx-lm" in out
    assert "SGLang" not in out
    assert "TensorRT" not in out


def test_hardware_that_nothing_is_sized_for_is_not_planned_for(call: Callable[..., Answer]) -> None:
    """It exits with 1, and nothing is said not to fit."""
    answer = call("plan", "--model", "scout", "--gpu", "gaudi-3")

    assert answer.code == 1
    assert answer.out.startswith("Not planned for: model scout, gpu gaudi-3")
    assert "vLLM serves Llama 4 on hpu" in " ".join(answer.out.split())


def test_a_sized_plan_is_told_apart_in_json(call: Callable[..., Answer]) -> None:
    """It stands in a list of its own, with its interval of bytes, its rung and its sources."""
    answer = call(
        "plan", "--model", "scout", "--engine", "llama.cpp", "--gpu", "h100-sxm", "--context", "128K", "--json"
    )
    found = json.loads(answer.out)
    first = found["sized"][0]

    assert found["plans"] == []
    assert (first["kind"], first["rung"], first["engine"], first["fits"]) == ("sized", "computed", "llama-cpp", True)
    assert {line["source"] for line in first["lines"] if line["source"]} <= set(found["sources"])


def test_a_figure_that_the_engine_prints_is_explained_where_it_is_less_than_the_context(
    call: Callable[..., Answer],
) -> None:
    """Some releases share the blocks out over groups of layers."""
    out = " ".join(
        call("plan", "--model", "scout", "--gpu", "h100-sxm", "--count", "8", "--engine-release", "0.19.0").out.split()
    )

    assert (
        "as the engine prints it; it shares the blocks out over 4 groups of layers, so a request may be longer" in out
    )
    assert "groups of layers, so" not in call(*SCOUT_1M).out


def test_nothing_fits_in_json_too(call: Callable[..., Answer]) -> None:
    """No plans, and refusals with their rules."""
    answer = call("plan", "--model", "scout", "--gpu", "l4", "--count", "1", "--json")

    assert answer.code == 1
    assert answer.json["plans"] == []
    assert answer.json["refused"][0]["rule"]
    assert all(each["changes"] and each["count"] and each["context"] for each in answer.json["alternatives"])


@pytest.mark.parametrize("size", ["5", "16"])
def test_impossible_tensor_parallel_sizes_are_refused_with_the_rule(call: Callable[..., Answer], size: str) -> None:
    """The heads are named, and the exit code is that of an answer."""
    answer = call("plan", "--model", "scout", "--gpu", "h100-sxm", "--count", size, "--tensor-parallel", size)

    assert answer.code == 1
    assert "heads" in answer.out


def test_context_above_the_models_is_refused_with_the_limit(call: Callable[..., Answer]) -> None:
    """Both numbers are named."""
    answer = call("plan", "--model", "maverick", "--gpu", "h200-sxm", "--count", "8", "--context", "10M")

    assert answer.code == 1
    assert "10,485,760" in answer.out
    assert "1,048,576" in answer.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "scuot"), "did you mean scout"),
        (("--gpu", "h100sxm"), "did you mean h100-sxm"),
        (("--checkpoint", "nvidia/Llama-4-Scout-17B-16E-Instruct-FP9"), "did you mean nvidia/Llama-4-Scout"),
        (("--context", "12Q"), "'12Q' is not a token count"),
        (("--context", "0"), "at least 1"),
        (("--count", "0"), "count: found 0"),
        (("--count", "x"), "'x' is not a valid integer"),
        (("--hosted", "--gpu", "l4"), "leave out gpu or hosted"),
        (("--count", "3", "--nodes", "2"), "do not divide over 2 nodes"),
        (("--context", "1k", "--prompt-tokens", "900", "--output-tokens", "900"), "give at least 1,800"),
        (("--engine-release", "0.1.0"), "name a release from"),
        (("--as-of", "tomorrow"), "expected a day such as"),
        (("--hosted", "--max-price", "-1"), "expected a price of 0 or more"),
        (("--headroom", "2"), "expected a part from 0 to 0.9"),
    ],
)
def test_a_wrong_call_is_one_message(call: Callable[..., Answer], words: tuple[str, ...], message: str) -> None:
    """Exit 2, nothing on stdout, and what was expected."""
    answer = call("plan", *words)

    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert "Traceback" not in answer.err


def test_several_plans_in_full_are_numbered(call: Callable[..., Answer]) -> None:
    """As many as asked for."""
    out = call(*SCOUT_1M, "--limit", "2").out

    assert "\n2. Llama 4 Scout on" in out
    assert out.count("Memory of one GPU") == 2


def test_all_lists_every_refusal(call: Callable[..., Answer]) -> None:
    """A line for each instead of one for each rule."""
    short, long = call(*SCOUT_1M), call(*SCOUT_1M, "--all")

    assert long.out.count("kv-cache-too-small") >= short.out.count("kv-cache-too-small")
    assert len(long.out) > len(short.out)


def test_hosted_plans_name_provider_price_and_day(call: Callable[..., Answer]) -> None:
    """A provider's offer, cheapest first."""
    answer = call("plan", "--hosted", "--model", "scout", "--context", "300k")

    assert answer.code == 0
    assert " at " in answer.out.splitlines()[0]
    assert "as of" in answer.out
    assert "a million tokens in" in answer.out


@pytest.mark.parametrize(
    ("loose", "exact"),
    [
        (("--model", "SCOUT", "--gpu", "H200 SXM", "--count", "2"), ("--model", "scout", "--gpu", "h200-sxm", "--count", "2")),
        (("--model", "Scout", "--hosted"), ("--model", "scout", "--hosted")),
    ],
)  # fmt: skip
def test_a_plan_is_the_same_however_its_things_were_named(
    call: Callable[..., Answer], loose: tuple[str, ...], exact: tuple[str, ...]
) -> None:
    """And says their ids."""
    assert call("plan", *loose, "--json").json == call("plan", *exact, "--json").json


def test_a_repository_as_the_model_is_that_checkpoint(call: Callable[..., Answer]) -> None:
    """As on vLLM's own command line."""
    answer = call(
        "plan", "--model", "nvidia/Llama-4-Scout-17B-16E-Instruct-FP8", "--gpu", "H200", "--count", "2", "--json"
    ).json

    assert answer["request"]["checkpoint"] == "nvidia-llama-4-scout-17b-16e-instruct-fp8"
    assert {each["checkpoint"] for each in answer["plans"]} == {"nvidia-llama-4-scout-17b-16e-instruct-fp8"}


@pytest.mark.parametrize(
    "words",
    [
        ("--gpu", "h200-sxm", "--count", "1", "--context", "8K", "--max-num-seqs", "1", "--images", "1"),
        ("--gpu", "h200-sxm", "--count", "2", "--context", "8K", "--concurrency", "1", "--data-parallel", "2"),
        ("--gpu", "h100-sxm", "--count", "8", "--context", "10M", "--max-num-seqs", "1", "--enforce-eager", "--all"),
        ("--gpu", "l4", "--count", "1", "--tensor-parallel", "2"),
        ("--gpu", "h100-sxm", "--count", "8", "--max-num-seqs", "1", "--concurrency", "2"),
        ("--gpu", "b300", "--count", "4", "--context", "1", "--concurrency", "1"),
        ("--gpu", "b200", "--count", "8", "--context", "2", "--max-num-seqs", "1", "--max-num-batched-tokens", "1"),
        ("--gpu", "h100-sxm", "--count", "8", "--context", "1", "--prompt-tokens", "1", "--output-tokens", "1"),
        ("--gpu", "h100-sxm", "--count", "8", "--max-num-batched-tokens", "1", "--max-num-seqs", "2"),
        ("--gpu", "h100-sxm", "--count", "1", "--nodes", "2"),
        (
            "--gpu",
            "h100-sxm",
            "--nodes",
            "2",
            "--tensor-parallel",
            "1",
            "--pipeline-parallel",
            "1",
            "--data-parallel",
            "1",
        ),
        ("--gpu", "h100-sxm", "--count", "1", "--context", "1", "--concurrency", "500"),
        ("--gpu", "h200-sxm", "--count", "1", "--context", "9M", "--concurrency", "3"),
        ("--gpu", "a100-sxm-80gb", "--count", "16", "--context", "8K", "--all"),
        ("--hosted", "--context", "1", "--as-of", "2026-11-23"),
    ],
)
def test_one_of_anything_is_singular(call: Callable[..., Answer], words: tuple[str, ...]) -> None:
    """In every line of a report."""
    answer = call("plan", "--model", "scout", *words)
    out = " ".join(f"{answer.out} {answer.err}".split())
    plurals = (
        r"requests|groups|images|copies|replicas|GPUs|nodes|machines|tokens|stages|plans|shorter ones|tiles|sequences|days|positions|layers|"
        r"ranks|offers|providers|blocks|rows|refusals|settings|more requests"
    )

    assert re.findall(rf"(?<![\d.,])\b1(?:\.00)? (?:{plurals})\b|on each of one|over 1 \w+", out) == []
