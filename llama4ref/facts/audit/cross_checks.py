"""Which facts has a machine compared with something that was written down, or computed, independently of them?

A check walks the catalogue and says of each leaf that it compared whether the comparison held. `computed` recomputes a leaf from
others; `crossed` sets it beside a fact that is cited on its own, such as a repository's name beside the experts of its model;
`bounded` only finds it possible. Checks against installed software live in the tests, see `llama4ref.facts.audit.outside_checks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.errors import Fault
from llama4ref.facts.audit import (
    checkpoint_checks,
    derived_checks,
    format_checks,
    hardware_checks,
    offer_checks,
    record_checks,
    start_checks,
)

if TYPE_CHECKING:
    from llama4ref.facts.audit.checks import Check, Verdict
    from llama4ref.facts.entries import Entries


def checks() -> tuple[Check, ...]:
    """Every check, in a stable order."""
    modules = (
        derived_checks,
        checkpoint_checks,
        format_checks,
        hardware_checks,
        offer_checks,
        record_checks,
        start_checks,
    )
    return tuple(check for module in modules for check in module.CHECKS)


def verdicts(catalog: Entries) -> Iterator[tuple[Check, Verdict]]:
    """What every check says of the catalogue.

    Examples:
        >>> from llama4ref.facts import load
        >>> [verdict for _, verdict in verdicts(load()) if not verdict.held]
        []
    """
    for check in checks():
        for verdict in check.run(catalog):
            yield check, verdict


def compared_leaves(catalog: Entries) -> dict[tuple[str, str], tuple[Check, ...]]:
    """The checks that compared each leaf and held, by entity and field; only leaves that state something."""
    found: dict[tuple[str, str], tuple[Check, ...]] = {}
    for check, verdict in verdicts(catalog):
        leaves = catalog.provenance.get(verdict.entity, {})
        for field in verdict.fields if verdict.held else ():
            if field in leaves and leaves[field].state != "unknown":
                key = (verdict.entity, field)
                found[key] = (*found.get(key, ()), check)
    return found


def disagreeing_facts(catalog: Entries) -> tuple[Fault, ...]:
    """Facts that a check finds at odds with each other, as faults with file and line."""
    return tuple(_fault(catalog, check, verdict) for check, verdict in verdicts(catalog) if not verdict.held)


def _fault(catalog: Entries, check: Check, verdict: Verdict) -> Fault:
    field = verdict.fields[0]
    leaf = catalog.provenance[verdict.entity].get(field)
    return Fault(
        file=leaf.file if leaf else f"specs/{verdict.entity}.yaml",
        line=leaf.line if leaf else 1,
        field=field,
        found=verdict.found or "a contradiction",
        expected=verdict.expected or f"agreement of {', '.join(verdict.fields)}",
        do=f"{check.name} compares {check.compares}; correct one, or record who disagrees",
    )
