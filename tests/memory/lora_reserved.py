"""Prints the bytes that vLLM reserves for LoRA adapters of a model folder: `python lora_reserved.py FOLDER IMAGES`."""

from __future__ import annotations

import os
import sys


def main(folder: str, images: int) -> None:
    """Load the model with two adapters of rank 8 and add up the tensors, each storage once."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    from llama4ref.proving.model_files.torch_companions import repair_torch_companions

    repair_torch_companions()
    import torch
    from vllm import LLM

    served = LLM(
        model=folder, enable_lora=True, max_loras=2, max_lora_rank=8, enforce_eager=True, max_model_len=512, max_num_seqs=2,
        max_num_batched_tokens=512, limit_mm_per_prompt={"image": images},
    )  # fmt: skip
    worker = served.llm_engine.engine_core.engine_core.model_executor.driver_worker.worker
    found: dict[int, int] = {}
    for module in worker.model_runner.model.modules():
        for name, value in vars(module).items():
            if "lora" in name and "stacked" in name:
                for tensor in value if isinstance(value, tuple | list) else (value,):
                    if isinstance(tensor, torch.Tensor):
                        storage = tensor.untyped_storage()
                        found[storage.data_ptr()] = storage.nbytes()
    sys.stdout.write(f"\n{sum(found.values())}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
