"""Which settings may be changed so that a candidate fits, and how much does each change cost?

Five settings trade something else for memory. The cheapest are tried first: fewer requests in a batch, as long as they stay as many
as some default of the engine, and another part of the GPU's memory; then a RoPE table of the longest request's positions alone; then
smaller batches still; CUDA graphs are given up last.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.planning.request import PlanRequest

LeverName = Literal[
    "max_num_seqs", "gpu_memory_utilization", "rope_positions", "max_num_batched_tokens", "enforce_eager"
]
LEVERS: tuple[LeverName, ...] = get_args(LeverName)
LEVERS_ASKED: tuple[LeverName, ...] = tuple(name for name in LEVERS if name != "rope_positions")
"""Those that a request can name."""
LEAST_WON = 0.01
"""Part of what the engine takes that a shorter RoPE table must leave, for a server that is then bound to its longest request."""


class Reach(enum.IntEnum):
    """How far settings are changed from the engine's defaults; each step costs more than the one before."""

    DEFAULTS = 0
    """Not at all."""
    MILD = 1
    """As many requests at once as the engine takes by itself on some GPU, and another part of memory."""
    TABLE = 2
    """A RoPE table without the positions that no request reaches; nothing is slower."""
    SMALL = 3
    """Batches smaller than any default."""
    EAGER = 4
    """No CUDA graphs: decoding is several times slower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """A setting that is changed so that a candidate fits."""

    name: LeverName
    was: float | None
    """None where the checkpoint gives it."""
    value: float

    def __str__(self) -> str:
        if self.name == "enforce_eager":
            return "enforce_eager"
        return f"{self.name} {self.value:g}" if self.name == "gpu_memory_utilization" else f"{self.name} {self.value:,}"


@functools.lru_cache(maxsize=64)
def open_levers(request: PlanRequest) -> frozenset[LeverName]:
    """Levers that the request leaves to the planner; requests at once are asked for with `concurrency` too."""
    asked: dict[LeverName, object] = {
        "max_num_seqs": request.max_num_seqs or request.concurrency,
        "gpu_memory_utilization": request.gpu_memory_utilization,
        "max_num_batched_tokens": request.max_num_batched_tokens,
        "enforce_eager": request.enforce_eager or None,
    }
    return frozenset(name for name, value in asked.items() if value is None)


def levers_between(before: EngineConfig, after: EngineConfig) -> tuple[Lever, ...]:
    """What was changed."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in LEVERS)
    return tuple(Lever(name=name, was=was, value=value) for name, was, value in pairs if was != value)
