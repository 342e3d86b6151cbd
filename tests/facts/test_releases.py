"""What holds from which release on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from llama4ref.errors import ReleaseError
from llama4ref.facts import Catalog
from llama4ref.facts.types.engines import MemoryRules
from llama4ref.facts.types.releases import BoolStep, holds_at, normalized_release, release_key, step_at

FULLWIDTH = "\uff10.\uff11\uff19.\uff10"
STEPS = (
    BoolStep(since="0.8.3", holds=False),
    BoolStep(since="0.10.0", holds=True),
    BoolStep(since="0.10.1", holds=False),
)


def test_releases_are_compared_as_numbers():
    """Not as text."""
    assert release_key("0.9.2") < release_key("0.10.0") < release_key("0.10.1") < release_key("1.0")
    assert release_key("v0.32.0") == release_key("0.32.0") == release_key("0.32")


def test_builds_are_compared_by_their_number():
    """As llama.cpp counts them; they keep their spelling."""
    assert release_key("b999") < release_key("b5236") < release_key("b5237")
    assert holds_at("b5237", since="b5237", until="b8542")
    assert normalized_release("b5237") == "b5237"


@pytest.mark.parametrize(
    "text",
    ["newest", "banana", "b", "b05", "b5.1", "b\uff15", "B5237", "", "0.x", "0..1", "-1.0", "0.32.0 0.33.0", FULLWIDTH, "0.²", "0.19.0;x", "9" * 5000, "0." * 5000, 0.19, None],
    ids=lambda text: str(text)[:12],
)  # fmt: skip
def test_what_is_no_release_is_an_error(text: str):
    """With how to write one, and without repeating what nobody could read."""
    with pytest.raises(ReleaseError, match=r"such as 0\.32\.0") as caught:
        release_key(text)

    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("written", "release"),
    [
        ("0.19", "0.19.0"),
        ("v0.19.0", "0.19.0"),
        ("0.19.00", "0.19.0"),
        ("00.19.0", "0.19.0"),
        ("0.19.0.0.0", "0.19.0"),
        ("0.33", "0.33.0"),
        ("0.8.5.post1", "0.8.5.post1"),
        ("0.10.1.1", "0.10.1.1"),
        ("0.24.0+cu130", "0.24.0"),
        ("0.9.0.1+cpu", "0.9.0.1"),
        (" 0.32.0\n", "0.32.0"),
    ],
)
def test_a_release_has_one_spelling(catalog: Catalog, written: str, release: str):
    """So that an image is only ever named for a tag that exists."""
    assert normalized_release(written) == release
    assert catalog.engine("vllm").at(written).release == release


def test_epochs_and_previews_keep_what_tells_them_apart():
    """They are other releases."""
    assert normalized_release("1!1.2rc1") == "1!1.2.0rc1"
    assert normalized_release("0.33.0.dev12+gabc") == "0.33.0.dev12"


def test_previews_come_before_and_posts_after_their_release():
    """As Python packaging orders them, which is the independent source of the comparison."""
    written = ["0.8.5", "0.8.5.post1", "0.9.0.dev1", "0.9.0rc1", "0.9.0", "0.9.0.1", "0.9.1"]

    assert [str(each) for each in sorted(map(Version, written))] == written
    assert sorted(set(written), key=release_key) == written
    assert holds_at("0.8.5.post1", since="0.8.5", until="0.9.0")
    assert not holds_at("0.33.0rc1", since="0.33.0")


@pytest.mark.parametrize(
    ("release", "nearest"),
    [
        ("0.19.99", "0.19.1 and 0.20.0"),
        ("0.28.3", "0.28.0 and 0.29.0"),
        ("0.32.0.99", "0.32.0 and 0.33.0"),
        ("0.33.0rc1", "0.32.0 and 0.33.0"),
        ("0.8.5.post2", "0.8.5.post1 and 0.9.0"),
        ("0.33.0.dev1+gabc", "0.32.0 and 0.33.0"),
    ],
)
def test_a_release_that_never_was_is_refused_with_the_nearest(catalog: Catalog, release: str, nearest: str):
    """Within the span, the list of published releases decides."""
    with pytest.raises(ReleaseError, match=f"was never released; the nearest are {nearest}$"):
        catalog.engine("vllm").at(release)


def test_what_cannot_be_read_is_refused_with_the_span(catalog: Catalog):
    """One message, whatever was written."""
    for written in ("banana", "9" * 5000, FULLWIDTH):
        with pytest.raises(ReleaseError, match="name a release from") as caught:
            catalog.engine("vllm").at(written)
        assert len(str(caught.value)) < 200


def test_every_published_release_is_covered(catalog: Catalog):
    """Each under its own name."""
    engine = catalog.engine("vllm")

    assert {"0.8.5.post1", "0.9.0.1", "0.10.1.1"} <= set(engine.releases)
    assert [engine.at(release).release for release in engine.releases] == list(engine.releases)
    assert engine.covered_release() == engine.newest_release == engine.releases[-1]


def test_without_a_list_the_span_alone_decides(catalog: Catalog):
    """As in a catalogue that does not record the releases."""
    engine = replace(catalog.engine("vllm"), releases=())

    assert engine.at("0.28.3").release == "0.28.3"
    with pytest.raises(ReleaseError, match="is not covered"):
        engine.at("0.34")


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
