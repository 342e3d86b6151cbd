"""Only a whole stream of the tokens that were asked for gives times; everything else is an error."""

from __future__ import annotations

import json

import pytest

from llama4ref.errors import ProbeError
from llama4ref.proving.probes.token_stream import Arrival, arrivals

DONE = b"data: [DONE]\n"


def piece(tokens: int, *, prompt: int = 5, **changes: object) -> bytes:
    """A piece as vLLM sends it, with the counts so far."""
    usage = {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}
    content = {"id": "cmpl-1", "choices": [{"index": 0, "text": "x", "finish_reason": None}], "usage": usage}
    return b"data: " + json.dumps(content | changes).encode() + b"\n"


def read(*lines: bytes, tokens: int = 3) -> tuple[Arrival, ...]:
    """The arrivals of lines that come a tenth of a second apart."""
    timed = [(round(0.1 * number, 1), line) for number, line in enumerate(lines, 1)]
    return arrivals(timed, prompt_tokens=5, output_tokens=tokens)


def test_each_piece_counts_its_tokens() -> None:
    """Pieces of one token, of two, and of none; empty lines, comments and the closing usage are no pieces."""
    seen = read(piece(0), piece(1), b"\n", b": ping\n", piece(3), piece(3, choices=[]), DONE)

    assert seen == (Arrival(0.2, 1), Arrival(0.5, 3))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((piece(1), piece(2), b'data: {"error": {"message": "engine died"}}\n', DONE), "an error: .*engine died"),
        ((b'{"error": {"message": "no such model"}}\n',), "no stream of events: .*no such model"),
        ((piece(1), piece(2), DONE), "holds 2 tokens, 3 were asked for"),
        ((piece(1), piece(4), DONE), "holds 4 tokens, 3 were asked for"),
        ((DONE,), "holds 0 tokens"),
        ((piece(1), piece(2), piece(3)), "ended before its end"),
        ((), "ended before its end"),
        ((piece(1), b"data: {not json\n", DONE), "no JSON"),
        ((piece(1), b"data: [1, 2]\n", DONE), "no event"),
        ((piece(1), b"data:\n", DONE), "no JSON"),
        ((piece(1), b"<html>\n"), "no stream of events"),
        ((piece(2), piece(1), DONE), "backwards"),
        ((piece(1, prompt=4), DONE), "prompt of 4 tokens, 5 were sent"),
        ((piece(1, usage=None), DONE), "does not say how many tokens"),
        ((piece(1, usage={"prompt_tokens": 5, "completion_tokens": "1"}), DONE), "does not say how many tokens"),
        ((piece(1, usage={"prompt_tokens": 5, "completion_tokens": True}), DONE), "does not say how many tokens"),
        ((b"data: \xff\xfe\n",), "no JSON"),
    ],
)
def test_a_broken_stream_is_an_error(lines: tuple[bytes, ...], message: str) -> None:
    """Times of a stream that broke off would look like a very fast server."""
    with pytest.raises(ProbeError, match=message):
        read(*lines)
