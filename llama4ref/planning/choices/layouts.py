"""How the GPUs may be split, and which splits the engine refuses."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llama4ref.engine.layout import Layout, tensor_parallel_sizes
from llama4ref.planning.outcomes import Refusal
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.types.models import Architecture, Model
    from llama4ref.planning.choices.machines import Placement
    from llama4ref.planning.request import PlanRequest


@functools.lru_cache(maxsize=256)
def candidate_layouts(
    model: Model, request: PlanRequest, placement: Placement, *, vision: bool = True
) -> tuple[tuple[Layout, ...], tuple[Refusal, ...]]:
    """Layouts of so many GPUs, one replica's GPUs first, and refusals of what was asked for.

    What is asked for is kept; what is open is chosen so that tensor parallel stays inside a machine.
    """
    architecture = model.architecture
    sizes = tensor_parallel_sizes(architecture)
    some_asked = any((request.tensor_parallel, request.pipeline_parallel, request.data_parallel))
    splits = (
        _asked(request, placement, sizes, architecture.text.layers)
        if some_asked
        else _spread(request, placement, sizes)
    )
    layouts = [
        Layout(
            tensor_parallel=tensor, pipeline_parallel=pipeline, data_parallel=data, expert_parallel=expert, vision=vision
        )
        for tensor, pipeline, data in splits
        for expert in _expert_choices(request, data)
    ]  # fmt: skip
    accepted = [layout for layout in layouts if not layout.refusals(architecture)]
    if accepted:
        return tuple(accepted[:1] if some_asked else accepted), ()
    return (), (_refusal(request, placement, architecture, layouts),)


Split = tuple[int, int, int]
"""Tensor, pipeline and data parallel."""


def _asked(request: PlanRequest, placement: Placement, sizes: Sequence[int], layers: int) -> Iterator[Split]:
    """Splits with the sizes that are named: the widest tensor parallel of a machine, then replicas rather than stages."""
    dividing = [size for size in sorted(sizes, reverse=True) if placement.per_node % size == 0]
    for tensor in dividing if request.tensor_parallel is None else (request.tensor_parallel,):
        if placement.per_node % tensor:
            continue
        rest = placement.count // tensor
        for pipeline in range(1, layers + 1) if request.pipeline_parallel is None else (request.pipeline_parallel,):
            data, left = divmod(rest, pipeline)
            if not left and data and request.data_parallel in {None, data}:
                yield tensor, pipeline, data


def _spread(request: PlanRequest, placement: Placement, sizes: Sequence[int]) -> Iterator[Split]:
    """Splits that use all GPUs, largest tensor parallel first; stages only between nodes, and for an odd factor of the GPUs.

    Small tensor parallel with many replicas is worth a look for throughput alone: each replica has its own cache.
    """
    per_node, nodes = placement.per_node, placement.nodes
    odd = per_node // (per_node & -per_node)
    dividing = [size for size in sorted(sizes, reverse=True) if per_node % size == 0]
    for tensor in dividing if request.goal == "throughput" else dividing[:2]:
        for pipeline in sorted({1, nodes, nodes * odd}):
            data, left = divmod(placement.count, tensor * pipeline)
            if not left:
                yield tensor, pipeline, data


def _refusal(
    request: PlanRequest, placement: Placement, architecture: Architecture, layouts: Sequence[Layout]
) -> Refusal:
    """Why no split holds: what the engine refuses of the sizes named, then what the GPUs and machines do not allow."""
    sizes = (request.tensor_parallel, request.pipeline_parallel, request.data_parallel)
    tensor, pipeline, data = (each or 1 for each in sizes)
    named = Layout(
        tensor_parallel=tensor,
        pipeline_parallel=pipeline,
        data_parallel=data,
        expert_parallel=bool(request.expert_parallel),
    )
    subject = f"TP {tensor} x PP {pipeline} x DP {data}"
    broken = named.refusals(architecture) or (layouts[0].refusals(architecture) if layouts else ())
    if broken:
        return Refusal(subject=subject, rule="layout", numbers="; ".join(broken), source="vllm-0.32.0")
    if placement.count % named.gpus or (all(sizes) and named.gpus != placement.count):
        numbers = f"it takes {counted(named.gpus, 'GPU')}, given: {placement.count:,}"
        return Refusal(subject=subject, rule="layout", numbers=numbers)
    if placement.per_node % tensor:
        return _across_nodes(subject, request, placement, tensor_parallel_sizes(architecture))
    return _no_split(placement, architecture)


def _across_nodes(subject: str, request: PlanRequest, placement: Placement, sizes: Sequence[int]) -> Refusal:
    tensor = request.tensor_parallel
    widest = max(size for size in sizes if placement.per_node % size == 0)
    return Refusal(
        subject=subject,
        rule="tensor-parallel-across-nodes",
        numbers=f"tensor parallel {tensor} does not stay within the {placement.per_node} GPUs of a node, whose link it needs",
        instead=f"tensor parallel {widest} with stages or replicas on the {placement.nodes} nodes would",
        changes=(("tensor_parallel", widest), *((("count", placement.count),) if request.count is None else ())),
    )


def _no_split(placement: Placement, architecture: Architecture) -> Refusal:
    sizes = ", ".join(map(str, tensor_parallel_sizes(architecture)))
    over = f" over {placement.nodes} nodes" if placement.nodes > 1 else ""
    return Refusal(
        subject=f"{counted(placement.count, 'GPU')}{over}",
        rule="layout",
        numbers=f"no tensor parallel of {sizes} within the {counted(placement.per_node, 'GPU')} of a node, with the pipeline and data "
        "parallel asked for or open, uses them all",
        instead="a power of two of GPUs a node, or pipeline_parallel left open, would do",
        source="vllm-0.32.0",
    )


def _expert_choices(request: PlanRequest, data: int) -> tuple[bool, ...]:
    """Whole experts on each rank are tried for throughput, where replicas share them; otherwise where asked for."""
    if request.expert_parallel is not None:
        return (request.expert_parallel,)
    return (False, True) if data > 1 and request.goal == "throughput" else (False,)


def described(layout: Layout) -> str:
    """A layout in the field's short words.

    Examples:
        >>> described(Layout(tensor_parallel=8)), described(Layout(tensor_parallel=2, data_parallel=4, expert_parallel=True))
        ('TP8', 'TP2 DP4 EP')
    """
    parts = [f"TP{layout.tensor_parallel}"]
    parts += [f"PP{layout.pipeline_parallel}"] if layout.pipeline_parallel > 1 else []
    parts += [f"DP{layout.data_parallel}"] if layout.data_parallel > 1 else []
    return " ".join(parts + (["EP"] if layout.expert_parallel else []))
