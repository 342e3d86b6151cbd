"""How long does an operator take: as long as the slower of computing and reading, and then sending.

Every layer does the same work, so the roofline of an operator over all layers is that of one layer times their number.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llama4ref.errors import UnknownFactError
from llama4ref.facts.types.states import is_stated, known
from llama4ref.field_words import described
from llama4ref.performance.calibration import Constants

if TYPE_CHECKING:
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.performance.operators import Operator
    from llama4ref.performance.stored_model import Arithmetic

Resource = Literal["compute", "memory", "link", "launch"]


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What one accelerator achieves."""

    compute: dict[Arithmetic, float]
    """Operations a second, by the format of the multiplications."""
    weight_bandwidth: float
    """Bytes a second of weights and activations."""
    cache_bandwidth: float
    """Bytes a second of the KV cache."""
    link_bandwidth: float
    """Bytes a second that leave the GPU; infinite where it stands alone."""
    collective_seconds: float
    """Latency of one collective operation."""
    logit_bytes: float
    """Bytes moved for one logit that is sampled from."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Share of the time that goes to each resource; together they are 1."""

    memory: float
    compute: float
    link: float
    launch: float

    @property
    def bottleneck(self) -> Resource:
        """The resource with the largest share."""
        by_resource: dict[Resource, float] = {
            "memory": self.memory, "compute": self.compute, "link": self.link, "launch": self.launch
        }  # fmt: skip
        return max(by_resource, key=lambda resource: by_resource[resource])


@described
@dataclass(frozen=True, slots=True)
class Seconds:
    """Time of a pass, by the resource that it waits for."""

    compute: float = 0.0
    memory: float = 0.0
    link: float = 0.0
    launch: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.compute + self.memory + self.link + self.launch

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(
            self.compute + other.compute, self.memory + other.memory, self.link + other.link, self.launch + other.launch
        )

    def __mul__(self, factor: float) -> Seconds:
        return Seconds(self.compute * factor, self.memory * factor, self.link * factor, self.launch * factor)

    @property
    def shares(self) -> Shares:
        """Share of each resource."""
        total = self.total
        return Shares(
            memory=self.memory / total, compute=self.compute / total, link=self.link / total, launch=self.launch / total
        )


@functools.lru_cache(maxsize=256)
def speed_of(accelerator: Accelerator, *, alone: bool, constants: Constants) -> Speed:
    """What an accelerator achieves in serving.

    Args:
        accelerator: with its published figures.
        alone: whether nothing is sent to another one.
        constants: efficiencies.

    Raises:
        UnknownFactError: where its bandwidth, its bf16 rate, or the rate of a link it needs is not known.
    """
    entity = f"accelerators/{accelerator.id}"
    bandwidth = known(accelerator.bandwidth, entity, "bandwidth")
    link = float("inf") if alone else known(accelerator.link_bandwidth, entity, "link_bandwidth")
    return Speed(
        compute={kind: constants.matmul_share * matmul_rate(accelerator, kind, constants) for kind in _KINDS},
        weight_bandwidth=constants.memory_efficiency * bandwidth,
        cache_bandwidth=constants.cache_efficiency * bandwidth,
        link_bandwidth=constants.link_efficiency * link,
        collective_seconds=constants.collective_seconds,
        logit_bytes=constants.logit_bytes,
    )


_KINDS: tuple[Arithmetic, ...] = ("bf16", "fp8", "int8", "fp4")


def matmul_rate(accelerator: Accelerator, kind: Arithmetic, constants: Constants) -> float:
    """Operations a second of the best matrix shape: measured, or else the peak times the share that bf16 or fp8 reaches.

    Formats that the device lacks are multiplied in bf16; the rate of bf16 also stands for one that is not known, since a
    narrower format is no slower.
    """
    peak, measured = accelerator.peak, accelerator.measured
    observed = {"bf16": measured.bf16, "fp8": measured.fp8}
    peaks = {"bf16": peak.bf16, "fp8": peak.fp8, "int8": peak.int8, "fp4": peak.fp4}
    rate = peaks[kind]
    if not is_stated(rate):
        if kind == "bf16":
            raise UnknownFactError(f"accelerators/{accelerator.id}", "peak.bf16")
        return matmul_rate(accelerator, "bf16", constants)
    own = observed.get(kind)
    if is_stated(own):
        return own
    shares = [seen / top for seen, top in ((measured.fp8, peak.fp8), (measured.bf16, peak.bf16)) if seen and top]
    return rate * (shares[0] if shares else constants.matmul_efficiency)


def operator_seconds(operator: Operator, speed: Speed) -> Seconds:
    """The time of one operator on one rank.

    Examples:
        >>> from llama4ref.performance.operators import Operator
        >>> speed = Speed(compute={"bf16": 1e12}, weight_bandwidth=1e9, cache_bandwidth=1e9, link_bandwidth=1e9,
        ...               collective_seconds=1e-5, logit_bytes=10)
        >>> operator_seconds(Operator("projection", "bf16", operations=4e9, weight_bytes=1e6), speed)
        Seconds(compute=0.004, memory=0.0, link=0.0, launch=0.0)
    """
    return pass_seconds((operator,), speed)


def pass_seconds(operators: Iterable[Operator], speed: Speed) -> Seconds:
    """The time of a pass: its operators one after another."""
    compute = memory = link = 0.0
    for operator in operators:
        computing = operator.operations / speed.compute[operator.arithmetic]
        reading = (
            (operator.weight_bytes + operator.activation_bytes + operator.logits * speed.logit_bytes) / speed.weight_bandwidth
            + operator.cache_bytes / speed.cache_bandwidth
        )  # fmt: skip
        if computing > reading:
            compute += computing
        else:
            memory += reading
        link += operator.link_bytes / speed.link_bandwidth + operator.collectives * speed.collective_seconds
    return Seconds(compute, memory, link)
