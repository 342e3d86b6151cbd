"""A candidate that fits and that the engine of the release runs: what it lacks and its known faults are joined with the sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llama4ref.planning.compatibility.missing_abilities import missing_ability
from llama4ref.planning.compatibility.workarounds import Compatibility, compatibility, is_set
from llama4ref.planning.fitting.candidates import Candidate, FittedCandidate
from llama4ref.planning.fitting.circumstances import circumstances_of
from llama4ref.planning.fitting.fit import fit
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.facts.types.faults import EngineFault
    from llama4ref.planning.compatibility.engine_limits import EngineLimits
    from llama4ref.planning.compatibility.workarounds import Workaround
    from llama4ref.planning.request import PlanRequest


def compatible_fit(
    limits: EngineLimits, candidate: Candidate, request: PlanRequest, behaviour: Behaviour, *, thorough: bool = False
) -> FittedCandidate | Refusal:
    """The candidate with its settings, its budget and what gets round known faults, or why it cannot be served.

    Faults are looked for twice: before it is known which lengths and batches fit, and with these.
    """
    lacking = missing_ability(limits, circumstances_of(limits, candidate, request))
    if lacking is not None:
        return lacking
    found = _joined(limits, candidate, request)
    while isinstance(found, Compatibility):
        adapted = _with_cache(candidate, found.request)
        fitted = fit(limits.catalog, adapted, found.request, behaviour, thorough=thorough)
        if isinstance(fitted, Refusal):
            return fitted
        again = _joined(limits, candidate, request, fitted.config, found.workarounds)
        if isinstance(again, Compatibility) and again.workarounds == found.workarounds:
            return replace(fitted, workarounds=again.workarounds, faults=again.remaining)
        found = again
    return found


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
