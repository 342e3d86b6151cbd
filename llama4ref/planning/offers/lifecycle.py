"""Is an offer there on a day, and when was that last confirmed?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError
from llama4ref.facts.types.states import is_stated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.providers import Offer

CONFIRMED_DAYS = 120
"""Days for which a reading of an offer counts as a confirmation."""


def why_ended(offer: Offer, day: str | None) -> str | None:
    """Why an offer is not there on a day, or as far as is known where no day is given; None while it is.

    An offer that was retired on an unknown day counts as ended on every day.
    """
    if not is_stated(offer.retired):
        return "retired" if offer.status == "retired" else None
    ended = offer.status == "retired" if day is None else offer.retired <= day
    return f"retired on {offer.retired}" if ended else None


def days_unconfirmed(offer: Offer, day: str | None) -> int:
    """Days between the reading of an offer and a day after it; 0 where no day is given, or one before the reading."""
    if day is None:
        return 0
    return max(0, (dt.date.fromisoformat(day) - dt.date.fromisoformat(offer.as_of)).days)


def is_confirmed(offer: Offer, day: str | None) -> bool:
    """Whether an offer was read within `CONFIRMED_DAYS` before a day."""
    return days_unconfirmed(offer, day) <= CONFIRMED_DAYS


def check_day(catalog: Catalog, day: str | None, models: Iterable[str]) -> None:
    """Refuse a day on which none of the models was released yet, so that there were no offers.

    Raises:
        RequestError: with the day of the first release.
    """
    released = [catalog.model(model).released for model in models]
    days = [each for each in released if is_stated(each)]
    if day is not None and days and day < min(days):
        raise RequestError(f"as_of: there were no offers on {day}; the model was released on {min(days)}")
