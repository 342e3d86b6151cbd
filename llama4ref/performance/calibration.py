"""Which constants does an estimate rest on, and where does each come from?

A stated constant is a published figure, or a round number that physics allows. A fitted one was set so that the published
measurements in `specs/measurements` come out with a small squared error of the logarithm, and rounded; each stands for one
physical thing. Three are shared by all engines, and an engine has at most two of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import UnknownNameError
from llama4ref.units import GIB, MIB

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConstants:
    """What one engine adds to the hardware's own time, and keeps of its memory."""

    layer_seconds: float
    """Latency of one layer that no kernel hides: launches, small kernels, waiting."""
    expert_layer_seconds: float
    """What a layer with experts adds once a batch fills `TILE_SEQUENCES`: sorting tokens by expert, tiles that are half empty.
    Smaller batches add their share of it, larger ones no more. The four vLLM rows tell it: what they need beyond
    `layer_seconds` follows the number of such layers, and neither their bytes nor the GPU."""
    first_token_seconds: float
    """From request to first token, beyond the passes over the GPU: parsing, tokenizing, scheduling, eager kernels."""
    hybrid_seconds: float
    """What a step pays for the tables of chunked-local layers under the hybrid KV cache."""
    mixes_prefill: bool
    """Whether a prompt is computed inside a decode step, and so pays no latency of layers of its own."""
    utilization: float
    """Share of a GPU's memory that the engine takes."""
    reserved_bytes: int
    """Memory of a GPU that is neither weights nor KV cache: runtime, activations, logits, graphs."""
    max_batch: int
    """Sequences that one replica decodes at once at most, on a large GPU."""
    chunk_tokens: int
    """Prompt tokens of one step."""
    spread: float
    """Factor around an estimate within which a measurement is expected: two standard deviations of the TensorRT-LLM rows when
    each is left out of the fit (0.12 of the logarithm), and more where rows are few or alike."""
    rows: tuple[str, ...]
    """Measurements that the constants were fitted on."""
    borrowed: tuple[str, ...]
    """Measurements of another engine or release that stated constants come from."""
    fitted: tuple[str, ...]
    """Fields above that were fitted; the others are stated, or another engine's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constants:
    """Everything an estimate rests on that is no fact about a model, checkpoint or accelerator."""

    memory_efficiency: float
    """Share of the published bandwidth that reading weights reaches. Stated: NVIDIA's planner (aiconfigurator-systems)."""
    cache_efficiency: float
    """Share of the published bandwidth that attention over the KV cache reaches. Fitted: the TensorRT-LLM rows."""
    matmul_efficiency: float
    """Share of the peak rate that the best matrix shape reaches, where no measurement of the accelerator is known. Stated:
    the middle of the measured shares (ml-engineering-book, MAMF table)."""
    matmul_share: float
    """Share of the best shape's rate that the shapes of a served model reach. Fitted: the TensorRT-LLM rows, which hold it
    loosely."""
    link_efficiency: float
    """Share of the link's published rate that a ring's bytes see. Fitted: the TensorRT-LLM rows ask for all of it, since
    reduction inside the switch saves what the protocol costs."""
    collective_seconds: float
    """Latency of one collective operation. Stated: 10 microseconds, the order of a small all-reduce inside a node."""
    free_kept: float
    """Most of the memory beside the weights that `reserved_bytes` may take: where memory is short, an engine is given
    smaller limits. A round number, chosen once; the two rows of Maverick on H100 hang on it, no other does."""
    sources: tuple[str, ...]
    """Ids of the sources of the stated constants."""
    accelerators: tuple[str, ...]
    """Accelerators that the measurements were made on."""
    engines: Mapping[str, EngineConstants]
    """By engine id."""

    def engine(self, id_: str) -> EngineConstants:
        """The constants of an engine; raises UnknownNameError where it was never calibrated."""
        if id_ not in self.engines:
            raise UnknownNameError("engine with measurements to estimate from", id_, self.engines)
        return self.engines[id_]


TILE_SEQUENCES = 64
"""The batch of the rows that `expert_layer_seconds` was fitted on, about as many as fill a tile of the experts' kernels."""

_OTHER_BYTES = round(3.5 * GIB) + 392 * MIB
"""Memory of runtime and NCCL that NVIDIA's planner reserves (aiconfigurator-systems)."""

