"""What is different between two releases is what the facts say of each, and nothing that changed and changed back."""

from __future__ import annotations

import dataclasses

import pytest

from llama4ref.errors import ReleaseError, RequestError, UnknownNameError
from llama4ref.facts import load
from llama4ref.facts.queries.release_changes import Change, release_changes
from llama4ref.facts.types.abilities import Ability
from llama4ref.facts.types.engines import MemoryRules

CATALOG = load()
VLLM = CATALOG.engine("vllm")


def _of(subject: str, first: str, second: str) -> dict[str, Change]:
    return {each.name: each for each in release_changes(CATALOG, "vllm", first, second) if each.subject == subject}


@pytest.mark.parametrize(
    ("first", "second"), [("0.8.3", "0.33.0"), ("0.10.0", "0.10.1"), ("0.19.1", "0.12.0"), ("0.32.0", "0.33.0")]
)
def test_memory_rules_are_those_of_the_two_releases(first: str, second: str) -> None:
    """Each rule that differs, with both values, and no other."""
    found = _of("memory", first, second)
    before, after = VLLM.at(first), VLLM.at(second)
    differing = {name for name in MemoryRules.__dataclass_fields__ if getattr(before, name) != getattr(after, name)}

    assert {name.replace(" ", "_") for name in found} == differing


def test_what_changed_and_changed_back_is_left_out() -> None:
    """The hybrid cache was turned off from 0.10.1 to 0.13.0."""
    assert "hybrid kv cache" in _of("memory", "0.10.0", "0.10.1")
    assert "hybrid kv cache" not in _of("memory", "0.10.0", "0.14.0")


@pytest.mark.parametrize(("first", "second"), [("0.12.0", "0.19.0"), ("0.19.0", "0.12.0")])
def test_options_that_come_and_go(first: str, second: str) -> None:
    """Against the flags of each release."""
    found = _of("option", first, second)
    there = [set(VLLM.flags_at(release)) for release in (first, second)]

    assert {name for name, each in found.items() if each.before == "-"} == there[1] - there[0]
    assert {name for name, each in found.items() if each.after == "-"} == there[0] - there[1]


def test_each_change_points_to_the_leaf_that_tells_of_it() -> None:
    """So that it can be cited."""
    found = release_changes(CATALOG, "vllm", "0.8.3", "0.33.0")

    assert {each.subject for each in found} >= {
        "memory",
        "default",
        "ability",
        "option",
        "variable",
        "method",
        "estimate",
    }
    for each in found:
        assert CATALOG.cite(each.entity, each.field), each


def test_an_ability_that_came_and_one_that_went() -> None:
    """By the releases of its row."""
    rows = {
        "new": Ability(feature="lora", since="0.11.1"),
        "gone": Ability(feature="eagle", since="0.9.0", until="0.11.0"),
    }
    facts = dataclasses.replace(
        CATALOG, abilities={"vllm": dataclasses.replace(CATALOG.ability_set("vllm"), abilities=rows)}
    )
    found = {
        each.name: each for each in release_changes(facts, "vllm", "0.10.2", "0.19.0") if each.subject == "ability"
    }

    assert (found["new"].before, found["new"].after, found["new"].field) == ("-", "everywhere", "abilities.new.since")
    assert (found["gone"].before, found["gone"].after, found["gone"].field) == (
        "everywhere",
        "-",
        "abilities.gone.until",
    )


@pytest.mark.parametrize(
    ("engine", "first", "second", "error"),
    [
        ("vlm", "0.8.3", "0.9.0", UnknownNameError),
        ("vllm", "0.8.2", "0.9.0", ReleaseError),
        ("vllm", "0.9", "0.9.0", RequestError),
    ],
)
def test_what_cannot_be_compared_is_refused(engine: str, first: str, second: str, error: type[Exception]) -> None:
    """An engine or release that is not covered, and one release with itself."""
    with pytest.raises(error):
        release_changes(CATALOG, engine, first, second)


def test_a_row_that_goes_on_in_another_row_is_no_change() -> None:
    """A default that is the same, or a kernel chosen under the same conditions; another value is one change with both."""
    for first, second in (("0.32.0", "0.33.0"), ("0.10.2", "0.19.0"), ("0.33.0", "0.8.3")):
        found = release_changes(CATALOG, "vllm", first, second)
        gone = {(each.subject, each.name, each.before) for each in found if each.after == "-"}
        come = {(each.subject, each.name, each.after) for each in found if each.before == "-"}

        assert not gone & come
        assert all(each.before != each.after for each in found)
        wheres = [[each.before, each.after] for each in found if each.subject == "kernel"]
        ended = {before.partition(": ")[2] for before, after in wheres if after == "-"}
        begun = {after.partition(": ")[2] for before, after in wheres if before == "-"}
        assert not ended & begun
