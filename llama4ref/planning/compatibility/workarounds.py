"""Which faults would a server meet, which of them can be got round by settings that nobody fixed, and which rule it out?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import Reason
from llama4ref.engine.option_values import object_of
from llama4ref.errors import RequestError
from llama4ref.facts.types.releases import release_key
from llama4ref.facts.types.states import is_stated
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import Setting
    from llama4ref.facts.types.conditions import Circumstances
    from llama4ref.facts.types.faults import Effect, EngineFault, Remedy
    from llama4ref.planning.compatibility.engine_limits import EngineLimits
    from llama4ref.planning.outcomes import Change
    from llama4ref.planning.request import PlanRequest

ADAPTABLE = frozenset(
    {
        "cache_dtype",
        "context",
        "enforce_eager",
        "gpu_memory_utilization",
        "hybrid",
        "max_num_batched_tokens",
        "max_num_seqs",
    }
)
"""Fields of a request that may be set for a candidate that is already split over its GPUs."""
WORTH_A_SETTING: frozenset[Effect] = frozenset({"does-not-start", "crashes", "wrong-answers", "fails-requests"})
"""Effects against which a setting is changed without being asked; time and memory are told, and left to the person."""
_EFFECTS: dict[Effect, str] = {
    "does-not-start": "the server does not start",
    "crashes": "the server dies or hangs",
    "wrong-answers": "answers are wrong",
    "fails-requests": "requests fail",
    "slow": "it is slower",
    "more-memory": "it takes more memory",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workaround:
    """A fault that is got round, and how."""

    id: str
    fault: EngineFault
    remedy: Remedy
    source: str | None
    """Id of the source that tells of it."""

    @property
    def because(self) -> str:
        """Why a setting of the remedy is there."""
        return f"{self.remedy.because}: otherwise {self.fault.symptom}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compatibility:
    """What a server of a release would meet, once what can be got round is."""

    request: PlanRequest
    """The request, with the fields that remedies set."""
    workarounds: tuple[Workaround, ...] = ()
    remaining: tuple[tuple[str, EngineFault], ...] = ()
    """Faults that it would meet all the same, by name: the person is told."""


def compatibility(
    limits: EngineLimits,
    request: PlanRequest,
    circumstances_of: Callable[[PlanRequest], Circumstances],
    *,
    subject: str,
    known: Sequence[Workaround] = (),
) -> Compatibility | Refusal:
    """What is met and what gets round it, or the fault that rules the server out.

    Args:
        limits: what is recorded of the engine at the release.
        request: what is asked for; what it fixes is never changed.
        circumstances_of: what a server of a request would be started with.
        subject: what is refused, in words.
        known: remedies that were already found for it.
    """
    found = {each.id: each for each in known}
    adapted = adapted_to(request, found.values())
    while True:
        met = {id_: each for id_, each in limits.faults_met(circumstances_of(adapted)).items() if id_ not in found}
        new = next((each for each in _workarounds(limits, request, adapted, met)), None)
        if new is None:
            break
        found[new.id] = new
        adapted = adapted_to(request, found.values())
    for id_, fault in met.items():
        if fault.blocks(limits.release):
            return _refusal(limits, request, subject, id_, fault)
    return Compatibility(request=adapted, workarounds=tuple(found.values()), remaining=tuple(met.items()))


def adapted_to(request: PlanRequest, workarounds: Iterable[Workaround]) -> PlanRequest:
    """A request with the fields that remedies set."""
    changes = {name: value for each in workarounds for name, value in each.remedy.request.items()}
    return replace(request, **changes) if changes else request  # type: ignore[arg-type]  # they were tried one by one


def _workarounds(
    limits: EngineLimits, request: PlanRequest, adapted: PlanRequest, met: dict[str, EngineFault]
) -> Iterable[Workaround]:
    for id_, fault in met.items():
        if fault.effect in WORTH_A_SETTING and fault.is_certain_at(limits.release):
            for remedy in fault.remedies:
                if _is_open(limits, request, adapted, remedy):
                    yield Workaround(id=id_, fault=fault, remedy=remedy, source=limits.source_of(id_))
                    break


def _is_open(limits: EngineLimits, request: PlanRequest, adapted: PlanRequest, remedy: Remedy) -> bool:
    """Whether a remedy changes nothing that the person fixed or another remedy set, and the release takes it."""
    defaults = {each.name: each.default for each in fields(request)}
    for name, value in remedy.request.items():
        mine = getattr(adapted, name)
        if name not in ADAPTABLE or not (mine in {value, defaults[name]} or _is_longer_context(name, value, adapted)):
            return False
    try:
        replace(adapted, **remedy.request)  # type: ignore[arg-type]  # the request checks its fields
    except RequestError:
        return False
    return all(limits.has_option(name, value) for name, value in remedy.settings.items()) and all(
        limits.reads_variable(name) for name in remedy.environment
    )


def _is_longer_context(name: str, value: object, request: PlanRequest) -> bool:
    """Whether a remedy raises the longest request: a server of more takes each request that was asked for too."""
    asked = request.context_tokens
    return name == "context" and isinstance(value, int) and asked is not None and value >= asked


def is_set(remedy: Remedy, settings: Mapping[str, Setting], environment: Mapping[str, str]) -> bool:
    """Whether written settings and variables hold everything that a remedy sets; one that sets none of them never is."""
    if not remedy.settings and not remedy.environment:
        return False
    return all(_holds(settings.get(name), value) for name, value in remedy.settings.items()) and all(
        environment.get(name) == value for name, value in remedy.environment.items()
    )


def _holds(there: Setting | None, wanted: Setting) -> bool:
    """Whether an option has a value; an object may have more entries."""
    if str(there).strip() == str(wanted).strip():
        return True
    try:
        mine, theirs = object_of(str(wanted)), object_of(str(there))
    except RequestError:
        return False
    return all(theirs.get(name) == value for name, value in mine.items())


def _refusal(limits: EngineLimits, request: PlanRequest, subject: str, id_: str, fault: EngineFault) -> Refusal:
    changes, instead = _lifting(limits, request, fault)
    return Refusal(
        subject=subject,
        rule="engine-fault",
        numbers=f"{fault.symptom}: {_EFFECTS[fault.effect]} in {limits.engine.name} {limits.release} ({id_})",
        instead=instead,
        changes=changes,
        source=limits.source_of(id_),
    )


def _lifting(limits: EngineLimits, request: PlanRequest, fault: EngineFault) -> tuple[tuple[Change, ...], str | None]:
    """What would lift a fault: another value of what was asked for, the first release without it, or the last before it."""
    for remedy in fault.remedies:
        if remedy.request and all(hasattr(request, name) for name in remedy.request):
            return tuple(remedy.request.items()), f"{remedy.because} would"
    if is_stated(fault.until) and fault.until in limits.engine.releases:
        return (("engine_release", fault.until),), f"releases from {fault.until} do not have it"
    earlier = [
        each
        for each in limits.engine.releases
        if is_stated(fault.since) and release_key(each) < release_key(fault.since)
    ]
    if earlier:
        return (("engine_release", earlier[-1]),), f"{earlier[-1]} and releases before it do not have it"
    return (), fault.advice


def told(limits: EngineLimits, remaining: Iterable[tuple[str, EngineFault]]) -> tuple[Reason, ...]:
    """Faults that are met all the same, as caveats."""
    return tuple(
        Reason(
            about="known fault",
            value=id_,
            because=_sentence(limits.release, fault),
            source=limits.source_of(id_),
        )
        for id_, fault in remaining
    )


def _sentence(release: str, fault: EngineFault) -> str:
    """What is seen, how often, and what helps."""
    seen = f"{fault.symptom}: {_EFFECTS[fault.effect]}" + ("" if fault.happens == "always" else " at times")
    if not fault.is_certain_at(release):
        seen += f"; nothing says that {release} is rid of it" + (
            f", {fault.confirmed} is not" if fault.confirmed else ""
        )
    helps = fault.advice or next((each.because for each in fault.remedies), None)
    return f"{seen}; {helps}" if helps else seen
