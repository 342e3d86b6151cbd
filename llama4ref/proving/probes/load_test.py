"""How fast does a running server answer, at each of several numbers of requests at once?

Completions of fixed lengths are streamed, and the moments at which tokens arrive are noted. Prompts are token ids without a
common prefix, so the prefix cache gives nothing away. What is measured has the names and the meanings of vLLM's own benchmark.
"""

from __future__ import annotations

import http.client
import itertools
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from llama4ref.errors import ProbeError
from llama4ref.proving.probes.questions import prompt_of
from llama4ref.proving.probes.token_stream import STREAM_OPTIONS, Arrival, arrivals
from llama4ref.proving.server.launching import HOST
from llama4ref.proving.verdict import LoadTest

if TYPE_CHECKING:
    from llama4ref.proving.server.launching import Server

SHORTEST_TOKEN_SECONDS = 1e-4
"""Less than this between two tokens of one request means that the stream was held back and sent at once: it is below what the
kernel launches of a single layer take."""
LONGEST_LINE = 65_536
"""More bytes than this in one line are no event of a completion."""
LINES_A_TOKEN = 4
"""More lines than this for each token asked for, and a few, are no stream of tokens."""


def load_tests(
    server: Server,
    *,
    concurrencies: Sequence[int],
    prompt_tokens: int,
    output_tokens: int,
    timeout_seconds: float = 120.0,
) -> tuple[LoadTest, ...]:
    """Stream so many requests at once, for each number in turn, after one request that is not counted.

    Args:
        server: the one that is measured.
        concurrencies: numbers of requests at once.
        prompt_tokens: of every request.
        output_tokens: of every reply; at least 2, since there is no time between tokens otherwise.
        timeout_seconds: for the next line of a reply.

    Raises:
        ProbeError: where the server stops answering, answers with an error, or sends other tokens than asked for.
    """
    _stream(server, prompt_of(prompt_tokens, seed=999), output_tokens, timeout_seconds)
    return tuple(
        _at_once(server, concurrency, prompt_tokens, output_tokens, timeout_seconds) for concurrency in concurrencies
    )


def _at_once(server: Server, concurrency: int, prompt_tokens: int, output_tokens: int, timeout: float) -> LoadTest:
    def ask(index: int) -> tuple[Arrival, ...]:
        return _stream(server, prompt_of(prompt_tokens, seed=1000 * concurrency + index), output_tokens, timeout)

    started = time.monotonic()
    with ThreadPoolExecutor(concurrency) as pool:
        replies = list(pool.map(ask, range(concurrency)))
    return load_test(replies, prompt_tokens=prompt_tokens, seconds=time.monotonic() - started)


def load_test(replies: Sequence[Sequence[Arrival]], *, prompt_tokens: int, seconds: float) -> LoadTest:
    """What replies of one length, all asked for at once, come to; `seconds` are from the first sent to the last answered."""
    concurrency, output_tokens = len(replies), replies[0][-1].tokens
    return LoadTest(
        concurrency=concurrency,
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens,
        values={
            **latencies(replies),
            "output_throughput": concurrency * output_tokens / seconds,
            "total_throughput": concurrency * (prompt_tokens + output_tokens) / seconds,
            "request_throughput": concurrency / seconds,
        },
    )


def latencies(replies: Sequence[Sequence[Arrival]]) -> dict[str, float]:
    """Mean and median of each latency over replies of at least two tokens.

    The time per output token is one number for a reply; the inter-token latency is one for each token after the first piece,
    where the tokens of one piece share the time since the piece before.

    Raises:
        ProbeError: where a reply came as one piece, or faster than any server can compute it.
    """
    each = {
        "ttft": [reply[0].seconds for reply in replies],
        "tpot": [_time_per_output_token(reply) for reply in replies],
        "itl": [gap for reply in replies for gap in _gaps(reply)],
        "e2el": [reply[-1].seconds for reply in replies],
    }
    return {
        f"{name}_{statistic}": of(values)
        for name, values in each.items()
        for statistic, of in (("mean", statistics.fmean), ("median", statistics.median))
    }


def _time_per_output_token(reply: Sequence[Arrival]) -> float:
    first, last = reply[0], reply[-1]
    if first.tokens == last.tokens:
        raise ProbeError(f"the {last.tokens} tokens of a reply came in one piece, so no time between tokens is known")
    seconds = (last.seconds - first.seconds) / (last.tokens - first.tokens)
    if seconds < SHORTEST_TOKEN_SECONDS:
        raise ProbeError(f"a reply was held back and sent at once: {seconds * 1e6:.1f} microseconds between its tokens")
    return seconds


def _gaps(reply: Sequence[Arrival]) -> Iterator[float]:
    for before, piece in itertools.pairwise(reply):
        tokens = piece.tokens - before.tokens
        yield from [(piece.seconds - before.seconds) / tokens] * tokens


def _stream(server: Server, prompt: list[int], output_tokens: int, timeout: float) -> tuple[Arrival, ...]:
    """The arrivals of one reply. The stream is read first and understood afterwards, so that many at once cost little."""
    body = {
        "model": server.model,
        "prompt": prompt,
        "max_tokens": output_tokens,
        "min_tokens": output_tokens,
        "ignore_eos": True,
        "temperature": 0,
        "stream": True,
        "stream_options": STREAM_OPTIONS,
    }
    connection = http.client.HTTPConnection(HOST, server.port, timeout=timeout)
    started = time.monotonic()
    try:
        connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        lines = [(time.monotonic() - started, line) for line in _read(response, LINES_A_TOKEN * output_tokens + 64)]
    except (OSError, http.client.HTTPException) as error:
        raise ProbeError(
            f"the server stopped answering while its speed was measured; its log is {server.log}"
        ) from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        text = b"".join(line for _, line in lines)[:200].decode("utf-8", errors="replace")
        raise ProbeError(f"a stream of {output_tokens} tokens was answered with status {response.status}: {text}")
    return arrivals(lines, prompt_tokens=len(prompt), output_tokens=output_tokens)


def _read(response: http.client.HTTPResponse, most_lines: int) -> Iterator[bytes]:
    """The lines of an answer, of which neither the number nor the length may grow without end."""
    for _ in range(most_lines):
        line = response.readline(LONGEST_LINE + 1)
        if not line:
            return
        if len(line) > LONGEST_LINE:
            raise ProbeError(f"the answer has a line of more than {LONGEST_LINE:,} bytes, too long for one event")
        yield line
    raise ProbeError(f"the answer has more than {most_lines} lines, too many for its tokens")
