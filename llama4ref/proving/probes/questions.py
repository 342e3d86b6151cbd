"""What is a served Llama 4 asked, and which answer is right?

Each question is a function of the target that returns what it saw, or raises `WrongAnswerError`. Prompts are token ids where
their length matters, so that no tokenizer stands between the number and the engine; ids below 256 spell bytes in
every vocabulary used here.
"""

from __future__ import annotations

import base64
import json
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from llama4ref.facts.arithmetic.image_tokens import image_tokens
from llama4ref.proving.server.observing import cache_info, metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai import OpenAI

    from llama4ref.facts.types.models import Vision
    from llama4ref.proving.server.launching import Server
    from llama4ref.proving.verdict import Number

Seen: TypeAlias = "tuple[str, dict[str, Number]]"
"""What a question saw, in words and in numbers."""

LONGEST_PROMPT_SENT = 200_000
"""Beyond this a prompt over the limit is asked for as output, since sending it would take longer than answering."""
REPLY_TOKENS = 12
LONG_REPLY_TOKENS = 96
"""Long enough for several looks at the metrics while requests run."""
POLL_SECONDS = 0.02
LOOKS = 3
"""Rounds of requests at most until the engine was seen to run them side by side: a gauge shows a moment only."""
_REQUIRED_METRICS = (
    "vllm:kv_cache_usage_perc",
    "vllm:prompt_tokens_total",
    "vllm:generation_tokens_total",
    "vllm:time_to_first_token_seconds_count",
    "vllm:inter_token_latency_seconds_count",
    "vllm:request_success_total",
)
_FORECAST: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "enum": ["Menlo Park", "Montreal"]},
        "days": {"type": "integer", "enum": [1, 3, 7]},
        "metric": {"type": "boolean"},
    },
    "required": ["city", "days", "metric"],
    "additionalProperties": False,
}


class WrongAnswerError(Exception):
    """The server answered, but not as it must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server, and what is known of the model behind it."""

    server: Server
    client: OpenAI
    max_model_len: int
    """Context in force."""
    chunk_size: int
    """Tokens of one chunk of the chunked-local layers."""
    vision: Vision | None
    """The vision tower, where the server has one."""
    tools: bool
    """Whether the server was started with a parser for tool calls."""
    template: bool
    """Whether the tokenizer has this package's chat template, whose output is known to the letter."""
    concurrency: int
    """Requests that are sent at once."""

    def complete(self, prompt: list[int], tokens: int) -> str:
        """Greedy completion of a prompt of token ids, of exactly so many tokens."""
        answer = self.client.completions.create(
            model=self.server.model,
            prompt=prompt,
            max_tokens=tokens,
            temperature=0,
            extra_body={"ignore_eos": True, "min_tokens": tokens},
        )
        usage = answer.usage
        expect(usage is not None, "the answer says nothing of its usage")
        expect(
            usage is not None and usage.prompt_tokens == len(prompt), f"{len(prompt)} tokens were sent, usage: {usage}"
        )
        expect(
            usage is not None and usage.completion_tokens == tokens, f"{tokens} tokens were asked for, usage: {usage}"
        )
        return str(answer.choices[0].text)


def expect(condition: bool, otherwise: str) -> None:
    """Refuse an answer that is not as it must be."""
    if not condition:
        raise WrongAnswerError(otherwise)


