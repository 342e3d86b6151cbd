"""How well founded is each fact: who says so, who agrees or disagrees, what has compared it, how old is it?"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.audit.citation_rules import false_citations
from llama4ref.facts.audit.cross_checks import compared_leaves
from llama4ref.facts.audit.outside_checks import outside_leaves

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.sources import Provenance

STALE_AFTER_DAYS = 270
REMARKS = frozenset({"note", "notes", "why", "because", "symptom", "workaround", "doubt", "title"})
"""Fields that hold our own words about a fact instead of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """How well founded one leaf is."""

    entity: str
    field: str
    is_remark: bool
    """Whether it is our own words about a fact."""
    sources: int
    """Sources that say the same."""
    disputed: bool
    unknown: bool
    computed_by: tuple[str, ...]
    """Names of checks that recompute it."""
    crossed_by: tuple[str, ...]
    """Names of checks that set it beside an independently cited fact."""
    bounded_by: tuple[str, ...]
    """Names of checks that only find it possible."""
    held_against: str | None
    """Software that a test holds it against."""
    outside_check: str | None
    """Name of the row of `OUTSIDE_CHECKS` that it belongs to."""
    day: str
    """Day it holds for, or was read."""

    @property
    def machine_checked(self) -> bool:
        """Whether a machine compares it with something independent; possible is not enough."""
        return bool(self.computed_by or self.crossed_by or self.held_against)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceReport:
    """Leaves of the catalogue, counted. Shares are of `leaves`."""

    leaves: int
    cited: int
    """With a source and a place."""
    remarks: int
    """Our own words about facts."""
    unknown: int
    """Recorded as not published."""
    machine_checked: int
    """Recomputed, set beside an independent fact, or held against software."""
    computed: int
    crossed: int
    held_against_software: int
    only_bounded: int
    """Found possible, and nothing more."""
    false_citations: int
    """Citations that leaves have by a wrong default, see `llama4ref.facts.audit.citation_rules`."""
    twice_sourced: int
    """Two sources or more say the same; not counted of our own words, and of what is not published."""
    disputed: int
    dated: int
    """With a day for which they hold."""
    stale: int
    """Whose day lies too far back."""
    stale_before: str
    sources: int
    errata: int
    by_kind: Mapping[str, int]
    """Leaves by kind of entity."""
    machine_checked_by_kind: Mapping[str, int]
    by_source_kind: Mapping[str, int]
    """Leaves by the kind of their preferred source."""
    by_check: Mapping[str, int]
    """Leaves by check; a leaf counts for each."""

    @property
    def machine_checked_share(self) -> float:
        """Machine-checked leaves over all leaves."""
        return self.machine_checked / self.leaves if self.leaves else 0.0


def grounds(catalog: Entries) -> Iterator[Grounds]:
    """How well founded each leaf is, in the order of the files."""
    compared, outside = compared_leaves(catalog), outside_leaves(catalog)
    for entity, leaves in catalog.provenance.items():
        for field, leaf in leaves.items():
            checks, outside_check = compared.get((entity, field), ()), outside.get((entity, field))
            named = {strength: tuple(dict.fromkeys(check.name for check in checks if check.strength == strength))
                     for strength in ("computed", "crossed", "bounded")}  # fmt: skip
            yield Grounds(
                entity=entity,
                field=field,
                is_remark=field.rpartition(".")[2] in REMARKS,
                sources=len({word.source.id for word in leaf.citations if word.agrees}),
                disputed=leaf.disputed,
                unknown=leaf.state == "unknown",
                computed_by=named["computed"],
                crossed_by=named["crossed"],
                bounded_by=named["bounded"],
                held_against=outside_check.against if outside_check else None,
                outside_check=outside_check.name if outside_check else None,
                day=_day(leaf),
            )


def provenance_report(
    catalog: Entries, today: dt.date, *, stale_after_days: int = STALE_AFTER_DAYS
) -> ProvenanceReport:
    """Every leaf counted; `today` is the day from which ages are measured.

    Examples:
        >>> from llama4ref.facts import load
        >>> report = provenance_report(load(), dt.date(2026, 11, 21))
        >>> report.cited == report.leaves, report.machine_checked >= 5_000
        (True, True)
    """
    found = [*grounds(catalog)]
    leaves = [leaf for each in catalog.provenance.values() for leaf in each.values()]
    oldest = (today - dt.timedelta(days=stale_after_days)).isoformat()
    return ProvenanceReport(
        leaves=len(found),
        cited=sum(bool(leaf.citations) and bool(leaf.citations[0].at) for leaf in leaves),
        remarks=sum(each.is_remark for each in found),
        unknown=sum(each.unknown for each in found),
        machine_checked=sum(each.machine_checked for each in found),
        computed=sum(bool(each.computed_by) for each in found),
        crossed=sum(bool(each.crossed_by) for each in found),
        held_against_software=sum(each.held_against is not None for each in found),
        only_bounded=sum(bool(each.bounded_by) and not each.machine_checked for each in found),
        false_citations=len(false_citations(catalog)),
        twice_sourced=sum(each.sources > 1 and not (each.is_remark or each.unknown) for each in found),
        disputed=sum(each.disputed for each in found),
        dated=sum(leaf.citations[0].as_of is not None for leaf in leaves),
        stale=sum(
            leaf.citations[0].as_of is not None and each.day < oldest for leaf, each in zip(leaves, found, strict=True)
        ),
        stale_before=oldest,
        sources=len(catalog.sources),
        errata=len(catalog.errata),
        by_kind=_counted(each.entity.partition("/")[0] for each in found),
        machine_checked_by_kind=_counted(each.entity.partition("/")[0] for each in found if each.machine_checked),
        by_source_kind=_counted(leaf.citations[0].source.kind for leaf in leaves),
        by_check=_counted(name for each in found for name in _names(each)),
    )


def _names(each: Grounds) -> Iterator[str]:
    yield from (*each.computed_by, *each.crossed_by, *each.bounded_by)
    if each.held_against is not None:
        yield f"installed {each.held_against}"


def _day(leaf: Provenance) -> str:
    first = leaf.citations[0]
    return first.as_of or first.source.retrieved


def _counted(names: Iterator[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))
