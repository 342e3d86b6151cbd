"""A value never parts from its source: what a page shows has a note, and the note names who says so."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.errors import UnknownNameError
from llama4ref.facts import Catalog
from llama4ref.facts.types.metrics import METRICS
from llama4ref.facts.types.states import is_stated
from llama4ref.units import GIB
from llama4ref.website.markup.cited import cited
from llama4ref.website.markup.footnotes import Footnotes
from llama4ref.website.markup.html import Cell, Column, Row, table
from llama4ref.website.markup.page import Page
from llama4ref.website.pages.blocks import EXAMPLE
from llama4ref.website.pages.prose import prose_pages
from llama4ref.website.pages.references import reference_pages

if TYPE_CHECKING:
    from llama4ref.facts.types.sources import Provenance

MARK = 'class="footnote-ref"'
ROW = re.compile(r"<tr[^>]*>.*?</tr>")
CELL = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>")


def _rows(text: str, caption: str) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of the table of that caption."""
    found = re.search(rf"<table[^>]*><caption>{re.escape(caption)}</caption>.*?</table>", text)
    assert found, caption
    head, *rows = [CELL.findall(row) for row in ROW.findall(found[0])]
    return [re.sub(r" ?<small>.*?</small>", "", each) for each in head], rows


def test_a_table_takes_no_fact_without_its_note():
    """Except the name of a row, and columns that say that they hold our own words."""
    columns = (Column(head="System"), Column(head="Shots", numeric=True), Column(head="Remark", cited=False))
    noted = Footnotes("index.md").mark("a source")

    table("Scores", columns, [Row(cells=(Cell("Scout"), Cell(f"5{noted}"), Cell("own run")))])
    table("Scores", columns, [Row(cells=(Cell("Scout"), Cell("<i>not stated</i>"), Cell("")))])
    with pytest.raises(ValueError, match="Scores: Shots holds '5' without a note"):
        table("Scores", columns, [Row(cells=(Cell("Scout"), Cell("5"), Cell("own run")))])


def test_a_value_is_found_with_its_leaf(catalog: Catalog):
    """By path, by place in a list, by key of a mapping."""
    offer = cited(catalog, "providers/groq")["offers"][0]

    assert offer["context_tokens"].value == catalog.provider("groq").offers[0].context_tokens
    assert offer["context_tokens"].leaf is catalog.trace("providers/groq", "offers.0.context_tokens")
    assert [each.path for each in cited(catalog, "providers/groq")["offers"]] == [
        f"offers.{index}" for index in range(len(catalog.provider("groq").offers))
    ]
    with pytest.raises(UnknownNameError, match=r"did you mean text\.layers"):
        cited(catalog, "models/scout")["text.layer"]


def test_what_is_inside_nothing_is_nothing_said_by_the_same_source(catalog: Catalog):
    """BF16 has no scale, so its scale has no bits, and the source of the one says the other."""
    bits = cited(catalog, "formats/bf16")["scale.bits"]

    assert bits.value is None
    assert bits.leaf is catalog.trace("formats/bf16", "scale")


def test_every_shot_of_a_benchmark_names_its_source(catalog: Catalog, made: dict[str, str]):
    """As do precision, stage and the rest of what was run."""
    shots = 0
    for each in catalog.benchmarks.values():
        head, rows = _rows(made[f"benchmarks/{each.category.replace('_', '-')}.md"], f"Results of {each.name}")
        for result, row in zip(each.results, rows, strict=True):
            cells = dict(zip(head, row, strict=True))
            if is_stated(result.shots):
                shots += 1

                assert cells["Shots"].startswith(str(result.shots)), each.id
                assert MARK in cells["Shots"], each.id
            assert MARK in cells["Reported by"], each.id
            assert MARK in cells["Stage"], each.id
    assert shots >= 65


def test_every_condition_of_a_measurement_names_its_source(catalog: Catalog, made: dict[str, str]):
    """Model, engine, machine, precision, concurrency and day, not the number alone."""
    head, rows = _rows(made["measurements/index.md"], "Measurements")

    assert len(rows) == sum(len(each.observations) for each in catalog.measurements.values())
    for row in rows:
        for name, cell in zip(head, row, strict=True):
            assert MARK in cell or not cell, (name, cell)


def test_every_day_of_an_offer_names_its_source(catalog: Catalog, made: dict[str, str]):
    """In the tables of offers, those that ended on a page of their own, and in the answer about long context."""
    offers = [offer for provider in catalog.providers.values() for offer in provider.offers]
    ended = [offer for offer in offers if offer.status == "retired"]
    current = [offer for offer in offers if offer.status != "retired"]
    for path, caption, listed in (
        ("providers/index.md", "Offers of all providers", current),
        ("providers/ended.md", "Offers that ended", ended),
    ):
        head, rows = _rows(made[path], caption)
        for offer, row in zip(listed, rows, strict=True):
            day = dict(zip(head, row, strict=True))["As of"]

            assert day.startswith(offer.as_of)
            assert MARK in day
    head, rows = _rows(made["questions.md"], "Scout above 300K tokens, with images")
    assert all(MARK in dict(zip(head, row, strict=True))["As of"] for row in rows)


def test_memory_in_gib_names_the_source_of_its_bytes(catalog: Catalog, made: dict[str, str]):
    """Both columns of memory have the same note."""
    _, rows = _rows(made["accelerators/index.md"], "Accelerators")

    for each, row in zip(catalog.accelerators.values(), rows, strict=True):
        numbers = [re.findall(r'#fn:(\d+)"', cell) for cell in row[4:6]]

        assert row[5].startswith(f"{each.memory_bytes / 2**30:.2f}")
        assert numbers[0] == numbers[1] != [], each.id


