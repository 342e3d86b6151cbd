"""The same plan at another release of the engine: what it is set to there, and what it promises."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.facts.queries.release_changes import NOT_THERE
from llama4ref.planning.outcomes import Plan
from llama4ref.planning.planner import plan
from llama4ref.units import format_bytes, format_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts.catalog import Catalog
    from llama4ref.planning.outcomes import PlanResult, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One line of two plans that differ."""

    about: str
    """A setting, a variable or a promise."""
    before: str
    after: str
    because: str | None = None
    """Why it is there, of a setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One plan at two releases."""

    before: PlanResult
    after: PlanResult
    differences: tuple[Difference, ...]
    """Empty where nothing changes, or where one of the releases refuses it."""

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """Why the second release does not serve it; empty where it does."""
        return () if self.after.plans else self.after.refused


def moved(planned: Plan, first: str, second: str, catalog: Catalog) -> Move:
    """A plan of own GPUs as two releases would serve it: checkpoint, hardware and split stay, all that was left open is chosen anew."""
    layout = planned.config.layout
    kept = replace(
        planned.request,
        model=planned.model.id,
        checkpoint=planned.checkpoint.id,
        gpu=planned.accelerator.id,
        count=planned.count,
        nodes=planned.nodes,
        tensor_parallel=layout.tensor_parallel,
        pipeline_parallel=layout.pipeline_parallel,
        data_parallel=layout.data_parallel,
        expert_parallel=layout.expert_parallel,
        hosted=None,
    )
    before, after = (plan(replace(kept, engine_release=release), catalog) for release in (first, second))
    old, new = before.best, after.best
    found = tuple(_differences(old, new)) if isinstance(old, Plan) and isinstance(new, Plan) else ()
    return Move(before=before, after=after, differences=found)


def _differences(old: Plan, new: Plan) -> Iterator[Difference]:
    for was, is_ in ((old.settings, new.settings), (old.environment, new.environment)):
        for name in dict.fromkeys((*was, *is_)):
            if was.get(name) != is_.get(name):
                why = next((each.because for each in new.reasons if each.about == name), None)
                yield Difference(
                    about=name, before=str(was.get(name, NOT_THERE)), after=str(is_.get(name, NOT_THERE)), because=why
                )
    promised = zip(_promises(old), _promises(new), strict=True)
    yield from (Difference(about=name, before=was, after=is_) for (name, was), (_, is_) in promised if was != is_)
    faults = [{each.value: each.because for each in end.caveats if each.about == "known fault"} for end in (old, new)]
    for id_ in dict.fromkeys((*faults[0], *faults[1])):
        if (id_ in faults[0]) != (id_ in faults[1]):
            yield Difference(
                about=f"known fault {id_}", before=faults[0].get(id_, NOT_THERE), after=faults[1].get(id_, NOT_THERE)
            )


def _promises(of: Plan) -> Iterator[tuple[str, str]]:
    yield "context", format_tokens(of.context)
    yield "largest context", format_tokens(of.largest_context)
    yield "max concurrency", f"{of.max_concurrency:.2f}"
    yield "KV cache tokens", f"{of.kv_cache_tokens:,}"
    yield "used (upper bound)", format_bytes(of.budget.used_at_most_bytes)
