"""Offers are filtered by what may be relied on; a use is checked clause by clause."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from llama4ref.cli.license_command import check
from llama4ref.facts.types.states import is_stated
from llama4ref.planning.licensing.uses import Use
from llama4ref.planning.offers.queries import find_offers

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.facts import Catalog
    from tests.cli.conftest import Answer


def test_without_conditions_every_offer_that_has_not_ended_is_listed(
    call: Callable[..., Answer], catalog: Catalog
) -> None:
    """And the ended ones where asked."""
    offers = [offer for provider in catalog.providers.values() for offer in provider.offers]
    lasting = [offer for offer in offers if offer.status != "retired"]

    assert len(call("providers", "--json").json["matching"]) == len(lasting)
    assert len(call("providers", "--all", "--json").json["matching"]) == len(offers)


def test_conditions_hold_for_every_row(call: Callable[..., Answer]) -> None:
    """What is not disclosed stands apart and says what is missing."""
    words = ("--model", "scout", "--min-context", "300k", "--images", "--tools", "--max-price", "1", "--json")
    found = call("providers", *words).json
    rows = found["matching"]

    assert rows
    assert all(row["undisclosed"] for row in found["undisclosed"])
    assert all(row["model"] == "scout" and row["context_tokens"] >= 300_000 for row in rows)
    assert all(row["images"] is True and row["tools"] is True and row["price"] <= 1 for row in rows)


def test_a_disputed_limit_counts_at_its_lowest_credible_value(call: Callable[..., Answer], catalog: Catalog) -> None:
    """Values that are doubted count nowhere."""
    rows = {(row["provider"], row["name"], row["as_of"], row["tier"]): row
            for row in call("providers", "--all", "--json").json["matching"]}  # fmt: skip
    checked = 0
    for provider in catalog.providers.values():
        for index, offer in enumerate(provider.offers):
            leaf = catalog.provenance[f"providers/{provider.id}"].get(f"offers.{index}.context_tokens")
            if leaf is None or not leaf.disputed:
                continue
            credible = [each.value for each in leaf.citations if each.doubt is None and is_stated(each.value)]
            row = rows[provider.id, offer.name, offer.as_of, offer.tier]
            checked += 1

            assert row["context_tokens"] == (min(credible) if credible else None)
            assert "context_tokens" in row["disputed"]

    assert checked


def test_offers_that_ended_by_a_day_are_left_out(call: Callable[..., Answer]) -> None:
    """The day of the end is the first day without it."""

    def offers(*words: str) -> list[dict[str, object]]:
        return call("providers", *words, "--json").json["matching"]

    ended = next(row for row in offers("--all") if row["retired"])

    assert ended not in offers("--active-on", ended["retired"])
    assert ended in offers("--active-on", "2025-04-06")


@pytest.mark.parametrize(
    ("sort", "field"), [("price", "price"), ("context", "context_tokens"), ("provider", "provider"), ("as_of", "as_of")]
)
def test_rows_are_sorted(call: Callable[..., Answer], sort: str, field: str) -> None:
    """What is not disclosed comes last."""
    values = [row[field] for row in call("providers", "--sort", sort, "--json").json["matching"]]
    known = [value for value in values if value is not None]

    assert known == sorted(known, reverse=sort in {"context", "as_of"})
    assert values[: len(known)] == known


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "scuot"), "did you mean scout"),
        (("--min-context", "12Q"), "not a token count"),
        (("--active-on", "soon"), "expected a day such as"),
        (("--max-price", "nan"), "expected a price of 0 or more"),
        (("--max-price", "-1"), "expected a price of 0 or more"),
    ],
)
def test_a_wrong_condition_is_one_message(call: Callable[..., Answer], words: tuple[str, ...], message: str) -> None:
    """Exit 2."""
    answer = call("providers", *words)

    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err


def test_no_match_is_an_answer(call: Callable[..., Answer]) -> None:
    """Exit 1."""
    assert call("providers", "--min-context", "10M", "--max-price", "0.0001").code == 1


def test_disputes_are_told_below_the_table(call: Callable[..., Answer], catalog: Catalog) -> None:
    """With a star at the value."""
    disputed = next(each for each in find_offers(catalog).matching if "context_tokens" in each.disputed)
    out = call("providers").out

    assert f"{disputed.context_tokens:,}*" in out
    assert f"* {disputed.provider.name}, {disputed.offer.name}: context " in " ".join(out.split())


@pytest.mark.parametrize("columns", [80, 120])
def test_offers_fit_the_screen(call: Callable[..., Answer], columns: int) -> None:
    """With all that ended."""
    lines = call("providers", "--all", columns=columns).out.splitlines()

    assert [line for line in lines if len(line) > columns and "://" not in line] == []


def test_every_particular_of_a_use_has_an_option() -> None:
    """The check asks for all that the licence may turn on."""
    options = {parameter.name for parameter in check.params}

    assert {field.name for field in fields(Use)} <= options


def test_a_french_product_with_images_is_a_breach(call: Callable[..., Answer]) -> None:
    """Exit 1, the clause, and that it is no legal advice."""
    answer = call("license", "check", "--who", "company", "--domicile", "FR", "--offering", "product", "--images")

    assert answer.code == 1
    assert "No: the use breaches it" in answer.out
    assert "Meta Platforms Ireland" in answer.out
    assert "no legal advice" in answer.out


def test_open_questions_fail_a_use_only_where_that_is_asked_for(call: Callable[..., Answer]) -> None:
    """A gate in a script can ask for a plain yes."""
    words = ("license", "check", "--who", "company", "--domicile", "US")
    known = (*words, "--monthly-users", "1000")

    assert call(*words).out.splitlines()[0].endswith("Unclear: questions are open")
    assert (call(*words).code, call(*words, "--strict").code) == (0, 1)
    assert (call(*known).code, call(*known, "--strict").code) == (0, 0)


def test_a_licence_is_named_by_its_words(call: Callable[..., Answer], catalog: Catalog) -> None:
    """Where only one has them."""
    name = catalog.license("llama-4-community").name

    assert call("license", "purposes", "--license", name).out == call("license", "purposes").out


def test_an_american_service_has_obligations(call: Callable[..., Answer]) -> None:
    """Exit 0; the words to show are written out."""
    words = ("--who", "company", "--domicile", "US", "--offering", "hosted_api", "--monthly-users", "1000")
    answer = call("license", "check", *words, "--json")

    assert answer.code == 0
    assert answer.json["verdict"] != "no"
    assert answer.json["attribution"] == "Built with Llama"


def test_purposes_are_names_that_the_check_takes(call: Callable[..., Answer]) -> None:
    """Each of them is a breach."""
    purpose = next(iter(call("license", "purposes", "--json").json))
    base = ("license", "check", "--who", "individual", "--domicile", "US")

    assert call(*base, "--purpose", purpose).code == 1
    assert call(*base, "--purpose", f"{purpose}x").code == 2
