"""Layouts of a model over GPUs, and those that vLLM refuses.

Rules: vLLM 0.32.0 `config/model.py:1532`, `models/llama4.py:185` and `:520`, `models/mllama4.py:226`, `layers/fused_moe/config.py:1189`
and `:1341`, `distributed/utils.py:121`, `config/parallel.py:764`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError
from llama4ref.field_words import described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts.types.models import Architecture


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStage:
    """Consecutive layers that lie on GPUs of their own."""

    index: int
    """Place in the pipeline, from 0."""
    layers: range
    """Indices of its layers."""
    last: bool
    """Whether it has the final norm and the head, and samples."""

    @property
    def first(self) -> bool:
        """Whether it has the embedding and reads the images."""
        return self.index == 0


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How many ways each kind of parallelism splits the work.

    Examples:
        >>> layout = Layout(tensor_parallel=8, data_parallel=2, expert_parallel=True)
        >>> layout.gpus, layout.ep_size, layout.moe_tp_size, layout.shared_expert_slices
        (16, 16, 1, 1)
        >>> [len(stage) for stage in Layout(pipeline_parallel=5).stages(48)]
        [9, 10, 10, 10, 9]

    Raises:
        RequestError: for a size that is not a positive whole number.
    """

    tensor_parallel: int = 1
    """Slices of every matrix."""
    pipeline_parallel: int = 1
    """Stages of consecutive layers."""
    data_parallel: int = 1
    """Copies of everything but the routed experts, which all copies share."""
    expert_parallel: bool = False
    """Whether a rank holds whole experts instead of slices of all."""
    vision: bool = True
    """Whether the vision tower and projector are loaded (`--limit-mm-per-prompt` of 0 images leaves them out)."""
    vision_replicated: bool = False
    """Whether every rank holds the whole vision tower (`--mm-encoder-tp-mode data`)."""

    def __post_init__(self) -> None:
        for name in ("tensor_parallel", "pipeline_parallel", "data_parallel"):
            size = getattr(self, name)
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise RequestError(f"{name}: found {size!r}, expected a whole number of at least 1")

    @property
    def gpus(self) -> int:
        """GPUs in all."""
        return self.tensor_parallel * self.pipeline_parallel * self.data_parallel

    @property
    def _experts_world(self) -> int:
        return self.tensor_parallel * self.data_parallel

    @property
    def ep_size(self) -> int:
        """Ranks that the experts of a layer are dealt out to."""
        return self._experts_world if self.expert_parallel else 1

    @property
    def moe_tp_size(self) -> int:
        """Slices that each routed expert is cut into."""
        return 1 if self.expert_parallel else self._experts_world

    @property
    def shared_expert_slices(self) -> int:
        """Slices of the shared expert: one where experts run on split sequences, so that every rank needs all of it."""
        whole = self.expert_parallel and self.tensor_parallel > 1 and self.data_parallel > 1
        return 1 if whole else self.tensor_parallel

    @property
    def vision_slices(self) -> int:
        """Slices of the vision tower."""
        return 1 if self.vision_replicated else self.tensor_parallel

    def local_experts(self, count: int) -> int:
        """Experts of one layer on the fullest rank."""
        return math.ceil(count / self.ep_size)

    def local_kv_heads(self, count: int) -> int:
        """KV heads of one layer on one rank; where there are more ranks than heads, each rank holds a whole one.

        Source: vLLM 0.32.0 `config/model.py`, `get_num_kv_heads`.
        """
        return max(1, count // self.tensor_parallel)

    def stages(self, layers: int) -> tuple[range, ...]:
        """The layers of each pipeline stage: remainders go to the stages before the last, from the back."""
        sizes = [layers // self.pipeline_parallel] * self.pipeline_parallel
        for place in range(layers % self.pipeline_parallel):
            sizes[-2 - place] += 1
        starts = [sum(sizes[:stage]) for stage in range(self.pipeline_parallel)]
        return tuple(range(start, start + size) for start, size in zip(starts, sizes, strict=True))

    def pipeline(self, layers: int) -> tuple[PipelineStage, ...]:
        """The pipeline stages of a model of so many layers, first stage first."""
        last = self.pipeline_parallel - 1
        return tuple(
            PipelineStage(index=index, layers=part, last=index == last)
            for index, part in enumerate(self.stages(layers))
        )

    def refusals(self, architecture: Architecture) -> tuple[str, ...]:
        """Every rule that the layout breaks, with its numbers; nothing where vLLM loads the model in it."""
        return (*self._broken(architecture), *self._unloadable(architecture))

    def check(self, architecture: Architecture) -> None:
        """Raise RequestError with every rule by which vLLM does not build the model's modules in this layout."""
        broken = tuple(self._broken(architecture))
        if broken:
            raise RequestError("; ".join(broken))

    def _unloadable(self, architecture: Architecture) -> Iterator[str]:
        """A rank without an expert is built, but takes the first of its experts when it loads weights (`llama4.py:520`)."""
        count = architecture.experts.count
        if self.ep_size > count:
            yield (
                f"tensor_parallel x data_parallel = {self.ep_size} expert-parallel ranks leave some without any of the {count} "
                "routed experts, and vLLM fails to load there; use fewer GPUs a stage, or leave expert_parallel out"
            )

    def _broken(self, architecture: Architecture) -> Iterator[str]:
        size, heads, kv_heads = self.tensor_parallel, architecture.attention.heads, architecture.attention.kv_heads

        def valid() -> str:
            return ", ".join(map(str, tensor_parallel_sizes(architecture)))

        if heads % size:
            yield f"tensor_parallel {size} does not divide the {heads} attention heads; use one of {valid()}"
        elif kv_heads % size and size % kv_heads:
            yield f"tensor_parallel {size} neither divides the {kv_heads} KV heads nor is a multiple; use one of {valid()}"
        else:
            for what, width in _split_widths(architecture, vision=self.vision and not self.vision_replicated).items():
                if width % size:
                    yield f"tensor_parallel {size} does not divide the {width} {what}; use one of {valid()}"
        inner = architecture.experts.intermediate_size
        if inner % self.moe_tp_size:
            yield (
                f"tensor_parallel x data_parallel = {self.moe_tp_size} does not divide the {inner} inner width of the "
                "routed experts; change one of them, or set expert_parallel"
            )
        if self.pipeline_parallel > architecture.text.layers:
            yield f"pipeline_parallel {self.pipeline_parallel} exceeds the {architecture.text.layers} layers; use fewer stages"


def _split_widths(architecture: Architecture, *, vision: bool) -> dict[str, int]:
    experts, tower = architecture.experts, architecture.vision
    widths = {
        "inner width of the shared expert": experts.intermediate_size * experts.shared,
        "inner width of the dense feed-forward": architecture.dense.intermediate_size,
    }
    if vision:
        widths |= {"vision heads": tower.heads, "inner width of the vision tower": tower.intermediate_size}
    return widths


def tensor_parallel_sizes(architecture: Architecture) -> tuple[int, ...]:
    """Every tensor-parallel size that vLLM accepts for a model, on one replica."""
    heads, kv_heads = architecture.attention.heads, architecture.attention.kv_heads
    widths = _split_widths(architecture, vision=True).values()
    return tuple(
        size
        for size in range(1, heads + 1)
        if heads % size == 0
        and (kv_heads % size == 0 or size % kv_heads == 0)
        and all(width % size == 0 for width in widths)
    )
