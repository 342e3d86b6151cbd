"""The configuration of one vLLM server: what memory and speed depend on, and how it is written down, with reasons.

Planning makes it, rendering writes it, proving launches what rendering wrote, and a measurement quotes it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from llama4ref.engine.layout import Layout
from llama4ref.field_words import described

Setting = str | int | float | bool


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a choice was made."""

    about: str
    """The setting or choice, such as `max-model-len`."""
    value: str
    """What was chosen."""
    because: str
    """The rule and its numbers."""
    source: str | None = None
    """Id of the source of the rule; none where it is the request itself."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Settings of one server."""

    release: str
    """Release of vLLM that it is for."""
    layout: Layout
    """How the model lies over the GPUs."""
    max_model_len: int
    """Longest request, prompt and reply together, in tokens."""
    max_num_seqs: int
    """Requests in one batch at most."""
    max_num_batched_tokens: int
    """Tokens of one step at most."""
    gpu_memory_utilization: float
    """Part of the GPU's memory that the engine takes."""
    cache_dtype: str = "bfloat16"
    """Dtype of the KV cache."""
    block_size: int = 16
    """Tokens of a KV cache block."""
    hybrid: bool = True
    """Whether chunked-local layers keep one chunk only."""
    enforce_eager: bool = False
    """No CUDA graphs, no compilation."""
    images_per_prompt: int = 1
    """Images of one prompt at most; 0 leaves the vision tower out."""
    nodes: int = 1
    """Machines that share the GPUs evenly."""
    max_loras: int = 0
    """LoRA adapters that are on the GPUs at once; 0 where the server takes none."""
    max_lora_rank: int = 0
    """Largest rank of an adapter; 0 where the server takes none."""
    draft_tokens: int = 0
    """Tokens that a draft head proposes in a step; 0 without one."""
    rope_positions: int | None = None
    """Positions that the model's RoPE table is built for, at least `max_model_len`; None builds it for all of the checkpoint's."""
    settings: Mapping[str, Setting] = field(default_factory=dict, hash=False)
    """Server options by name without dashes, in the order they are written; `model` is the positional one. Empty until planning
    has written them."""
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Environment variables of the server."""
    reasons: tuple[Reason, ...] = ()
    """Why each setting and variable is there, by `about`."""

    def with_length(self, max_model_len: int) -> EngineConfig:
        """The same sizes for another longest request; a RoPE table that was shortened follows it. Settings stay as they are."""
        positions = None if self.rope_positions is None else max_model_len
        return replace(self, max_model_len=max_model_len, rope_positions=positions)

    def with_settings(self, settings: Mapping[str, Setting], *, because: str) -> EngineConfig:
        """The same configuration with settings written over its own, and the reason; sizes stay as they are.

        What is set already keeps its place; `settings_reading` reads the sizes again.
        """
        new = tuple(Reason(about=name, value=str(value), because=because) for name, value in settings.items())
        kept = tuple(reason for reason in self.reasons if reason.about not in settings)
        return replace(self, settings={**self.settings, **settings}, reasons=kept + new)

    def without_settings(self, names: Collection[str]) -> EngineConfig:
        """The same configuration without some settings or variables, and without their reasons; sizes stay as they are."""
        return replace(
            self,
            settings={name: value for name, value in self.settings.items() if name not in names},
            environment={name: value for name, value in self.environment.items() if name not in names},
            reasons=tuple(reason for reason in self.reasons if reason.about not in names),
        )
