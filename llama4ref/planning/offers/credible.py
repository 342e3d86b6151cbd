"""What may be relied on of an offer, of all that sources say.

A limit counts as the lowest that a credible source states, a price as the highest. A word with a doubt never counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import Reason
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.providers import Offer, Provider
    from llama4ref.facts.types.sources import Provenance

DEFAULT_MIX = (3, 1)
"""Prompt to reply tokens where nothing is known of the workload, as in Meta's own cost comparison."""


@dataclass(frozen=True, slots=True)
class CredibleOffer:
    """An offer, and where each of its leaves comes from."""

    provider: Provider
    offer: Offer
    leaves: dict[str, Provenance]
    """Provenance by name of the offer's field."""
    index: int = 0
    """Its place among the provider's offers, for `catalog.cite`."""

    def lowest(self, field: str) -> int | None:
        """The lowest number that a credible source states, None where none does."""
        return min((number for number in self._credible(field) if isinstance(number, int)), default=None)

    def highest(self, field: str) -> float | None:
        """The highest number that a credible source states, None where none does."""
        return max(self._credible(field), default=None)

    def price(self, prompt_tokens: int, output_tokens: int) -> float | None:
        """US dollars per million tokens of such requests, by the highest credible prices; None where one is not disclosed."""
        asked, answered = self.highest("price_input"), self.highest("price_output")
        if asked is None or answered is None:
            return None
        return (asked * prompt_tokens + answered * output_tokens) / (prompt_tokens + output_tokens)

    def _credible(self, field: str) -> list[int | float]:
        leaf = self.leaves.get(field)
        values = [each.value for each in leaf.citations if each.doubt is None] if leaf else []
        return [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]

    def who_states(self, field: str, value: float | str | None) -> str | None:
        """Id of the first credible source that states a value; None where none does."""
        leaf = self.leaves.get(field)
        citations = leaf.citations if leaf is not None else ()
        return next((each.source.id for each in citations if each.doubt is None and each.value == value), None)

    @property
    def disputed(self) -> tuple[str, ...]:
        """Fields on which sources disagree."""
        return tuple(name for name, leaf in self.leaves.items() if leaf.disputed)

    def disputes(self, fields: Iterable[str]) -> Iterator[Reason]:
        """What sources disagree on, of these fields."""
        for field in fields:
            leaf = self.leaves.get(field)
            if leaf is not None and leaf.disputed:
                words = "; ".join(
                    f"{each.source.title} {_shown(each.value)}" + (" (not credible)" if each.doubt else "")
                    for each in leaf.citations
                )
                yield Reason(about=field, value=_shown(leaf.citations[0].value), because=f"sources disagree: {words}")


def offers_of(catalog: Catalog) -> Iterator[CredibleOffer]:
    """Every offer with its provenance, in the order of the specs."""
    for provider in catalog.providers.values():
        leaves = catalog.provenance[f"providers/{provider.id}"]
        for index, offer in enumerate(provider.offers):
            prefix = f"offers.{index}."
            own = {path.removeprefix(prefix): leaf for path, leaf in leaves.items() if path.startswith(prefix)}
            yield CredibleOffer(provider, offer, own, index)


def _shown(value: object) -> str:
    if value is UNKNOWN:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else str(value)
