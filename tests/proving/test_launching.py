"""A server is always ended, whatever ends the program that started it."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import llama4ref
from llama4ref.errors import LaunchError, PortInUseError
from llama4ref.planning import PlanRequest, plan
from llama4ref.proving.server import supervising
from llama4ref.proving.server.explaining import explain
from llama4ref.proving.server.launching import Launch, for_serving, free_port, launch
from llama4ref.rendering import render
from llama4ref.rendering.server_command import Option, ServerCommand, server_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llama4ref.facts import Catalog

HERE = Path(__file__).parent
PATH = os.pathsep.join([str(HERE), str(Path(llama4ref.__file__).parent.parent)])

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="process trees are walked through /proc")


def fake(tmp_path: Path, behaviour: str = "fine", *, port: int | None = None, **changes: object) -> Launch:
    """A launch of the stand-in."""
    options = {"port": str(port or free_port()), "behaviour": behaviour, "pids": str(tmp_path / "pids")}
    return Launch(
        command=ServerCommand(
            model=str(tmp_path),
            options=tuple(Option(name=name, value=value) for name, value in options.items()),
            environment={"PYTHONPATH": PATH},
            environment_reasons={},
        ),
        log=tmp_path / "server.log",
        module="fake_server",
        grace_seconds=1.0,
        **{"time_limit_seconds": 20.0} | changes,
    )


def left_over(tmp_path: Path, *, within_seconds: float = 10.0) -> list[int]:
    """Processes of the stand-in that still run after a while."""
    pids = [int(pid) for pid in (tmp_path / "pids").read_text(encoding="utf-8").split()]
    assert pids, "the stand-in did not say what it started"
    return still_running(pids, within_seconds=within_seconds)


def still_running(pids: Sequence[int], *, within_seconds: float) -> list[int]:
    """Which of some processes still run after a while."""
    deadline = time.monotonic() + within_seconds
    while running := [pid for pid in pids if is_running(pid)]:
        if time.monotonic() > deadline:
            return running
        time.sleep(0.05)
    return []


def is_running(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("behaviour", ["fine", "escaping child", "orphan", "stubborn", "stubborn child"])
def test_nothing_is_left_when_the_context_ends(tmp_path: Path, behaviour: str) -> None:
    """Neither the server nor its children are left, not even those that left its session or their parent."""
    with launch(fake(tmp_path, behaviour)) as server:
        assert server.get("/health") == ""

    assert left_over(tmp_path, within_seconds=0.5) == []


def test_nothing_is_left_after_an_exception(tmp_path: Path) -> None:
    """An error in the body ends the server and passes through."""
    with pytest.raises(ZeroDivisionError), launch(fake(tmp_path)):
        _ = 1 / 0

    assert left_over(tmp_path, within_seconds=0.5) == []


@contextmanager
def launching(tmp_path: Path, behaviour: str) -> Iterator[subprocess.Popen[str]]:
    """A program that has launched the stand-in and waits."""
    program = f"""
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job starts with SIGINT ignored
from pathlib import Path
sys.path.insert(0, {str(HERE)!r})
from test_launching import fake
from llama4ref.proving.server.launching import launch
with launch(fake(Path({str(tmp_path)!r}), {behaviour!r})):
    print("ready", flush=True)
    time.sleep(600)
"""
    launcher = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,  # Python looks for modules where it is started first
        env=os.environ | {"PYTHONPATH": PATH},
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert launcher.stdout is not None
        with launcher.stdout:
            assert launcher.stdout.readline() == "ready\n"
        yield launcher
    finally:
        launcher.kill()
        launcher.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_when_the_program_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, SIGTERM and even SIGKILL of the launching program end the server."""
    with launching(tmp_path, "escaping child") as launcher:
        launcher.send_signal(number)
        launcher.wait(30)

        assert left_over(tmp_path) == []


@pytest.mark.parametrize("order", ["launcher first", "launcher last"])
@pytest.mark.parametrize("whole_group", [False, True], ids=["one process", "its whole group"])
@pytest.mark.parametrize("file", ["guarding.py", "supervising.py"])
@pytest.mark.parametrize("behaviour", ["orphan", "stubborn child"])
def test_nothing_is_left_when_the_program_and_what_watches_it_are_killed(
    tmp_path: Path, behaviour: str, file: str, whole_group: bool, order: str
) -> None:
    """SIGKILL of the launching program and of a process between it and the server leaves nothing, whoever is killed first."""
    with launching(tmp_path, behaviour) as launcher:
        below = supervising.descendants(launcher.pid)
        watching = next(pid for pid in below if Path(command_line(pid)[3]).name == file)
        kills = [launcher.kill, partial(os.killpg if whole_group else os.kill, watching, signal.SIGKILL)]
        for kill in kills if order == "launcher first" else reversed(kills):
            kill()

        assert left_over(tmp_path) == []
        assert still_running(below, within_seconds=10) == []


