"""How a conversation, images and tools are written down for the models."""

from __future__ import annotations

from dataclasses import dataclass

from llama4ref.facts.types.constraints import NotNegative, NotNegativeFloat, Share


@dataclass(frozen=True, kw_only=True)
class SpecialToken:
    """One token with a meaning of its own."""

    text: str
    """As it is written."""
    id: NotNegative
    """Its number."""
    purpose: str
    """What it is for."""


@dataclass(frozen=True, kw_only=True)
class Tokenizer:
    """The tokenizer."""

    kind: str
    library: str
    """What it is built on."""
    split_pattern: str
    """Name of the pattern that splits text before merging."""
    base_vocabulary: NotNegative
    """Tokens made of text."""
    special_slots: NotNegative
    """Ids set apart for special tokens."""
    special_named: NotNegative
    """Of these, how many the tokenizer names, placeholders included."""
    longest_encoded_characters: NotNegative
    """Characters encoded at once at most; longer text is split."""
    longest_run_characters: NotNegative
    """Characters without a space, or of spaces alone, that are encoded at once at most."""


@dataclass(frozen=True, kw_only=True)
class Messages:
    """The frame of a conversation."""

    prompt_start: str
    """What every prompt begins with, once."""
    layout: str
    """One message."""
    roles: tuple[str, ...]
    tool_result_role: str
    """Role under which a tool's result is returned."""
    stop: tuple[str, ...]
    """Tokens that end a reply."""
    base_stop: str
    """The token that only base models end with."""
    default_system_prompt: str | None
    """What the chat template inserts by itself."""
    temperature: NotNegativeFloat
    """Sampling temperature of the published generation settings."""
    top_p: Share
    """Nucleus of the published generation settings."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Calling tools."""

    definition: str
    """How tools are described to the model."""
    definition_roles: tuple[str, ...]
    """Messages that may carry the description."""
    default_definition_role: str
    """Where the chat template puts it by itself."""
    call_format: str
    """How the model calls."""
    parallel_calls: bool
    """Whether one reply may call several tools."""
    custom_format: str
    """A format that a prompt can define."""
    template_history_format: str
    """How the chat template writes earlier calls."""
    call_end: str
    """What ends a call."""
    code_interpreter: str
    """How code to run is marked."""
    vllm_parsers: tuple[str, ...]
    """vLLM's parsers for these formats, the recommended one first."""


@dataclass(frozen=True, kw_only=True)
class ImageLayout:
    """Images in a prompt."""

    small: str
    """An image of one tile."""
    tiled: str
    """An image of several tiles."""
    tile_order: str
    several: str
    """Several images."""
    placeholder: str
    """What the chat template writes, for the processor to expand."""
    supported_by_card: NotNegative
    """Images of one prompt that the developer supports."""
    tested_after_training: NotNegative
    """Images of one prompt that post-training was tested with."""
    seen_in_pretraining: NotNegative
    """Images of one sample of pre-training at most."""


@dataclass(frozen=True, kw_only=True)
class Prompting:
    """The prompt format."""

    tokenizer: Tokenizer
    messages: Messages
    tools: Tools
    images: ImageLayout
    special_tokens: dict[str, SpecialToken]
    reasoning: str
    """What the reasoning tokens in the vocabulary mean for the released models."""
