"""Which options and environment variables does a candidate need, at a release, and why each?"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.planning.compatibility.engine_limits import options_at
from llama4ref.planning.compatibility.workarounds import adapted_to
from llama4ref.planning.settings.abilities import set_abilities, set_quantization
from llama4ref.planning.settings.cache import set_cache
from llama4ref.planning.settings.draft import SettingsDraft
from llama4ref.planning.settings.parallelism import set_machines, set_parallelism
from llama4ref.planning.settings.sizes import set_sizes
from llama4ref.units import format_bytes

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Behaviour, Engine
    from llama4ref.planning.fitting.candidates import FittedCandidate
    from llama4ref.planning.request import PlanRequest


def config_of(
    catalog: Catalog, fitted: FittedCandidate, request: PlanRequest, engine: Engine, behaviour: Behaviour
) -> EngineConfig:
    """The configuration of a fitted candidate, written: options, variables and a reason for each."""
    draft = SettingsDraft(engine, behaviour.release, options_at(catalog, engine.id, behaviour.release))
    request = adapted_to(request, fitted.workarounds)
    checkpoint = fitted.candidate.checkpoint
    if checkpoint.repository:
        draft.set("model", checkpoint.repository, _why_checkpoint(catalog, fitted))
    set_parallelism(draft, fitted)
    set_sizes(draft, fitted, request)
    set_cache(draft, fitted, request, behaviour)
    set_quantization(draft, fitted)
    set_abilities(catalog, draft, fitted, request, behaviour)
    set_machines(draft, fitted)
    for workaround in fitted.workarounds:
        draft.work_around(workaround)
    return replace(fitted.config, settings=draft.settings, environment=draft.environment, reasons=tuple(draft.reasons))


def _why_checkpoint(catalog: Catalog, fitted: FittedCandidate) -> str:
    binding = fitted.budget.binding
    weight = sum([line.bytes for line in binding.lines if line.place == "weights"])
    stages = fitted.candidate.layout.pipeline_parallel
    return _held(catalog, fitted.candidate.checkpoint, weight, binding.index if stages > 1 else None)


@functools.lru_cache(maxsize=4096)
def _held(catalog: Catalog, checkpoint: Checkpoint, weight: int, stage: int | None) -> str:
    coverage = checkpoint.coverage
    experts = catalog.format(coverage.routed_experts).name if coverage and coverage.routed_experts else "unknown format"
    place = "" if stage is None else f" of stage {stage}"
    held = f"{format_bytes(weight)} of weights on a GPU{place}"
    if checkpoint.kind == "recipe":
        return f"published in bf16; the engine turns its routed experts into {experts} while loading: {held}"
    return f"published by {checkpoint.publisher}, routed experts in {experts}: {held}"
