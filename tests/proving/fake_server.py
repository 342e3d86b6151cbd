"""A stand-in for vLLM's server, for the faults that the real one does not have on demand.

It takes the same command line, and `--behaviour` says what goes wrong.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

SLEEPER = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"


class Healthy(BaseHTTPRequestHandler):
    """Answers every GET; a completion ends it, or is answered with an error and status 200."""

    behaviour = "fine"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        if self.behaviour == "dies when asked":
            sys.stdout.write(
                "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity\n"
            )
            sys.stdout.flush()
            os._exit(1)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"error": {"message": "overloaded"}}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--behaviour", default="fine")
    parser.add_argument("--pids", type=Path)
    known, _ = parser.parse_known_args()
    children = [subprocess.Popen([sys.executable, "-c", SLEEPER])]
    if known.behaviour == "escaping child":
        children.append(subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True))
    if known.behaviour == "orphan":
        start = f"subprocess.Popen([sys.executable, '-c', {SLEEPER!r}], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)"
        code = f"import subprocess, sys; print({start}.pid)"
        orphan = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout
        known.pids.write_text(orphan, encoding="utf-8")
    if known.behaviour == "stubborn child":
        child = subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=True, stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        children.append(child)
    if known.behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with known.pids.open("a", encoding="utf-8") as pids:
        pids.write("\n".join(map(str, [os.getpid(), *(child.pid for child in children)])) + "\n")
    if known.behaviour == "crash":
        sys.exit("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity")
    if known.behaviour == "hang":
        time.sleep(600)
    Healthy.behaviour = known.behaviour
    server = HTTPServer(("127.0.0.1", known.port), Healthy)
    if known.behaviour == "flood":
        for _ in range(2000):
            sys.stdout.write("words without end " * 1000)
    sys.stdout.write("Application startup complete\n")
    if known.behaviour == "talkative":
        sys.stdout.write("Starting vLLM server on http://127.0.0.1\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
