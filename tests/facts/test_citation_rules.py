"""Citations that a leaf has from a group around it and must not have are counted, and there are none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.audit.citation_rules import false_citations
from llama4ref.facts.building import build
from llama4ref.facts.loading import spec_files, specs_folder
from llama4ref.facts.reading.citing import Citer, Context

if TYPE_CHECKING:
    from llama4ref.facts import Catalog
    from llama4ref.facts.reading.yaml_reader import Group

SOURCE = '{title: "x", publisher: "x", url: unknown, kind: press, primary: false, revision: unknown, published: unknown, retrieved: "2026-11-21", licence: unknown}'
LICENSE = """
source: card
at: "page 1"
also:
  - {source: blog, at: "table"}
name: "Somebody's licence"
"""


def _catalog(name: str, old: str, new: str) -> Catalog:
    files = dict(spec_files(specs_folder()))
    text = files[name].decode()
    assert text.count(old) == 1
    return build(files | {name: text.replace(old, new).encode()})


def test_no_leaf_has_a_citation_that_it_rules_out(catalog: Catalog) -> None:
    """Of the package's own facts."""
    assert false_citations(catalog) == ()


def test_a_source_that_agrees_and_disagrees_is_seen() -> None:
    """The file says that a source agrees on everything; the leaf quotes it with another value."""
    catalog = _catalog(
        "benchmarks/mmlu-pro.yaml",
        'metric:\n  value: "macro_avg/acc"\n  source: llama4-model-card\n  at: "Instruction tuned models table"\n',
        'metric:\n  value: "macro_avg/acc"\n',
    )
    (found,) = false_citations(catalog)

    assert (found.entity, found.field, found.citation.source.id) == (
        "benchmarks/mmlu-pro",
        "metric",
        "huggingface-llama4-blog",
    )
    assert str(found.fault).startswith(f"specs/benchmarks/mmlu-pro.yaml:{found.leaf.line} metric: found source hugging")


def test_a_preferred_source_that_says_otherwise_is_seen() -> None:
    """At the very place that the group names, the source states another value."""
    catalog = _catalog(
        "providers/kluster-ai.yaml",
        '      source: editors-judgement\n      at: "words that are not believed"\n',
        "",
    )
    (found,) = false_citations(catalog)

    assert (found.field, found.citation.source.id) == ("offers.0.price_input", "lava-kluster")


def test_a_reader_that_keeps_outer_defaults_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of leaves would be cited from sources that say nothing about them."""
    right = Citer._context

    def wrong(self: Citer, group: Group, path: str, outer: Context) -> Context:
        context = right(self, group, path, outer)
        return context if context.also else replace(context, also=outer.also)

    monkeypatch.setattr(Citer, "_context", wrong)
    found = false_citations(build(spec_files(specs_folder())))

    assert len(found) > 500
