"""Latencies and throughput are those of whole replies; a server that answers otherwise gives an error, and no number."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import ProbeError
from llama4ref.facts.types.metrics import metric
from llama4ref.proving.probes.load_test import latencies, load_test, load_tests
from llama4ref.proving.probes.token_stream import Arrival
from llama4ref.proving.server.launching import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE = 'data: {{"choices": [], "usage": {{"prompt_tokens": 4, "completion_tokens": {}}}}}\n\n'
DONE = "data: [DONE]\n\n"


@contextmanager
def server(tmp_path: Path, *parts: str, status: int = 200, length: int | None = None) -> Iterator[Server]:
    """One that answers every completion with the same parts, a little apart, and then hangs up."""

    class Scripted(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            if length is not None:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            for part in parts:
                self.wfile.write(part.encode())
                self.wfile.flush()
                time.sleep(0.002)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Scripted) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield Server(port=http.server_port, model="m", log=tmp_path / "log", pid=1, startup_seconds=0.0, stages=())
        http.shutdown()


def test_latencies_are_vllms() -> None:
    """Worked by hand: two replies of five tokens, the second with two tokens in its first piece and two in its last."""
    steady = [Arrival(1.0, 1), Arrival(1.1, 2), Arrival(1.2, 3), Arrival(1.3, 4), Arrival(1.8, 5)]
    bundled = [Arrival(2.0, 2), Arrival(2.3, 3), Arrival(2.6, 5)]
    seen = latencies([steady, bundled])

    assert seen == pytest.approx(
        {
            "ttft_mean": 1.5,
            "ttft_median": 1.5,
            "tpot_mean": 0.2,  # (1.8 - 1.0) / 4 and (2.6 - 2.0) / 3
            "tpot_median": 0.2,
            "itl_mean": 0.2,  # 0.1 0.1 0.1 0.5, and 0.3 0.15 0.15
            "itl_median": 0.15,
            "e2el_mean": 2.2,
            "e2el_median": 2.2,
        }
    )


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ([Arrival(1.0, 8)], "came in one piece"),
        ([Arrival(1.0, 1), Arrival(1.00003, 7)], "5.0 microseconds"),
        ([Arrival(1.0, 1), Arrival(1.000099, 2)], "held back"),
    ],
)
def test_a_reply_that_was_held_back_has_no_time_between_tokens(reply: list[Arrival], message: str) -> None:
    """No server computes a token in microseconds."""
    with pytest.raises(ProbeError, match=message):
        latencies([reply])


def test_throughput_counts_all_requests() -> None:
    """Worked by hand: two replies of five tokens to prompts of forty, in four seconds."""
    replies = [[Arrival(1.0, 1), Arrival(2.0, 5)], [Arrival(1.5, 1), Arrival(3.9, 5)]]
    seen = load_test(replies, prompt_tokens=40, seconds=4.0)

    assert (seen.concurrency, seen.prompt_tokens, seen.output_tokens) == (2, 40, 5)
    assert seen.values["output_throughput"] == 2.5
    assert seen.values["total_throughput"] == 22.5
    assert seen.values["request_throughput"] == 0.5


def test_each_number_of_requests_is_sent_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over HTTP, where a busy machine may read two pieces at one moment."""
    monkeypatch.setattr("llama4ref.proving.probes.load_test.SHORTEST_TOKEN_SECONDS", 0.0)
    with server(tmp_path, PIECE.format(1), PIECE.format(3), DONE) as running:
        seen = load_tests(running, concurrencies=(1, 4), prompt_tokens=4, output_tokens=3)

    assert [(each.concurrency, each.prompt_tokens, each.output_tokens) for each in seen] == [(1, 4, 3), (4, 4, 3)]
    assert all(metric(name).of_requests and value >= 0 for each in seen for name, value in each.values.items())


@pytest.mark.parametrize(
    ("parts", "changes", "message"),
    [
        ((PIECE.format(1), PIECE.format(2), 'data: {"error": {"message": "died"}}\n\n', DONE), {}, "an error: .*died"),
        ((PIECE.format(1), PIECE.format(2), DONE), {}, "2 tokens, 3 were asked for"),
        (('{"error": {"message": "overloaded"}}',), {}, "no stream of events: .*overloaded"),
        (('{"object": "error", "message": "too long"}',), {"status": 400}, "status 400: .*too long"),
        ((PIECE.format(1), "data: {broken\n\n", DONE), {}, "no JSON"),
        ((PIECE.format(1), PIECE.format(3)), {}, "ended before its end"),
        ((PIECE.format(1),), {"length": 10_000}, "ended before its end|stopped answering"),
        ((": ping\n" * 100,), {}, "too many for its tokens"),
        (("data: " + "x" * 70_000,), {}, "too long for one event"),
    ],
)
def test_a_wrong_answer_gives_no_speed(
    tmp_path: Path, parts: tuple[str, ...], changes: dict[str, int], message: str
) -> None:
    """An error inside a stream, too few tokens, an error with status 200, lines that never end."""
    with server(tmp_path, *parts, **changes) as running, pytest.raises(ProbeError, match=message):
        load_tests(running, concurrencies=(1,), prompt_tokens=4, output_tokens=3)


def test_a_server_that_is_gone_gives_no_speed(tmp_path: Path) -> None:
    """The message names its log."""
    with server(tmp_path) as running:
        pass

    with pytest.raises(ProbeError, match=r"stopped answering while its speed was measured; its log is .*log"):
        load_tests(running, concurrencies=(1,), prompt_tokens=4, output_tokens=3)
