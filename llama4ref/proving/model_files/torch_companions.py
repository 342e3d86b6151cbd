"""Do torchvision, torchaudio and torchcodec fit the installed torch, and what can be done where they do not?

The package registry's builds are compiled for CUDA; beside a CPU build of torch their libraries cannot be loaded, and
then neither transformers' Llama 4 nor vLLM can be imported. Llama 4 needs torchvision's tensor transforms only, for
which it is enough to declare the two operator schemas that are registered at import, and it needs no sound, so the two
others are hidden. Nothing is touched where the libraries load.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import sys
from pathlib import Path

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
"""The operators that torchvision registers shape functions for while it is imported."""

HIDDEN = {"torchaudio": "lib/_torchaudio*.so", "torchcodec": "libtorchcodec_image*.so"}
"""Companions that Llama 4 can do without, and the library each loads while it is imported."""

_fragments: list[object] = []


@functools.cache
def repair_torch_companions() -> tuple[str, ...]:
    """Make transformers' Llama 4 importable beside a CPU build of torch; what had to be repaired, in words."""
    repaired = []
    if _is_unloadable("torchvision", "_C*.so"):
        import torch

        fragment = torch.library.Library("torchvision", "FRAGMENT")
        for schema in SCHEMAS:
            if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
                fragment.define(schema)
        # The schemas end with the fragment, so it is kept.
        _fragments.append(fragment)
        repaired.append("torchvision: operator schemas declared")
    for package, library in HIDDEN.items():
        if package not in sys.modules and _is_unloadable(package, library):
            # A module of None is how Python itself marks one that is not there.
            vars(sys)["modules"][package] = None
            _forget_availability(package)
            repaired.append(f"{package}: hidden")
    return tuple(repaired)


def _forget_availability(package: str) -> None:
    """Make a transformers that is imported already look again whether a package is there."""
    checks = sys.modules.get("transformers.utils.import_utils")
    forget = getattr(getattr(checks, f"is_{package}_available", None), "cache_clear", None)
    if forget is not None:
        forget()


def repair_on_import() -> None:
    """Repair when transformers or torchvision is first imported, so that a Python that does neither pays nothing.

    vLLM starts other Pythons, not only by forking or spawning, so each of them calls this while it starts.
    """
    sys.meta_path.insert(0, _RepairingFinder())


class _RepairingFinder(importlib.abc.MetaPathFinder):
    """Finds nothing, but sees what is being imported."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """Repair before the packages that need it, then leave the way."""
        if fullname in ("transformers", "torchvision"):
            sys.meta_path.remove(self)
            repair_torch_companions()


def _is_unloadable(package: str, pattern: str) -> bool:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return False
    import torch

    try:
        for library in Path(spec.origin).parent.glob(pattern):
            torch.ops.load_library(str(library))
    except (OSError, RuntimeError):
        return True
    return False
