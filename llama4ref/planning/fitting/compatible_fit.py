"""A candidate that fits and that the engine of the release runs: what it lacks and its known faults are joined with the sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.planning.compatibility.missing_abilities import missing_ability
from llama4ref.planning.compatibility.workarounds import Compatibility, compatibility, is_set
from llama4ref.planning.fitting.candidates import Candidate, FittedCandidate
from llama4ref.planning.fitting.circumstances import circumstances_of
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
class Prepared:
    """A candidate that the engine of the release runs as far as is known before lengths and batches are."""

    limits: EngineLimits
    candidate: Candidate
    request: PlanRequest
    behaviour: Behaviour
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
        again = _joined(self.limits, self.candidate, self.request, found.config, self.workarounds)
        if isinstance(again, Refusal):
            return again
        if again.workarounds == self.workarounds:
            return replace(found, workarounds=again.workarounds, faults=again.remaining)
        other = _attempted(self.limits, self.candidate, self.request, self.behaviour, again)
        return other if isinstance(other, Refusal) else other.fitted(reach)


def prepared(
    limits: EngineLimits, candidate: Candidate, request: PlanRequest, behaviour: Behaviour
) -> Prepared | Refusal:
    """What is tried of a candidate, or why the engine of the release does not run it."""
    lacking = missing_ability(limits, circumstances_of(limits, candidate, request))
    if lacking is not None:
        return lacking
    found = _joined(limits, candidate, request)
    return found if isinstance(found, Refusal) else _attempted(limits, candidate, request, behaviour, found)


def _attempted(
    limits: EngineLimits, candidate: Candidate, request: PlanRequest, behaviour: Behaviour, found: Compatibility
) -> Prepared | Refusal:
    attempt = attempt_of(limits.catalog, _with_cache(candidate, found.request), found.request, behaviour)
    if isinstance(attempt, Refusal):
        return attempt
    return Prepared(limits, candidate, request, behaviour, found.workarounds, attempt)


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


def _joined(
    limits: EngineLimits,
    candidate: Candidate,
    request: PlanRequest,
    config: EngineConfig | None = None,
    known: tuple[Workaround, ...] = (),
) -> Compatibility | Refusal:
    return compatibility(
        limits,
        request,
        lambda adapted: circumstances_of(limits, _with_cache(candidate, adapted), adapted, config),
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
