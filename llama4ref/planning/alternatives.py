"""Nothing fits: which requests that differ in little would be planned?

Each alternative was planned, so none is offered that does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from llama4ref.errors import RequestError
from llama4ref.planning.outcomes import Alternative

if TYPE_CHECKING:
    from llama4ref.planning.outcomes import Change, Plan, Refusal
    from llama4ref.planning.request import PlanRequest

OwnPlans = Callable[["PlanRequest"], "Sequence[Plan]"]
MOST_GPUS = 64
"""GPUs that are tried at most where more would lift a refusal."""
_LEFT_OPEN: tuple[tuple[str, ...], ...] = (
    ("engine_release",), ("hybrid",), ("cache_dtype",), ("nodes",), ("tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel"),
    ("headroom",), ("checkpoint",), ("min_weight_bits",), ("speculative",),
)  # fmt: skip
"""What is left to the planner instead, each group in turn."""


def alternatives(request: PlanRequest, refused: Sequence[Refusal], plans_for: OwnPlans) -> tuple[Alternative, ...]:
    """Requests that would be planned, those that change least first: settings, lengths, GPUs, then what is left open."""
    found = [_first(request, group, plans_for) for group in _groups(request, refused)]
    found.append(_with_fewer_images(request, plans_for))
    held = [each for each in found if each is not None]
    if not held and request.gpu is not None:
        held = [each for each in [_first(request, [(("gpu", None),)], plans_for)] if each is not None]
    return tuple(map(_pinned, held))


def _first(request: PlanRequest, group: Sequence[tuple[Change, ...]], plans_for: OwnPlans) -> Alternative | None:
    """The first of several changes of one kind that holds."""
    for changes in group:
        try:
            changed = replace(request, **dict(changes))  # type: ignore[arg-type]  # the names are those of the request
        except RequestError:
            continue
        plans = plans_for(changed)
        if plans:
            return Alternative(request=changed, changes=changes, plan=plans[0])
    return None


def _with_fewer_images(request: PlanRequest, plans_for: OwnPlans) -> Alternative | None:
    """The same with as many images as fit; None where even none does."""
    best = _first(request, [(("images", 0), ("image_size", None))], plans_for) if request.images else None
    low, high = 0, request.images
    while best is not None and high - low > 1:
        middle = (low + high) // 2
        found = _first(request, [(("images", middle),)], plans_for)
        low, high, best = (middle, high, found) if found is not None else (low, middle, best)
    return best


def _pinned(found: Alternative) -> Alternative:
    """The same with what the planner chose for an open length or GPU, so that it reads as what to ask for."""
    chosen: dict[str, str | int] = {"context": found.plan.context, "gpu": found.plan.accelerator.id}
    changes = tuple((name, chosen.get(name) if value is None else value) for name, value in found.changes)
    return replace(found, changes=changes, request=replace(found.request, **dict(changes)))  # type: ignore[arg-type]


def _groups(request: PlanRequest, refused: Sequence[Refusal]) -> Iterator[Sequence[tuple[Change, ...]]]:
    """Changes of one kind each, of which the first that holds is offered."""
    lifting = list(dict.fromkeys(each.changes for each in refused if each.changes))
    yield [each for each in lifting if each[0][0] not in {"concurrency", "context"}]
    lengths = [each for each in lifting if each[0][0] == "context"]
    yield [*lengths[:1], (("context", None),)] if request.context is not None else lengths[:1]
    yield sorted((each for each in lifting if each[0][0] == "concurrency"), key=_most_first)
    yield [(("count", count),) for count in _more_gpus(request)]
    defaults: dict[str, Any] = {each.name: each.default for each in fields(request)}
    for names in _LEFT_OPEN:
        given = [name for name in names if getattr(request, name) != defaults[name]]
        yield [tuple((name, defaults[name]) for name in given)] if given else []


def _most_first(changes: tuple[Change, ...]) -> float:
    value = changes[0][1]
    return -value if isinstance(value, int) else 0.0


def _more_gpus(request: PlanRequest) -> Iterator[int]:
    """Counts of GPUs, the fewest more first: in steps of an eighth of what there is, up to the double, and so on."""
    count = request.count
    while count is not None and 2 * count <= MOST_GPUS:
        yield from range(count + max(1, count // 8), 2 * count + 1, max(1, count // 8))
        count *= 2
