"""YAML that is refused, and YAML that only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama4ref.facts.reading.yaml_reader import Group, Leaf, Series, read_spec
from llama4ref.facts.types.states import UNKNOWN

REFUSED = {
    "a version read as a number": ("a: 1.10", "`1.10`"),
    "a release without quotes": ("a: 0.32.0", "`0.32.0`"),
    "a word that is false to some readers": ("a: off", "`off`"),
    "a word that is true to some readers": ("a: Yes", "`Yes`"),
    "a letter that is true to some readers": ("a: y", "`y`"),
    "another spelling of true": ("a: True", "`True`"),
    "minutes that are seconds to some readers": ("a: 1:30", "`1:30`"),
    "digits that are octal to some readers": ("a: 010", "`010`"),
    "octal": ("a: 0o17", "`0o17`"),
    "hexadecimal": ("a: 0x1f", "`0x1f`"),
    "a sign in front": ("a: +1", "`+1`"),
    "no digit in front": ("a: .5", "`.5`"),
    "a long spelling of a fraction": ("a: 0.10", "`0.10`"),
    "underscores out of step": ("a: 1_0", "`1_0`"),
    "more than a float holds": ("a: 1e309", "`1e309`"),
    "more digits than anything has": ("a: " + "9" * 5000, "`999"),
    "infinity": ("a: .inf", "`.inf`"),
    "not a number": ("a: .nan", "`.nan`"),
    "minus nothing": ("a: -0", "`-0`"),
    "a crooked day": ("a: 2025-4-5", "`2025-4-5`"),
    "null": ("a: null", "`null`"),
    "null as a sign": ("a: ~", "`~`"),
    "null by leaving out": ("a:", "``"),
    "none in another spelling": ("a: None", "`None`"),
    "unknown in another spelling": ("a: UNKNOWN", "`UNKNOWN`"),
    "unknown in a list": ("a: [1, unknown]", "unknown"),
    "an anchor": ("a: &x 1", "an anchor"),
    "an anchor of digits": ("a: &1 1", "an anchor"),
    "an anchor behind quotes": ('"a": &x 1', "an anchor"),
    "an anchor in a list": ("a: [&x 1, 2]", "an anchor"),
    "a tag": ("a: !!str 1", "the tag"),
    "a tag of one's own": ("a: !thing x", "the tag"),
    "a merge key": ("a: {<<: {b: 1}}", "a key that is no plain word"),
    "a list as a key": ("? [a]\n: b", "a key that is no plain word"),
    "a list in a list": ("a: [[1]]", "a nested list"),
    "a list of mixed items": ("a:\n  - 1\n  - b: 2", "a nested list"),
    "a key twice": ("a: 1\na: 2", "the key a second time"),
    "a key twice in a list": ("a: [{b: 1, b: 2}]", "the key a second time"),
}
UNREADABLE = {
    "two documents": ("a: 1\n---\nb: 2", 2),
    "a tab": ("a:\n\tb: 1", 2),
    "a control character": ("a: \x01", 1),
    "a quote left open": ('a: "x', 1),
    "nothing": ("", 1),
    "a comment alone": ("# later", 1),
    "a list": ("- 1", 1),
    "a word": ("scout", 1),
    "groups without end": ("a: " + "{a: " * 3000 + "1" + "}" * 3000, 1),
}
KEPT = {
    "a star and an ampersand in double quotes": ('a: "see *x and &y"', "see *x and &y"),
    "a star and an ampersand in single quotes": ("a: 'see *x and &y'", "see *x and &y"),
    "a star and an ampersand in plain text": ("a: one of *x, R&D &y", "one of *x, R&D &y"),
    "an exclamation mark in plain text": ("a: stop !now", "stop !now"),
    "marks in a block of text": ("a: |\n  b: &x *y !z\n", "b: &x *y !z\n"),
    "marks in a comment": ("a: b # &x *y", "b"),
    "a quoted version": ('a: "1.10"', "1.10"),
    "a quoted word": ('a: "off"', "off"),
    "a day": ("a: 2025-04-05", "2025-04-05"),
    "a month": ("a: 2025-04", "2025-04"),
    "a whole number": ("a: 10_485_760", 10_485_760),
    "a negative number": ("a: -1", -1),
    "a fraction": ("a: 0.1", 0.1),
    "a small fraction": ("a: 1e-05", 1e-05),
    "a truth": ("a: true", True),
    "a list of numbers": ("a: [1, 2.5, x]", (1, 2.5, "x")),
    "an empty list": ("a: []", ()),
}


@pytest.mark.parametrize(("text", "found"), REFUSED.values(), ids=REFUSED)
def test_readers_could_disagree_so_it_is_refused(text: str, found: str):
    """Each trap is a fault with its line, what was found, what is expected and what to do."""
    _, faults = read_spec(text, "specs/x.yaml")

    assert len(faults) == 1
    assert found in faults[0].found
    assert faults[0].expected
    assert faults[0].do


@pytest.mark.parametrize(("text", "line"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_mapping_has_no_tree(text: str, line: int):
    """The fault stands at the line where reading ended, never as an exception."""
    tree, faults = read_spec(text, "specs/x.yaml")

    assert tree is None
    assert len(faults) == 1
    assert line <= faults[0].line <= text.count("\n") + 2


@pytest.mark.parametrize(("text", "value"), KEPT.values(), ids=KEPT)
def test_what_only_looks_like_a_trap_is_kept(text: str, value: object):
    """Text stays text and numbers stay numbers, of their own type."""
    tree, faults = read_spec(text, "specs/x.yaml")

    assert not faults
    assert tree is not None
    leaf = tree.entries["a"]
    assert isinstance(leaf, Leaf)
    assert leaf.value == value
    assert type(leaf.value) is type(value)


def test_an_alias_is_refused_beside_its_anchor():
    """Both are named, each at its line."""
    _, faults = read_spec("a: &x 1\nb: *x\n", "specs/x.yaml")

    assert [(fault.line, fault.found) for fault in faults] == [(1, "an anchor"), (2, "an alias")]


def test_unknown_and_none_are_two_things():
    """Not published, and not there; only without quotes."""
    tree, faults = read_spec('a: unknown\nb: none\nc: "unknown"', "specs/x.yaml")

    assert not faults
    assert tree is not None
    assert [leaf.value for leaf in tree.entries.values() if isinstance(leaf, Leaf)] == [UNKNOWN, None, "unknown"]


def test_lines_are_those_of_the_file():
    """Groups, lists of groups and leaves know where they stand."""
    tree, _ = read_spec("# top\na:\n  b: 1\n\n  c: 2\nd:\n  - e: 1\n  - e: 2\n", "specs/x.yaml")

    assert tree is not None
    assert tree.lines == {"a": 2, "d": 6}
    group, series = tree.entries["a"], tree.entries["d"]
    assert isinstance(group, Group)
    assert group.lines == {"b": 3, "c": 5}
    assert isinstance(series, Series)
    assert [item.line for item in series.items] == [7, 8]


def test_every_fault_of_a_file_is_found():
    """Reading goes on behind a fault."""
    _, faults = read_spec("a: off\nb: 1.10\nc:\n  d: 010\n  d: 1\n", "specs/x.yaml")

    assert [(fault.line, fault.field) for fault in faults] == [(1, "a"), (2, "b"), (4, "c.d"), (5, "c.d")]


@settings(max_examples=150, deadline=None)
@given(st.integers(min_value=-(10**18), max_value=10**18))
def test_every_whole_number_is_read_as_itself(number: int):
    """With and without underscores."""
    for written in (f"{number}", f"{number:_}"):
        tree, faults = read_spec(f"a: {written}", "specs/x.yaml")

        assert not faults
        assert tree is not None
        assert tree.entries["a"] == Leaf(number, 1)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=30))
def test_no_text_is_an_exception(text: str):
    """Whatever stands in a file, the reader answers with a tree or with faults."""
    tree, faults = read_spec(f"a: {text}", "specs/x.yaml")

    assert tree is not None or faults
