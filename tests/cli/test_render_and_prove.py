"""Plans are written down and proven from the command line."""

from __future__ import annotations

import dataclasses
import socket
from typing import TYPE_CHECKING

import pytest
import yaml

from llama4ref.cli.printing import drawn
from llama4ref.cli.prove_command import exit_code
from llama4ref.cli.verdict_report import verdict_lines
from llama4ref.planning import PlanRequest
from llama4ref.proving.verdict import Comparison, Explanation, Outcome, Probe, Rung, Verdict
from tests.proving.conftest import configured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Answer

SCOUT_REQUEST = PlanRequest(model="scout")
SCOUT = ("--model", "scout", "--gpu", "h100-sxm", "--count", "8", "--context", "1M")


def test_render_writes_the_settings_of_the_plan(call: Callable[..., Answer]) -> None:
    """What `plan` shows is what is written."""
    settings = call("plan", *SCOUT, "--json").json["plans"][0]["settings"]
    answer = call("render", *SCOUT, "--as", "config")

    assert answer.code == 0
    assert yaml.safe_load(answer.out) == settings


def test_render_writes_another_plan(call: Callable[..., Answer]) -> None:
    """By the number that `plan` gives it."""
    second = call("plan", *SCOUT, "--json").json["plans"][1]
    answer = call("render", *SCOUT, "--as", "config", "--plan", "2")

    assert yaml.safe_load(answer.out) == second["settings"]


