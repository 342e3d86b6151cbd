"""When did the tokens of a streamed completion arrive?

A stream is a sequence of server-sent events, each with a piece of the reply. A piece may hold several tokens, or none, so the
server is asked to count (`stream_options.continuous_usage_stats`) and its counts are used. Whatever is not as it must be is an
error: times taken from a broken stream would look like a very fast server.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from llama4ref.errors import ProbeError

STREAM_OPTIONS = {"include_usage": True, "continuous_usage_stats": True}
"""What makes vLLM say with each piece how many tokens it has sent so far."""
_SHOWN = 200
"""Characters of a server's words in a message."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One piece of a reply."""

    seconds: float
    """Since the request was sent."""
    tokens: int
    """Tokens of the reply so far, those of this piece among them."""


def arrivals(lines: Iterable[tuple[float, bytes]], *, prompt_tokens: int, output_tokens: int) -> tuple[Arrival, ...]:
    """The pieces of one reply that hold tokens, from the lines of its stream with the moments at which each was read.

    Raises:
        ProbeError: where the stream holds an error, is not as the protocol asks, ends early, or is of other numbers of tokens than
            asked for.
    """
    found: list[Arrival] = []
    for seconds, event in _events(lines):
        counted = _usage(event)
        if counted["prompt_tokens"] != prompt_tokens:
            raise ProbeError(
                f"the stream is of a prompt of {counted['prompt_tokens']} tokens, {prompt_tokens} were sent"
            )
        so_far = found[-1].tokens if found else 0
        if counted["completion_tokens"] < so_far:
            raise ProbeError(f"the stream counts backwards, from {so_far} to {counted['completion_tokens']} tokens")
        if counted["completion_tokens"] > so_far:
            found.append(Arrival(seconds, counted["completion_tokens"]))
    total = found[-1].tokens if found else 0
    if total != output_tokens:
        raise ProbeError(f"the stream holds {total} tokens, {output_tokens} were asked for")
    return tuple(found)


def _events(lines: Iterable[tuple[float, bytes]]) -> Iterator[tuple[float, Mapping[str, object]]]:
    """The JSON of each event until the end is announced; empty lines and comments mean nothing."""
    for seconds, line in lines:
        text = line.strip()
        if not text or text.startswith(b":"):
            continue
        if not text.startswith(b"data:"):
            raise ProbeError(f"the answer is no stream of events: {_shown(text)}")
        if text[5:].strip() == b"[DONE]":
            return
        yield seconds, _event(text[5:])
    raise ProbeError("the stream ended before its end was announced")


def _event(text: bytes) -> Mapping[str, object]:
    try:
        event = json.loads(text)
    except ValueError as error:
        raise ProbeError(f"the stream holds no JSON: {_shown(text)}") from error
    if not isinstance(event, dict):
        raise ProbeError(f"the stream holds no event: {_shown(text)}")
    if "error" in event:
        raise ProbeError(f"the server ended the stream with an error: {_shown(json.dumps(event['error']).encode())}")
    return event


def _usage(event: Mapping[str, object]) -> dict[str, int]:
    usage = event.get("usage")
    counts = {
        name: usage.get(name) if isinstance(usage, dict) else None for name in ("prompt_tokens", "completion_tokens")
    }
    whole = {name: count for name, count in counts.items() if isinstance(count, int) and not isinstance(count, bool)}
    if len(whole) != len(counts):
        raise ProbeError(f"the server does not say how many tokens a piece holds: {_shown(json.dumps(event).encode())}")
    return whole


def _shown(text: bytes) -> str:
    return repr(text[:_SHOWN].decode("utf-8", errors="replace"))
