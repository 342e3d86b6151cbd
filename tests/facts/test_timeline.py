"""Dated events in order, each with who says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import UnknownNameError
from llama4ref.facts.queries.timeline import timeline
from llama4ref.facts.types.states import is_stated

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


def test_events_are_in_order_and_cited(catalog: Catalog) -> None:
    """The oldest first, and every one leads to a source."""
    events = timeline(catalog)
    days = [event.day for event in events]

    assert days == sorted(days)
    assert days[0] == "2025-04-05"
    for event in events:
        (first, *_) = event.cite(catalog)
        assert first.value == event.day


def test_ends_of_offers_are_events(catalog: Catalog) -> None:
    """Groq announced the end of Scout in June and ended it in July 2026."""
    of_groq = [
        (event.day, event.kind) for event in timeline(catalog, model="scout") if event.entity == "providers/groq"
    ]

    assert of_groq == [("2026-06-25", "end announced"), ("2026-07-17", "offer ended")]


def test_every_dated_end_is_there_once(catalog: Catalog) -> None:
    """No offer with a last day is missing."""
    ends = sum(is_stated(offer.retired) for provider in catalog.providers.values() for offer in provider.offers)

    assert sum(event.kind == "offer ended" for event in timeline(catalog)) == ends > 5


def test_a_window_keeps_both_of_its_days_and_whole_months(catalog: Catalog) -> None:
    """An event of which only the month is known lies in any window that touches the month."""
    july = timeline(catalog, since="2025-07-10", until="2025-07-15")

    assert {event.day for event in july} == {"2025-07", "2025-07-15"}
    assert timeline(catalog, since="2030-01-01") == ()


def test_events_of_a_model_are_about_it(catalog: Catalog) -> None:
    """Others are left out, and a misspelt model is refused."""
    assert all("behemoth" in event.about for event in timeline(catalog, model="behemoth"))
    assert any(event.contested for event in timeline(catalog, model="behemoth"))
    with pytest.raises(UnknownNameError):
        timeline(catalog, model="behemot")
