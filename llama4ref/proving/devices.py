"""Which accelerator of the facts is the GPU of this machine?

The driver's product name decides, to the letter; a name that no accelerator has is an error, since the nearest one may be another
product. The memory that the driver counts is the second witness: a slice of a GPU has the name of a whole one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.errors import ProofError, nearest_names
from llama4ref.units import GIB

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog

MEMORY_TOLERANCE = 0.05
"""How far the driver's count may lie from the memory that an application sees, as a share: it holds some back, 2 % at most on the
boards whose counts are known."""


def accelerator_of(gpu_name: str, catalog: Catalog, *, memory_bytes: int | None = None) -> str:
    """The id of the accelerator that the driver calls by a name.

    Args:
        gpu_name: as `nvidia-smi` or PyTorch prints it.
        catalog: the facts.
        memory_bytes: memory that the driver counts, where it counts any.

    Raises:
        ProofError: where no accelerator of the facts is called so, with those whose names are nearest; or where its memory is not
            that of the GPU.

    Examples:
        >>> from llama4ref.facts import load
        >>> accelerator_of("NVIDIA H200", load()), accelerator_of("NVIDIA H100 PCIe", load())
        ('h200-sxm', 'h100-pcie')
    """
    known = {
        _written(name): (name, id_) for id_, each in catalog.accelerators.items() for name in each.driver_names or ()
    }
    if _written(gpu_name) not in known:
        near = [f"{known[name][0]} ({known[name][1]})" for name in nearest_names(_written(gpu_name), known)]
        nearest = f"; the nearest is {' or '.join(near)}" if near else ""
        raise ProofError(
            f"no accelerator in the facts is called {gpu_name!r} by its driver{nearest}; add its driver name, or "
            f"specs/accelerators/{_as_id(gpu_name)}.yaml"
        )
    found = known[_written(gpu_name)][1]
    expected = catalog.accelerator(found).memory_bytes
    if memory_bytes is not None and abs(memory_bytes - expected) > MEMORY_TOLERANCE * expected:
        raise ProofError(
            f"the driver calls this GPU {gpu_name!r} and counts {memory_bytes / GIB:.1f} GiB, but {found} has "
            f"{expected / GIB:.1f} GiB: it may be a slice of one, or another product"
        )
    return found


def _written(name: str) -> str:
    """A name without what drivers of different age or platform write differently: case, spaces, the vendor in front."""
    return " ".join(name.casefold().split()).removeprefix("nvidia ")


def _as_id(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in _written(name)).split())
