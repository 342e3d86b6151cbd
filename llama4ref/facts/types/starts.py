"""Logged starts of a server: what it printed about memory, for which model, settings and GPUs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from llama4ref.facts.types.constraints import Count, NotNegative, PartialDay, Share
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.states import UNKNOWN, Unknown


@dataclass(frozen=True, kw_only=True, repr=False)
class Start(Entity):
    """One start of a server, of one GPU where a size is meant."""

    id: str
    engine: str
    """Id of the engine."""
    release: str | Unknown
    """Release of the engine; unknown where the log does not say."""
    accelerator: str
    """Id of the accelerator."""
    count: Count
    """Accelerators altogether."""
    tensor_parallel: Count
    pipeline_parallel: Count
    data_parallel: Count
    model: str | None
    """Id of the model; none where it is not one of these facts."""
    checkpoint: str | None
    """Id of the checkpoint; none where it is not one of these facts."""
    served: str
    """The model in the log's own words."""
    gpu_memory_utilization: Share | Unknown
    """Share of the memory that the server was given; unknown where the log does not say."""
    outcome: Literal["started", "refused", "failed"]
    """Whether it started, found the memory too small for its settings, or broke off."""
    as_of: PartialDay
    """Day of the log, or the month or year where that is all that is known."""
    since: str | None = None
    """Earliest release that it can be, where the release is unknown."""
    before: str | None = None
    """First release that it cannot be, where the release is unknown."""
    vocab_size: NotNegative | None = None
    """Vocabulary of a model that is not one of these facts."""
    hidden_size: NotNegative | None = None
    """Width of a model that is not one of these facts."""
    max_model_len: NotNegative | None = None
    """Longest request in tokens; none where the log names no limit."""
    max_num_seqs: NotNegative | None = None
    """Requests of one batch; none where it is the engine's default."""
    max_num_batched_tokens: NotNegative | None = None
    """Tokens of one step; none where it is the engine's default."""
    cache_dtype: str = "bfloat16"
    """Dtype of the KV cache."""
    hybrid_kv_cache: bool | None = None
    """Whether chunked-local layers kept one chunk only; none where it is the engine's default."""
    enforce_eager: bool = False
    """Whether it ran without CUDA graphs and compiling."""
    printed_gib: dict[str, float] = field(default_factory=dict)
    """Memory in GiB as printed, by the name of its metric."""
    printed_counts: dict[str, float] = field(default_factory=dict)
    """Tokens, blocks and requests as printed, by the name of their metric."""
    derived_gib: dict[str, float] = field(default_factory=dict)
    """Memory in GiB that no line states and the others leave, by the name of its metric."""
    note: str | None = None
    """What the log leaves open, and how it was closed."""

    @property
    def earliest_release(self) -> str | None:
        """The release, or the earliest one that it can be; None where nothing is known of it."""
        return self.since if self.release is UNKNOWN else self.release

    @property
    def gib(self) -> dict[str, float]:
        """Every size by metric, printed or derived."""
        return {**self.derived_gib, **self.printed_gib}


__all__ = ["Start"]
