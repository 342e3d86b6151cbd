"""How does vLLM start beside a torchvision or torchaudio that does not fit its torch?

Run as a module, this is vLLM's own API server, unchanged, after `torch_companions` has mended what transformers would
fail to import. vLLM starts its engine and workers by spawning, and a spawned process runs the top of this module again,
so each of them is mended before it imports anything.
"""

from __future__ import annotations

import runpy

from llama4ref.proving.torch_companions import mend_torch_companions

mend_torch_companions()

if __name__ == "__main__":
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__")
