"""What of a file is no longer as it was written: settings that were edited, and promises that other facts or settings do not back?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import Reason
from llama4ref.engine.settings_reading import HYBRID_VARIABLE, counted_in
from llama4ref.facts.loading import catalog_of
from llama4ref.plan_files.writing import MADE_BY, sizes_of, tree_of
from llama4ref.planning.choices.checkpoints import accelerator_refusals
from llama4ref.wording import jsonable, shown

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Engine
    from llama4ref.plan_files.document import PlanDocument
    from llama4ref.planning.fitting.demand import Demand
    from llama4ref.planning.outcomes import Plan
    from llama4ref.wording import Json

ABOUT = "saved plan"
WITHOUT_EFFECT = frozenset({
    "override-generation-config", "generation-config", "enable-auto-tool-choice", "tool-call-parser", "chat-template",
    "distributed-executor-backend", "served-model-name", "host", "port", "api-key", "seed", "revision", "download-dir", "tokenizer",
})  # fmt: skip
"""Settings that neither memory nor speed depends on."""


def differences(document: PlanDocument, plan: Plan, engine: Engine, demand: Demand) -> Iterator[Reason]:
    """Caveats about a plan that was read from a file; none where it is as it was written, by the same facts."""
    yield from _edited(document, plan)
    yield from _left_out(document, plan)
    yield from _promises(document, plan)
    yield from _not_counted(document, plan)
    yield from _not_backed(plan, engine, demand)


def _edited(document: PlanDocument, plan: Plan) -> Iterator[Reason]:
    written, now = jsonable(document.config.sizes), jsonable(sizes_of(plan.config))
    for name, was, is_ in _unequal(written, now):
        yield Reason(
            about=ABOUT,
            value=f"{name} {is_}",
            because=f"the settings were edited; it was {was} when the plan was saved",
        )


def _left_out(document: PlanDocument, plan: Plan) -> Iterator[Reason]:
    """Settings and variables that were planned, and are no longer there."""
    for reason in document.config.reasons:
        if reason.about not in {*plan.settings, *plan.environment}:
            because = f"the settings were edited; it was {reason.value} when the plan was saved"
            yield Reason(about=ABOUT, value=f"no {reason.about}", because=because)


def _promises(document: PlanDocument, plan: Plan) -> Iterator[Reason]:
    written, now = jsonable(document.promises), tree_of(plan)["promises"]
    by = "" if document.made_by == MADE_BY else f" by {document.made_by}"
    for name, was, is_ in _unequal(_compared(written), _compared(now)):
        yield Reason(about=ABOUT, value=f"{name} {is_}", because=f"computed again; the file promises {was}{by}")


def _compared(promises: Json) -> dict[str, Json]:
    """The figures of promises by name."""
    if not isinstance(promises, dict):
        return {}
    names = ("context", "largest_context", "max_concurrency", "kv_cache_tokens")
    figures = {name: promises[name] for name in names}
    budget, performance = promises["budget"], promises.get("performance")
    if isinstance(budget, dict):
        figures["kv_cache_at_least_bytes"] = budget["kv_cache_at_least_bytes"]
    if isinstance(performance, dict) and isinstance(performance["figures"], dict):
        figures |= {name: each["value"] for name, each in performance["figures"].items() if isinstance(each, dict)}
    return figures


def _unequal(written: Json, now: Json) -> Iterator[tuple[str, str, str]]:
    if isinstance(written, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys((*written, *now)):
            was, is_ = written.get(name), now.get(name)
            if was != is_:
                yield name.replace("_", " "), shown(was), shown(is_)


def _not_counted(document: PlanDocument, plan: Plan) -> Iterator[Reason]:
    """Settings that were added by hand and that the promises leave out of account."""
    values = {**plan.settings, **plan.environment}
    planned = {each.about for each in document.config.reasons if str(values.get(each.about)) == each.value}
    method = plan.checkpoint.quantization_method if plan.checkpoint.kind == "recipe" else None
    expected = {"model": plan.checkpoint.repository, "quantization": method}
    for name, known in expected.items():
        if name in plan.settings and plan.settings[name] != known:
            because = f"weights are counted as those of {plan.checkpoint.id}"
            yield Reason(about=ABOUT, value=f"{name} {plan.settings[name]}", because=because)
    counted = counted_in(plan.settings)
    others = [f"--{name}" for name in plan.settings if name not in counted | WITHOUT_EFFECT | expected.keys() | planned]
    others += [name for name in plan.environment if name != HYBRID_VARIABLE and name not in planned]
    if others:
        yield Reason(about=ABOUT, value=", ".join(others), because="the promises do not take account of it")


def _not_backed(plan: Plan, engine: Engine, demand: Demand) -> Iterator[Reason]:
    """What speaks against the settings as they are: they do not fit, or hold less than was asked for."""
    catalog = catalog_of(engine)
    for refusal in accelerator_refusals(catalog, plan.checkpoint, plan.accelerator, engine, plan.release):
        yield Reason(about=ABOUT, value="not backed", because=refusal.numbers, source=refusal.source)
    if not demand.starts(plan.budget):
        because = "at the upper bound of every estimate these settings do not fit into the GPU's memory"
        yield Reason(about=ABOUT, value="not backed", because=because)
    elif plan.context < demand.wanted or not demand.met(plan.budget):
        because = "these settings hold less than the request in the file asks for"
        yield Reason(about=ABOUT, value="not backed", because=because)
