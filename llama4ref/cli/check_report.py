"""How well are the facts founded: how many there are, checked by a machine, said twice, disputed, stale?"""

from __future__ import annotations

import datetime as dt
import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.sources import Provenance

HELD_AGAINST: tuple[tuple[str, str, str], ...] = (
    ("models/*", "text.*", "tests/facts/test_tensors.py"),
    ("models/*", "attention.*", "tests/facts/test_tensors.py"),
    ("models/*", "experts.*", "tests/facts/test_tensors.py"),
    ("models/*", "dense.*", "tests/facts/test_tensors.py"),
    ("models/*", "vision.*", "tests/facts/test_tensors.py"),
    ("models/*", "tokens.*", "tests/specs/test_families.py"),
    ("engines/vllm", "flags.*", "tests/specs/test_engines.py"),
    ("engines/vllm", "methods.*", "tests/specs/test_engines.py"),
    ("engines/vllm", "environment.*", "tests/specs/test_engines.py"),
    ("engines/vllm", "behaviours.*", "tests/memory/test_attention_cache.py"),
    ("engines/vllm", "hardware_defaults.*", "tests/specs/test_engines.py"),
    ("formats/*", "element.*", "tests/facts/test_formats.py"),
    ("formats/*", "scale.*", "tests/facts/test_formats.py"),
    ("checkpoints/*", "coverage.*", "tests/specs/test_checkpoints.py"),
)
"""Leaves that a test holds against installed software or a published configuration: entity, field, the test.

Notes in words are not among them.
"""
_IN_WORDS = frozenset({"note", "notes", "name", "symptom", "workaround"})
STALE_AFTER_DAYS = 270


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCounts:
    """Leaves of the catalogue, counted."""

    facts: int
    cited: int
    unknown: int
    machine_checked: int
    """Held against installed software or a published configuration, or a claim that was recomputed."""
    twice_sourced: int
    """Two sources or more say the same."""
    disputed: int
    dated: int
    """Hold as of a day."""
    stale: int
    """Dated, and the day lies too far back."""
    sources: int
    stale_before: str


def count_facts(catalog: Catalog, today: dt.date) -> FactCounts:
    """Every leaf of the catalogue, by how well it is founded."""
    leaves = [(entity, path, leaf) for entity, each in catalog.provenance.items() for path, leaf in each.items()]
    oldest = (today - dt.timedelta(days=STALE_AFTER_DAYS)).isoformat()
    dates = [leaf.citations[0].as_of for _, _, leaf in leaves if leaf.citations[0].as_of]
    recomputed = set(_recomputed(catalog))
    return FactCounts(
        facts=len(leaves),
        cited=sum(bool(leaf.citations) for _, _, leaf in leaves),
        unknown=sum(leaf.state == "unknown" for _, _, leaf in leaves),
        machine_checked=sum((entity, path) in recomputed or is_held(entity, path) for entity, path, _ in leaves),
        twice_sourced=sum(_agreeing(leaf) > 1 for _, _, leaf in leaves),
        disputed=sum(leaf.disputed for _, _, leaf in leaves),
        dated=len(dates),
        stale=sum(date < oldest for date in dates),
        sources=len(catalog.sources),
        stale_before=oldest,
    )


def is_held(entity: str, path: str) -> bool:
    """Whether a test holds a leaf against something that is not our word.

    Examples:
        >>> is_held("models/scout", "text.layers"), is_held("models/scout", "developer")
        (True, False)
    """
    if path.rpartition(".")[2] in _IN_WORDS:
        return False
    return any(
        fnmatch.fnmatchcase(entity, each) and fnmatch.fnmatchcase(path, field) for each, field, _ in HELD_AGAINST
    )


def _recomputed(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The figures of claims that were computed again."""
    for claim in catalog.claims():
        if claim.computed is not None:
            stem = claim.field.rpartition(".")[0]
            yield from ((claim.entity, f"{stem}.{name}") for name in ("figure", "stated", "precision"))


def _agreeing(leaf: Provenance) -> int:
    return len({citation.source.id for citation in leaf.citations if citation.agrees})