def prompt_of(length: int, *, seed: int = 0) -> list[int]:
    """A prompt of so many token ids; another seed gives one without a common prefix."""
    return [(seed * 31 + position * 7 + position // 97) % 251 for position in range(length)]


def health(target: Target) -> Seen:
    """`GET /health` answers."""
    target.server.get("/health")
    return "answers", {}


def model_card(target: Target) -> Seen:
    """`GET /v1/models` names the model and the context in force."""
    cards = [card for card in target.client.models.list() if card.id == target.server.model]
    expect(len(cards) == 1, f"no model named {target.server.model}")
    card = cards[0]
    context = (card.model_extra or {}).get("max_model_len")
    expect(context == target.max_model_len, f"says max_model_len {context} instead of {target.max_model_len}")
    return f"{card.id}, context {context:,}", {"max_model_len": target.max_model_len}


def completion(target: Target) -> Seen:
    """A greedy completion has the length asked for, and is the same again."""
    prompt = prompt_of(40)
    first, again = target.complete(prompt, REPLY_TOKENS), target.complete(prompt, REPLY_TOKENS)
    expect(first == again, "the same greedy request was answered differently")
    return f"{REPLY_TOKENS} tokens, twice the same", {"completion_tokens": REPLY_TOKENS}


def streaming(target: Target) -> Seen:
    """A streamed completion arrives in pieces and is the text of the unstreamed one."""
    prompt = prompt_of(40)
    started = time.monotonic()
    pieces, moments = [], []
    for event in target.client.completions.create(
        model=target.server.model,
        prompt=prompt,
        max_tokens=REPLY_TOKENS,
        temperature=0,
        stream=True,
        extra_body={"ignore_eos": True, "min_tokens": REPLY_TOKENS},
    ):
        pieces.append(event.choices[0].text)
        moments.append(time.monotonic() - started)
    expect(len(pieces) > 1, f"came in {len(pieces)} piece")
    expect("".join(pieces) == target.complete(prompt, REPLY_TOKENS), "the pieces are not the unstreamed text")
    return f"{len(pieces)} pieces", {"pieces": len(pieces), "first_token_seconds": round(moments[0], 4)}


def chat_template(target: Target) -> Seen:
    """Messages and tools become a prompt in Llama 4's documented format, and the chat is answered."""
    content = {
        "model": target.server.model,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": "Again"},
        ],
    }
    ids = target.server.post("/tokenize", content)["tokens"]
    prompt = target.server.post("/detokenize", {"model": target.server.model, "tokens": ids})["prompt"]
    turns = (("system", "Be brief."), ("user", "Hello"), ("assistant", "Hi"), ("user", "Again"))
    written = "".join(f"<|header_start|>{role}<|header_end|>\n\n{text}<|eot|>" for role, text in turns)
    expected = f"<|begin_of_text|>{written}<|header_start|>assistant<|header_end|>\n\n"
    expect(not target.template or prompt == expected, f"rendered {prompt!r}")
    answer = target.client.chat.completions.create(
        model=target.server.model,
        messages=[{"role": "user", "content": "Hello"}],
        max_tokens=REPLY_TOKENS,
        temperature=0,
    )
    expect(answer.choices[0].message.role == "assistant", f"answered as {answer.choices[0].message.role}")
    return "four turns rendered to the letter" if target.template else "rendered", {}


def tools(target: Target) -> Seen:
    """A named tool is called with arguments of its schema."""
    function = {"name": "forecast", "description": "Weather ahead", "parameters": _FORECAST}
    answer = target.client.chat.completions.create(
        model=target.server.model,
        messages=[{"role": "user", "content": "Weather in Montreal for three days?"}],
        tools=[{"type": "function", "function": function}],
        tool_choice={"type": "function", "function": {"name": "forecast"}},
        max_tokens=200,
        temperature=0,
    )
    calls = answer.choices[0].message.tool_calls or []
    expect(len(calls) == 1 and calls[0].function.name == "forecast", f"called {[call.function.name for call in calls]}")
    return f"forecast({_checked_forecast(calls[0].function.arguments)})", {}


def json_schema(target: Target) -> Seen:
    """An answer that must follow a JSON schema does."""
    answer = target.client.chat.completions.create(
        model=target.server.model,
        messages=[{"role": "user", "content": "A forecast as JSON"}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "forecast", "schema": _FORECAST, "strict": True},
        },
        max_tokens=200,
        temperature=0,
    )
    return _checked_forecast(answer.choices[0].message.content or ""), {}


def _checked_forecast(text: str) -> str:
    try:
        content = json.loads(text)
    except ValueError as error:
        message = f"no JSON: {text[:120]!r}"
        raise WrongAnswerError(message) from error
    expect(set(content) == {"city", "days", "metric"}, f"has the keys {sorted(content)}")
    return json.dumps(content)


def image(target: Target) -> Seen:
    """An image of one tile and one of two take the tokens that the tiles have."""
    if target.vision is None:
        message = "an image needs a vision tower"
        raise WrongAnswerError(message)
    side = target.vision.image_size
    without = _prompt_tokens_with(target, None)
    numbers: dict[str, Number] = {}
    for tiles in (1, 2):
        taken = _prompt_tokens_with(target, png(side * tiles, side)) - without
        expected = image_tokens(target.vision, tiles)
        expect(taken == expected, f"an image of {tiles} tiles took {taken} tokens instead of {expected}")
        numbers[f"tokens_of_{tiles}_tiles"] = taken
    return ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in numbers.items()), numbers


def _prompt_tokens_with(target: Target, picture: bytes | None) -> int:
    from openai.types.chat import ChatCompletionContentPartParam

    parts: list[ChatCompletionContentPartParam] = [{"type": "text", "text": "What is this?"}]
    if picture is not None:
        address = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
        parts.insert(0, {"type": "image_url", "image_url": {"url": address}})
    answer = target.client.chat.completions.create(
        model=target.server.model, messages=[{"role": "user", "content": parts}], max_tokens=4
    )
    expect(answer.usage is not None, "the answer says nothing of its usage")
    return answer.usage.prompt_tokens if answer.usage else 0


