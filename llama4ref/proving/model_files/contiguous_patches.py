"""What keeps vLLM's CPU backend from seeing an image, and what repairs it?

Llama 4's patch embedding hands its linear layer a permuted view. oneDNN, which the CPU backend uses, wants the last
dimension to be contiguous and ends the engine at the first image. Copying that one tensor changes no number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def make_patches_contiguous() -> bool:
    """Give the patch embedding's linear layer a contiguous tensor; whether the class was found.

    It wraps `Llama4UnfoldConvolution.forward` of vLLM's `mllama4` module. Calling it again changes nothing.
    """
    try:
        from vllm.model_executor.models.mllama4 import Llama4UnfoldConvolution
    except ImportError:
        return False
    if hasattr(Llama4UnfoldConvolution, "llama4ref_contiguous"):
        return True

    def forward(self: Llama4UnfoldConvolution, hidden_states: Tensor) -> Tensor:
        patches = self.unfold(hidden_states).permute(0, 2, 1).contiguous()
        embedded, _ = self.linear(patches)
        return embedded

    Llama4UnfoldConvolution.forward = forward
    Llama4UnfoldConvolution.llama4ref_contiguous = True
    return True
