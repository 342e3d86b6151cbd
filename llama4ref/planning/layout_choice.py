"""How the GPUs may be split, and which splits the engine refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.engine.layout import Layout, tensor_parallel_sizes
from llama4ref.errors import RequestError
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.facts.types.models import Model
    from llama4ref.planning.request import PlanRequest

COUNTS = (1, 2, 4, 8)
"""GPU counts tried where none is given."""


def candidate_layouts(
    model: Model, request: PlanRequest, count: int, *, vision: bool = True
) -> tuple[tuple[Layout, ...], tuple[Refusal, ...]]:
    """Layouts of so many GPUs, one replica's GPUs first, and refusals of what was asked for."""
    asked = _asked(model, request, count, vision=vision)
    if asked is not None:
        return ((asked,), ()) if isinstance(asked, Layout) else ((), (asked,))
    layouts = [
        layout for layout in _spread(model, request, count, vision=vision) if not layout.refusals(model.architecture)
    ]
    if layouts:
        return tuple(layouts), ()
    sizes = tensor_parallel_sizes(model.architecture)
    return (), (
        Refusal(
            subject=f"{count} GPUs" + (f" over {request.nodes} nodes" if request.nodes > 1 else ""),
            rule="layout",
            numbers=f"no split into tensor parallel {', '.join(map(str, sizes))}, pipeline and data parallel uses them all",
            instead="a power of two of GPUs a node would do",
            source="vllm-0.32.0",
        ),
    )


def _asked(model: Model, request: PlanRequest, count: int, *, vision: bool) -> Layout | Refusal | None:
    """The layout that the request names, where it names enough of one."""
    if request.tensor_parallel is None and request.pipeline_parallel is None and request.data_parallel is None:
        return None
    tensor, pipeline, data = request.tensor_parallel, request.pipeline_parallel, request.data_parallel
    known = (tensor or 1) * (pipeline or 1) * (data or 1)
    if count % known == 0:
        rest = count // known
        if tensor is None:
            tensor = max((size for size in tensor_parallel_sizes(model.architecture) if rest % size == 0), default=1)
            rest //= tensor
        if data is None:
            data, rest = rest, 1
        elif pipeline is None:
            pipeline, rest = rest, 1
    subject = f"TP {tensor or 1} x PP {pipeline or 1} x DP {data or 1}"
    layout = Layout(
        tensor_parallel=tensor or 1,
        pipeline_parallel=pipeline or 1,
        data_parallel=data or 1,
        expert_parallel=bool(request.expert_parallel),
        vision=vision,
    )
    broken = layout.refusals(model.architecture)
    if broken:
        return Refusal(subject=subject, rule="layout", numbers="; ".join(broken), source="vllm-0.32.0")
    if layout.gpus != count:
        return Refusal(subject=subject, rule="layout", numbers=f"it takes {layout.gpus} GPUs, {count} are given")
    if layout.tensor_parallel > count // request.nodes:
        return _across_nodes(subject, layout, count // request.nodes)
    return layout


def _across_nodes(subject: str, layout: Layout, per_node: int) -> Refusal:
    return Refusal(
        subject=subject,
        rule="tensor-parallel-across-nodes",
        numbers=f"tensor parallel {layout.tensor_parallel} exceeds the {per_node} GPUs of a node, whose link it needs",
        instead=f"use tensor parallel {per_node} and pipeline parallel between nodes",
    )


def _spread(model: Model, request: PlanRequest, count: int, *, vision: bool) -> Iterator[Layout]:
    """Splits that use all GPUs, largest tensor parallel first; stages only between nodes, and for an odd factor of the GPUs.

    Small tensor parallel with many replicas is worth a look for throughput alone: each replica has its own cache.
    """
    per_node = count // request.nodes
    odd = per_node // (per_node & -per_node)
    dividing = [
        size for size in sorted(tensor_parallel_sizes(model.architecture), reverse=True) if per_node % size == 0
    ]
    for tensor in dividing if request.goal == "throughput" else dividing[:2]:
        for pipeline in sorted({1, request.nodes, request.nodes * odd}):
            if count % (tensor * pipeline):
                continue
            data = count // (tensor * pipeline)
            for expert in _expert_choices(request, data):
                yield Layout(
                    tensor_parallel=tensor,
                    pipeline_parallel=pipeline,
                    data_parallel=data,
                    expert_parallel=expert,
                    vision=vision,
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


def count_of(request: PlanRequest) -> tuple[int, ...]:
    """GPU counts to try; raises RequestError where parallel sizes and count contradict each other."""
    if request.count is not None:
        return (request.count,)
    sizes = (request.tensor_parallel, request.pipeline_parallel, request.data_parallel)
    if any(size is not None for size in sizes):
        count = (sizes[0] or 1) * (sizes[1] or 1) * (sizes[2] or 1)
        if count % request.nodes:
            raise RequestError(f"nodes: {count} GPUs of the layout do not divide over {request.nodes} nodes")
        return (count,)
    return tuple(count * request.nodes for count in COUNTS)