def test_a_brief_note_names_the_preferred_source_alone(catalog: Catalog):
    """And no other that says the same."""
    leaf: Provenance = next(
        leaf
        for leaf in catalog.provenance["models/scout"].values()
        if len({each.source.id for each in leaf.citations if each.agrees}) > 1
    )
    first, *others = (each.source for each in leaf.citations if each.agrees)
    notes = Footnotes("models/scout.md")
    _, listing = notes.numbered(notes.of(leaf, brief=True))

    assert f"sources/{first.id}/" in listing
    assert not any(f"sources/{each.id}/" in listing for each in others if each.id != first.id)


def test_pages_show_no_group_as_code(made: dict[str, str]):
    """What holds several values is written as them."""
    for path, text in made.items():
        if path.endswith(".md") and not path.startswith(("reference/", "contribute")):
            assert not re.search(r"\b[A-Z]\w+\(\w+=", text), path


def test_another_catalogue_makes_other_pages(catalog: Catalog, prose: dict[str, str]):
    """The plan that the pages show is made from the facts that they are made from."""
    cheap = replace(catalog.accelerators["h100-sxm"], memory_bytes=70 * 2**30)
    names = [name for name in catalog.__dataclass_fields__ if name != "accelerators"]
    accelerators = {**catalog.accelerators, "h100-sxm": cheap}
    other = Catalog(accelerators=accelerators, **{name: getattr(catalog, name) for name in names})
    texts = [prose_pages(each, {"plan.md": prose["plan.md"]})["plan.md"] for each in (catalog, other)]
    bests = [plan(PlanRequest(**EXAMPLE), each).best for each in (catalog, other)]
    free = [f"KV cache, at least: {best.budget.kv_cache_at_least_bytes / GIB:.1f} GiB" for best in bests]

    assert free[0] != free[1]
    assert [free[0] in texts[0], free[1] in texts[0]] == [True, False]
    assert [free[0] in texts[1], free[1] in texts[1]] == [False, True]


def test_pages_are_made_without_the_command_line():
    """The program is handed over, never imported."""
    script = "import sys; from llama4ref import load; from llama4ref.website.pages.all_pages import make_pages; make_pages(load()); print([name for name in sys.modules if name.startswith('llama4ref.cli')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)

    assert done.stdout == "[]\n"


def test_a_site_without_a_program_says_where_the_commands_are_described(catalog: Catalog):
    """The page is there, as others link to it."""
    assert "llama4ref --help" in dict(reference_pages(catalog))["reference/commands.md"]


def test_a_page_gives_the_note_of_a_value_once_for_all_of_its_cells(catalog: Catalog):
    """Equal notes share a number."""
    page = Page(catalog, "models/scout.md", title="Scout", description="")
    fact = page.facts("models/scout")["text.layers"]

    assert page.note(fact) == page.note(fact) != page.note(fact, brief=True)


def test_the_measurements_say_what_is_measured_and_what_spoiled_it(catalog: Catalog, made: dict[str, str]):
    """Each metric of the table has its meaning below, and a disturbed number its reason beside it."""
    page = made["measurements/index.md"]
    head, rows = _rows(page, "Measurements")
    runs = [(each, seen) for each in catalog.measurements.values() for seen in each.observations]

    for (_, seen), row in zip(runs, rows, strict=True):
        cells = dict(zip(head, row, strict=True))
        assert (seen.disturbed or "") in cells["Disturbed by"]
        assert bool(cells["Queued"]) is (seen.requests is not None)
        assert METRICS[seen.metric].meaning in page
    assert any(seen.disturbed for _, seen in runs)


ABOUT_THE_CATALOGUE = {
    ("sources", "Value"), ("sources", "Publisher"), ("sources", "Published"), ("sources", "Read"), ("sources", "Facts"),
    ("unknowns.md", "Unknown"), ("unknowns.md", "Facts"), ("reference", "Entries"), ("reference", "Meaning"),
}  # fmt: skip
"""Columns that tell of the sources themselves, of how much is known, or of this package."""
OUR_OWN_WORDS = {"Remark", "Note", "Why", "Why the preferred one", "Because", "How it follows"}
NAMES = {("engines", "Name"), ("claims.md", "About"), ("models", "Unit")}
SAID_ABOVE = {("engines", "Before")}
"""What a release had before stands with its note at the release that brought it."""


def test_no_cell_of_any_page_shows_a_number_without_its_note(made: dict[str, str]):
    """Whichever way a table was made: only names, our own words and counts of this catalogue go without."""
    free = ABOUT_THE_CATALOGUE | NAMES | SAID_ABOVE
    seen = 0
    for path, text in made.items():
        for found in re.findall(r"<table[^>]*>.*?</table>", text) if path.endswith(".md") else ():
            head, *rows = [CELL.findall(row) for row in ROW.findall(found)]
            columns = [re.sub(r" ?<small>.*?</small>", "", each) for each in head]
            for row in rows:
                for column, cell in [*zip(columns, row, strict=True)][1:]:
                    if column in OUR_OWN_WORDS or (path.partition("/")[0], column) in free:
                        continue
                    seen += MARK in cell
                    assert MARK in cell or not re.search(r"\d", re.sub(r"<[^>]*>", "", cell)), (path, column, cell)
    assert seen > 10_000


def test_what_spoils_or_limits_a_benchmark_names_its_source(catalog: Catalog, made: dict[str, str]):
    """Conditions and notes stand in a list below the scores."""
    for each in catalog.benchmarks.values():
        page = made[f"benchmarks/{each.category.replace('_', '-')}.md"]
        for word in (*each.conditions, *each.notes):
            item = next(li for li in re.findall(r"<li>.*?</li>", page) if html.escape(word, quote=False) in li)

            assert MARK in item, (each.id, word)