CONSTANTS = Constants(
    memory_efficiency=0.8,
    cache_efficiency=0.53,
    matmul_efficiency=0.75,
    matmul_share=0.7,
    link_efficiency=1.0,
    collective_seconds=10e-6,
    free_kept=0.8,
    sources=("aiconfigurator-systems", "ml-engineering-book"),
    accelerators=("h100-sxm", "h200-sxm", "b200", "mi300x"),
    engines={
        "vllm": EngineConstants(
            layer_seconds=114e-6,  # SGLang's: both launch piecewise graphs from Python
            expert_layer_seconds=124e-6,
            first_token_seconds=50e-3,  # SGLang's, for want of a vLLM row
            hybrid_seconds=1.09e-3,  # vLLM PR 46553: 8.75 ms with the hybrid cache, 7.66 ms without
            mixes_prefill=True,
            utilization=0.92,  # the default of --gpu-memory-utilization
            reserved_bytes=_OTHER_BYTES,
            max_batch=1024,  # the default of --max-num-seqs from 70 GiB up
            chunk_tokens=8192,  # the default of --max-num-batched-tokens from 70 GiB up
            spread=1.3,
            rows=(
                "vllm-0.8.3-maverick-h100-sxm-8-1000-1000",
                "vllm-0.8.3-maverick-h200-sxm-8-1000-1000",
                "vllm-0.8.3-scout-h100-sxm-8-1000-1000",
                "vllm-0.8.3-scout-h200-sxm-8-1000-1000",
            ),
            borrowed=(
                "sglang-0.5.9-scout-mi300x-8-1000-1000",
                "vllm-0.23-maverick-mi300x-8-hybrid",
                "vllm-0.23-maverick-mi300x-8-plain",
            ),
            fitted=("expert_layer_seconds",),
        ),
        "sglang": EngineConstants(
            layer_seconds=114e-6,
            expert_layer_seconds=124e-6,  # vLLM's, for want of a row with many sequences
            first_token_seconds=50e-3,
            hybrid_seconds=0.0,
            mixes_prefill=False,
            utilization=0.9,
            reserved_bytes=_OTHER_BYTES,
            max_batch=4096,
            chunk_tokens=8192,
            spread=1.6,
            rows=("sglang-0.5.9-scout-mi300x-8-1000-1000",),
            borrowed=("vllm-0.8.3-scout-h100-sxm-8-1000-1000",),
            fitted=("layer_seconds", "first_token_seconds"),
        ),
        "tensorrt-llm": EngineConstants(
            layer_seconds=40e-6,
            expert_layer_seconds=0.0,  # offline rows cannot tell it from the efficiencies
            first_token_seconds=50e-3,  # SGLang's: offline rows say nothing about it
            hybrid_seconds=0.0,
            mixes_prefill=True,
            utilization=0.95,  # the KV fraction of the published runs was 0.90 to 0.95
            reserved_bytes=32 * GIB,  # logits and graphs for thousands of sequences among it
            max_batch=8192,  # the largest CUDA graph of the published runs
            chunk_tokens=8192,
            spread=1.25,
            rows=(
                "tensorrt-llm-1.0-maverick-b200-8-1000-1000",
                "tensorrt-llm-1.0-maverick-b200-8-128-2048",
                "tensorrt-llm-1.0-maverick-h100-sxm-8-1000-1000",
                "tensorrt-llm-1.0-maverick-h100-sxm-8-128-2048",
                "tensorrt-llm-1.0-maverick-h200-sxm-8-1000-1000",
                "tensorrt-llm-1.0-maverick-h200-sxm-8-128-2048",
                "tensorrt-llm-1.0-scout-b200-1-1000-1000",
                "tensorrt-llm-1.0-scout-b200-1-128-2048",
                "tensorrt-llm-1.0-scout-h100-sxm-4-1000-1000",
                "tensorrt-llm-1.0-scout-h100-sxm-4-128-2048",
                "tensorrt-llm-1.0-scout-h200-sxm-4-1000-1000",
                "tensorrt-llm-1.0-scout-h200-sxm-4-128-2048",
                "tensorrt-llm-1.1-maverick-b200-4-dep-1000-1000",
                "tensorrt-llm-1.1-maverick-h200-sxm-8-dep-1000-1000",
            ),
            borrowed=("sglang-0.5.9-scout-mi300x-8-1000-1000",),
            fitted=("layer_seconds", "reserved_bytes"),
        ),
    },
)
