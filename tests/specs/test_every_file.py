"""A case for every spec file: it loads, cites every leaf, and keeps to the form."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache

import pytest

from llama4ref.facts import Catalog, load
from llama4ref.facts.loading import spec_files, specs_folder
from llama4ref.facts.reading.yaml_reader import read_spec
from llama4ref.facts.types.kinds import KINDS
from llama4ref.facts.types.states import UNKNOWN

FILES = sorted(spec_files(specs_folder()))
SPECS = [name for name in FILES if name != "sources.yaml"]
DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


@cache
def _text(name: str) -> str:
    return spec_files(specs_folder())[name].decode("utf-8")


def _entity(name: str) -> str:
    return name.removesuffix(".yaml")


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_is_an_entity_of_the_catalogue(catalog: Catalog, name: str):
    """Named after its file."""
    kind, id_ = _entity(name).split("/")

    assert kind in KINDS
    assert getattr(catalog, kind)[id_].id == id_
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", id_), "ids are lowercase words"


@pytest.mark.parametrize("name", FILES)
def test_the_first_line_binds_the_editor_to_the_schema(name: str):
    """And the schema is there."""
    first = _text(name).splitlines()[0]
    kind = name.split("/", maxsplit=1)[0].removesuffix(".yaml")
    prefix = "../schema" if "/" in name else "schema"

    assert first == f"# yaml-language-server: $schema={prefix}/{kind}.schema.json"
    assert (specs_folder() / "schema" / f"{kind}.schema.json").is_file()


@pytest.mark.parametrize("name", SPECS)
def test_every_leaf_is_cited_with_a_place(catalog: Catalog, name: str):
    """Every source that speaks says where; the preferred one comes first."""
    leaves = catalog.provenance[_entity(name)]

    assert leaves
    for field, leaf in leaves.items():
        assert leaf.file == f"specs/{name}"
        assert leaf.citations[0].agrees, field
        for citation in leaf.citations:
            assert citation.at, f"{field}: {citation.source.id} says where nowhere"
            assert citation.source == catalog.sources[citation.source.id]


@pytest.mark.parametrize("name", SPECS)
def test_every_line_of_a_leaf_holds_it(catalog: Catalog, name: str):
    """So that a fault or a footnote leads to the right line."""
    lines = _text(name).splitlines()
    for field, leaf in catalog.provenance[_entity(name)].items():
        last = field.rsplit(".", 1)[-1]

        assert last in lines[leaf.line - 1] or "value" in lines[leaf.line - 1] or last.isdigit(), (field, leaf.line)


@pytest.mark.parametrize("name", SPECS)
def test_disagreements_have_reasons(catalog: Catalog, name: str):
    """And a reason goes with a disagreement or a choice, in words; a doubt too."""
    for field, leaf in catalog.provenance[_entity(name)].items():
        if leaf.disputed:
            assert leaf.because, field
            assert len(leaf.because.split()) >= 2, field
        for citation in leaf.citations:
            assert citation.doubt is None or len(citation.doubt.split()) >= 2, field


@pytest.mark.parametrize("name", FILES)
def test_large_numbers_are_grouped_and_lines_are_clean(name: str):
    """Underscores from five digits on, no tabs, no blanks at the end, one newline at the end of the file."""
    text = _text(name)
    ungrouped = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(r"(?:: |\[|, )-?\d{5,}(?=$|[,\]}\s])", re.sub(r'"[^"]*"|#.*', "", line))
    ]

    assert not ungrouped
    assert "\t" not in text
    assert not re.search(r"[ \t]+$", text, re.MULTILINE)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("name", FILES)
def test_a_spec_names_no_place_of_one_machine(name: str):
    """No folder that only one computer has."""
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|work|Users)/", _text(name))


@pytest.mark.parametrize("name", FILES)
def test_a_spec_is_read_without_a_fault(name: str):
    """By the reader alone."""
    tree, faults = read_spec(_text(name), name)

    assert tree is not None
    assert not faults


SOURCES = sorted(load().sources)


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_says_what_it_is(catalog: Catalog, name: str):
    """With a title, who published it, an address, and days that are days, read after they were published."""
    source = catalog.sources[name]

    assert source.title
    assert source.publisher
    assert source.url is UNKNOWN or re.match(r"https?://\S+$", source.url)
    assert dt.date.fromisoformat(source.retrieved)
    assert source.published is UNKNOWN or DAY.fullmatch(source.published)
    assert source.published is UNKNOWN or source.published <= source.retrieved


def test_dates_of_the_facts_are_days(catalog: Catalog):
    """Whatever is dated is dated by a day, a month or a year."""
    for entity, leaves in catalog.provenance.items():
        for field, leaf in leaves.items():
            for citation in leaf.citations:
                assert citation.as_of is None or DAY.fullmatch(citation.as_of), (entity, field)
