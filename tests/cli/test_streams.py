"""Exit codes mean what they mean, whatever becomes of the streams of the process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Answer

SOURCE = Path(__file__).parents[2]
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
COMMANDS = {
    "plan": "plan --model scout --gpu h100-sxm --count 8",
    "plan as JSON": "plan --model scout --gpu h100-sxm --count 8 --json",
    "render": "render --model scout --gpu h100-sxm --count 8",
    "facts": "facts scout text.layers",
    "providers": "providers --model scout",
    "license": "license check --who company --domicile US",
    "errata": "facts errata",
    "help": "--help",
    "help of a command": "plan --help",
    "version": "--version",
}
"""Answers that end with 0."""


def _shell(line: str) -> tuple[int, str]:
    """Exit code and stderr of a command, with the redirections of a shell."""
    script = f'"{sys.executable}" -m llama4ref {line}'
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


@needs_full
@pytest.mark.parametrize("line", COMMANDS.values(), ids=list(COMMANDS))
def test_a_full_disk_is_told_in_one_line(line: str):
    """It is outside, and no fault of the program."""
    code, complaint = _shell(f"{line} >/dev/full")

    assert code == 3
    assert complaint.count("\n") == 1
    assert "no space left on device" in complaint


@pytest.mark.parametrize("line", COMMANDS.values(), ids=list(COMMANDS))
def test_a_closed_stdout_is_told_in_one_line(line: str):
    """The answer is lost, and that is said."""
    code, complaint = _shell(f"{line} >&-")

    assert code == 3
    assert complaint.count("\n") == 1
    assert "internal error" not in complaint


@pytest.mark.parametrize("closing", ["2>&-", "2>/dev/full", "2>&- <&-"])
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("plan --gpu nope", 2),
        ("plan --nope", 2),
        ("nope", 2),
        ("render --model scout --gpu l4 --count 1", 1),
        ("facts scout text.layers >/dev/null", 0),
    ],
)
def test_a_stderr_that_cannot_be_written_changes_no_exit_code(line: str, code: int, closing: str):
    """What was to be said there is lost, the answer is not."""
    assert _shell(f"{line} {closing}")[0] == code


def test_no_other_file_takes_the_place_of_a_closed_stream():
    """What the program opens first would otherwise be written over with what it says."""
    script = "import os, sys; from llama4ref.cli.streams import open_streams; open_streams(); print(os.open(os.devnull, 0) > 2, file=sys.stderr)"
    line = f"exec \"{sys.executable}\" -c '{script}' <&- >&-"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False, timeout=60)

    assert done.stderr == "True\n"


@pytest.mark.parametrize(
    "environment",
    [
        {"COLUMNS": "²"},
        {"LINES": "²"},
        {"COLUMNS": "9" * 5_000},
        {"COLUMNS": "-1"},
        {"COLUMNS": "0"},
        {"TERM": ""},
        {"TERM": "dumb", "FORCE_COLOR": "1"},
        {"FORCE_COLOR": "1", "COLUMNS": "²"},
        {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "utf-16"},
        {"HOME": "", "XDG_CACHE_HOME": "/nowhere"},
    ],
    ids=lambda each: ",".join(f"{name}={value[:9]}" for name, value in each.items()),
)
@pytest.mark.parametrize("words", ["plan --model scout --gpu h100-sxm --count 8", "facts list --help"])
def test_an_odd_environment_changes_no_answer(environment: dict[str, str], words: str):
    """Neither its exit code nor that it is given."""
    done = subprocess.run(
        [sys.executable, "-m", "llama4ref", *words.split()],
        capture_output=True,
        check=False,
        timeout=60,
        env=os.environ | environment,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


def test_colour_can_be_forced(spawn: Callable[..., Answer]):
    """And is never there in a pipe otherwise."""
    words = ("facts", "errata")

    assert "\x1b[" not in spawn(*words).out
    assert "\x1b[1m" in spawn(*words, FORCE_COLOR="1").out
    assert "\x1b[" not in spawn(*words, FORCE_COLOR="1", TERM="dumb").out


NINES = "9" * 4_301


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--context", NINES),
        ("plan", "--context", NINES + "T"),
        ("plan", "--context=" + NINES),
        ("plan", "--prompt-tokens", f"1.{NINES}m"),
        ("plan", "--output-tokens", "9" * 20),
        ("plan", "--count", NINES),
        ("plan", "--gpu", NINES),
        ("plan", "--model", "x" * 10_000),
        ("plan", "--max-price", NINES),
        ("plan", "--as-of", NINES),
        ("plan", "--headroom", NINES),
        ("plan", "--goal", "x" * 10_000),
        ("providers", "--min-context", NINES),
        ("facts", "scout", "x" * 10_000),
        ("facts", "timeline", "--since", NINES),
        ("x" * 10_000,),
        ("plan", "--" + "x" * 10_000),
        ("license", "check", "--who", "company", "--domicile", "x" * 10_000),
        ("prove", "--timeout", NINES),
        ("prove", "--port", NINES),
        ("plan", "--context", "\N{ARABIC-INDIC DIGIT THREE}"),
        ("plan", "--context", "\N{FULLWIDTH DIGIT ONE}M"),
    ],
    ids=lambda words: " ".join(word[:12] for word in words),
)
def test_input_of_any_length_is_a_short_message(call: Callable[..., Answer], words: tuple[str, ...]):
    """Exit 2, and little of the input repeated."""
    answer = call(*words)

    assert (answer.code, answer.out) == (2, "")
    assert len(max(answer.err.splitlines(), key=len)) < 400
    assert not re.search(r"(.)\1{90}", answer.err)


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf", "0", "-1", "1e400", "soon"])
def test_a_time_without_end_is_no_time_limit(call: Callable[..., Answer], seconds: str):
    """A limit that is never reached is none."""
    answer = call("prove", "--model", "scout", "--timeout", seconds)

    assert answer.code == 2
    assert "--timeout" in answer.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("facts scout text.layers", 0),
        ("plan --model scout --gpu h100-sxm --count 8", 0),
        ("check --specs .", 2),
        ("site", 2),
        ("prove --model scout --gpu h100-sxm --count 8 --keep-log x", 2),
        ("plan --model scout --gpu h100-sxm --count 8 --save x.yaml", 2),
        ("render --plan x.yaml", 2),
    ],
)
def test_a_folder_that_is_gone_is_no_fault_of_the_program(tmp_path: Path, words: str, code: int):
    """A shell may stand in a folder that somebody deleted; what needs it is a wrong call."""
    here = tmp_path / "here"
    here.mkdir()
    line = f'cd "{here}" && rmdir "{here}" && PYTHONPATH="{SOURCE}" "{sys.executable}" -m llama4ref {words}'
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == code
    # Faults of specs stand under a line with their number.
    assert done.stderr.count("\n") == (2 if words.startswith("check") else bool(code))


@pytest.mark.parametrize("folder", ["/dev/null", "/proc/x"])
def test_a_folder_that_cannot_be_filled_is_a_wrong_call(call: Callable[..., Answer], folder: str):
    """Before anything is proven."""
    answer = call("prove", "--model", "scout", "--gpu", "h100-sxm", "--count", "8", "--keep-log", folder)

    assert answer.code == 2
    assert "--keep-log" in answer.err


def test_errors_are_json_where_json_was_asked_for(call: Callable[..., Answer]):
    """On one line of stderr, so that a program reads it apart from an answer."""
    answer = call("plan", "--gpu", "nope", "--json")
    error = json.loads(answer.err)["error"]

    assert (answer.code, answer.out) == (2, "")
    assert (error["type"], error["exit_code"]) == ("UnknownNameError", 2)
    assert error["details"]["name"] == "nope"
    assert json.loads(call("plan", "--count", "x", "--json").err)["error"]["type"] == "BadParameter"


def test_the_package_runs_as_a_module():
    """Where no script is installed."""
    done = subprocess.run(
        [sys.executable, "-m", "llama4ref", "--version"], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.stdout.startswith("llama4ref ")
