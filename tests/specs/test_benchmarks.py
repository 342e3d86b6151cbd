"""The benchmark facts are whole, and say who measured what."""

from __future__ import annotations

import pytest

from llama4ref.facts import load
from llama4ref.facts.types.states import UNKNOWN

CARD_ROWS = {
    "mmlu-base", "mmlu-pro-base", "math-base", "mbpp-base", "tydiqa-base", "chartqa-base", "docvqa-base",
    "mmmu", "mmmu-pro", "mathvista", "chartqa", "docvqa", "livecodebench", "mmlu-pro", "gpqa-diamond", "mgsm",
    "mtob-half-eng-kgv", "mtob-half-kgv-eng", "mtob-full-eng-kgv", "mtob-full-kgv-eng",
}  # fmt: skip
BENCHMARKS = load().benchmarks


@pytest.mark.parametrize("row", sorted(CARD_ROWS))
def test_every_row_of_the_model_card_has_both_models_and_cites_the_card(row):
    """The developer's score of Scout and of Maverick, with the card as the preferred source."""
    catalog = load()
    results = catalog.benchmark(row).results
    cited = {
        result.system
        for index, result in enumerate(results)
        if catalog.cite(f"benchmarks/{row}", f"results.{index}.score")[0].source.id == "llama4-model-card"
        and result.label == "developer"
    }

    assert {"scout", "maverick"} <= cited


@pytest.mark.parametrize("id", sorted(BENCHMARKS))
def test_scores_fit_their_unit(id):
    """Percentages lie between 0 and 100, ranks begin at 1, the rest is not negative."""
    benchmark = BENCHMARKS[id]
    scores = [result.score for result in benchmark.results if result.score is not UNKNOWN]
    low, high = {"%": (0, 100), "place": (1, 1000)}.get(benchmark.unit, (0, float("inf")))

    assert all(low <= score <= high for score in scores)


@pytest.mark.parametrize("id", sorted(BENCHMARKS))
def test_no_result_stands_twice(id):
    """Two equal rows would be one measurement counted twice."""
    results = BENCHMARKS[id].results

    assert len(set(results)) == len(results)


@pytest.mark.parametrize("id", sorted(BENCHMARKS))
def test_systems_are_models_here_or_carry_a_proper_name(id):
    """A misspelt id of ours would pass as a foreign system."""
    for result in BENCHMARKS[id].results:
        assert result.system in load().models or result.system[0].isupper()


@pytest.mark.parametrize("id", sorted(BENCHMARKS))
def test_a_developers_word_is_not_called_independent(id):
    """What Meta's own documents print is labelled as the developer's, or as quoted, and never as independent."""
    catalog = load()
    for index, result in enumerate(BENCHMARKS[id].results):
        source = catalog.cite(f"benchmarks/{id}", f"results.{index}.score")[0].source

        assert not (source.kind == "developer" and result.label == "independent")


def test_redistributed_quality_of_the_same_test_agrees_within_noise():
    """MMLU Pro is reported by the developer and by others; on the original weights they lie within 1.5 points."""
    scores = {
        (result.system, result.label): result.score
        for result in BENCHMARKS["mmlu-pro"].results
        if result.precision in {None, "bfloat16"} and not (result.engine or "").startswith("vLLM, before")
    }

    assert abs(scores["maverick", "developer"] - scores["maverick", "independent"]) <= 1.5
