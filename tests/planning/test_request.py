"""A wish that cannot be read or contradicts itself is refused with the field, the value and what to write."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

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
        ({"context": 1_000, "prompt_tokens": 1_001}, "give at least 1,002"),
        ({"context": 2_048, "prompt_tokens": 2_048}, "hold no prompt of 2,048 and reply of 1; give at least 2,049"),
        ({"context": 2_048, "output_tokens": 2_048}, "hold no prompt of 1 and reply of 2,048; give at least 2,049"),
        ({"concurrency": 64, "max_num_seqs": 8, "context": "8K"}, "max_num_seqs: 8 cannot serve 64 requests at once"),
        ({"concurrency": 64, "max_num_seqs": 4, "count": 8}, "give at least 64, or name more data_parallel"),
        ({"concurrency": 64, "max_num_seqs": 31, "data_parallel": 2}, "give at least 32"),
        ({"concurrency": 64, "max_num_batched_tokens": 63}, "max_num_batched_tokens: 63"),
        ({"max_num_seqs": 512, "max_num_batched_tokens": 64}, "64 tokens a step are fewer than the 512 requests"),
        ({"image_size": "336x336"}, "no images are asked for"),
        ({"images": 1, "image_size": "336"}, "expected width x height in pixels such as 1920x1080"),
        ({"images": 1, "image_size": "0x336"}, "expected width x height"),
        ({"hosted": False, "max_price": 1.0}, "max_price: it is about providers, hosted=False about own GPUs"),
        ({"gpu": "b200", "as_of": "2026-11-21"}, "as_of: it is about providers, gpu about own GPUs"),
    ],
)
def test_a_wish_that_cannot_be_meant_is_refused(wish: dict[str, object], message: str):
    """In one line, with the field, what was found and what to do."""
    with pytest.raises(RequestError, match=message) as caught:
        PlanRequest(**wish)

    assert "\n" not in str(caught.value)
    assert not str(caught.value).endswith(".")


OWN_GPUS = {
    "gpu": "h100-sxm", "count": 8, "nodes": 1, "speculative": "a/head", "checkpoint": "meta-llama/Llama-4-Scout-17B-16E",
    "engine": "sglang", "engine_release": "0.32.0", "cache_dtype": "fp8", "hybrid": True, "tensor_parallel": 8, "pipeline_parallel": 1,
    "data_parallel": 1, "expert_parallel": False, "gpu_memory_utilization": 0.5, "max_num_seqs": 8,
    "max_num_batched_tokens": 8192, "enforce_eager": True, "headroom": 0.1, "lora_adapters": 2, "lora_rank": 16,
}  # fmt: skip
"""Whatever no provider lets one choose."""
EITHER = {
    "model", "hosted", "context", "concurrency", "prompt_tokens", "output_tokens", "images", "image_size", "tools", "json_schema",
    "min_weight_bits", "goal", "max_price", "as_of",
}  # fmt: skip


@pytest.mark.parametrize("field", OWN_GPUS)
def test_a_hosted_plan_has_nothing_of_own_gpus(field: str):
    """Each field that describes them contradicts it, and asks for own GPUs where nothing is said."""
    with pytest.raises(RequestError, match=f"leave out {field} or hosted"):
        PlanRequest(hosted=True, **{field: OWN_GPUS[field]})
    assert not PlanRequest(**{field: OWN_GPUS[field]}).wants_providers


def test_every_field_is_about_own_gpus_or_about_both():
    """None was forgotten."""
    assert {each.name for each in dataclasses.fields(PlanRequest)} == set(OWN_GPUS) | EITHER


WRONG = ("", "no", "-1", "0.5", 0, -1, 1, 2, 1.5, math.nan, math.inf, True, False, None, 10**400, [1], ["l4"], {}, (), b"l4",
         dt.date(2026, 11, 21), object(), "9" * 200, "a\nb", "\x00", "/", "a/", "../x/y", "-a/b")  # fmt: skip


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(PlanRequest)])
@pytest.mark.parametrize("value", WRONG, ids=lambda each: type(each).__name__)
def test_whatever_a_field_is_given_it_is_taken_or_refused_in_one_line(field: str, value: object):
    """A value of another type never raises another error, nor is it taken for something else."""
    kept, message = _given(field, value)

    assert "\n" not in message
    assert len(message) < 300
    if not message:
        assert kept == value or (isinstance(value, str) and isinstance(kept, int | str))
        assert isinstance(kept, bool) == isinstance(value, bool)


def _given(field: str, value: object) -> tuple[object, str]:
    """What a request keeps of a value, or the message that refuses it."""
    try:
        return getattr(PlanRequest(**{field: value}), field), ""
    except RequestError as error:
        return None, str(error)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("hosted", 1, "hosted: found 1, expected True or False"),
        ("hosted", "no", "hosted: found 'no', expected True or False"),
        ("enforce_eager", "no", "enforce_eager: found 'no', expected True or False"),
        ("hybrid", "x", "hybrid: found 'x', expected True or False"),
        ("tools", None, "tools: found None, expected True or False"),
        ("headroom", "0.5", "headroom: found '0.5', expected a part"),
        ("gpu_memory_utilization", "0.9", "gpu_memory_utilization: found '0.9', expected more than 0"),
        ("max_price", "1", "max_price: found '1', expected dollars"),
        ("as_of", dt.date(2026, 11, 21), "as_of: found datetime.date"),
        ("gpu", 5, "gpu: found 5, expected a name"),
        ("gpu", ["l4"], r"gpu: found \['l4'\], expected a name"),
        ("engine_release", 0.19, "engine_release: found 0.19, expected a name"),
        ("count", 10**400, "count: found a number of about 400 digits, expected at most"),
        ("images", 10**20, "images: found 100000000000000000000, expected at most"),
        ("speculative", "a/b\nc", "expected a repository such as owner/name"),
    ],
)
def test_another_type_is_refused_with_what_was_expected(field: str, value: object, message: str):
    """In words, with the value as it was given."""
    with pytest.raises(RequestError, match=message):
        PlanRequest(**{field: value})


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
