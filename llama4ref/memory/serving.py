"""How an engine is told to serve: the settings that memory depends on."""

from __future__ import annotations

from dataclasses import dataclass

from llama4ref.memory.layout import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Settings of one server."""

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
