"""The tokenizer and its chat template, held against the documented format by transformers and vLLM themselves."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from llama4ref.proving.model_files.tokenizer import SPECIAL_TOKENS, special_ids, write_tokenizer

if TYPE_CHECKING:
    from types import ModuleType

    from llama4ref.facts.types.models import Model

SMALL, FULL = 320, 202_048


@pytest.fixture(scope="module", params=[SMALL, FULL])
def tokenizer(
    request: pytest.FixtureRequest, transformers: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> object:
    """As transformers loads it, in both vocabularies."""
    directory = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(directory, vocab_size=request.param)
    return transformers.AutoTokenizer.from_pretrained(directory)


def test_any_text_survives(tokenizer) -> None:
    """Bytes spell every script, and a prompt starts with one begin of text."""
    text = "Ünïcode, 日本語, \n\t and 🦙"
    ids = tokenizer.encode(text)

    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.decode(ids[1:]) == text


def test_special_tokens_are_single_ids(tokenizer) -> None:
    """Each is one token, and no two share an id."""
    ids = special_ids(len(tokenizer) if len(tokenizer) > 1000 else SMALL)

    assert len(set(ids.values())) == len(ids)
    assert {name: tokenizer.encode(name, add_special_tokens=False) for name in ids} == {
        name: [index] for name, index in ids.items()
    }


def test_full_size_ids_are_the_published_ones(scout: Model) -> None:
    """The ids of the model's facts, which have their own source, are among them."""
    tokens = scout.tokens

    assert tokens is not None
    assert SPECIAL_TOKENS["<|begin_of_text|>"] == tokens.bos
    assert [SPECIAL_TOKENS[name] for name in ("<|end_of_text|>", "<|eom|>", "<|eot|>")] == list(tokens.eos)
    assert SPECIAL_TOKENS["<|finetune_right_pad|>"] == tokens.pad
    assert SPECIAL_TOKENS["<|image_start|>"] == tokens.image_start
    assert SPECIAL_TOKENS["<|image_end|>"] == tokens.image_end
    assert SPECIAL_TOKENS["<|patch|>"] == tokens.patch


def test_turns_are_rendered_as_documented(tokenizer) -> None:
    """Header, blank line, content, end of turn; an image is one placeholder."""
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]},
    ]

    assert tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == (
        "<|begin_of_text|><|header_start|>system<|header_end|>\n\nBe brief.<|eot|>"
        "<|header_start|>user<|header_end|>\n\n<|image|>What is it?<|eot|>"
        "<|header_start|>assistant<|header_end|>\n\n"
    )


def test_tools_are_a_json_list_and_calls_a_python_list(tokenizer) -> None:
    """The call is Python, and the tool's answer is told by `ipython`."""
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    arguments = {"city": 'São "Paulo"', "days": 3, "metric": True, "tags": ["a", None]}
    messages = [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": arguments}}],
        },
        {"role": "tool", "content": "sunny"},
    ]
    prompt = tokenizer.apply_chat_template(messages, tools=tools, tokenize=False)
    call = prompt.split("assistant<|header_end|>\n\n")[1].split("<|eot|>")[0]
    parsed = ast.parse(call, mode="eval").body.elts[0]

    assert '[{"type": "function"' in prompt.split("<|eot|>")[0]
    assert parsed.func.id == "weather"
    assert {keyword.arg: ast.literal_eval(keyword.value) for keyword in parsed.keywords} == arguments
    assert "<|header_start|>ipython<|header_end|>\n\nsunny<|eot|>" in prompt


@pytest.mark.vllm
def test_vllms_own_parser_reads_the_rendered_call(tokenizer) -> None:
    """What the template writes is what `llama4_pythonic` understands."""
    pytest.importorskip("vllm")
    from vllm.tool_parsers.llama4_pythonic_tool_parser import Llama4PythonicToolParser

    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"a": "b"}}}]},
    ]
    prompt = tokenizer.apply_chat_template(messages, tokenize=False)
    call = prompt.split("assistant<|header_end|>\n\n")[1].split("<|eot|>")[0]
    said = Llama4PythonicToolParser(tokenizer).extract_tool_calls(call, None)

    assert [(tool.function.name, tool.function.arguments) for tool in said.tool_calls] == [("f", '{"a": "b"}')]
