"""Who ends the server when its supervisor is killed, and the program that started it with it?

This file is run as a program of its own, by file name, between the launcher and `supervising`. Each of the two is in a session
of its own and ends the server when the other one is killed, so that a server outlives neither `kill -9` of the launcher and one of
them, nor that of a whole process group. Both look for processes by descent: a mark in the environment would be lost where a process
writes its title over it, as vLLM's engine does.

    python guarding.py GRACE_SECONDS COMMAND…
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[3]))  # it is run without site-packages, to start at once

from llama4ref.proving.server import supervising


def guard(grace_seconds: str, command: list[str]) -> int:
    """Run a command under a supervisor, and kill whatever is left once the supervisor is gone; the exit code of the command.

    Standard input is the supervisor's, which ends everything when it closes.
    """
    supervising.adopt_descendants()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    supervisor = subprocess.Popen(
        [sys.executable, "-I", "-S", supervising.__file__, grace_seconds, *command],
        preexec_fn=supervising.end_with_parent,  # noqa: PLW1509
        start_new_session=True,
    )
    signal.signal(signal.SIGTERM, lambda *_: supervisor.terminate())
    code = supervisor.wait()
    supervising.kill_descendants()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(guard(sys.argv[1], sys.argv[2:]))
