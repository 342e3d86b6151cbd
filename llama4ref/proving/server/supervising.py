"""Who ends the server when the program that started it is gone?

This file is run as a program of its own, by file name, between `guarding` and the server. It ends the server and
everything that came from it when its standard input closes, which happens in every end of the launcher: a return, an
exception, Ctrl-C, SIGTERM, even `kill -9`. Where this program itself is killed, `guarding` does the same. On Linux both are
reapers of all their descendants, so a process that left its parent or its session is still found. It uses the standard library
only, to start at once.

    python supervising.py GRACE_SECONDS COMMAND…
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
TIDYING_SECONDS = 3.0
"""How long Python's resource trackers may take to unlink what killed processes shared."""
KILL_SECONDS = 10.0
"""How long killed processes may take to disappear."""


def descendants(ancestor: int) -> list[int]:
    """Process ids of everything that came from a process, as `/proc` tells; nothing where there is none."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found = []
    waiting = [ancestor]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def end(pid: int, number: int) -> None:
    """Send a signal, unless the process is gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _control_process(option: int, value: int) -> None:
    """Call `prctl` where there is one."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def adopt_descendants() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _control_process(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """In a child, before it starts: be told to end when the parent is gone, and take signals as usual."""
    _control_process(PR_SET_PDEATHSIG, signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _reap() -> None:
    """Collect descendants that have ended and were handed over to this process."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return


def end_everything(server: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """Ask the server to end, and kill what is left of it and its descendants after the grace."""
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            server.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(KILL_SECONDS)
    kill_descendants()


def kill_descendants() -> None:
    """Kill everything that came from this process, and wait until it is gone."""
    started = time.monotonic()
    while (left := descendants(os.getpid())) and (waited := time.monotonic() - started) < KILL_SECONDS:
        for pid in left:
            if waited > TIDYING_SECONDS or not _is_tidying(pid):
                end(pid, signal.SIGKILL)
        _reap()
        time.sleep(0.02)


def _is_tidying(pid: int) -> bool:
    """Whether a process is Python's resource tracker: it unlinks shared memory once its users are gone, then ends."""
    try:
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def supervise(grace_seconds: float, command: list[str]) -> int:
    """Run a command until it ends or standard input closes; its exit code, as a shell would give it."""
    adopt_descendants()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    told_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=end_with_parent,  # noqa: PLW1509
    )
    while server.poll() is None and not told_to_end.is_set():
        readable, _, _ = select.select([0], [], [], 0.1)
        if readable and not os.read(0, 1):
            break
    code = server.poll()
    end_everything(server, grace_seconds)
    code = server.returncode if code is None else code
    if code is None:  # killed, and still not gone
        return 128 + signal.SIGKILL
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(supervise(float(sys.argv[1]), sys.argv[2:]))
