"""The built files: strict, small, whole, and asking nothing of other hosts."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin

import pytest

if TYPE_CHECKING:
    from llama4ref.website import SiteReport

LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
ROOT = "http://site/"


class _Page(HTMLParser):
    """What a page links to, loads, and offers as anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what matters of a tag."""
        found = dict(attrs)
        if found.get("id"):
            self.anchors.append(found["id"] or "")
        if tag == "a" and found.get("href"):
            self.links.append(found["href"] or "")
        if tag == "link" and found.get("rel") != "canonical":
            self.loads.append(found.get("href") or "")
        if tag in LOADING and found.get(LOADING[tag]):
            self.loads.append(found[LOADING[tag]] or "")


@pytest.fixture(scope="module")
def read(built: SiteReport) -> dict[str, _Page]:
    """Every page by its address below the root."""
    return {
        path.relative_to(built.output).as_posix().removesuffix("index.html"): _Page(path.read_text(encoding="utf-8"))
        for path in sorted(built.output.rglob("*.html"))
    }


def test_strict_build_is_silent(built: SiteReport) -> None:
    """No warning, and every page is there."""
    assert built.warnings == ()
    assert built.pages > 400


def test_no_page_is_large(built: SiteReport) -> None:
    """No page has 200 KB, and none with all that it loads has 200 KB on the wire."""
    assert built.largest_page_bytes < 200_000, built.largest_page
    shared = [path for kind in ("*.css", "*.js") for path in built.output.rglob(kind) if _is_loaded(path)]
    wire = sum(len(gzip.compress(path.read_bytes())) for path in [*shared, built.output / built.largest_page])

    assert wire < 200_000


def _is_loaded(path: Path) -> bool:
    return "lunr" not in path.parts and "workers" not in path.parts


def test_every_internal_link_leads_somewhere(built: SiteReport, read: dict[str, _Page]) -> None:
    """Pages, files and anchors are all there."""
    broken = []
    for address, page in read.items():
        if address == "404.html":
            continue
        for link in page.links:
            target, anchor = urldefrag(urljoin(ROOT + address, link))
            if not target.startswith(ROOT):
                continue
            inside = unquote(target.removeprefix(ROOT))
            if inside in read:
                if anchor and unquote(anchor) not in read[inside].anchors and anchor != "__skip":
                    broken.append(f"{address or 'home'} -> {inside}#{anchor}")
            elif not (built.output / inside).is_file():
                broken.append(f"{address or 'home'} -> {inside}")

    assert broken == []


def test_nothing_is_loaded_from_other_hosts(built: SiteReport, read: dict[str, _Page]) -> None:
    """Neither pages nor style sheets name a resource of another host."""
    foreign = {load for page in read.values() for load in page.loads if re.match(r"(https?:)?//", load)}
    in_styles = {
        url
        for path in built.output.rglob("*.css")
        for url in re.findall(r"url\(([^)]*)\)", path.read_text(encoding="utf-8"))
        if "//" in url and "data:" not in url
    }

    assert foreign == set()
    assert not any("w3.org" not in url for url in in_styles)


def test_ids_are_unique(read: dict[str, _Page]) -> None:
    """An anchor leads to one place."""
    for address, page in read.items():
        twice = {anchor for anchor in page.anchors if page.anchors.count(anchor) > 1 and not anchor.startswith("__")}

        assert not twice, address


def test_pencil_opens_the_yaml(built: SiteReport) -> None:
    """The page of a model leads to its spec."""
    page = (built.output / "models/scout/index.html").read_text(encoding="utf-8")

    assert "/edit/main/specs/models/scout.yaml" in page


def test_data_and_schemas_are_published(built: SiteReport) -> None:
    """The files that programs read are there."""
    for name in ("llms.txt", "data/models.json", "data/sources.json", "schema/providers.schema.json"):
        assert (built.output / name).is_file(), name
