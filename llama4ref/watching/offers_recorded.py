"""What the specs hold already as the word of a catalogue, so that it is no news."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from llama4ref.facts.types.releases import is_release, release_key
from llama4ref.facts.types.states import is_stated
from llama4ref.watching.offers_matching import of_package

if TYPE_CHECKING:
    from llama4ref.facts import Catalog
    from llama4ref.facts.types.sources import Citation, Provenance
    from llama4ref.watching.catalogues import Catalogue, RowValue
    from llama4ref.watching.catalogues_found import Form


def is_recorded_word(leaf: Provenance | None, catalogue: Catalogue, theirs: RowValue) -> bool:
    """Whether the youngest word that a leaf holds of the catalogue is this value, or is of a later release.

    An older word is not enough: a catalogue that goes back to a value it had corrected is news.
    """
    words = [each for each in leaf.citations if of_package(each, catalogue.package)] if leaf else []
    if not words:
        return False
    if any(after(each, catalogue) for each in words):
        return True
    youngest = max(map(_published, words))
    return any(is_same(each.value, theirs) for each in words if _published(each) == youngest)


def is_recorded_row(catalog: Catalog, form: Form, key: str) -> bool:
    """Whether an erratum is about this row of the catalogue."""
    said = (catalog.cite(f"errata/{id_}", "said.printed")[0] for id_ in catalog.errata)
    return any(of_package(each, form.package) and form.cited_key(each.at) == key for each in said)


def after(citation: Citation, catalogue: Catalogue, *, or_same: bool = False) -> bool:
    """Whether a source is a later release of a catalogue, or also this one."""
    cited = citation.source.id.removeprefix(f"{catalogue.package}-")
    if catalogue.release is None or not of_package(citation, catalogue.package) or not is_release(cited):
        return False
    first, second = release_key(cited), release_key(catalogue.release)
    return first >= second if or_same else first > second


def _published(citation: Citation) -> str:
    return citation.source.published if is_stated(citation.source.published) else ""


def is_same(ours: object, theirs: RowValue) -> bool:
    """Whether two values are the same; prices up to what floating point loses."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs, rel_tol=1e-9)
    return ours == theirs


__all__ = ["after", "is_recorded_row", "is_recorded_word", "is_same"]
