"""Which tokens and which prompt format does Llama 4 use, and how is a tokenizer with them made without the gated files?

The vocabulary is bytes, so any text can be written, plus Llama 4's special tokens. What the merges of the real
tokenizer would do is left out: nothing that is proven here turns on it. In the full-size vocabulary the special
tokens stand at their published ids and filler words take the place of the merged ones.

Ids and the prompt format follow Meta's `tokenizer.py`, `chat_format.py` and `prompt_format.md` of the Llama 4 release.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llama4ref.proving.environment import need

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SPECIAL_TOKENS: Mapping[str, int] = {
    "<|begin_of_text|>": 200_000,
    "<|end_of_text|>": 200_001,
    "<|fim_prefix|>": 200_002,
    "<|fim_middle|>": 200_003,
    "<|fim_suffix|>": 200_004,
    "<|header_start|>": 200_005,
    "<|header_end|>": 200_006,
    "<|eom|>": 200_007,
    "<|eot|>": 200_008,
    "<|step|>": 200_009,
    "<|python_start|>": 200_016,
    "<|python_end|>": 200_017,
    "<|finetune_right_pad|>": 200_018,
    "<|image_start|>": 200_080,
    "<|image_end|>": 200_081,
    "<|tile_x_separator|>": 200_084,
    "<|tile_y_separator|>": 200_085,
    "<|image|>": 200_090,
    "<|patch|>": 200_092,
}
"""Published name and id of the special tokens that prompts are made of."""

BYTES = 256
"""Tokens that spell any text."""

CHAT_TEMPLATE = r"""
{%- macro words(content) -%}
  {%- if content is string -%}{{ content }}
  {%- elif content -%}
    {%- for part in content -%}
      {%- if part.type == 'text' -%}{{ part.text }}{%- else -%}<|image|>{%- endif -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
{%- macro calls(tool_calls) -%}
  [{%- for call in tool_calls -%}
    {%- set function = call.function -%}
    {{ function.name }}(
    {%- for name, value in function.arguments.items() -%}
      {{ name }}={% if value is string %}{{ value | tojson }}{% else %}{{ value | pprint }}{% endif %}
      {%- if not loop.last %}, {% endif -%}
    {%- endfor -%}
    ){%- if not loop.last %}, {% endif -%}
  {%- endfor -%}]
{%- endmacro -%}
{%- macro turn(role, text) -%}
  {{ '<|header_start|>' ~ role ~ '<|header_end|>\n\n' ~ text ~ '<|eot|>' }}
{%- endmacro -%}
{{- bos_token -}}
{%- set own = messages and messages[0].role == 'system' -%}
{%- set system = words(messages[0].content) | trim if own else '' -%}
{%- if tools -%}
  {%- set offer = 'These functions can be called. To call them, answer with nothing but a Python list of calls, '
      ~ 'such as [first(name="value"), second()].\n\n' ~ (tools | tojson) -%}
  {{- turn('system', (system ~ '\n\n' if system else '') ~ offer) -}}
{%- elif own -%}
  {{- turn('system', system) -}}
{%- endif -%}
{%- for message in (messages[1:] if own else messages) -%}
  {%- if message.tool_calls -%}
    {{- turn('assistant', calls(message.tool_calls)) -}}
  {%- elif message.role in ('tool', 'ipython') -%}
    {{- turn('ipython', words(message.content)) -}}
  {%- else -%}
    {{- turn(message.role, words(message.content)) -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|header_start|>assistant<|header_end|>\n\n' -}}{%- endif -%}
"""
"""Messages to a prompt: tools as a JSON list, calls as a Python list, one placeholder for each image."""


def special_ids(vocab_size: int) -> dict[str, int]:
    """Ids of the special tokens in a vocabulary: the published ones where they fit, otherwise after the bytes.

    Examples:
        >>> special_ids(202_048)["<|eot|>"], special_ids(320)["<|begin_of_text|>"]
        (200008, 256)
    """
    if vocab_size > max(SPECIAL_TOKENS.values()):
        return dict(SPECIAL_TOKENS)
    return {name: BYTES + index for index, name in enumerate(SPECIAL_TOKENS)}


def write_tokenizer(directory: Path, *, vocab_size: int) -> dict[str, int]:
    """Write `tokenizer.json` and `tokenizer_config.json` with the chat template; the ids of the special tokens.

    Raises:
        MissingExtraError: where the tokenizers library is not installed.
    """
    need("tokenizers")
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    specials = special_ids(vocab_size)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    taken = set(specials.values())
    filler = (index for index in range(BYTES, vocab_size) if index not in taken)
    vocabulary = {symbol: index for index, symbol in enumerate(alphabet)} | {f"Ġw{index}": index for index in filler}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary | specials, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in specials])
    start = "<|begin_of_text|>"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A", pair=f"{start} $A {start}:1 $B:1", special_tokens=[(start, specials[start])]
    )
    tokenizer.save(str(directory / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": start,
        "eos_token": "<|eot|>",
        "pad_token": "<|finetune_right_pad|>",
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
        "chat_template": CHAT_TEMPLATE,
    }
    (directory / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return specials
