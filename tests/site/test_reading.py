"""The site in a real browser: searching, sorting, footnotes, dark mode, narrow screens, and nothing that goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("words", "address"),
    [("NoPE", "/models/"), ("Groq context", "/providers/groq/"), ("W4A16", "w4a16")],
)
def test_search_finds(page: Page, words: str, address: str) -> None:
    """What people look for is among the first results."""
    page.goto("")
    page.locator("input.md-search__input").click()
    page.keyboard.type(words)
    results = page.locator("a.md-search-result__link")
    results.first.wait_for()
    page.wait_for_timeout(300)
    found = [results.nth(index).get_attribute("href") or "" for index in range(min(6, results.count()))]

    assert any(address in href for href in found), found


def test_table_sorts_by_pointer_and_by_key(page: Page) -> None:
    """A click sorts upwards, Enter on the same head downwards, and the head says so."""
    page.goto("providers/")
    head = page.locator("th", has=page.get_by_role("button", name="Context"))
    head.get_by_role("button").click()
    upwards = _column(page, 4)

    assert head.get_attribute("aria-sort") == "ascending"
    assert len(upwards) > 30
    assert upwards == sorted(upwards)

    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    downwards = _column(page, 4)

    assert head.get_attribute("aria-sort") == "descending"
    assert downwards == sorted(upwards, reverse=True)


def _column(page: Page, index: int) -> list[float]:
    script = """(index) => [...document.querySelectorAll('.facts tbody tr')]
        .map((row) => row.cells[index].firstChild.textContent.replaceAll(',', '').trim())
        .filter((text) => /^[0-9.]+$/.test(text)).map(Number)"""
    values: list[float] = page.evaluate(script, index)
    return values


def test_filters_leave_the_rows_that_match(page: Page) -> None:
    """Model, least context and words together."""
    page.goto("providers/")
    rows = page.locator(".facts tbody tr:visible")
    every = rows.count()
    page.get_by_label("Model", exact=True).select_option("scout")
    page.get_by_label("At least: Context, tokens").fill("300000")
    page.get_by_label("Images").select_option("yes")
    kept = rows.count()

    assert 0 < kept < every
    assert page.locator(".choose output").text_content() == f"{kept} of {every} rows"
    assert "DeepInfra" in rows.all_inner_texts().__str__()

    page.get_by_label("Contains").fill("deepinfra")

    assert rows.count() == 1


def test_footnote_opens_its_source(page: Page) -> None:
    """The number leads to the note, the note to the source's page, and back."""
    page.goto("models/scout/")
    page.locator('tr[id="text.hidden_size"] a.footnote-ref').click()
    note = page.locator("li:target")

    assert note.is_visible()
    assert "read 20" in note.inner_text()

    note.locator("a").first.click()
    page.wait_for_url("**/sources/**")

    assert page.locator("h1").inner_text()
    assert page.get_by_text("facts cite it").first.is_visible()


def test_footnote_shows_beside_its_number(page: Page) -> None:
    """Who only points at a number sees its note."""
    page.goto("models/scout/")
    page.locator('tr[id="text.hidden_size"] a.footnote-ref').hover()
    tip = page.locator(".md-tooltip2--active, .md-tooltip--active").first
    tip.wait_for()

    assert "Meta" in tip.inner_text() or "read" in tip.inner_text()


def test_disputed_value_leads_to_all_values(page: Page) -> None:
    """The mark opens the box that names every word."""
    page.goto("models/scout/")
    page.locator('tr[id="text.layers"] a.disputed').click()
    box = page.locator(".admonition.question:target")

    assert box.is_visible()
    assert "24" in box.inner_text()
    assert "Preferred:" in box.inner_text()


def test_dark_mode_toggles_and_stays(page: Page) -> None:
    """The switch changes colours, and the next page keeps them."""
    page.goto("models/scout/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_title("Switch to dark mode").click()

    assert page.locator("body").get_attribute("data-md-color-scheme") == "slate"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light

    page.goto("providers/")

    assert page.locator("body").get_attribute("data-md-color-scheme") == "slate"


def test_terms_have_tooltips(page: Page) -> None:
    """A word of the glossary says what it means."""
    page.goto("memory/")

    assert page.locator("abbr[title*='Keys and values']").count() >= 1


def test_narrow_screen_does_not_scroll_sideways(page: Page, sample: str) -> None:
    """At 360 pixels only tables scroll, inside their frames."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(sample)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_long_table_keeps_its_first_column(page: Page) -> None:
    """The name of a row stays in sight while the table scrolls in its frame."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("providers/")
    frame = page.locator(".facts").first
    frame.evaluate("(element) => { element.scrollLeft = 400 }")
    left = frame.locator("tbody th").first.evaluate("(cell) => cell.getBoundingClientRect().left")

    assert left >= 0


@pytest.mark.parametrize("width", [360, 1280])
def test_no_word_of_a_table_is_cut(page: Page, width: int) -> None:
    """Numbers of notes stay in one piece, and names of things break between their words alone."""
    page.set_viewport_size({"width": width, "height": 900})
    for sample in ("measurements/", "providers/", "accelerators/"):
        page.goto(sample)
        cut = page.evaluate(
            """() => [...document.querySelectorAll('.facts td a')].filter((link) => {
                const range = document.createRange();
                const text = link.firstChild;
                return [...text.textContent.matchAll(/[A-Za-z0-9]+/g)].some((word) => {
                    range.setStart(text, word.index);
                    range.setEnd(text, word.index + word[0].length);
                    return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1;
                });
            }).map((link) => link.textContent)"""
        )

        assert cut == [], sample
