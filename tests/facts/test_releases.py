"""What holds from which release on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama4ref.errors import ReleaseError
from llama4ref.facts import Catalog
from llama4ref.facts.types.engines import MemoryRules
from llama4ref.facts.types.releases import BoolStep, holds_at, release_key, step_at

STEPS = (
    BoolStep(since="0.8.3", holds=False),
    BoolStep(since="0.10.0", holds=True),
    BoolStep(since="0.10.1", holds=False),
)


def test_releases_are_compared_as_numbers():
    """Not as text."""
    assert release_key("0.9.2") < release_key("0.10.0") < release_key("0.10.1") < release_key("1.0")
    assert release_key("v0.32.0") == release_key("0.32.0") == release_key("0.32")


@pytest.mark.parametrize("text", ["newest", "", "0.x", "0.32.0rc1", "0..1", "-1.0"])
def test_what_is_no_release_is_an_error(text: str):
    """With how to write one."""
    with pytest.raises(ReleaseError, match=r"such as 0\.32\.0"):
        release_key(text)


@pytest.mark.parametrize(
    ("release", "holds"),
    [("0.8.3", False), ("0.9.9", False), ("0.10.0", True), ("0.10.1", False), ("0.99.0", False), ("0.8.2", None)],
)
def test_a_step_holds_until_the_next(release: str, holds: bool | None):
    """And nothing is known before the first."""
    step = step_at(STEPS, release)

    assert (None if step is None else step.holds) is holds


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 3), min_size=3, max_size=3))
def test_since_is_included_and_until_is_not(releases: list[tuple[int, int, int]]):
    """As a half-open span."""
    since, at, until = (".".join(map(str, each)) for each in releases)

    assert holds_at(at, since=since, until=until) == (releases[0] <= releases[1] < releases[2])
    assert holds_at(at)


def test_the_newest_release_is_meant_where_none_is_named(catalog: Catalog):
    """And every behaviour is known at every release from the first on."""
    engine = catalog.engine("vllm")

    assert engine.at() == engine.at(engine.newest_release)
    for release in ("0.8.3", "0.9.0", "0.13.0", "0.20.1", "0.28.0", engine.newest_release):
        behaviour = engine.at(release)

        assert behaviour.release == release
        for name in MemoryRules.__dataclass_fields__:
            assert getattr(behaviour, name) == step_at(getattr(engine.behaviours, name), release).holds


@pytest.mark.parametrize("release", ["0.8.2", "0.0.1", "99.0.0"])
def test_a_release_outside_the_facts_is_an_error(catalog: Catalog, release: str):
    """It names the span that is covered."""
    engine = catalog.engine("vllm")
    with pytest.raises(ReleaseError, match=f"from {engine.first_release} to {engine.newest_release}"):
        engine.at(release)


def test_engines_without_memory_rules_say_so(catalog: Catalog):
    """Plans are made for vLLM."""
    others = [each for each in catalog.engines.values() if each.behaviours is None]

    assert others
    for engine in others:
        with pytest.raises(ReleaseError, match="plan for vllm"):
            engine.at()
