"""A checkpoint on GPUs, before and after it is known to fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llama4ref.planning.choices.layouts import described
from llama4ref.planning.fitting.levers import Lever, Reach

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.engine.layout import Layout
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.faults import EngineFault
    from llama4ref.facts.types.models import Model
    from llama4ref.memory.gpu_budget import MemoryBudget
    from llama4ref.planning.compatibility.workarounds import Workaround


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A checkpoint on GPUs, split and served in one way."""

    model: Model
    checkpoint: Checkpoint
    accelerator: Accelerator
    layout: Layout
    nodes: int
    cache_dtype: str
    hybrid: bool
    draft: str | None = None
    """Repository or id of a draft head for speculative decoding."""
    _hash: int = field(init=False, repr=False, compare=False)
    """Kept, as much is kept by candidate."""

    def __post_init__(self) -> None:
        parts = (self.model, self.checkpoint, self.accelerator, self.layout, self.nodes, self.cache_dtype, self.hybrid)
        object.__setattr__(self, "_hash", hash((parts, self.draft)))

    def __hash__(self) -> int:
        """The same for equal candidates."""
        return self._hash

    @property
    def limit(self) -> int:
        """Longest context that the checkpoint allows, in tokens."""
        return self.checkpoint.limit(self.model)

    def __str__(self) -> str:
        cache = "" if self.cache_dtype == "bfloat16" else f", {self.cache_dtype} KV"
        return f"{self.checkpoint.id} on {self.layout.gpus} x {self.accelerator.id}, {described(self.layout)}{cache}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedCandidate:
    """A candidate that fits, with its settings."""

    candidate: Candidate
    config: EngineConfig
    budget: MemoryBudget
    largest_context: int
    """Longest request that would fit with these settings: a lower bound."""
    max_concurrency: float
    """Requests of the full length at once, over all replicas: a lower bound."""
    kv_cache_tokens: int
    """KV cache size that the engine prints, of one replica: a lower bound."""
    levers: tuple[Lever, ...] = ()
    """Settings that differ from the engine's defaults so that it fits."""
    shortage: str | None = None
    """What did not fit with the defaults; none where they are kept."""
    reach: Reach = Reach.DEFAULTS
    """How far settings were changed from the defaults."""
    workarounds: tuple[Workaround, ...] = ()
    """Settings that get round known faults of the engine."""
    faults: tuple[tuple[str, EngineFault], ...] = ()
    """Known faults that it meets all the same, by name."""
