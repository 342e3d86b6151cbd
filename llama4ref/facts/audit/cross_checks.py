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
    from llama4ref.facts.audit.checks import Check, CheckResult
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


def check_results(catalog: Entries) -> Iterator[tuple[Check, CheckResult]]:
    """What every check says of the catalogue.

    Examples:
        >>> from llama4ref.facts import load
        >>> [result for _, result in check_results(load()) if not result.held]
        []
    """
    for check in checks():
        for result in check.run(catalog):
            yield check, result


def compared_leaves(catalog: Entries) -> dict[tuple[str, str], tuple[Check, ...]]:
    """The checks that compared each leaf and held, by entity and field; only leaves that state something."""
    found: dict[tuple[str, str], tuple[Check, ...]] = {}
    for check, result in check_results(catalog):
        leaves = catalog.provenance.get(result.entity, {})
        for field in result.fields if result.held and not result.of_words else ():
            if field in leaves and leaves[field].state != "unknown":
                key = (result.entity, field)
                found[key] = (*found.get(key, ()), check)
    return found


def disagreeing_facts(catalog: Entries) -> tuple[Fault, ...]:
    """Facts that a check finds at odds with each other, as faults with file and line."""
    return tuple(_fault(catalog, check, result) for check, result in check_results(catalog) if not result.held)


def _fault(catalog: Entries, check: Check, result: CheckResult) -> Fault:
    field = result.fields[0]
    leaf = catalog.provenance[result.entity].get(field)
    return Fault(
        file=leaf.file if leaf else f"specs/{result.entity}.yaml",
        line=leaf.line if leaf else 1,
        field=field,
        found=result.found or "a contradiction",
        expected=result.expected or f"agreement of {', '.join(result.fields)}",
        do=f"{check.name} compares {check.compares}; correct one, or record who disagrees",
    )