def png(width: int, height: int) -> bytes:
    """A small picture of one colour with a gradient, as PNG."""
    rows = b"".join(
        b"\0" + bytes((row % 256, column % 256, 128)[i] for column in range(width) for i in range(3))
        for row in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def chunk_boundary(target: Target) -> Seen:
    """A prompt that crosses the chunk boundary is read, and an answer that crosses it is written."""
    length = target.chunk_size + 100
    prompt = prompt_of(length, seed=1)
    started = time.monotonic()
    target.complete(prompt, 4)
    seconds = time.monotonic() - started
    target.complete(prompt[: target.chunk_size - 4], REPLY_TOKENS)
    return (
        f"prompt of {length:,} tokens, and an answer over the boundary",
        {"prompt_tokens": length, "seconds": round(seconds, 2)},
    )


def over_the_limit(target: Target) -> Seen:
    """A prompt longer than the context is refused with status 400, and the server lives on."""
    from openai import BadRequestError

    too_many = target.max_model_len + 1
    as_output = too_many > LONGEST_PROMPT_SENT
    prompt, tokens = ([1], too_many) if as_output else (prompt_of(too_many), 1)
    try:
        target.client.completions.create(model=target.server.model, prompt=prompt, max_tokens=tokens)
    except BadRequestError as refusal:
        words = str(refusal.message)
    else:
        message = f"{too_many:,} tokens were accepted"
        raise WrongAnswerError(message)
    target.server.get("/health")
    expect(str(target.max_model_len) in words, f"refused, but without naming the limit: {words[:160]}")
    asked = "as output" if as_output else "in the prompt"
    return f"refused: {too_many:,} tokens {asked}", {"status": 400}


def prefix_cache(target: Target) -> Seen:
    """The second time a prompt is sent, all its whole blocks but the last token's come from the cache."""
    before = target.server.get("/metrics")
    block = int(cache_info(before)["block_size"])
    length = 6 * block + block // 2
    prompt = prompt_of(length, seed=2)
    target.complete(prompt, 1)
    middle = target.server.get("/metrics")
    target.complete(prompt, 1)
    name = "vllm:prefix_cache_hits_total"
    hits = (metric(target.server.get("/metrics"), name) or 0) - (metric(middle, name) or 0)
    expected = (length - 1) // block * block
    expect(hits == expected, f"{hits:.0f} of {length} tokens came from the cache instead of {expected}")
    return f"{hits:.0f} of {length} tokens from whole blocks of {block}", {"hit_tokens": int(hits), "block_size": block}


def concurrency(target: Target) -> Seen:
    """Requests sent at once are all answered in full, and the engine says that it runs them side by side."""
    count, running, started, rounds = target.concurrency, 0, time.monotonic(), 0
    while rounds < LOOKS and running < min(count, 2):
        running, rounds = max(running, _running_at_most(target, count, seed=10 + rounds * count)), rounds + 1
    expect(running >= min(count, 2), f"{count} requests were sent at once {rounds} times, at most {running} ran")
    rate = rounds * count * LONG_REPLY_TOKENS / (time.monotonic() - started)
    seen = {"requests": count, "running_at_most": running, "tokens_per_second": round(rate, 1)}
    return f"{count} at once, up to {running} side by side, {rate:.0f} tokens/s", seen


def _running_at_most(target: Target, count: int, *, seed: int) -> int:
    """Send requests at once; the most that the engine's gauge says are running while they are answered."""
    running = 0.0
    with ThreadPoolExecutor(count) as pool:
        asked = [
            pool.submit(target.complete, prompt_of(30, seed=seed + index), LONG_REPLY_TOKENS) for index in range(count)
        ]
        while any(not answer.done() for answer in asked):
            running = max(running, metric(target.server.get("/metrics"), "vllm:num_requests_running") or 0.0)
            time.sleep(POLL_SECONDS)
        for answer in asked:
            answer.result()
    return int(running)


def metrics(target: Target) -> Seen:
    """`/metrics` has what operation needs."""
    text = target.server.get("/metrics")
    missing = [name for name in _REQUIRED_METRICS if metric(text, name) is None]
    expect(not missing, f"missing: {', '.join(missing)}")
    served = int(metric(text, "vllm:request_success_total") or 0)
    expect(served > 0, "no request was counted")
    return f"{served} requests counted", {"requests": served}
