"""Which memory does a server take that no tensor of the model accounts for: driver, libraries, CUDA graphs?

No formula gives these lines; each is an estimate of `specs/estimates`, set by what servers printed at their start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from llama4ref.memory.budget_lines import BudgetLine, Place, estimate_line

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.engine.estimates import EstimatesFor
    from llama4ref.facts.types.engines import Behaviour

GRAPH_PLATFORMS = frozenset({"cuda", "rocm"})
"""Platforms with CUDA graphs, or HIP graphs of the same kind."""


def overhead_lines(
    config: EngineConfig, behaviour: Behaviour, estimates: EstimatesFor, *, platform: str
) -> Iterator[BudgetLine]:
    """What the driver, the communication library and captured graphs take on every GPU."""
    yield _libraries(behaviour, estimates)
    if platform in GRAPH_PLATFORMS and not config.enforce_eager:
        yield _cuda_graphs(config, behaviour, estimates, platform)
    yield from _driver_context(estimates)


def _libraries(behaviour: Behaviour, estimates: EstimatesFor) -> BudgetLine:
    formula = "kernel modules, communication buffers and library workspaces loaded while profiling"
    if behaviour.collectives_in_budget:
        formula += ", and what was loaded before, as far as the engine counts it"
    return estimate_line("driver and libraries", "overhead", 1, estimates.of("memory.libraries"), formula=formula)


def _cuda_graphs(config: EngineConfig, behaviour: Behaviour, estimates: EstimatesFor, platform: str) -> BudgetLine:
    counted = behaviour.counts_cuda_graphs_on(platform)
    place: Place = "overhead" if counted else "outside"
    formula = "graphs of the decode batch sizes; " + ("counted by the engine" if counted else "captured afterwards")
    line = estimate_line("CUDA graphs", place, 1, estimates.of("memory.cuda_graphs"), formula=formula)
    if not config.max_loras:
        return line
    return replace(line, high=2 * line.high, formula=f"{formula}; with adapters and without, which may double them")


def _driver_context(estimates: EstimatesFor) -> Iterator[BudgetLine]:
    """Nothing where the engine counts from zero, so that no estimate is recorded for the release."""
    found = estimates.find("memory.driver_context")
    if found is not None:
        formula = "driver context and, where GPUs work together, the first buffers of their communication, before the engine counts"
        yield estimate_line("driver context and collectives", "outside", 1, found, formula=formula)
