"""What is the smallest model that vLLM treats exactly as it treats Llama 4?

A structural miniature keeps everything the engine turns on: the layer pattern, the chunk, the ratio of heads, QK-norm,
temperature tuning, RoPE scaling, top-1 routing with a shared expert, the image's tiles and tokens, the special tokens.
It shrinks widths, counts and the vocabulary, and its weights are random, from a seed. It is a
`llama4ref.facts.types.models.Model` itself, so whatever is predicted for Scout is predicted for it by the same code.
"""

from __future__ import annotations

import dataclasses
import json
from contextlib import contextmanager
from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING

from llama4ref.facts.types.states import UNKNOWN
from llama4ref.proving.environment import need
from llama4ref.proving.model_files.architecture_files import special_token_ids, write_architecture
from llama4ref.proving.model_files.tokenizer import SPECIAL_TOKENS, special_ids, write_tokenizer
from llama4ref.proving.model_files.torch_companions import repair_torch_companions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llama4ref.facts.types.models import Model, Tokens, Vision

HEAD_DIM = 32
"""The narrowest head whose fp8 KV cache vLLM's CPU attention accepts."""
KV_HEADS = 2
"""So that two tensor-parallel ranks have one each."""
VOCAB_SIZE = 320
"""Bytes and special tokens, in whole rows of 64 as the engine pads them."""
LONGEST_CONTEXT = 2**20
"""The RoPE table follows the context; at this length it takes 64 MiB."""
_GROUPS = ("text", "attention", "rope", "experts", "dense", "vision", "context")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field of the architecture that the miniature shrinks."""

    field: str
    """Group and field, such as `text.hidden_size`."""
    original: str
    """Value of the original."""
    miniature: str
    """Value of the miniature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Miniature:
    """A model of the original's structure and of almost no size."""

    original: Model
    """What it stands for."""
    model: Model
    """Its own shapes, for the same predictions as any model."""
    text_only: bool
    """Whether it is the text-only architecture, without vision tower and projector."""
    seed: int
    """Seed of the weights."""

    @property
    def kept(self) -> tuple[str, ...]:
        """Fields of the architecture that equal the original's."""
        return tuple(field for field, original, own in self._fields() if original == own)

    @property
    def shrunk(self) -> tuple[Difference, ...]:
        """Fields of the architecture that do not."""
        return tuple(
            Difference(field=field, original=str(original), miniature=str(own))
            for field, original, own in self._fields()
            if original != own
        )

    def _fields(self) -> list[tuple[str, object, object]]:
        return [
            (f"{group}.{field.name}", getattr(getattr(self.original, group), field.name), getattr(own, field.name))
            for group in _GROUPS
            if not (self.text_only and group == "vision")
            if (own := getattr(self.model, group)) is not UNKNOWN
            for field in dataclasses.fields(own)
        ]


def miniature_of(
    model: Model, *, text_only: bool = True, seed: int = 0, longest_context: int = LONGEST_CONTEXT
) -> Miniature:
    """Shrink a model to something that is built and served in seconds.

    The layers are two rounds of the pattern made of NoPE interval and MoE interleaving, so that every stage of a
    two-stage pipeline has each kind of layer.

    Raises:
        UnknownFactError: where the original's architecture is not published.
    """
    whole = model.architecture
    heads_per_kv_head = whole.attention.heads // whole.attention.kv_heads
    hidden_size = KV_HEADS * heads_per_kv_head * HEAD_DIM
    layers = 2 * lcm(whole.attention.nope_interval, whole.experts.interleave_step)
    shrunk = dataclasses.replace(
        model,
        id=f"{model.id}-miniature",
        name=f"{model.name} miniature",
        text=dataclasses.replace(whole.text, layers=layers, hidden_size=hidden_size, vocab_size=VOCAB_SIZE),
        attention=dataclasses.replace(
            whole.attention, heads=KV_HEADS * heads_per_kv_head, kv_heads=KV_HEADS, head_dim=HEAD_DIM
        ),
        experts=dataclasses.replace(
            whole.experts, count=_fewer_experts(whole.experts.count), intermediate_size=hidden_size
        ),
        dense=dataclasses.replace(whole.dense, intermediate_size=2 * hidden_size),
        vision=_small_vision(whole.vision),
        context=dataclasses.replace(
            whole.context,
            instruct_max_position_embeddings=min(longest_context, whole.context.instruct_max_position_embeddings),
        ),
        tokens=_token_ids(special_token_ids(model)),
        claims=(),
    )
    return Miniature(original=model, model=shrunk, text_only=text_only, seed=seed)


def _fewer_experts(count: int) -> int:
    """A power of two near the root: more than one, and different where the originals differ.

    Examples:
        >>> _fewer_experts(16), _fewer_experts(128)
        (4, 16)
    """
    return 1 << (count.bit_length() // 2)


def _small_vision(vision: Vision) -> Vision:
    width = 2 * HEAD_DIM
    shuffled = round(width / vision.pixel_shuffle_ratio**2)
    return dataclasses.replace(
        vision,
        hidden_size=width,
        heads=2,
        layers=2,
        intermediate_size=shuffled,
        projector_input_dim=width,
        projector_output_dim=width,
        output_dim=width,
    )


def _token_ids(original: Tokens) -> Tokens:
    """The same special tokens at their places in the miniature's vocabulary."""
    names = {index: name for name, index in SPECIAL_TOKENS.items()}
    small = special_ids(VOCAB_SIZE)
    moved = {
        field.name: small[names[getattr(original, field.name)]]
        for field in dataclasses.fields(original)
        if field.name != "eos"
    }
    return dataclasses.replace(original, eos=tuple(small[names[index]] for index in original.eos), **moved)


def build(miniature: Miniature, directory: Path) -> None:
    """Write configuration, tokenizer and seeded random weights as a checkpoint that vLLM and transformers load.

    The weights have the spread of trained ones (one over the root of the width), so that greedy answers are the same
    every time and differ from prompt to prompt.

    Raises:
        MissingExtraError: where transformers or torch is not installed.
    """
    need("torch", "transformers", "tokenizers")
    repair_torch_companions()
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, Llama4Config, Llama4TextConfig

    directory.mkdir(parents=True, exist_ok=True)
    write_architecture(directory, miniature.model, text_only=miniature.text_only)
    write_tokenizer(directory, vocab_size=miniature.model.architecture.text.vocab_size)
    content = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    spread = miniature.model.architecture.text.hidden_size**-0.5
    for part in (content, content.get("text_config", {}), content.get("vision_config", {})):
        part["initializer_range"] = spread
    torch.manual_seed(miniature.seed)
    with _quiet_transformers():
        if miniature.text_only:
            network = AutoModelForCausalLM.from_config(Llama4TextConfig(**content), dtype=torch.bfloat16)
        else:
            network = AutoModelForImageTextToText.from_config(Llama4Config(**content), dtype=torch.bfloat16)
        network.save_pretrained(directory)
    # transformers writes its own form of these files; the published form is what is served.
    write_architecture(directory, miniature.model, text_only=miniature.text_only)


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Without progress bars, and without the remark that Scout's published RoPE scaling has no smooth band."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()
