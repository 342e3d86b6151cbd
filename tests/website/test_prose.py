"""Prose takes its numbers from the catalogue, and a call that names nothing ends the build."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import SpecErrors
from llama4ref.website.pages.prose import prose_pages, with_terms

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


def test_fact_is_filled_in_with_its_note(catalog: Catalog) -> None:
    """The value, a number, and the note at the foot."""
    page = prose_pages(catalog, {"a.md": '# A\n\nScout has {{ fact("models/scout", "text.hidden_size") }} of them.'})[
        "a.md"
    ]

    assert "Scout has 5,120" in page
    assert 'href="#fn:1"' in page
    assert page.index("## Sources") < page.index('<li id="fn:1">')


def test_every_wrong_call_is_reported_with_its_line(catalog: Catalog) -> None:
    """All of them in one report, with the nearest name."""
    text = '# A\n\n{{ fact("models/scuot", "text.layers") }}\n{{ facts("models/scout", "text.layers") }}\n{{ fact("models/scout", "text.layer") }}\n'

    with pytest.raises(SpecErrors) as caught:
        prose_pages(catalog, {"a.md": text})

    assert [(fault.file, fault.line) for fault in caught.value.faults] == [
        ("docs/a.md", 3),
        ("docs/a.md", 4),
        ("docs/a.md", 5),
    ]
    assert "models/scout" in caught.value.faults[0].do
    assert "did you mean fact" in caught.value.faults[1].do
    assert "text.layers" in caught.value.faults[2].do


def test_code_is_left_as_it_is(catalog: Catalog) -> None:
    """A fenced block may show a call without making it."""
    text = '# A\n\n```text\n{{ fact("nobody", "nothing") }}\n```\n'

    assert '{{ fact("nobody", "nothing") }}' in prose_pages(catalog, {"a.md": text})["a.md"]


def test_terms_are_explained_where_they_stand() -> None:
    """A term that a page uses comes with its meaning, others do not."""
    page = with_terms("Layers without RoPE.", {"RoPE": "Rotary.", "MoE": "Mixture."})

    assert "*[RoPE]: Rotary." in page
    assert "MoE" not in page


def test_prose_holds_no_number_of_fact(prose: dict[str, str]) -> None:
    """Long numbers, prices and byte counts never stand in prose; commands, code and the ladder's rungs may have digits."""
    for path, text in prose.items():
        words = re.sub(r"```.*?```|`[^`]*`|\{\{.*?\}\}|\([^)]*\)|^\| \d \|", "", text, flags=re.DOTALL | re.MULTILINE)

        assert not re.findall(r"\d[\d,_.]{2,}\d|\d+ (?:GiB|GB|tokens|layers|experts)|\$\d", words), path
