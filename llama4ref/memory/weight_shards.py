"""Bytes of weights on each GPU of a layout.

They are what vLLM's modules create on a rank, before a kernel repacks them: its linear layers split outputs or
inputs over tensor-parallel ranks, routed experts split over tensor- and data-parallel ranks together, every pipeline
stage has a vision tower, the first stage has the embedding, the last one the final norm and the head. Tables that are
computed, such as the rotary one, are no weights and not counted here.

Sources: vLLM 0.32.0 `models/mllama4.py`, `models/llama4.py`, `models/llama.py:340`, `layers/vocab_parallel_embedding.py:36`,
`layers/fused_moe/unquantized_fused_moe_method.py:68`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llama4ref.engine.layout import Layout
from llama4ref.errors import RequestError, UnknownFactError, UnknownNameError
from llama4ref.facts import catalog_of
from llama4ref.facts.arithmetic.stored_bytes import DTYPE_BYTES, SKIPPABLE, matrix_bytes
from llama4ref.facts.arithmetic.tensors import COMPONENTS, VISION_COMPONENTS, model_tensors
from llama4ref.facts.types.states import UNKNOWN, is_stated, known
from llama4ref.field_words import described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.facts.arithmetic.tensors import Tensor
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.formats import Format
    from llama4ref.facts.types.models import Model

VOCAB_PADDING = 64
"""Rows that vLLM pads the embedding and the head to a multiple of."""

_SPLIT_OUTPUTS = (".q_proj.", ".k_proj.", ".v_proj.", ".gate_proj.", ".up_proj.", ".fc1.", ".linear.", ".linear_1.")
_KEYS = (".k_proj.weight", ".v_proj.weight")
_SPLIT_INPUTS = (".o_proj.weight", ".down_proj.weight", ".fc2.weight")


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one rank holds of one component."""

    bytes: int
    """Bytes, scales included."""
    parameters: int
    """Numbers of the model that they stand for; scales are none."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What one rank of a pipeline stage holds; where ranks differ, the fullest one."""

    layers: range
    """Indices of its layers."""
    by_component: dict[str, Share]
    """Share of each of `llama4ref.facts.arithmetic.tensors.COMPONENTS`."""

    @property
    def bytes(self) -> int:
        """Bytes of all components."""
        return sum(share.bytes for share in self.by_component.values())

    @property
    def parameters(self) -> int:
        """Parameters of all components."""
        return sum(share.parameters for share in self.by_component.values())


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The weights on the GPUs of one layout."""

    layout: Layout
    """How the model lies over the GPUs."""
    stages: tuple[Stage, ...]
    """One rank of each pipeline stage, first stage first."""

    @property
    def largest(self) -> Stage:
        """The stage whose ranks hold most bytes."""
        return max(self.stages, key=lambda stage: stage.bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """What a rank holds of one tensor of one layer: equal matrices, or a plain run of numbers where `outputs` is None."""

    matrices: int
    outputs: int | None
    inputs: int

    @property
    def parameters(self) -> int:
        return self.matrices * (1 if self.outputs is None else self.outputs) * self.inputs


def weights(  # noqa: PLR0917  # the public contract allows them by position
    model: Model,
    checkpoint: Checkpoint | str | None = None,
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
    data_parallel: int = 1,
    expert_parallel: bool = False,
    *,
    vision: bool = True,
    mm_encoder_tp_mode: Literal["weights", "data"] = "weights",
    formats: Mapping[str, Format] | None = None,
) -> Weights:
    """Bytes and parameters of one rank of each pipeline stage, by component.

    Args:
        model: The model.
        checkpoint: What is stored in which format, or its id or repository in the model's catalogue; None is the published dtype throughout.
        tensor_parallel: Slices of every matrix.
        pipeline_parallel: Stages of consecutive layers.
        data_parallel: Copies of everything but the routed experts.
        expert_parallel: Whether a rank holds whole experts instead of slices of all.
        vision: False leaves the vision tower and projector out, as `--limit-mm-per-prompt '{"image":0}'` does.
        mm_encoder_tp_mode: "data" puts the whole vision tower on every rank; the projector stays split.
        formats: Formats by id; None is those of the catalogue that the checkpoint, or else the model, was read into.

    Raises:
        RequestError: for a layout that vLLM refuses, or a checkpoint of another model.
        UnknownFactError: where the checkpoint's coverage, or the model's architecture, is not known.
        UnknownNameError: for a checkpoint's name that is not in the catalogue.
    """
    layout = Layout(
        tensor_parallel=tensor_parallel,
        pipeline_parallel=pipeline_parallel,
        data_parallel=data_parallel,
        expert_parallel=expert_parallel,
        vision=vision,
        vision_replicated=mm_encoder_tp_mode == "data",
    )
    named = catalog_of(model).checkpoint(checkpoint) if isinstance(checkpoint, str) else checkpoint
    return weights_of(model, named, layout, formats=formats)


def weights_of(
    model: Model, checkpoint: Checkpoint | None, layout: Layout, *, formats: Mapping[str, Format] | None = None
) -> Weights:
    """`weights` of a layout that is at hand."""
    architecture = model.architecture
    layout.check(architecture)
    if checkpoint is not None and checkpoint.model != model.id:
        raise RequestError(
            f"checkpoint {checkpoint.id} is of {checkpoint.model}, not of {model.id}; name one of {model.id}"
        )
    storage = _Storage(model, checkpoint, formats)
    stages = layout.stages(architecture.text.layers)
    shards = [(tensor, _piece(tensor, layout, model)) for tensor in model_tensors(model)]
    lacking = {*(checkpoint.omitted_components if checkpoint else ()), *(() if layout.vision else VISION_COMPONENTS)}
    kept = [(tensor, piece) for tensor, piece in shards if tensor.component not in lacking]
    return Weights(
        layout=layout,
        stages=tuple(
            Stage(layers=layers, by_component=_shares(kept, storage, layers, index == 0, index == len(stages) - 1))
            for index, layers in enumerate(stages)
        ),
    )


def _shares(
    shards: list[tuple[Tensor, _Piece]], storage: _Storage, layers: range, first: bool, last: bool
) -> dict[str, Share]:
    held = {component: [0, 0] for component in COMPONENTS}
    for tensor, piece in shards:
        covered, skipped = _copies(tensor, storage, layers, first, last)
        held[tensor.component][0] += covered * storage.bytes(tensor, piece) if covered else 0
        held[tensor.component][0] += skipped * piece.parameters * storage.plain_bytes
        held[tensor.component][1] += (covered + skipped) * piece.parameters
    return {component: Share(bytes=count[0], parameters=count[1]) for component, count in held.items()}


def _copies(tensor: Tensor, storage: _Storage, layers: range, first: bool, last: bool) -> tuple[int, int]:
    """How many of a tensor a stage has: in the checkpoint's format, and left in the published dtype."""
    if tensor.is_decoder:
        mine = [layer for layer in tensor.layers or () if layer in layers]
        skipped = sum(layer in storage.skipped for layer in mine) if tensor.component in SKIPPABLE else 0
        return len(mine) - skipped, skipped
    if tensor.component == "embed":
        return int(first), 0
    if tensor.component in {"lm_head", "norms"}:
        return int(last), 0
    return tensor.count, 0


