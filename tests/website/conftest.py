"""What the tests of page-making share: every page, made once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.cli.program import program
from llama4ref.website.pages.all_pages import make_pages

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="session")
def prose() -> dict[str, str]:
    """The pages that people write."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}


@pytest.fixture(scope="session")
def made(catalog: Catalog, prose: dict[str, str]) -> dict[str, str]:
    """Every page and file by path."""
    return make_pages(catalog, prose=prose, program=program)
