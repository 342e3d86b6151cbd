"""All generated pages and files, as text by path: a pure function of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from llama4ref.website.pages.change_pages import change_pages
from llama4ref.website.pages.compare_pages import compare_pages
from llama4ref.website.pages.entity_pages import entity_pages
from llama4ref.website.pages.exports import data_files, llms_text
from llama4ref.website.pages.offer_pages import offer_pages
from llama4ref.website.pages.overview_pages import overview_pages
from llama4ref.website.pages.prose import glossary, prose_pages, with_terms
from llama4ref.website.pages.references import reference_pages
from llama4ref.website.pages.result_pages import result_pages
from llama4ref.website.pages.source_pages import source_pages

if TYPE_CHECKING:
    import click

    from llama4ref.facts.catalog import Catalog

GLOSSARY = "glossary.md"


def make_pages(
    catalog: Catalog, *, prose: Mapping[str, str] | None = None, program: click.Command | None = None
) -> dict[str, str]:
    """Every page (Markdown) and file (JSON, text), by its path below the documentation folder.

    Args:
        catalog: where every number comes from.
        prose: the pages that people write, by path; left out where none are given.
        program: the command line to describe.

    Raises:
        SpecErrors: where prose calls for a fact that is not there.

    Examples:
        >>> from llama4ref.facts import load
        >>> "models/scout.md" in make_pages(load())
        True
    """
    written = prose or {}
    generated = {
        **dict(entity_pages(catalog)),
        **dict(compare_pages(catalog)),
        **dict(change_pages(catalog)),
        **dict(source_pages(catalog)),
        **dict(result_pages(catalog)),
        **dict(overview_pages(catalog)),
        **dict(offer_pages(catalog)),
        **dict(reference_pages(catalog, program)),
        **prose_pages(catalog, written),
    }
    terms = glossary(written.get(GLOSSARY, ""))
    explained = {path: text if path == GLOSSARY else with_terms(text, terms) for path, text in generated.items()}
    return {**explained, **dict(data_files(catalog)), "llms.txt": llms_text(catalog)}
