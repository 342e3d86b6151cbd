"""A candidate that fits and that the engine of the release runs: what it lacks and its known faults are joined with the sizes."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.planning.compatibility.missing_abilities import missing_ability
from llama4ref.planning.compatibility.workarounds import Compatibility, adapted_to, compatibility, is_set
from llama4ref.planning.fitting.candidates import Candidate, FittedCandidate
from llama4ref.planning.fitting.circumstances import ServerSizes, circumstances_of
from llama4ref.planning.fitting.fit import Attempt, attempt_of, fitted
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.facts.types.faults import EngineFault
    from llama4ref.planning.compatibility.engine_limits import EngineLimits
    from llama4ref.planning.compatibility.workarounds import Workaround
    from llama4ref.planning.fitting.levers import Reach
    from llama4ref.planning.request import PlanRequest


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of each candidate, of an engine at a release."""

    limits: EngineLimits
    request: PlanRequest
    behaviour: Behaviour
    alike: PlanRequest
    """A request for which everything that is recorded of the engine says the same, whatever the exact lengths are."""


def wish_of(limits: EngineLimits, request: PlanRequest, behaviour: Behaviour) -> Wish:
    """A request, with the one that stands for all that ask the same of the engine."""
    return Wish(limits, request, behaviour, _alike(limits, request))


@functools.lru_cache(maxsize=256)
def _alike(limits: EngineLimits, request: PlanRequest) -> PlanRequest:
    tokens = request.context_tokens
    context = None if tokens is None else limits.context_alike(tokens)
    return replace(request, context=context, prompt_tokens=None, output_tokens=None)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A candidate that the engine of the release runs as far as is known before lengths and batches are."""

    wish: Wish
    candidate: Candidate
    workarounds: tuple[Workaround, ...]
    """Settings that get round known faults."""
    attempt: Attempt
    """What is tried, with these."""

    def fitted(self, reach: Reach) -> FittedCandidate | Refusal | None:
        """The candidate with its settings, its budget and what gets round known faults; None where it does not fit.

        Faults are looked for again with the lengths and batches that fit.
        """
        found = fitted(self.attempt, reach)
        if found is None:
            return None
        again = self._met_with(found.config)
        if isinstance(again, Refusal):
            return again
        if again.workarounds != self.workarounds:
            other = _attempted(self.wish, self.candidate, again.workarounds)
            return other if isinstance(other, Refusal) else other.fitted(reach)
        if not again.workarounds and not again.remaining:
            return found
        return replace(found, workarounds=again.workarounds, faults=again.remaining)

    def _met_with(self, config: EngineConfig) -> Compatibility | Refusal:
        """What a server of such lengths and batches would meet."""
        limits, wish = self.wish.limits, self.wish.alike
        alike = limits.context_alike(config.max_model_len)
        sizes = ServerSizes(alike, config.max_num_seqs, config.max_num_batched_tokens, config.enforce_eager)
        first = _runs(limits, self.candidate, wish)
        if isinstance(first, Compatibility) and first.workarounds is self.workarounds:
            return _joined_with(limits, self.candidate, wish, sizes)
        return _joined(limits, self.candidate, wish, sizes, self.workarounds)


def prepared(wish: Wish, candidate: Candidate) -> Prepared | Refusal:
    """What is tried of a candidate, or why the engine of the release does not run it."""
    found = _runs(wish.limits, candidate, wish.alike)
    return found if isinstance(found, Refusal) else _attempted(wish, candidate, found.workarounds)


@functools.lru_cache(maxsize=4096)
def _runs(limits: EngineLimits, candidate: Candidate, request: PlanRequest) -> Compatibility | Refusal:
    lacking = missing_ability(limits, circumstances_of(limits, candidate, request))
    if lacking is not None:
        return lacking
    return _joined(limits, candidate, request)


def _attempted(wish: Wish, candidate: Candidate, workarounds: tuple[Workaround, ...]) -> Prepared | Refusal:
    adapted = adapted_to(wish.request, workarounds)
    attempt = attempt_of(wish.limits.catalog, _with_cache(candidate, adapted), adapted, wish.behaviour)
    return attempt if isinstance(attempt, Refusal) else Prepared(wish, candidate, workarounds, attempt)


def faults_of(
    limits: EngineLimits, candidate: Candidate, request: PlanRequest, config: EngineConfig
) -> tuple[tuple[str, EngineFault], ...]:
    """The known faults that a server of written settings would meet, by name: those that no setting of it gets round."""
    met = limits.faults_met(circumstances_of(limits, candidate, request, config))
    return tuple(
        (id_, fault)
        for id_, fault in met.items()
        if not any(is_set(remedy, config.settings, config.environment) for remedy in fault.remedies)
    )


@functools.lru_cache(maxsize=4096)
def _joined_with(
    limits: EngineLimits, candidate: Candidate, request: PlanRequest, sizes: ServerSizes
) -> Compatibility | Refusal:
    """What a server of these sizes would meet, with what gets round the faults that were known before."""
    known = _runs(limits, candidate, request)
    return known if isinstance(known, Refusal) else _joined(limits, candidate, request, sizes, known.workarounds)


def _joined(
    limits: EngineLimits,
    candidate: Candidate,
    request: PlanRequest,
    sizes: ServerSizes | None = None,
    known: tuple[Workaround, ...] = (),
) -> Compatibility | Refusal:
    return compatibility(
        limits,
        request,
        lambda adapted: circumstances_of(limits, _with_cache(candidate, adapted), adapted, sizes),
        subject=str(candidate),
        known=known,
    )


def _with_cache(candidate: Candidate, request: PlanRequest) -> Candidate:
    """The candidate with the cache that a request fixes."""
    dtype = candidate.cache_dtype if request.cache_dtype == "auto" else request.cache_dtype
    hybrid = candidate.hybrid if request.hybrid is None else request.hybrid
    return (
        candidate
        if (dtype, hybrid) == (candidate.cache_dtype, candidate.hybrid)
        else replace(candidate, cache_dtype=dtype, hybrid=hybrid)
    )
