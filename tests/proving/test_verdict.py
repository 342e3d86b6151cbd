"""A verdict holds only when everything that was predicted was seen."""

from __future__ import annotations

import json

import pytest

from llama4ref.proving.verdict import Explanation, Outcome, Probe, Rung, Verdict, compare, failed_probes


def verdict(**changes: object) -> Verdict:
    return Verdict(rung=Rung.MINIATURE, subject="a miniature", settings={"max-model-len": 1}, **changes)


@pytest.mark.parametrize(
    ("observed", "bounds", "holds"),
    [({"tokens": 10}, {}, True), ({"tokens": 11}, {}, False), ({"tokens": 11}, {"tokens": 1}, True), ({}, {}, False)],
)
def test_it_holds_when_observed_is_predicted_or_within_its_bound(
    observed: dict[str, int], bounds: dict[str, int], holds: bool
) -> None:
    """An unobserved prediction does not hold."""
    assert verdict(comparisons=compare({"tokens": 10}, observed, bounds=bounds)).holds is holds


def test_a_failed_probe_breaks_it_and_a_skipped_one_does_not() -> None:
    """A skipped probe has a reason of its own."""
    probes = {outcome: Probe(name=outcome.value, outcome=outcome, detail="") for outcome in Outcome}

    assert verdict(probes=(probes[Outcome.PASSED], probes[Outcome.SKIPPED])).holds
    assert not verdict(probes=tuple(probes.values())).holds
    assert failed_probes(tuple(probes.values())) == (probes[Outcome.FAILED],)


def test_a_failed_launch_breaks_it_and_survives_json() -> None:
    """The explanation is written and read back, and readers find `holds`."""
    explanation = Explanation(what="too long", line=3, text="ValueError", do=("shorten it",), suggested_max_model_len=7)
    failed = verdict(explanation=explanation, comparisons=compare({"tokens": 1}, {"tokens": 2}))
    content = json.loads(failed.to_json())

    assert content["holds"] is False
    assert content["comparisons"][0]["agreement"] == "differs"
    assert Verdict.from_json(failed.to_json()) == failed
