"""Token counts and sizes: read as vLLM reads them, printed for people."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llama4ref.errors import RequestError
from llama4ref.units import GIB, format_bytes, format_tokens, parse_tokens

COUNTS = ["1", "8192", "1k", "1K", "128K", "1m", "1M", "3.6m", "25.6k", "0.5m", "1.1k", "1.2345k", "10485760", "10M", "1_000", "2g", "2G", "1t", "1T", " 1M "]  # fmt: skip
NO_COUNTS = [
    "",
    "M",
    "1 M",
    "1.5M",
    "1.5",
    "-1",
    "1e6",
    "0x10",
    "1MB",
    "1Mi",
    "auto",
    "1.k",
    ".5k",
    "1__0",
    "k1",
    "1kk",
    "½k",
]


@pytest.fixture(scope="module")
def read_by_vllm():
    """The installed vLLM's own reading of `--max-model-len`."""
    pytest.importorskip("vllm")
    from llama4ref.proving.model_files.torch_companions import repair_torch_companions

    repair_torch_companions()
    from vllm.utils.argparse_utils import human_readable_int

    return human_readable_int


@pytest.mark.vllm
@pytest.mark.parametrize("text", COUNTS)
def test_a_count_is_what_the_engine_reads(read_by_vllm, text: str):
    """To the token."""
    assert parse_tokens(text) == read_by_vllm(text)


@pytest.mark.vllm
@pytest.mark.parametrize("text", [text for text in NO_COUNTS if text not in {"-1", "½k"}])
def test_what_the_engine_refuses_is_refused(read_by_vllm, text: str):
    """So that a plan never asks for what the server then does not take."""
    with pytest.raises((argparse.ArgumentTypeError, ValueError)):
        read_by_vllm(text)
    with pytest.raises(RequestError):
        parse_tokens(text)


@pytest.mark.vllm
@settings(max_examples=200, deadline=None)
@given(whole=st.integers(1, 10**6), fraction=st.integers(0, 999), suffix=st.sampled_from("kmgtKMGT"))
def test_every_count_is_read_alike(read_by_vllm, whole: int, fraction: int, suffix: str):
    """Fractions of decimal suffixes included, but for the last bit of a float."""
    text = f"{whole}.{fraction:03}{suffix}" if suffix.islower() else f"{whole}{suffix}"
    expected = read_by_vllm(text)
    assume(float(f"{whole}.{fraction:03}") * 1000 % 1 == 0 or suffix.isupper())

    assert abs(parse_tokens(text) - expected) <= expected * 2**-52 + (suffix.islower())


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1M", 2**20),
        ("1m", 10**6),
        ("128K", 2**17),
        ("3.6m", 3_600_000),
        ("1.2345k", 1_234),
        ("1,048,576", 2**20),
        ("1_000", 1_000),
    ],
)
def test_counts_are_read(text: str, count: int):
    """Binary, decimal and plain."""
    assert parse_tokens(text) == count


@pytest.mark.parametrize("text", [*NO_COUNTS, "0", "0k", "0.0001k"])
def test_what_is_no_count_is_refused(text: str):
    """In one line that says what to write."""
    with pytest.raises(RequestError) as caught:
        parse_tokens(text)

    assert repr(text) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.integers(1, 10**15))
def test_what_is_printed_is_read_again(count: int):
    """With its commas."""
    assert parse_tokens(format_tokens(count)) == parse_tokens(str(count)) == count


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_more_bytes_are_never_printed_as_less(one: int, other: int):
    """Units grow with sizes."""
    units = ["B", "KiB", "MiB", "GiB"]

    def read(size: int) -> float:
        number, unit = format_bytes(size).split()
        return float(number) * 1024 ** units.index(unit)

    small, large = sorted((one, other))
    assert read(small) <= read(large)
    assert abs(read(large) - large) <= 0.06 * 1024 ** max(0, units.index(format_bytes(large).split()[1]))


def test_a_gib_is_binary():
    """And a GB is never printed."""
    assert format_bytes(GIB) == "1.00 GiB"
    assert format_bytes(10**9) == "953.7 MiB"
    assert format_bytes(-GIB) == "-1.00 GiB"