@pytest.mark.parametrize("name", ["plan.yaml", "plan.json"])
def test_a_saved_plan_is_rendered_and_proven_as_it_was_planned(
    call: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """`plan --save`, `render --plan FILE`, `prove --plan FILE`: to the letter."""
    file = tmp_path / name
    saved = call("plan", *SCOUT, "--plan", "2", "--save", str(file))
    proven: list[object] = []
    monkeypatch.setattr("llama4ref.proving.rungs.proofs.prove", lambda plan, **_: proven.append(plan) or _verdict())
    answer = call("prove", "--plan", str(file))
    call("prove", *SCOUT, "--plan", "2")

    assert saved.code == 0
    assert saved.out == call("plan", *SCOUT).out, "what is printed is not changed by saving"
    assert f"Plan 2 is saved in {file}" in saved.err
    for form in ("command", "compose"):
        assert (
            call("render", "--plan", str(file), "--as", form).out
            == call("render", *SCOUT, "--as", form, "--plan", "2").out
        )
    assert answer.code == 0
    assert [dataclasses.replace(each, request=SCOUT_REQUEST) for each in proven[:1]] == [
        dataclasses.replace(each, request=SCOUT_REQUEST) for each in proven[1:]
    ]


def test_nothing_is_saved_where_nothing_fits(call: Callable[..., Answer], tmp_path: Path) -> None:
    """The answer is no, and a file that is there stays as it is."""
    answer = call("plan", "--model", "scout", "--gpu", "l4", "--count", "1", "--save", str(tmp_path / "plan.yaml"))

    assert answer.code == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["render", "prove"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--plan", "gone.yaml"), "gone.yaml:1: found no such file or directory, expected a plan file"),
        (("--plan", "0"), "expected a number from 1, or a file"),
        (("--plan", "-1"), "expected a number from 1, or a file"),
        (("--plan", ""), "expected a number from 1, or a file"),
        (("--plan", "9" * 5000), "expected a number from 1, or a file"),
        (("--plan", "plan.yaml", "--model", "scout", "--images", "2"), "leave out --model, --images, or edit the file"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(
    call: Callable[..., Answer], command: str, words: tuple[str, ...], message: str
) -> None:
    """One message, exit 2, nothing on stdout."""
    answer = call(command, *words)

    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


def test_a_file_whose_name_is_a_number_has_a_path(
    call: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digits alone are a number."""
    monkeypatch.chdir(tmp_path)
    call("plan", *SCOUT, "--save", "2")

    assert call("render", "--plan", "./2").out == call("render", *SCOUT).out
    assert call("render", *SCOUT, "--plan", "2").out == call("render", *SCOUT, "--plan", "2", "--as", "command").out


@pytest.mark.parametrize(
    ("name", "form"), [("k8s", "kubernetes"), ("Docker-Compose", "compose"), ("yaml", "config"), ("dotenv", "env"), ("bash", "command")]
)  # fmt: skip
def test_a_form_is_known_by_other_names_too(call: Callable[..., Answer], name: str, form: str) -> None:
    """As people call it."""
    words = ("render", "--model", "scout", "--gpu", "h100-sxm", "--count", "8", "--json", "--as")

    assert call(*words, name).json["form"] == form
    assert call(*words, name).json == call(*words, form).json


def test_render_has_json(call: Callable[..., Answer]) -> None:
    """The text and the plan it is of."""
    answer = call("render", *SCOUT, "--json")

    assert answer.json["form"] == "command"
    assert "vllm serve " in answer.json["text"]
    assert answer.json["plan"]["count"] == 8


def test_render_without_a_plan_says_why(call: Callable[..., Answer]) -> None:
    """Nothing on stdout that a file might be made of."""
    answer = call("render", "--model", "scout", "--gpu", "l4", "--count", "1")

    assert (answer.code, answer.out) == (1, "")
    assert "Nothing fits" in answer.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*SCOUT, "--plan", "999"), "--plan 999: found"),
        (("--hosted", "--model", "scout"), "--self-hosted"),
        ((*SCOUT, "--as", "helm"), "'helm' is not one of"),
    ],
)
def test_render_refuses_what_cannot_be(call: Callable[..., Answer], words: tuple[str, ...], message: str) -> None:
    """One message, exit 2."""
    answer = call("render", *words)

    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


@pytest.mark.parametrize("form", ["compose", "kubernetes"])
def test_a_form_that_cannot_hold_the_plan_is_an_answer(call: Callable[..., Answer], form: str) -> None:
    """Two machines in one container: the call is right, the answer is no."""
    answer = call("render", "--model", "scout", "--gpu", "h100-sxm", "--count", "16", "--nodes", "2", "--as", form)

    assert (answer.code, answer.out) == (1, "")
    assert "one container holds one node" in answer.err


def test_prove_needs_a_plan_on_own_gpus(call: Callable[..., Answer]) -> None:
    """A provider is not launched here."""
    answer = call("prove", "--hosted", "--model", "scout")

    assert answer.code == 2
    assert "cannot be launched here" in answer.err


def test_prove_without_vllm_says_what_to_install(call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3: something outside is missing."""
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "vllm" else real(name, *rest))
    monkeypatch.setitem(__import__("sys").modules, "vllm", None)
    answer = call("prove", *SCOUT, "--rung", "accepted")

    assert answer.code == 3
    assert "vllm is not installed; install it with: pip install" in answer.err


@pytest.mark.vllm
def test_prove_on_a_port_in_use_is_one_message(call: Callable[..., Answer], tmp_path: Path) -> None:
    """Exit 3 and another port is suggested; nothing is started."""
    pytest.importorskip("vllm")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = call("prove", *SCOUT, "--engine-release", "0.32.0", "--port", port, "--keep-log", str(tmp_path))

    assert answer.code == 3
    assert f"port {port} is in use" in answer.err


@pytest.mark.vllm
def test_prove_accepted_holds(call: Callable[..., Answer], tmp_path: Path) -> None:
    """The installed vLLM takes the settings, and its own cache plan is the predicted one."""
    pytest.importorskip("vllm")
    answer = call("prove", *SCOUT, "--rung", "accepted", "--json", "--keep-log", str(tmp_path))

    assert answer.code == 0, answer.err
    assert answer.json["holds"] is True
    assert {row["agreement"] for row in answer.json["comparisons"]} == {"equal"}


@pytest.mark.vllm
@pytest.mark.slow
def test_settings_that_vllm_refuses_are_an_answer(call: Callable[..., Answer], tmp_path: Path) -> None:
    """Exit 1, with the engine's own words and a log to read; an edited plan is launched as it stands."""
    pytest.importorskip("vllm")
    file = tmp_path / "plan.yaml"
    call("plan", *SCOUT, "--engine-release", "0.32.0", "--save", str(file))
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("    max-num-seqs:", "    quantization: no-such\n    max-num-seqs:", 1), encoding="utf-8"
    )
    answer = call("prove", "--plan", str(file), "--rung", "accepted", "--keep-log", str(tmp_path))

    assert answer.code == 1, answer.err
    assert answer.out.startswith("Did not hold")
    assert "the installed engine has no quantization method no-such" in answer.out
    assert (tmp_path / "vllm.log").exists()


def _verdict(**changes: object) -> Verdict:
    standard = {
        "rung": Rung.MINIATURE,
        "subject": "a miniature of Llama 4 Scout",
        "config": configured({"max-model-len": 1024}),
        "comparisons": (
            Comparison(name="kv_cache_tokens", predicted=1_000_000, observed=1_000_000),
            Comparison(name="model_loading", predicted=10.0, observed=10.25, low=9.5, high=10.5),
        ),
        "probes": (Probe(name="health", outcome=Outcome.PASSED, detail="200", seconds=0.1),),
        "log": "server.log",
        "startup_seconds": 61.0,
    }
    return Verdict(**standard | changes)


def test_a_verdict_lays_predicted_beside_observed() -> None:
    """Each row with how the two agree, each probe with what was seen."""
    text = drawn(*verdict_lines(_verdict()), width=100)

    assert text.startswith("Held: a miniature of Llama 4 Scout, served in miniature (rung 2)")
    assert "kv cache tokens" in text
    assert "model loading, GiB" in text
    assert "equal" in text
    assert "within bound, 9.5000 to 10.5000" in " ".join(text.split())
    assert "Log: server.log" in text
    assert "never quality" in text


def test_what_was_not_as_predicted_is_said_first() -> None:
    """Before the tables: the row that differs, the one that is missing, the probe that failed."""
    changes = {
        "comparisons": (
            Comparison(name="num_gpu_blocks", predicted=7_000, observed=6_999),
            Comparison(name="max_model_len", predicted=8_192, observed=None),
            Comparison(name="kv_cache_tokens", predicted=1, observed=1),
        ),
        "probes": (Probe(name="json_schema", outcome=Outcome.FAILED, detail="no JSON"),),
    }
    first = drawn(*verdict_lines(_verdict(**changes)), width=100).partition("\nPredicted beside observed\n")[0]

    assert [line for line in first.splitlines() if line.startswith("not as predicted: ")] == [
        "not as predicted: num gpu blocks is 6,999 instead of 7,000",
        "not as predicted: max model len was not observed instead of 8,192 tokens",
        "not as predicted: json schema: no JSON",
    ]


_TIMEOUT = Explanation(
    what="it never became ready", line=3, text="waiting", do=("give it longer with --timeout",), outside=True
)
_REFUSED = Explanation(what="no such option", line=1, text="error", do=("leave it out",))
_TOO_LONG = Explanation(what="the context does not fit", line=9, text="...", do=(), suggested_max_model_len=512)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"comparisons": (Comparison(name="kv_cache_tokens", predicted=1, observed=2),)}, 1),
        ({"probes": (Probe(name="tools", outcome=Outcome.FAILED, detail="no call"),)}, 1),
        ({"explanation": _TIMEOUT, "startup_seconds": None}, 3),
        ({"explanation": _TOO_LONG, "startup_seconds": None}, 1),
        ({"explanation": _REFUSED, "startup_seconds": None}, 1),
        ({"explanation": _REFUSED, "startup_seconds": None, "rung": Rung.ACCEPTED}, 1),
        ({"explanation": _TIMEOUT, "startup_seconds": 61.0}, 1),
    ],
)
def test_exit_codes_tell_a_wrong_prediction_from_a_failed_launch(changes: dict[str, object], code: int) -> None:
    """0 held, 1 did not hold, 3 something outside failed."""
    assert exit_code(_verdict(**changes)) == code


def test_a_failed_launch_is_explained() -> None:
    """What failed, where in the log, and what to try."""
    text = drawn(*verdict_lines(_verdict(explanation=_TIMEOUT, startup_seconds=None)), width=100)

    assert text.startswith("Did not hold")
    assert "line 3 of the log says: waiting" in text
    assert "try: give it longer with --timeout" in text
