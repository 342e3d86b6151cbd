"""A verdict holds only when everything that was predicted was seen."""

from __future__ import annotations

import json

import pytest

from llama4ref.facts.types.states import UNKNOWN
from llama4ref.proving.verdict import Conclusion, Explanation, Outcome, Probe, Rung, Verdict, compare
from tests.proving.conftest import configured


def verdict(**changes: object) -> Verdict:
    return Verdict(rung=Rung.MINIATURE, subject="a miniature", config=configured({}), **changes)


@pytest.mark.parametrize(
    ("observed", "bounds", "holds"),
    [
        ({"tokens": 10}, {}, True),
        ({"tokens": 11}, {}, False),
        ({"tokens": 11}, {"tokens": (9, 11)}, True),
        ({}, {}, False),
    ],
)
def test_it_holds_when_observed_is_predicted_or_within_its_bound(
    observed: dict[str, int], bounds: dict[str, tuple[int, int]], holds: bool
) -> None:
    """An unobserved prediction does not hold."""
    assert verdict(comparisons=compare({"tokens": 10}, observed, bounds=bounds)).holds is holds


def test_a_failed_probe_breaks_it_and_a_skipped_one_does_not() -> None:
    """A skipped probe has a reason of its own."""
    probes = {outcome: Probe(name=outcome.value, outcome=outcome, detail="") for outcome in Outcome}

    seen = compare({"kv_cache_tokens": 10}, {"kv_cache_tokens": 10})

    assert verdict(comparisons=seen, probes=(probes[Outcome.PASSED], probes[Outcome.SKIPPED])).holds
    assert not verdict(comparisons=seen, probes=tuple(probes.values())).holds


def test_without_a_prediction_nothing_holds() -> None:
    """Nothing could have been shown wrong, so nothing was shown; a failure is a failure all the same."""
    passed, failed = (Probe(name="health", outcome=each, detail="") for each in (Outcome.PASSED, Outcome.FAILED))

    assert verdict().conclusion is Conclusion.NOTHING_PREDICTED
    assert verdict(probes=(passed,)).conclusion is Conclusion.NOTHING_PREDICTED
    assert verdict(probes=(failed,)).conclusion is Conclusion.DID_NOT_HOLD
    assert not verdict(probes=(passed,)).holds


@pytest.mark.parametrize(
    ("observed", "agreement"), [(9, "within bound"), (12, "within bound"), (8, "differs"), (13, "differs")]
)
def test_a_bound_is_as_wide_as_it_says(observed: int, agreement: str) -> None:
    """The last value inside and the first one outside, on both sides."""
    (row,) = compare({"num_gpu_blocks": 10}, {"num_gpu_blocks": observed}, bounds={"num_gpu_blocks": (9, 12)})

    assert row.agreement == agreement


def test_a_failed_launch_breaks_it_also_in_json() -> None:
    """Readers find the explanation, and what follows from the numbers, without computing it."""
    explanation = Explanation(what="too long", line=3, text="ValueError", do=("shorten it",), suggested_max_model_len=7)
    failed = verdict(explanation=explanation, comparisons=compare({"kv_cache_tokens": 1}, {"kv_cache_tokens": 2}))
    content = json.loads(failed.to_json())

    assert (content["holds"], content["conclusion"]) == (False, "did not hold")
    assert (content["comparisons"][0]["agreement"], content["comparisons"][0]["unit"]) == ("differs", "tokens")
    assert content["explanation"]["suggested_max_model_len"] == 7


def test_its_json_is_that_of_every_other_answer() -> None:
    """What nobody published is a word, what is no number is null, and letters stay as they are."""
    found = verdict(observed={"peak_activation": float("inf")}, notes=("größer",), versions={"torch": UNKNOWN})
    text = found.to_json()
    content = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    assert content["observed"] == {"peak_activation": None}
    assert content["versions"] == {"torch": "unknown"}
    assert "größer" in text
    assert list(content)[:3] == ["rung", "subject", "config"]
