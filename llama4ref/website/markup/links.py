"""Addresses of pages, and relative links between them.

Pages are named by their path below the documentation folder (`models/scout.md`). Addresses are folders (`models/scout/`), so that
no file ending shows in a link that people copy.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog


def address(path: str) -> str:
    """The address of a page or file below the root of the site.

    Examples:
        >>> address("index.md"), address("models/index.md"), address("models/scout.md"), address("data/models.json")
        ('', 'models/', 'models/scout/', 'data/models.json')
    """
    if not path.endswith(".md"):
        return path
    stem = path.removesuffix(".md")
    if posixpath.basename(stem) == "index":
        folder = posixpath.dirname(stem)
        return f"{folder}/" if folder else ""
    return f"{stem}/"


def relative(here: str, there: str, anchor: str = "") -> str:
    """How a page points at another page or file, and at a place in it.

    Examples:
        >>> relative("models/scout.md", "sources/own-derivation.md")
        '../../sources/own-derivation/'
        >>> relative("index.md", "models/index.md", "compare"), relative("models/scout.md", "models/scout.md", "text")
        ('models/#compare', '#text')
    """
    suffix = f"#{anchor}" if anchor else ""
    if here == there:
        return suffix or "./"
    target = address(there)
    path = posixpath.relpath(f"/{target}", f"/{address(here)}")
    return (f"{path}/" if not target or target.endswith("/") else path) + suffix


def home_of(catalog: Catalog, entity: str) -> tuple[str, str]:
    """The page that shows an entity such as `models/scout`, and the place on it.

    Benchmarks share a page with the others of their category, measurements and errata have one page for all.
    """
    kind, _, id_ = entity.partition("/")
    if kind == "benchmarks":
        return f"benchmarks/{catalog.benchmarks[id_].category.replace('_', '-')}.md", id_
    if kind == "measurements":
        return "measurements/index.md", id_
    if kind == "errata":
        return "errata.md", id_
    return f"{entity}.md", ""
