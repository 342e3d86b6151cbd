"""Values and their citations part, by defaults and overrides."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.reading.citing import Cited, Citer
from llama4ref.facts.reading.yaml_reader import read_spec
from llama4ref.facts.types.sources import Source
from llama4ref.facts.types.states import UNKNOWN, Unknown

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


def _source(name: str, published: str | Unknown = UNKNOWN) -> Source:
    return Source(
        id=name, title=name, publisher="P", url=UNKNOWN, kind="developer", primary=True, revision=UNKNOWN, published=published,
        retrieved="2026-11-21", licence=UNKNOWN,
    )  # fmt: skip


SOURCES = {name: _source(name) for name in ("card", "blog", "config")} | {"notice": _source("notice", "2026-10-05")}


def _cite(text: str) -> tuple[Cited, list[str]]:
    tree, faults = read_spec(textwrap.dedent(text), "specs/x.yaml")
    assert tree is not None
    assert not faults
    citer = Citer("specs/x.yaml", SOURCES)
    return citer.cite(tree), [str(fault) for fault in citer.faults]


def _said(cited: Cited, field: str) -> list[tuple[str, str, object]]:
    return [(each.source.id, each.at, each.value) for each in cited.provenance[field].citations]


def test_a_leaf_takes_the_nearest_defaults():
    """The file's, unless its group or itself says otherwise; a new source forgets the old place."""
    cited, faults = _cite(
        """
        source: card
        at: page 1
        name: Scout
        text:
          layers: 48
          at: page 2
          inner:
            source: config
            width: 5120
            height: {value: 7, at: line 9}
            depth: {value: 8, source: blog}
        """
    )

    assert not faults
    assert cited.values == {
        "name": "Scout",
        "text": {"layers": 48, "inner": {"width": 5120, "height": 7, "depth": 8}},
    }
    assert _said(cited, "name") == [("card", "page 1", "Scout")]
    assert _said(cited, "text.layers") == [("card", "page 2", 48)]
    assert _said(cited, "text.inner.width") == [("config", "", 5120)]
    assert _said(cited, "text.inner.height") == [("config", "line 9", 7)]
    assert _said(cited, "text.inner.depth") == [("blog", "", 8)]


def test_sources_that_agree_follow_the_first():
    """`also` lists them; they say the same value."""
    cited, faults = _cite("a: {value: 1, source: card, at: x, also: [{source: blog, at: z}]}")

    assert not faults
    assert _said(cited, "a") == [("card", "x", 1), ("blog", "z", 1)]
    assert not cited.provenance["a"].disputed


def test_who_names_a_source_has_no_default_of_an_outer_one():
    """Sources that agree on a group did not agree on what comes from elsewhere; a place alone changes nothing."""
    cited, faults = _cite(
        """
        source: card
        at: top
        also: [{source: blog, at: row}]
        a: 1
        b: {value: 2, source: config, at: z}
        c: {value: 3, at: elsewhere}
        d: {value: 4, also: [{source: config, at: w}]}
        group:
          source: config
          at: page 3
          e: 5
          f: {value: 6, source: card}
          g: {value: 7, also: [{source: blog, at: q}]}
        """
    )

    assert not faults
    assert _said(cited, "a") == [("card", "top", 1), ("blog", "row", 1)]
    assert _said(cited, "b") == [("config", "z", 2)]
    assert _said(cited, "c") == [("card", "elsewhere", 3), ("blog", "row", 3)]
    assert _said(cited, "d") == [("card", "top", 4), ("config", "w", 4)]
    assert _said(cited, "group.e") == [("config", "page 3", 5)]
    assert _said(cited, "group.f") == [("card", "", 6)]
    assert _said(cited, "group.g") == [("config", "page 3", 7), ("blog", "q", 7)]


def test_a_citation_knows_where_it_is_written():
    """At the leaf, or at the group whose default it is."""
    cited, _ = _cite(
        """
        source: card
        also: [{source: blog}]
        a: 1
        b: {value: 2, source: config, disputed: [{value: 3, source: blog}], because: the newer one}
        group: {source: config, c: 3, d: {value: 4, also: [{source: blog}]}}
        """
    )
    places = {field: [each.written_at for each in leaf.citations] for field, leaf in cited.provenance.items()}

    assert places == {"a": ["", ""], "b": ["b", "b"], "group.c": ["group"], "group.d": ["group", "group.d"]}


def test_disagreement_keeps_every_word_and_the_reason():
    """The preferred comes first; the others say their own value, and may be doubted."""
    cited, faults = _cite(
        """
        a:
          value: 1
          source: card
          at: x
          disputed:
            - {value: 2, source: blog, at: z, as_of: "2026-01-02", doubt: it counts twice, note: often copied}
          because: the card is the developer's
        """
    )

    assert not faults
    leaf = cited.provenance["a"]
    assert leaf.disputed
    assert leaf.because == "the card is the developer's"
    assert [each.agrees for each in leaf.citations] == [True, False]
    second = leaf.citations[1]
    assert (second.value, second.as_of, second.doubt, second.note) == (
        2,
        "2026-01-02",
        "it counts twice",
        "often copied",
    )


