"""What an accelerator has: memory, bandwidth, peak rates, links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import Capability, Count, NotNegative, Positive, PositiveFloat
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.states import Unknown

Platform = Literal["cuda", "rocm", "hpu", "tpu", "cpu", "metal", "xpu", "neuron", "npu"]


@dataclass(frozen=True, kw_only=True)
class Peak:
    """Dense peak rates in operations a second; none where the device lacks the number format."""

    bf16: PositiveFloat | Unknown
    fp8: PositiveFloat | Unknown | None
    int8: PositiveFloat | Unknown | None
    fp4: PositiveFloat | Unknown | None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Best matrix-multiply rates observed, in operations a second; none where the device lacks the number format."""

    bf16: PositiveFloat | Unknown
    fp8: PositiveFloat | Unknown | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Accelerator(Entity):
    """One GPU or other device, as a product."""

    id: str
    name: str
    vendor: str
    platform: Platform
    architecture: str | Unknown
    """Name or code of the architecture."""
    compute_capability: Capability | None
    """CUDA compute capability, such as "9.0"."""
    memory_advertised: str
    """The size on the label, as printed."""
    memory_bytes: Positive
    """Total device memory that an application sees."""
    bandwidth: PositiveFloat | Unknown
    """Memory bandwidth in bytes a second."""
    peak: Peak
    measured: Measured
    link: str | Unknown
    """Name of the link between devices of a node."""
    link_bandwidth: PositiveFloat | Unknown
    """Bytes a second in one direction, of one device."""
    per_node: Count | Unknown
    """Devices in the usual node."""
    native_fp8: bool | Unknown
    native_fp4: bool | Unknown
    power_watts: NotNegative | Unknown
    driver_names: tuple[str, ...] | Unknown
    """What the driver calls it, as `nvidia-smi` and PyTorch print it, to the letter; unknown where none was read."""

    @property
    def capability(self) -> int | None:
        """Compute capability times ten, for comparing.

        Examples: "9.0" is 90, "12.0" is 120.
        """
        if self.compute_capability is None:
            return None
        major, _, minor = self.compute_capability.partition(".")
        return int(major) * 10 + int(minor or 0)
