"""Pictures say in words what they show, and put things where numbers say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from llama4ref.website.pictures.figures import layer_pattern, routing
from llama4ref.website.pictures.plots import context_by_provider, price_against_context

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

SVG = "{http://www.w3.org/2000/svg}"


def _pictures(html: str) -> list[ET.Element]:
    found = re.findall(r"<svg (.*?</svg>)", html)
    return [ET.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg" {rest}') for rest in found]  # noqa: S314  # made by us


@pytest.mark.parametrize("model", ["scout", "maverick"])
def test_layer_pattern_draws_every_layer(catalog: Catalog, model: str) -> None:
    """48 pairs of boxes, twelve of them NoPE, and as many MoE as the model has."""
    (picture,) = _pictures(layer_pattern(catalog.model(model)))
    words = [each.text for each in picture.iter(f"{SVG}text")]
    layers = catalog.model(model).architecture.text.layers

    assert words.count("NoPE") == layers // 4
    assert words.count("MoE") - 1 == {"scout": 48, "maverick": 24}[model]  # one more in the legend
    assert [word for word in words if word and word.isdecimal()] == [str(layer) for layer in range(layers)]


def test_every_picture_has_title_and_description(catalog: Catalog) -> None:
    """Who cannot see it can read it."""
    made = [
        layer_pattern(catalog.model("scout")),
        routing(catalog.model("maverick")),
        context_by_provider(catalog),
        price_against_context(catalog),
    ]
    for picture in [each for html in made for each in _pictures(html)]:
        title, desc = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")

        assert title is not None
        assert desc is not None
        assert desc.text
        assert picture.get("role") == "img"
        assert set((picture.get("aria-labelledby") or "").split()) == {title.get("id"), desc.get("id")}


def test_longer_context_has_a_longer_bar(catalog: Catalog) -> None:
    """Bars grow with the number beside them, and none is longer than the model's own limit."""
    for picture in _pictures(context_by_provider(catalog)):
        bars = [
            (int(re.sub(r"\D", "", (bar[0].text or "").split(":")[1].split("tokens")[0])), float(bar.get("width") or 0))
            for bar in picture.iter(f"{SVG}rect")
        ]
        limit = next(float((each.get("points") or "").split(",")[0]) for each in picture.iter(f"{SVG}polyline"))

        assert [width for _, width in sorted(bars)] == sorted(width for _, width in bars)
        assert all(210 + width <= limit + 0.2 for _, width in bars)


def test_colours_are_left_to_the_style_sheet(catalog: Catalog) -> None:
    """No picture names a colour, so that dark and light both read."""
    html = layer_pattern(catalog.model("scout")) + context_by_provider(catalog)

    assert not re.search(r"fill=|stroke=|#[0-9a-f]{3,6}\b", html)
