"""What is served, in options: images, tool calls, speculation, long context, quantization while loading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.engine.settings_reading import SPECULATIVE
from llama4ref.planning.choices.draft_heads import draft_choice
from llama4ref.planning.lengths import in_words, lengths_of

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.planning.fitting.candidates import FittedCandidate
    from llama4ref.planning.request import PlanRequest
    from llama4ref.planning.settings.draft import SettingsDraft

PYTHONIC_TEMPLATE = "examples/tool_chat_template_llama4_pythonic.jinja"
_WHERE_TEMPLATES_ARE = (
    "asks for calls in the form that the parser reads; vLLM's images have the file under /vllm-workspace, its wheels have not: "
    "elsewhere take it from the source of the release"
)


def set_abilities(
    catalog: Catalog, draft: SettingsDraft, fitted: FittedCandidate, request: PlanRequest, behaviour: Behaviour
) -> None:
    """What replies and prompts may hold."""
    if request.images:
        lengths = lengths_of(request, fitted.candidate.model.architecture)
        draft.set_object(
            "limit-mm-per-prompt",
            {"image": request.images},
            f"a prompt has at most {in_words(lengths)}",
            source="vllm-llama4-blog",
        )
    elif behaviour.vision_left_out:
        draft.set_object(
            "limit-mm-per-prompt",
            {"image": 0},
            "text alone: the vision tower is not built, which leaves its memory to the cache",
            source="vllm-0.32.0",
        )
    if request.tools:
        draft.set("enable-auto-tool-choice", True, "tool calls are asked for")
        # `pythonic` reads the same form before.
        parser = "llama4_pythonic" if draft.takes("tool-call-parser", "llama4_pythonic") else "pythonic"
        draft.set("tool-call-parser", parser, "Meta's documented form of calls", source="vllm-tool-calling-docs")
        if draft.takes("chat-template", PYTHONIC_TEMPLATE):
            draft.set("chat-template", PYTHONIC_TEMPLATE, _WHERE_TEMPLATES_ARE, source="vllm-tool-calling-docs")
    if fitted.config.max_loras:
        _set_lora(draft, fitted, request)
    if request.speculative:
        head = draft_choice(catalog, request.speculative)
        draft.set_object(
            SPECULATIVE,
            {"method": head.algorithm, "model": head.repository, "num_speculative_tokens": head.tokens},
            "as asked for; it forces the hybrid KV cache off, so every layer keeps the full length",
            source="vllm-0.32.0",
        )


def _set_lora(draft: SettingsDraft, fitted: FittedCandidate, request: PlanRequest) -> None:
    config = fitted.config
    draft.set("enable-lora", True, "adapters are asked for; `--lora-modules NAME=PATH` names those to serve")
    draft.set("max-loras", config.max_loras, "as asked for; memory is reserved for so many", source="vllm-releases")
    asked = request.lora_rank
    why = "as asked for" if asked == config.max_lora_rank else f"the next that the engine takes above {asked}"
    draft.set("max-lora-rank", config.max_lora_rank, why if asked else "the engine's default", source="vllm-releases")


def set_quantization(draft: SettingsDraft, fitted: FittedCandidate) -> None:
    """The method of a recipe, which quantizes published bf16 weights while they are loaded."""
    checkpoint = fitted.candidate.checkpoint
    if checkpoint.kind == "recipe":
        draft.set(
            "quantization",
            checkpoint.quantization_method,
            "quantized while loading; the published weights are bf16",
            source="vllm-0.32.0",
        )
