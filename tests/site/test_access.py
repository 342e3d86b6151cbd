"""Everybody can read it: contrast, names, headings and alternatives, on a page of every kind and in both palettes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

CONTRAST = """
() => {
  const channels = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const over = (top, below) => {
    const alpha = top[3] ?? 1;
    return [0, 1, 2].map((i) => top[i] * alpha + below[i] * (1 - alpha));
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => ((c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(channels(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, layer) => (layer.length ? over(layer, below) : below), [255, 255, 255]);
  };
  const faded = (element) => {
    let part = 1;
    for (let at = element; at; at = at.parentElement) part *= Number(getComputedStyle(at).opacity);
    return part;
  };
  const weak = new Map();
  const walker = document.createTreeWalker(document.querySelector(".md-container, body"), NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (element.closest("svg, option, script, style, [hidden], .headerlink, .md-search__output")) continue;
    const style = getComputedStyle(element);
    const below = behind(element);
    const colour = channels(style.color);
    colour[3] = (colour[3] ?? 1) * faded(element);
    const [a, b] = [light(over(colour, below)), light(below)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const need = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < need) weak.set(element.className + " " + element.tagName, ratio.toFixed(2) + " " + node.textContent.trim().slice(0, 30));
  }
  return [...weak];
}
"""
PICTURES = """
() => {
  const channels = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((c) => ((c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (x, y) => {
    const [a, b] = [light(x), light(y)].sort((p, q) => q - p);
    return (a + 0.05) / (b + 0.05);
  };
  const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const word = document.createElementNS("http://www.w3.org/2000/svg", "text");
  document.querySelector("svg.figure").append(box, word);
  word.setAttribute("class", "on small");
  const on = channels(getComputedStyle(word).fill);
  word.setAttribute("class", "ink");
  const page = channels(getComputedStyle(document.body).backgroundColor);
  const weak = ratio(channels(getComputedStyle(word).fill), page) < 4.5 ? ["ink"] : [];
  for (const kind of ["a", "b"]) {
    box.setAttribute("class", kind);
    const fill = channels(getComputedStyle(box).fill);
    if (ratio(on, fill) < 4.5) weak.push("words on " + kind);
    if (ratio(fill, page) < 3) weak.push(kind);
  }
  box.remove();
  word.remove();
  return weak;
}
"""
STRUCTURE = """
() => {
  const wrong = [];
  const heads = [...document.querySelectorAll(".md-content h1, .md-content h2, .md-content h3, .md-content h4, .md-content h5")];
  if (heads.filter((head) => head.tagName === "H1").length !== 1) wrong.push("not one h1");
  heads.reduce((before, head) => {
    const level = Number(head.tagName[1]);
    if (level > before + 1) wrong.push("skips to " + head.tagName + " at " + head.textContent);
    return level;
  }, 0);
  for (const picture of document.querySelectorAll("svg.figure"))
    if (!picture.querySelector(":scope > title") || !picture.querySelector(":scope > desc")) wrong.push("picture without words");
  for (const image of document.querySelectorAll("img")) if (!image.alt) wrong.push("image without alt");
  for (const control of document.querySelectorAll(".md-content input, .md-content select"))
    if (!control.labels.length) wrong.push("control without label");
  for (const button of document.querySelectorAll(".md-content button"))
    if (!button.textContent.trim() && !button.title && !button.ariaLabel) wrong.push("button without name");
  for (const table of document.querySelectorAll(".facts table")) {
    if (!table.caption?.textContent) wrong.push("table without caption");
    if ([...table.tHead.rows[0].cells].some((cell) => cell.scope !== "col")) wrong.push("head without scope");
  }
  for (const link of document.querySelectorAll(".md-content a[href]"))
    if (!link.textContent.trim() && !link.title && !link.ariaLabel) wrong.push("link without words: " + link.href);
  if (!document.documentElement.lang) wrong.push("no language");
  if (!document.querySelector("meta[name=description]")?.content) wrong.push("no description");
  if (!document.title) wrong.push("no title");
  return wrong;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out(chromium: Browser, served: str, sample: str, scheme: str) -> None:
    """Every visible word has a contrast of 4.5 to what is behind it, large ones of 3."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(served + sample)
    weak = page.evaluate(CONTRAST)
    context.close()

    assert weak == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_stand_out(chromium: Browser, served: str, scheme: str) -> None:
    """Words on and shapes of pictures can be told from what is behind them."""
    context = chromium.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(served + "models/scout/")
    weak = page.evaluate(PICTURES)
    context.close()

    assert weak == []


def test_structure_is_sound(page: Page, sample: str) -> None:
    """One first heading, no level skipped, and a name for every picture, control, table and link."""
    page.goto(sample)

    assert page.evaluate(STRUCTURE) == []
