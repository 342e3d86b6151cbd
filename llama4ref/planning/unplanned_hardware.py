"""Hardware and engines that no plans are made for in full: which requests mean them, and what is said of such hardware."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.planning.choices.checkpoints import PLATFORMS
from llama4ref.planning.outcomes import Refusal
from llama4ref.units import format_bytes

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.planning.request import PlanRequest


PLANNED = "vllm"
"""The engine that plans are made for in full."""


def is_only_sized(catalog: Catalog, request: PlanRequest) -> bool:
    """Whether a request is for another engine, or for hardware that vLLM is not planned for.

    Raises:
        UnknownNameError: for an engine or accelerator that is not in the catalogue.
    """
    if request.engine is not None and catalog.engine(request.engine).id != PLANNED:
        return True
    return request.gpu is not None and catalog.accelerator(request.gpu).platform not in PLATFORMS


def unplanned(catalog: Catalog, request: PlanRequest) -> Iterator[Refusal]:
    """That vLLM is not planned for on an accelerator, and the memory there is; nothing where it is."""
    if request.gpu is None:
        return
    accelerator, count = catalog.accelerator(request.gpu), request.count or 1
    if accelerator.platform in PLATFORMS:
        return
    cited = catalog.cite(f"accelerators/{accelerator.id}", "memory_bytes")
    yield Refusal(
        subject=f"{count:,} x {accelerator.name}",
        rule="not-planned",
        numbers=f"plans are made for {' and '.join(PLATFORMS)} with vLLM, this is {accelerator.platform}; it has "
        f"{format_bytes(count * accelerator.memory_bytes)} of memory that a process may use",
        source=cited[0].source.id if cited else None,
    )