def test_a_day_dates_what_is_inside():
    """`as_of` is a value of its group and dates the citations in it."""
    cited, faults = _cite(
        """
        source: card
        offers:
          - as_of: "2026-08-06"
            price: 1.5
            limit: {value: 2, as_of: "2026-09-01"}
        """
    )

    assert not faults
    assert cited.values["offers"] == [{"as_of": "2026-08-06", "price": 1.5, "limit": 2}]
    assert cited.provenance["offers.0.price"].citations[0].as_of == "2026-08-06"
    assert cited.provenance["offers.0.limit"].citations[0].as_of == "2026-09-01"


def test_a_day_belongs_to_the_source_it_is_stated_with():
    """What another source says holds as of its own day, or of the day that source was published, or is not dated."""
    cited, faults = _cite(
        """
        source: card
        name: Scout
        offers:
          - as_of: "2026-08-06"
            price: {value: 1.5, source: card, at: elsewhere}
            limit: {value: 2, source: notice, as_of: "2026-09-01"}
            ended: {value: 3, source: notice}
            images: {value: 4, source: blog}
            tier:
              source: notice
              named: 5
              again: {value: 6, source: blog}
        other: {value: 7, source: notice}
        """
    )
    days = {field: leaf.citations[0].as_of for field, leaf in cited.provenance.items()}

    assert not faults
    assert days == {
        "name": None,
        "offers.0.as_of": "2026-08-06",
        "offers.0.price": "2026-08-06",
        "offers.0.limit": "2026-09-01",
        "offers.0.ended": "2026-10-05",
        "offers.0.images": None,
        "offers.0.tier.named": "2026-10-05",
        "offers.0.tier.again": None,
        "other": None,
    }


def test_an_end_is_as_old_as_its_notice(catalog: Catalog):
    """Not as the price list that the rest of the offer was read from, which is older than the notice."""
    ended = catalog.cite("providers/groq", "offers.0.retired")[0]

    assert (ended.as_of, ended.source.published) == ("2026-07-22", "2026-07-22")
    assert catalog.provider("groq").offers[0].as_of == "2026-06-10"


def test_unknown_and_none_are_values_of_their_own():
    """Who computes can tell them apart, in the values and in what each source says."""
    cited, faults = _cite("source: card\na: unknown\nb: none\nc: 0")

    assert not faults
    assert cited.values == {"a": UNKNOWN, "b": None, "c": 0}
    assert {field: leaf.state for field, leaf in cited.provenance.items()} == {
        "a": "unknown",
        "b": "none",
        "c": "known",
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1", "specs/x.yaml:1 a: found no source"),
        (
            "source: crad\na: 1",
            "specs/x.yaml:2 a: found source crad, expected a key of sources.yaml; did you mean card",
        ),
        ("source: 5\na: 1", "specs/x.yaml:1 source: found no text"),
        ("a: {value: 1, source: card, sorce: blog}", "a.sorce: found an unknown key"),
        ("a: {value: {b: 1}, source: card}", "a: found a mapping, expected a scalar or a list of scalars"),
        ("a: {value: 1, source: card, also: blog}", "a.also: found no list of sources"),
        ("a: {value: 1, source: card, also: [{at: x}]}", "a: found no source"),
        ("a: {value: 1, source: card, also: [{source: blgo}]}", "did you mean blog"),
        ("a: {value: 1, source: card, disputed: [{value: 2, source: blog}]}", "a disagreement without a reason"),
        (
            "a: {value: 1, source: card, disputed: [{source: blog}], because: x}",
            "a disagreeing source without its value",
        ),
        (
            "a: {value: 1, source: card, disputed: [{value: 1, source: blog}], because: x}",
            "a disagreeing source that agrees",
        ),
        (
            "a: {value: 1, source: card, disputed: [{value: 2, source: blog, why: x}], because: x}",
            "the unknown key why",
        ),
    ],
)
def test_what_is_not_cited_is_a_fault(text: str, fault: str):
    """Each with its line, field, what was found and what to do."""
    _, faults = _cite(text)

    assert any(fault in each for each in faults), faults


def test_every_uncited_leaf_is_named():
    """Not only the first one."""
    _, faults = _cite("a: 1\nb:\n  c: 2\n  d: [3]")

    assert [each.split(": ")[0] for each in faults] == ["specs/x.yaml:1 a", "specs/x.yaml:3 b.c", "specs/x.yaml:4 b.d"]
