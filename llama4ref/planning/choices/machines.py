"""How many GPUs come into question, and over how many machines?

A machine holds as many GPUs as the facts say of the accelerator (`per_node`); where they do not know, so many as are asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.planning.outcomes import Refusal
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.planning.request import PlanRequest

COUNTS = (1, 2, 4, 8)
"""GPUs of a machine that are tried where no count is given."""


@dataclass(frozen=True, slots=True)
class Placement:
    """GPUs, shared out evenly over machines."""

    count: int
    """GPUs in all."""
    nodes: int = 1
    """Machines."""

    @property
    def per_node(self) -> int:
        """GPUs on each machine."""
        return self.count // self.nodes


def placements(request: PlanRequest, accelerator: Accelerator) -> tuple[Placement, ...] | Refusal:
    """What is asked for, or what to try in this order where the number of GPUs is open; or why no machine holds them.

    Raises:
        RequestError: where parallel sizes and machines contradict each other.
    """
    count, most = _count(request), per_node(accelerator)
    if count is None:
        nodes = request.nodes or 1
        return tuple(Placement(each * nodes, nodes) for each in COUNTS if most is None or each <= most)
    if request.nodes is not None:
        if count % request.nodes:
            raise RequestError(
                f"nodes: {counted(count, 'GPU of the layout does', 'GPUs of the layout do')} not divide over {request.nodes} nodes"
            )
        placement = Placement(count, request.nodes)
        return (placement,) if most is None or placement.per_node <= most else _crowded(placement, accelerator, most)
    enough = fewest_nodes(count, most)
    return (Placement(count, enough),) if enough is not None else _uneven(count, accelerator, most or count)


def per_node(accelerator: Accelerator) -> int | None:
    """GPUs that one machine holds; None where nobody says."""
    return None if accelerator.per_node is UNKNOWN else accelerator.per_node


def fewest_nodes(count: int, most: int | None) -> int | None:
    """The fewest machines that share so many GPUs evenly, each more than half full; None where none do.

    Examples:
        >>> fewest_nodes(8, 8), fewest_nodes(16, 8), fewest_nodes(12, 8), fewest_nodes(17, 8), fewest_nodes(17, None)
        (1, 2, 2, None, 1)
    """
    if most is None or count <= most:
        return 1
    return next((count // each for each in range(most, most // 2, -1) if count % each == 0), None)


def _count(request: PlanRequest) -> int | None:
    """GPUs in all, as asked for or as the parallel sizes make; None where they are open.

    Stages or replicas that are open are as many as it takes for each machine to have its part.

    Examples:
        >>> from llama4ref.planning.request import PlanRequest
        >>> _count(PlanRequest(tensor_parallel=4, data_parallel=2)), _count(PlanRequest(tensor_parallel=8, nodes=2))
        (8, 16)
    """
    sizes = (request.tensor_parallel, request.pipeline_parallel, request.data_parallel)
    if request.count is not None or all(size is None for size in sizes):
        return request.count
    tensor, pipeline, data = (size or 1 for size in sizes)
    some_open = request.pipeline_parallel is None or request.data_parallel is None
    groups = math.lcm(pipeline * data, request.nodes or 1) if some_open else pipeline * data
    return tensor * groups


def _crowded(placement: Placement, accelerator: Accelerator, most: int) -> Refusal:
    enough = fewest_nodes(placement.count, most)
    return Refusal(
        subject=f"{placement.count:,} x {accelerator.id} on {_machines(placement.nodes)}",
        rule="nodes",
        numbers=f"that is {placement.per_node:,} a machine, and one holds {most:,} {accelerator.name}",
        instead=f"nodes {enough:,} would" if enough else None,
        changes=(("nodes", enough),) if enough else (),
    )


def _uneven(count: int, accelerator: Accelerator, most: int) -> Refusal:
    fewer = count // most * most
    return Refusal(
        subject=f"{count:,} x {accelerator.id}",
        rule="nodes",
        numbers=f"they do not share out evenly over machines of {most:,} {accelerator.name}",
        instead=f"{fewer:,} or {fewer + most:,} GPUs would",
        changes=(("count", fewer),),
    )


def _machines(count: int) -> str:
    return "one machine" if count == 1 else f"{count:,} machines"
