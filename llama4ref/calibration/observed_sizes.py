"""Which number of a record is an observation of which memory estimate?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from llama4ref.units import GIB, MIB

if TYPE_CHECKING:
    from llama4ref.calibration.records import MemoryRecord

_MIB_OF_GIB = GIB // MIB


def _libraries(record: MemoryRecord) -> float | None:
    found = record.gib.get("non_torch")
    return None if found is None else found * _MIB_OF_GIB


def _driver_context(record: MemoryRecord) -> float | None:
    """What was taken when the engine began to count: as stated, or all memory less what was free."""
    gib = record.gib
    if "gpu_memory_taken_before" in gib:
        return gib["gpu_memory_taken_before"] * _MIB_OF_GIB
    if "gpu_memory_total" in gib and "gpu_memory_free" in gib:
        return (gib["gpu_memory_total"] - gib["gpu_memory_free"]) * _MIB_OF_GIB
    return None


def _cuda_graphs(record: MemoryRecord) -> float | None:
    """The piecewise part; all of the graphs for Llama 4, which has no others."""
    names = ("cuda_graphs_piecewise_estimated", *(("cuda_graphs",) if record.of_llama4 else ()))
    found = next((record.gib[name] for name in names if name in record.gib), None)
    return None if found is None else found * _MIB_OF_GIB


def _activations(record: MemoryRecord) -> float | None:
    """The peak of a step over the tensors counted, for starts whose step was larger than their sampling."""
    peak, counted = record.gib.get("peak_activation"), record.gib.get("activation_tensors")
    return None if peak is None or not counted else peak / counted


def _logit_bytes(record: MemoryRecord) -> float | None:
    """The peak less the hidden states, for each logit; for starts whose sampling was larger than their step."""
    peak = record.gib.get("peak_activation")
    if peak is None or record.logits is None or "activation_tensors" in record.gib:
        return None
    return (peak * GIB - record.hidden_state_bytes) / record.logits


def _loading(record: MemoryRecord) -> float | None:
    """What loading left over the tensors, of models whose tensors are known."""
    loaded = record.gib.get("model_loading")
    return None if loaded is None or not record.loaded_bytes else loaded * GIB / record.loaded_bytes


OBSERVED: Final[Mapping[str, Callable[[MemoryRecord], float | None]]] = {
    "memory.libraries": _libraries,
    "memory.driver_context": _driver_context,
    "memory.cuda_graphs": _cuda_graphs,
    "memory.activations": _activations,
    "memory.logit_bytes": _logit_bytes,
    "memory.loading": _loading,
}
"""What a record says of an estimate, in the estimate's unit; None where it says nothing."""
