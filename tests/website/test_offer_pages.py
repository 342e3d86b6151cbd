"""What is known of the ends of offers stands on the pages of offers, each with its source."""

from __future__ import annotations

import html
import re
import shutil
from typing import TYPE_CHECKING

from llama4ref.facts import load
from llama4ref.facts.loading import specs_folder
from llama4ref.facts.types.states import is_stated
from llama4ref.website.pages.entity_pages import entity_pages
from llama4ref.website.pages.offer_pages import offer_pages
from tests.website.test_cited import MARK, _rows

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.facts import Catalog


def words(cell: str) -> str:
    """A cell without its markup and the numbers of its notes."""
    return html.unescape(re.sub(r"<[^>]+>", "", re.sub(r'<a class="footnote-ref".*?</a>', "", cell))).strip("\u202f ≠")


def test_each_promise_of_notice_is_on_the_timeline_with_its_source(catalog: Catalog, made: dict[str, str]) -> None:
    """And on the provider's own page."""
    _, rows = _rows(made["timeline.md"], "Notice before an end")
    promised = {each.name: each.lifecycle for each in catalog.providers.values() if is_stated(each.lifecycle)}

    assert {words(name): words(promise) for name, promise in rows} == promised
    assert len(promised) > 4
    for (_, promise), each in zip(rows, promised.values(), strict=True):
        provider = next(id_ for id_, found in catalog.providers.items() if found.lifecycle == each)

        assert MARK in promise
        assert html.escape(each, quote=False) in made[f"providers/{provider}.md"]


def test_what_came_in_the_place_of_an_offer_is_told_with_its_source(catalog: Catalog, made: dict[str, str]) -> None:
    """On the page of ended offers and, where the day is known, on the timeline."""
    for path, caption in (("providers/ended.md", "Offers that ended"), ("timeline.md", "Offers that ended, or will")):
        head, rows = _rows(made[path], caption)
        place = head.index("In its place")
        named = [row[place] for row in rows if row[place]]

        assert named
        assert all(MARK in cell for cell in named)
        assert {words(cell) for cell in named} == {
            offer.successor
            for provider in catalog.providers.values()
            for offer in provider.offers
            if offer.successor and (is_stated(offer.retired) or path != "timeline.md")
        }


def test_every_offer_is_on_one_of_the_two_pages_with_all_its_facts(catalog: Catalog, made: dict[str, str]) -> None:
    """Context, prices and end; what ended has no end before it."""
    shown: dict[str, list[dict[str, str]]] = {"providers/index.md": [], "providers/ended.md": []}
    for path, caption in zip(shown, ("Offers of all providers", "Offers that ended"), strict=True):
        head, rows = _rows(made[path], caption)
        shown[path] = [{name.split(" (")[0]: words(cell) for name, cell in zip(head, row, strict=True)} for row in rows]
    for provider in catalog.providers.values():
        for offer in provider.offers:
            row = shown["providers/ended.md" if offer.status == "retired" else "providers/index.md"].pop(0)
            end = row["Ended" if offer.status == "retired" else "Ends"]

            assert row["Provider"].startswith(provider.name)
            assert row["Context"].startswith(
                f"{offer.context_tokens:,}" if is_stated(offer.context_tokens) else ("unknown", "not stated")
            )
            assert end == (offer.retired if is_stated(offer.retired) else "" if offer.retired is None else "unknown")

    assert shown == {"providers/index.md": [], "providers/ended.md": []}


def test_that_no_end_is_announced_is_said_as_of_its_day(tmp_path: Path) -> None:
    """Where a spec says that there is none, as against not saying anything."""
    specs = shutil.copytree(specs_folder(), tmp_path / "specs")
    file = specs / "providers" / "cloudflare-workers-ai.yaml"
    text = file.read_text(encoding="utf-8")
    source = re.search(r"^    source: (.+)$|^source: (.+)$", text, re.MULTILINE)
    assert source is not None
    cited = next(filter(None, source.groups()))
    said = f'    retired: {{value: none, source: {cited}, at: "deprecations", as_of: "2026-11-20"}}\n'
    file.write_text(re.sub(r"(?m)^(    name: .*\n)", rf"\1{said}", text, count=1), encoding="utf-8")
    pages = dict(offer_pages(load(specs))) | dict(entity_pages(load(specs)))
    head, rows = _rows(pages["providers/index.md"], "Offers of all providers")
    (row,) = [row for row in rows if "cloudflare-workers-ai" in row[0]]
    end = row[head.index("Ends")]

    assert words(end) == "no end announced as of 2026-11-20"
    assert MARK in end
    assert "no end announced as of 2026-11-20" in pages["providers/cloudflare-workers-ai.md"]
