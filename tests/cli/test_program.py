"""Every error is a message and an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from llama4ref.cli.program import exit_code_of, program
from llama4ref.errors import Llama4refError, ProofError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Answer


def _raising(error: BaseException) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (RequestError("count: found 0"), 2, "llama4ref: count: found 0"),
        (ProofError("the server died"), 3, "llama4ref: the server died"),
        (Llama4refError("wrong"), 2, "llama4ref: wrong"),
        (click.UsageError("no such thing"), 2, "no such thing"),
        (KeyboardInterrupt(), 130, "llama4ref: interrupted"),
        (click.Abort(), 130, "llama4ref: interrupted"),
        (ValueError("a fault\nof ours"), 70, "ValueError: a fault of ours; set LLAMA4REF_TRACEBACK=1"),
    ],
)
def test_an_error_is_a_message_and_an_exit_code(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed on stdout, and no traceback anywhere."""
    found = exit_code_of(_raising(error))
    printed = capsys.readouterr()

    assert found == code
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_a_traceback_is_shown_to_who_asks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The variable that the message names shows where it happened."""
    monkeypatch.setenv("LLAMA4REF_TRACEBACK", "1")
    exit_code_of(_raising(ValueError("a fault of ours")))

    assert "Traceback" in capsys.readouterr().err


def test_help_names_every_command_and_does_not_import_them(call: Callable[..., Answer]) -> None:
    """The list of commands is the program's own."""
    answer = call("--help")

    assert answer.code == 0
    assert all(f"\n  {name} " in answer.out for name in program.list_commands(click.Context(program)))


@pytest.mark.parametrize("name", program.list_commands(click.Context(program)))
def test_every_command_has_help_with_json(call: Callable[..., Answer], name: str) -> None:
    """Each takes --json, itself or in its own commands."""
    answer = call(name, "--help")
    inner = program.get_command(click.Context(program), name)
    leaves = inner.commands.values() if isinstance(inner, click.Group) else [inner]

    assert answer.code == 0
    assert all("as_json" in {parameter.name for parameter in leaf.params} for leaf in leaves)


def test_an_unknown_command_offers_the_nearest(call: Callable[..., Answer]) -> None:
    """A slip of spelling is met."""
    answer = call("plann")

    assert (answer.code, answer.out) == (2, "")
    assert "did you mean plan" in answer.err


def test_an_unknown_option_offers_the_nearest(call: Callable[..., Answer]) -> None:
    """The same for options."""
    answer = call("plan", "--contxt", "1M")

    assert answer.code == 2
    assert "--context" in answer.err


def test_version(spawn: Callable[..., Answer]) -> None:
    """The package's own."""
    from llama4ref import __version__

    assert spawn("--version").out == f"llama4ref {__version__}\n"


@pytest.mark.parametrize(
    "words", [["facts", "export"], ["facts", "disagreements"], ["plan", "--model", "scout", "--all"]]
)
def test_a_reader_that_goes_away_ends_it_quietly(words: list[str]) -> None:
    """As with any other tool in a pipe."""
    with subprocess.Popen(
        [sys.executable, "-m", "llama4ref.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        complaint = process.stderr.read()
        process.wait(timeout=60)

    assert complaint == b""
    assert process.returncode == 141


def test_output_without_unicode_is_no_error(spawn: Callable[..., Answer]) -> None:
    """Characters that the terminal cannot show are replaced."""
    answer = spawn("plan", "--model", "scout", "--gpu", "h100-sxm", "--count", "8", PYTHONIOENCODING="ascii")

    assert answer.code == 0
    assert answer.out.isascii()


def test_ctrl_c_is_one_line(tmp_path: object) -> None:
    """An interrupted command says so and returns what a shell expects."""
    script = (
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job starts with SIGINT ignored\n"
        "import llama4ref.cli.plan_command as command\n"
        "command.planned = lambda request: os.kill(os.getpid(), signal.SIGINT)\n"
        "from llama4ref.cli.program import program\n"
        "program.main(['plan', '--model', 'scout'], prog_name='llama4ref')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=dict(os.environ)
    )

    assert done.returncode == 130
    assert done.stderr == "llama4ref: interrupted\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("plan --gpu h200", "h200-sxm"),
        ("plan --model sc", "scout"),
        ("plan --goal lat", "latency"),
        ("prov", "providers"),
    ],
)
def test_a_shell_completes_commands_options_and_names(line: str, expected: str) -> None:
    """As click's own completion asks for them."""
    words = f"llama4ref {line}"
    environment = {
        "_LLAMA4REF_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    script = "from llama4ref.cli.program import program; program.main(prog_name='llama4ref')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
        timeout=60,
    )

    assert f"plain,{expected}\n" in done.stdout
    assert done.stderr == ""
