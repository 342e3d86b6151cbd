"""Hardware that no plans are made for: which checkpoints would its memory hold?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.engine.layout import Layout
from llama4ref.errors import UnknownFactError
from llama4ref.planning.choices.checkpoints import PLATFORMS
from llama4ref.planning.fitting.budgets import weights_held
from llama4ref.planning.outcomes import Refusal
from llama4ref.units import format_bytes

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.models import Model
    from llama4ref.planning.request import PlanRequest


def unplanned(catalog: Catalog, request: PlanRequest, model: Model, accelerator: Accelerator) -> Iterator[Refusal]:
    """That no plan is made for an accelerator, then each checkpoint's weights beside the memory there is."""
    count = request.count or 1
    memory = count * accelerator.memory_bytes
    yield Refusal(
        subject=f"{count:,} x {accelerator.name}",
        rule="not-planned",
        numbers=f"plans are made for {' and '.join(PLATFORMS)} with vLLM, this is {accelerator.platform}; it has "
        f"{format_bytes(memory)} of memory",
    )
    for checkpoint in catalog.checkpoints.values():
        if checkpoint.model == model.id and checkpoint.stage == "instruct" and checkpoint.kind == "weights":
            yield from _beside(catalog, model, checkpoint, memory)


def _beside(catalog: Catalog, model: Model, checkpoint: Checkpoint, memory: int) -> Iterator[Refusal]:
    engines = [catalog.engine(id_).name for id_, loading in checkpoint.loads.items() if loading.supported]
    if not engines:
        return
    try:
        size = weights_held(catalog, model, checkpoint, Layout()).largest.bytes
    except UnknownFactError:
        return
    room = f"which leaves {format_bytes(memory - size)}" if size < memory else "more than there is"
    yield Refusal(
        subject=checkpoint.id,
        rule="not-planned",
        numbers=f"{format_bytes(size)} of weights, {room}; loaded by {', '.join(engines)}",
    )
