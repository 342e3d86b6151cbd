"""How do the repairs for miniatures get into vLLM's processes, and into no others?

vLLM loads what is registered under the entry point group `vllm.general_plugins` in each of its processes. This plugin is
registered in a directory of its own, which only a launch that asks for it puts on the server's path: a vLLM that is
started in any other way never sees it. What must happen before vLLM can be imported at all stands in the same
directory as `sitecustomize`, which every Python runs while it starts.
"""

from __future__ import annotations

from pathlib import Path

import llama4ref
from llama4ref.proving.model_files.torch_companions import repair_on_import

NAME = "llama4ref_miniature"
"""Name of the plugin in vLLM's log and in a verdict."""

REPAIRS = (
    "the image's patch tensor is made contiguous for the CPU backend",
    "torchvision, torchaudio and torchcodec are repaired or hidden where they were not compiled for the installed torch",
)
"""What the plugin changes, for a verdict."""


def register() -> None:
    """Called by vLLM in each of its processes."""
    from llama4ref.proving.model_files.contiguous_patches import make_patches_contiguous

    make_patches_contiguous()


def write_plugin(directory: Path) -> tuple[Path, ...]:
    """Register the plugin in a directory; the directories that must be on the server's `PYTHONPATH`, in order."""
    metadata = directory / f"{NAME}-1.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(
        f"[vllm.general_plugins]\n{NAME} = {__name__}:register\n", encoding="utf-8"
    )
    (directory / "sitecustomize.py").write_text(
        f"from {repair_on_import.__module__} import repair_on_import\n\nrepair_on_import()\n", encoding="utf-8"
    )
    return directory, Path(llama4ref.__file__).parent.parent
