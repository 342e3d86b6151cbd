"""Counts, values and prices read the same wherever they are printed."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama4ref.facts.types.states import UNKNOWN
from llama4ref.proving.verdict import Rung
from llama4ref.wording import RUNGS, counted, dollars, json_text, jsonable, number, quoted, shortened, shown


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 replies"), (1, "1 reply"), (2, "2 replies"), (1_200, "1,200 replies"), (1.0, "1.00 reply"), (1.5, "1.50 replies")]
)  # fmt: skip
def test_only_one_is_singular(count: float, words: str):
    """Of whole numbers and of others."""
    assert counted(count, "reply", "replies") == words


def test_unknown_and_none_are_told_apart():
    """As in the types."""
    assert (shown(UNKNOWN), shown(None), shown(()), shown((8, None))) == ("unknown", "none", "none", "8, none")
    assert jsonable({"a": UNKNOWN, "b": None}) == {"a": "unknown", "b": None}


@given(st.integers(-(10**15), 10**15) | st.floats(1e-9, 1e9).map(lambda value: float(f"{value:.6g}")))
def test_a_number_is_printed_with_all_its_digits(value: float):
    """So that what is read back is what was written down."""
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(("price", "text"), [(0.0, "0.00"), (0.5, "0.50"), (12.0, "12.00"), (0.1083, "0.1083")])
def test_a_price_has_at_least_its_cents(price: float, text: str):
    """And more where it has more."""
    assert dollars(price) == text


@given(st.text(max_size=500), st.integers(40, 200))
def test_what_is_repeated_is_never_long(text: str, longest: int):
    """And is whole where it is short."""
    assert len(shortened(text, longest)) <= max(longest, 0) + 1
    assert len(text) > longest or shortened(text, longest) == text
    assert "\n" not in quoted(text)


def test_a_dataclass_is_json_by_field():
    """Also within others, in mappings and in tuples."""

    @dataclass
    class Inner:
        size: int

    @dataclass
    class Outer:
        inner: Inner
        many: tuple[Inner, ...]

    expected = {"inner": {"size": 1}, "many": [{"size": 2}]}
    assert jsonable(Outer(Inner(1), (Inner(2),))) == expected
    assert json.loads(json_text(Outer(Inner(1), (Inner(2),)), indent=None)) == expected


def test_every_rung_has_its_words():
    """One for each of the ladder."""
    assert len(RUNGS) == len(Rung)
