"""How well founded the facts are: counted leaf by leaf, and nothing counts that no comparison stands behind."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.audit.provenance_report import ProvenanceReport, grounds, provenance_report

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

TODAY = dt.date(2026, 11, 21)


@pytest.fixture(scope="module")
def report(catalog: Catalog) -> ProvenanceReport:
    """The catalogue as of the day its sources were read."""
    return provenance_report(catalog, TODAY)


def test_the_reference_keeps_what_it_promises(report: ProvenanceReport) -> None:
    """At least 2,000 leaves, every one cited with its place, at least 5,000 compared by a machine that can find it wrong."""
    assert report.leaves >= 2_000
    assert report.cited == report.leaves
    assert report.machine_checked >= 5_000
    assert report.errata >= 20


def test_parts_add_up(report: ProvenanceReport) -> None:
    """Kinds sum to the leaves; a leaf that is checked twice counts once."""
    assert sum(report.by_kind.values()) == sum(report.by_source_kind.values()) == report.leaves
    assert sum(report.machine_checked_by_kind.values()) == report.machine_checked
    assert max(report.computed, report.crossed, report.held_against_software) <= report.machine_checked
    assert report.machine_checked <= report.computed + report.crossed + report.held_against_software
    assert report.machine_checked + report.only_bounded <= report.leaves


def test_what_is_only_possible_is_not_machine_checked(catalog: Catalog) -> None:
    """A limit below the model's may still be wrong."""
    found = {(each.entity, each.field): each for each in grounds(catalog)}
    limit = found["providers/groq", "offers.0.context_tokens"]

    assert limit.bounded_by
    assert not limit.machine_checked


def test_unknown_leaves_and_remarks_are_not_machine_checked(catalog: Catalog) -> None:
    """Nothing was compared where nothing is stated, and our own words are compared with nothing."""
    for each in grounds(catalog):
        assert not (each.unknown and each.machine_checked), each
        assert not (each.is_remark and each.machine_checked), each


@pytest.mark.parametrize(
    ("entity", "field", "by"),
    [
        ("models/scout", "text.layers", "transformers"),
        ("engines/vllm", "flags.max-num-seqs.default", "vllm"),
        ("formats/nf4", "scale.group_size", "bitsandbytes"),
        ("accelerators/h100-sxm", "bandwidth", "torch"),
        ("models/scout", "developer", None),
        ("providers/groq", "offers.0.price_input", None),
    ],
)
def test_software_that_holds_a_leaf_is_named(entity: str, field: str, by: str | None, catalog: Catalog) -> None:
    """A leaf names the software that a test holds it against, or none."""
    found = next(each for each in grounds(catalog) if (each.entity, each.field) == (entity, field))

    assert found.held_against == by
    assert (found.outside_check is None) == (by is None)


def test_ages_are_counted_from_the_day_that_is_given(catalog: Catalog, report: ProvenanceReport) -> None:
    """Nothing is stale on the day of the oldest fact; later everything dated is."""
    young = provenance_report(catalog, dt.date(2024, 1, 1))
    old = provenance_report(catalog, dt.date(2030, 1, 1))

    assert young.stale == 0
    assert 0 < report.stale < old.stale == old.dated
    assert provenance_report(catalog, TODAY, stale_after_days=30).stale > report.stale
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", report.stale_before)
