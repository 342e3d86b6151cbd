"""Notes are numbered in reading order, shared where equal, and left out where nothing points to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.website.markup.footnotes import Footnotes

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


def test_numbers_follow_the_page_and_not_the_making() -> None:
    """What is made second but stands first is number one; what does not stand there has no note."""
    notes = Footnotes("index.md")
    second, _, first = notes.mark("b"), notes.mark("unused"), notes.mark("a")
    body, listing = notes.numbered(f"x{first} y{second} z{first}")

    assert body.count('href="#fn:1"') == 2
    assert body.count('id="fnref:1"') == 1
    assert listing.index("<p>a ") < listing.index("<p>b ")
    assert "unused" not in listing


def test_note_names_title_publisher_place_and_days(catalog: Catalog) -> None:
    """Everything needed to find the word again."""
    leaf = catalog.trace("providers/groq", "offers.0.context_tokens")
    notes = Footnotes("providers/groq.md")
    _, listing = notes.numbered(notes.of(leaf))
    first = leaf.citations[0]

    assert f'href="../../sources/{first.source.id}/"' in listing
    assert all(
        word in listing
        for word in (
            first.source.title,
            first.source.publisher,
            first.at,
            f"as of {first.as_of}",
            f"read {first.source.retrieved}",
        )
    )
    assert "; also <a" in listing


def test_disputed_leaf_names_the_others(catalog: Catalog) -> None:
    """The note of a disputed value holds every other value with its source."""
    leaf = catalog.trace("models/scout", "text.layers")
    notes = Footnotes("models/scout.md")
    _, listing = notes.numbered(notes.of(leaf, "text.layers"))

    assert "Others say: <b>24</b>" in listing
