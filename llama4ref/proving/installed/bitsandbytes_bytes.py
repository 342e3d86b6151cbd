"""How many bytes does each part of a model take when bitsandbytes quantizes it through transformers?

A checkpoint recipe says which module classes a method covers. Here the miniature is loaded for real, and the tensors that
then stand in memory are counted by the same components. Constant tables of a few hundred bytes a matrix, which do not
grow with the model, are left out, as the recipes leave them out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from llama4ref.facts.arithmetic.tensors import model_tensors
from llama4ref.proving.environment import need
from llama4ref.proving.model_files.torch_companions import repair_torch_companions

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from llama4ref.proving.model_files.miniature import Miniature

Method: TypeAlias = Literal["nf4", "nf4-double-quant", "llm-int8"]
"""4-bit with and without quantized scales, and 8-bit; the names are those of the formats in the specs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBytes:
    """What stands in memory after loading."""

    method: Method
    by_component: dict[str, int]
    """Bytes of each component, scales included."""
    quantized: frozenset[str]
    """Components of which any matrix was quantized."""

    @property
    def total(self) -> int:
        """Bytes of all components."""
        return sum(self.by_component.values())


def load_quantized(miniature: Miniature, checkpoint: Path, method: Method) -> LoadedBytes:
    """Load a built miniature with a vision tower in 4 or 8 bits on the CPU, and count its bytes by component.

    Raises:
        MissingExtraError: where bitsandbytes, accelerate or transformers is not installed.
    """
    need("bitsandbytes", "accelerate", "transformers")
    repair_torch_companions()
    import torch
    from transformers import BitsAndBytesConfig, Llama4ForConditionalGeneration

    settings = (
        BitsAndBytesConfig(load_in_8bit=True)
        if method == "llm-int8"
        else BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=method == "nf4-double-quant"
        )
    )
    network = Llama4ForConditionalGeneration.from_pretrained(
        checkpoint, quantization_config=settings, device_map="cpu", dtype=torch.bfloat16
    )
    component_of = {name: tensor.component for tensor in model_tensors(miniature.model) for name in tensor.names()}
    sizes: Counter[str] = Counter()
    quantized = set()
    for name, parameter in network.named_parameters():
        component = component_of[name]
        scales = _scale_bytes(parameter)
        sizes[component] += parameter.nbytes + scales
        if scales:
            quantized.add(component)
    return LoadedBytes(method=method, by_component=dict(sizes), quantized=frozenset(quantized))


def _scale_bytes(parameter: Tensor) -> int:
    """Bytes of the scales that belong to a quantized matrix; 0 for one that is not."""
    state = getattr(parameter, "quant_state", None)
    if state is not None:
        outer = state.state2.absmax.nbytes if state.nested else 0
        return int(state.absmax.nbytes + outer)
    scales = getattr(parameter, "SCB", None)
    return 0 if scales is None else int(scales.nbytes)
