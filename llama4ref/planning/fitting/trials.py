"""One layout: with which KV cache, and with how large a change of the engine's settings, does it fit?"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llama4ref.planning.choices.caches import cache_dtypes, hybrid_choices
from llama4ref.planning.fitting.candidates import Candidate, FittedCandidate
from llama4ref.planning.fitting.compatible_fit import Prepared, Wish, prepared
from llama4ref.planning.fitting.fit import ALL_REACHES, Attempt
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.planning.fitting.levers import Reach

OF_THE_ENGINE = frozenset({"engine-ability", "engine-fault"})
"""Rules of refusals for what a release lacks or does wrong."""


@dataclass(slots=True)
class Trial:
    """A layout, and what was tried of it so far."""

    wish: Wish
    template: Candidate
    """The layout, with any cache."""
    _variants: list[Prepared | Refusal] = field(default_factory=list)
    _refused: list[Attempt | Refusal] = field(default_factory=list)
    _found: dict[Reach, FittedCandidate | None] = field(default_factory=dict)

    def outcome(self) -> FittedCandidate | Attempt | Refusal:
        """The first cache with the smallest change that fits, or why none does: memory, before what the engine lacks."""
        for reach in ALL_REACHES:
            found = self.fitted(reach)
            if found is not None:
                return found
        of_memory = [each for each in self._refused if isinstance(each, Attempt) or each.rule not in OF_THE_ENGINE]
        return of_memory[-1] if of_memory else self._refused[0]

    def fitted(self, reach: Reach) -> FittedCandidate | None:
        """The first cache that fits within a reach; None where none does."""
        if reach not in self._found:
            self._found[reach] = self._first_fitted(reach)
        return self._found[reach]

    def _first_fitted(self, reach: Reach) -> FittedCandidate | None:
        self._refused = []
        for each in self._prepared():
            found = each if isinstance(each, Refusal) else each.fitted(reach)
            if isinstance(found, FittedCandidate):
                return found
            if isinstance(found, Refusal):
                self._refused.append(found)
            elif isinstance(each, Prepared):
                self._refused.append(each.attempt)
        return None

    def _prepared(self) -> Iterator[Prepared | Refusal]:
        """Every KV cache that comes into question, the one to prefer first; each is looked at when its turn comes."""
        accelerator, request, index = self.template.accelerator, self.wish.request, 0
        for dtype in cache_dtypes(self.template.checkpoint, accelerator, request):
            for hybrid in hybrid_choices(accelerator, request, self.wish.behaviour):
                if index == len(self._variants):
                    self._variants.append(prepared(self.wish, _with_cache(self.template, dtype, hybrid)))
                yield self._variants[index]
                index += 1


@functools.lru_cache(maxsize=8192)
def _with_cache(template: Candidate, dtype: str, hybrid: bool) -> Candidate:
    """The candidate with a cache; the same object each time, so that what is kept by it is found at once."""
    return replace(template, cache_dtype=dtype, hybrid=hybrid)