class _Storage:
    """How many bytes a piece takes in a checkpoint."""

    def __init__(self, model: Model, checkpoint: Checkpoint | None, formats: Mapping[str, Format] | None) -> None:
        self.plain_bytes = DTYPE_BYTES[model.architecture.text.dtype]
        self.model, self.checkpoint = model, checkpoint
        self._formats = formats
        self.skipped = _skipped(checkpoint)

    def bytes(self, tensor: Tensor, piece: _Piece) -> int:
        if self.checkpoint is None or not tensor.is_matrix or piece.outputs is None:
            return piece.parameters * self.plain_bytes
        return piece.matrices * matrix_bytes(self._format(tensor.component), piece.outputs, piece.inputs)

    def _format(self, component: str) -> Format:
        checkpoint, formats = self.checkpoint, self._formats
        id_ = checkpoint.coverage.of(component) if checkpoint and checkpoint.coverage else UNKNOWN
        if checkpoint is None or not is_stated(id_):
            raise UnknownFactError(f"checkpoints/{checkpoint.id if checkpoint else ''}", f"coverage.{component}")
        if formats is None:
            formats = self._formats = catalog_of(checkpoint, self.model).formats
        if id_ not in formats:
            raise UnknownNameError("format", id_, formats)
        return formats[id_]


def _skipped(checkpoint: Checkpoint | None) -> frozenset[int]:
    if checkpoint is None:
        return frozenset()
    return frozenset(known(checkpoint.skipped_moe_layers, f"checkpoints/{checkpoint.id}", "skipped_moe_layers"))


def _piece(tensor: Tensor, layout: Layout, model: Model) -> _Piece:
    if tensor.component == "routed_experts":
        return _expert_piece(tensor, layout)
    slices = _slices(tensor.component, layout)
    if len(tensor.shape) == 1:
        split = slices if any(part in tensor.name for part in _SPLIT_OUTPUTS) else 1
        return _Piece(matrices=1, outputs=None, inputs=tensor.shape[0] // split)
    outputs, inputs = tensor.shape
    if tensor.name.endswith(_SPLIT_INPUTS):
        inputs //= slices
    elif tensor.component in {"embed", "lm_head"}:
        outputs = math.ceil(outputs / VOCAB_PADDING) * VOCAB_PADDING // slices
    elif tensor.component == "attention" and tensor.name.endswith(_KEYS):
        attention = model.architecture.attention
        outputs = layout.local_kv_heads(attention.kv_heads) * attention.head_dim
    elif any(part in tensor.name for part in _SPLIT_OUTPUTS):
        outputs //= slices
    return _Piece(matrices=1, outputs=outputs, inputs=inputs)


def _expert_piece(tensor: Tensor, layout: Layout) -> _Piece:
    """The gate, up and down matrices are each quantized on their own, expert by expert."""
    experts, inputs, outputs = tensor.shape
    mine, slices = layout.local_experts(experts), layout.moe_tp_size
    if tensor.name.endswith("gate_up_proj"):
        return _Piece(matrices=2 * mine, outputs=outputs // 2 // slices, inputs=inputs)
    return _Piece(matrices=mine, outputs=outputs, inputs=inputs // slices)


def _slices(component: str, layout: Layout) -> int:
    if component == "shared_expert":
        return layout.shared_expert_slices
    return layout.vision_slices if component == "vision_tower" else layout.tensor_parallel
