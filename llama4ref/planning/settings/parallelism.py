"""How the GPUs share the work, in options: tensor, pipeline, data and expert parallel, and machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.planning.choices.layouts import described

if TYPE_CHECKING:
    from llama4ref.engine.layout import Layout
    from llama4ref.planning.fitting.candidates import FittedCandidate
    from llama4ref.planning.settings.draft import SettingsDraft


def set_parallelism(draft: SettingsDraft, fitted: FittedCandidate) -> None:
    """The sizes of a layout."""
    layout, model = fitted.candidate.layout, fitted.candidate.model.architecture
    heads, kv_heads = model.attention.heads, model.attention.kv_heads
    draft.set(
        "tensor-parallel-size",
        layout.tensor_parallel,
        f"divides {heads} query heads and {kv_heads} KV heads ({described(layout)})",
        source="vllm-0.32.0",
    )
    if layout.pipeline_parallel > 1:
        draft.set(
            "pipeline-parallel-size",
            layout.pipeline_parallel,
            _stages(layout, model.text.layers, fitted.candidate.nodes),
        )
    if layout.data_parallel > 1:
        draft.set(
            "data-parallel-size",
            layout.data_parallel,
            "replicas of attention and cache; routed experts are shared among them",
        )
    if layout.expert_parallel:
        draft.set(
            "enable-expert-parallel",
            True,
            f"whole experts on each of {layout.ep_size} ranks instead of slices of all",
        )


def _stages(layout: Layout, layers: int, nodes: int) -> str:
    """How many layers the stages have, and where their borders lie.

    Examples:
        >>> from llama4ref.engine.layout import Layout
        >>> _stages(Layout(tensor_parallel=2, pipeline_parallel=3), 48, nodes=1)
        'stages of 16 layers, inside the node'
        >>> _stages(Layout(tensor_parallel=8, pipeline_parallel=2, data_parallel=2), 48, nodes=4)
        'stages of 24 layers, between nodes'
        >>> _stages(Layout(pipeline_parallel=5), 48, nodes=1)
        'stages of 9 to 10 layers, inside the node'
    """
    sizes = sorted({len(stage) for stage in layout.stages(layers)})
    fewest, most = sizes[0], sizes[-1]
    replica = layout.tensor_parallel * layout.pipeline_parallel
    place = "inside the node" if layout.gpus // nodes % replica == 0 else "between nodes"
    return f"stages of {fewest if fewest == most else f'{fewest} to {most}'} layers, {place}"


def set_machines(draft: SettingsDraft, fitted: FittedCandidate) -> None:
    """How several machines find each other: by the engine itself, or by Ray."""
    if fitted.candidate.nodes > 1:
        if draft.has("nnodes"):
            draft.set(
                "nnodes", fitted.candidate.nodes, "machines; give each its --node-rank and all the same --master-addr"
            )
        else:
            draft.set(
                "distributed-executor-backend",
                "ray",
                f"{fitted.candidate.nodes} machines, joined by Ray before the start",
            )