def command_line(pid: int) -> list[str]:
    """The words that a process was started with, and enough empty ones."""
    return [*Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0"), "", "", "", ""]


def test_a_killed_supervisor_takes_the_server_with_it(tmp_path: Path) -> None:
    """Killing the process between launcher and server leaves nothing either."""
    with launch(fake(tmp_path)) as server:
        os.kill(server.pid, signal.SIGKILL)

    assert left_over(tmp_path) == []


def test_a_second_sigterm_changes_nothing(tmp_path: Path) -> None:
    """A supervisor that is told twice still ends a server that does not want to end, by itself."""
    server = [sys.executable, str(HERE / "fake_server.py"), "--port", str(free_port()), "--behaviour", "stubborn"]
    supervisor = subprocess.Popen(
        [sys.executable, supervising.__file__, "1.0", *server, "--pids", str(tmp_path / "pids")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdin
    assert supervisor.stdout
    assert supervisor.stderr
    with supervisor.stdin, supervisor.stdout, supervisor.stderr:
        supervisor.stdout.readline()
        for _ in range(3):
            supervisor.send_signal(signal.SIGTERM)
            time.sleep(0.2)
        try:
            code = supervisor.wait(10)
        finally:
            for pid in (supervisor.pid, *map(int, (tmp_path / "pids").read_text(encoding="utf-8").split())):
                supervising.end(pid, signal.SIGKILL)
        complaint = supervisor.stderr.read()

    assert code == 128 + signal.SIGKILL
    assert complaint == ""
    assert left_over(tmp_path, within_seconds=0.5) == []


@pytest.mark.parametrize("behaviour", ["flood", "talkative"])
def test_what_else_a_server_says_keeps_no_one_waiting(tmp_path: Path, behaviour: str) -> None:
    """Neither a log of 36 MB before it is ready, nor a stage that is named after it is ready."""
    with launch(fake(tmp_path, behaviour)) as server:
        assert server.get("/health") == ""

    assert server.stages[-1][0] in {"ready", "starting the API"}


@pytest.mark.parametrize("limit", [1.0, float("nan")])
def test_a_limit_that_is_no_number_ends_at_once(tmp_path: Path, limit: float) -> None:
    """A server is never waited for without end."""
    with (
        pytest.raises(LaunchError, match="was not ready after"),
        launch(fake(tmp_path, "hang", time_limit_seconds=limit)),
    ):
        pytest.fail("the server is not ready")


def test_a_server_that_ends_early_is_an_error_with_its_exit_code(tmp_path: Path) -> None:
    """The error names the log, which is kept and can be explained."""
    with pytest.raises(LaunchError, match="ended with exit code 1") as error, launch(fake(tmp_path, "crash")):
        pytest.fail("the server is not ready")

    assert error.value.server_exit_code == 1
    assert "20.00 GiB" in explain(Path(error.value.log).read_text(encoding="utf-8")).what
    assert left_over(tmp_path, within_seconds=0.5) == []


def test_a_server_that_never_becomes_ready_is_given_up(tmp_path: Path) -> None:
    """After the time limit it is ended like any other."""
    hanging = fake(tmp_path, "hang", time_limit_seconds=1.5)
    with pytest.raises(LaunchError, match="not ready after 2 s") as error, launch(hanging):
        pytest.fail("the server is not ready")

    assert error.value.server_exit_code is None
    assert left_over(tmp_path, within_seconds=0.5) == []


def test_a_taken_port_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    """The error names the port, and no log is written."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=str(port)), launch(fake(tmp_path, port=port)):
            pytest.fail("the port is taken")

    assert not (tmp_path / "server.log").exists()


def test_port_zero_is_any_free_one() -> None:
    """Two calls give ports that can be bound."""
    assert free_port() > 1023


def test_what_is_launched_is_what_is_printed(tmp_path: Path, catalog: Catalog) -> None:
    """The words that rendering prints, but for the name of the checkpoint; then what only a proof needs, with its reason."""
    engine = catalog.engine("vllm")
    wish = PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M", engine_release="0.32.0")
    best = plan(wish, catalog).best
    printed = shlex.split(render(best, "command", engine).replace("\\\n", ""), comments=True)
    config = for_serving(best.config, checkpoint=tmp_path, port=0)
    launched = server_command(config, engine).module_words
    shared = ("--model", str(tmp_path), *printed[3:])
    reasons = {reason.about: reason.because for reason in config.reasons}

    assert printed[:3] == ["vllm", "serve", best.settings["model"]]
    assert launched[: len(shared)] == shared
    assert launched[len(shared) :: 2] == ("--served-model-name", "--host", "--port")
    assert {reasons[name] for name in ("model", "served-model-name", "host", "port")} == {"for the proof alone"}


def test_the_log_begins_with_the_words_that_were_started(tmp_path: Path) -> None:
    """Quoted, so that they can be started again."""
    wanted = fake(tmp_path)
    with launch(wanted):
        first = (tmp_path / "server.log").read_text(encoding="utf-8").splitlines()[0]

    assert shlex.split(first)[1:] == ["-m", "fake_server", *wanted.command.module_words]
