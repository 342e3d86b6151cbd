"""How fast does a running server answer, at each of several numbers of requests at once?

Completions of fixed lengths are streamed, and the moments at which tokens arrive are noted: the time to the first token
and the time between tokens. Prompts are token ids without a common prefix, so the prefix cache gives nothing away.
"""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import ProbeError
from llama4ref.proving.probes.questions import prompt_of
from llama4ref.proving.server.launching import HOST

if TYPE_CHECKING:
    from llama4ref.proving.server.launching import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What was seen at one number of requests at once. Times are medians over requests, in seconds."""

    concurrency: int
    prompt_tokens: int
    output_tokens: int
    first_token_seconds: float
    """From sending a request to its first token."""
    between_tokens_seconds: float
    """Between two tokens of a request."""
    output_tokens_per_second: float
    """Of all requests together, from the first sent to the last answered."""


def measure_speed(
    server: Server,
    *,
    concurrencies: Sequence[int],
    prompt_tokens: int,
    output_tokens: int,
    timeout_seconds: float = 120.0,
) -> tuple[Speed, ...]:
    """Stream so many requests at once, for each number in turn, after one request that is not counted.

    Raises:
        ProbeError: where the server stops answering or sends fewer tokens than asked for.
    """
    _stream(server, prompt_of(prompt_tokens, seed=999), output_tokens, timeout_seconds)
    return tuple(
        _at_once(server, concurrency, prompt_tokens, output_tokens, timeout_seconds) for concurrency in concurrencies
    )


def _at_once(server: Server, concurrency: int, prompt_tokens: int, output_tokens: int, timeout: float) -> Speed:
    def ask(index: int) -> list[float]:
        return _stream(server, prompt_of(prompt_tokens, seed=1000 * concurrency + index), output_tokens, timeout)

    started = time.monotonic()
    with ThreadPoolExecutor(concurrency) as pool:
        moments = list(pool.map(ask, range(concurrency)))
    seconds = time.monotonic() - started
    return Speed(
        concurrency=concurrency,
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens,
        first_token_seconds=statistics.median(request[0] for request in moments),
        between_tokens_seconds=statistics.median(
            (request[-1] - request[0]) / (output_tokens - 1) for request in moments
        ),
        output_tokens_per_second=concurrency * output_tokens / seconds,
    )


def _stream(server: Server, prompt: list[int], output_tokens: int, timeout: float) -> list[float]:
    """Seconds from sending a request to each of its pieces; no JSON is read, so that many streams cost little."""
    body = {
        "model": server.model,
        "prompt": prompt,
        "max_tokens": output_tokens,
        "min_tokens": output_tokens,
        "ignore_eos": True,
        "temperature": 0,
        "stream": True,
    }
    connection = http.client.HTTPConnection(HOST, server.port, timeout=timeout)
    started = time.monotonic()
    try:
        connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        lines = (line for line in response if line.startswith(b"data: {"))
        moments = [time.monotonic() - started for _ in lines]
    except (OSError, http.client.HTTPException) as error:
        message = f"the server stopped answering while its speed was measured; its log is {server.log}"
        raise ProbeError(message) from error
    finally:
        connection.close()
    if response.status != http.client.OK or len(moments) < 2:
        message = f"a stream of {output_tokens} tokens gave {len(moments)} pieces with status {response.status}"
        raise ProbeError(message)
    return moments
