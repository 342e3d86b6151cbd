"""A wish that cannot be read or contradicts itself is refused with the field, the value and what to write."""

from __future__ import annotations

import pytest

from llama4ref.errors import RequestError
from llama4ref.planning.request import PlanRequest


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"context": "1.5"}, "not a whole number"),
        ({"context": "many"}, "not a token count"),
        ({"context": 0}, "context: found 0"),
        ({"context": -5}, "context: found -5"),
        ({"context": True}, "context: found True"),
        ({"context": 1.5}, "context: found 1.5"),
        ({"count": 0}, "count: found 0"),
        ({"nodes": 0}, "nodes: found 0"),
        ({"concurrency": 0}, "concurrency: found 0"),
        ({"images": -1}, "images: found -1"),
        ({"min_weight_bits": -1}, "min_weight_bits: found -1"),
        ({"goal": "speed"}, "goal: found 'speed', expected one of balanced"),
        ({"cache_dtype": "int4"}, "cache_dtype: found 'int4', expected one of auto"),
        ({"headroom": 1.0}, "headroom: found 1.0"),
        ({"gpu_memory_utilization": 0}, "gpu_memory_utilization: found 0"),
        ({"gpu_memory_utilization": 1.1}, "gpu_memory_utilization: found 1.1"),
        ({"as_of": "tomorrow"}, "as_of: found 'tomorrow', expected a day"),
        ({"count": 8, "nodes": 3}, "8 GPUs do not divide over 3 nodes"),
        ({"hosted": True, "gpu": "h100-sxm"}, "leave out gpu or hosted"),
        ({"hosted": True, "count": 8}, "leave out count or hosted"),
        ({"hosted": True, "nodes": 2}, "leave out nodes or hosted"),
        ({"hosted": True, "engine_release": "0.32.0"}, "leave out engine_release or hosted"),
        ({"speculative": "a/head", "hybrid": True}, "leave out hybrid or speculative"),
        ({"context": 1_000, "prompt_tokens": 900, "output_tokens": 200}, "give at least 1,100"),
        ({"context": 1_000, "prompt_tokens": 1_001}, "give at least 1,001"),
    ],
)
def test_a_wish_that_cannot_be_meant_is_refused(wish: dict[str, object], message: str):
    """In one line, with the field, what was found and what to do."""
    with pytest.raises(RequestError, match=message) as caught:
        PlanRequest(**wish)

    assert "\n" not in str(caught.value)
    assert not str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("written", "tokens"), [("1M", 1_048_576), ("1m", 1_000_000), ("128K", 131_072), ("10485760", 10_485_760)]
)
def test_token_counts_are_read_as_the_engine_reads_them(written: str, tokens: int):
    """In every field that counts tokens."""
    for field in ("context", "prompt_tokens", "output_tokens"):
        assert getattr(PlanRequest(**{field: written}), field) == tokens


def test_prompt_and_reply_make_a_context():
    """Where none is given; one of them alone asks for one token more."""
    assert PlanRequest(prompt_tokens=1_000, output_tokens=24).context_tokens == 1_024
    assert PlanRequest(prompt_tokens=1_000).context_tokens is None
    assert PlanRequest(prompt_tokens=1_000).least_tokens == 1_001
    assert PlanRequest().least_tokens == 1


@pytest.mark.parametrize(
    ("wish", "own", "providers"),
    [
        ({}, True, True),
        ({"model": "scout", "context": "1M"}, True, True),
        ({"hosted": False}, True, False),
        ({"hosted": True}, False, True),
        ({"gpu": "h100-sxm"}, True, False),
        ({"count": 8}, True, False),
        ({"checkpoint": "nvidia/Llama-4-Scout-17B-16E-Instruct-FP8"}, True, False),
        ({"tensor_parallel": 8}, True, False),
    ],
)
def test_whoever_describes_own_gpus_wants_no_provider(wish: dict[str, object], own: bool, providers: bool):
    """Hosted, own or either."""
    request = PlanRequest(**wish)

    assert (request.wants_own_gpus, request.wants_providers) == (own, providers)


def test_a_request_says_what_was_asked_for():
    """Without what was left out; the same wish makes the same request."""
    request = PlanRequest(model="scout", context="1M", images=2)

    assert request.as_dict() == {"model": "scout", "context": 1_048_576, "images": 2}
    assert PlanRequest(**request.as_dict()) == request
