"""What would the configuration file of a draft head say?

Only of a head whose shape is published is one written; what decides neither on acceptance nor on memory, such as its rotary base, is left
to the library's defaults.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

from llama4ref.facts.types.states import is_stated

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.drafts import DraftHead
    from llama4ref.facts.types.models import Model

_NEEDED = {
    "layers": "num_hidden_layers",
    "hidden_size": "hidden_size",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "intermediate_size": "intermediate_size",
    "vocab_size": "draft_vocab_size",
    "max_position_embeddings": "max_position_embeddings",
}
"""Fields of a head by which its file says what it is, and the keys there."""
_ARCHITECTURE = "LlamaForCausalLMEagle3"
"""The name in the files of EAGLE3 heads for Llama, by which vLLM knows them."""


def missing_of(draft: Checkpoint | None) -> str | None:
    """Why the file of a head cannot be written, in words; None where it can."""
    head = None if draft is None else draft.draft
    if head is None:
        return "the facts do not have this draft head"
    if head.algorithm != "eagle3":
        return "the layers of an EAGLE head are the model's own kind, whose shape in a head is not published"
    unknown = [each.name for each in fields(head) if each.name in _NEEDED and not is_stated(getattr(head, each.name))]
    return f"the draft head's configuration is not published: {', '.join(unknown)}" if unknown else None


def write_draft(directory: Path, head: DraftHead, model: Model) -> None:
    """Write `config.json` of a head for which nothing is missing, without weights."""
    directory.mkdir(parents=True, exist_ok=True)
    text = model.architecture.text
    content = {
        "architectures": [_ARCHITECTURE],
        "model_type": "llama",
        "dtype": text.dtype,
        "vocab_size": text.vocab_size,
        **{key: getattr(head, name) for name, key in _NEEDED.items()},
    }
    (directory / "config.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
