"""Does a running server do what a plan promises of it?

The questions are asked in order over HTTP. A wrong answer fails its probe and the rest go on; a server that stops
answering fails the probe at hand, and the rest are skipped with that reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from llama4ref.errors import ProbeError
from llama4ref.proving.environment import need
from llama4ref.proving.probes import questions
from llama4ref.proving.probes.questions import Target, WrongAnswerError
from llama4ref.proving.verdict import Outcome, Probe

if TYPE_CHECKING:
    from llama4ref.facts.types.models import Vision
    from llama4ref.proving.server.launching import Progress, Server

Question: TypeAlias = Callable[[Target], questions.Seen]

QUESTIONS: tuple[Question, ...] = (
    questions.health,
    questions.model_card,
    questions.completion,
    questions.streaming,
    questions.chat_template,
    questions.tools,
    questions.json_schema,
    questions.image,
    questions.chunk_boundary,
    questions.over_the_limit,
    questions.prefix_cache,
    questions.concurrency,
    questions.metrics,
)
"""In the order in which they are asked: the metrics last, when there is something to count."""


def target_of(
    server: Server,
    *,
    max_model_len: int,
    chunk_size: int,
    vision: Vision | None = None,
    tools: bool = True,
    template: bool = True,
    concurrency: int = 4,
    timeout_seconds: float = 60.0,
) -> Target:
    """What the probes need to know of a server.

    Raises:
        MissingExtraError: where the `openai` client is not installed.
    """
    need("openai")
    from openai import OpenAI

    return Target(
        server=server,
        client=OpenAI(base_url=f"{server.url}/v1", api_key="none", timeout=timeout_seconds, max_retries=0),
        max_model_len=max_model_len,
        chunk_size=chunk_size,
        vision=vision,
        tools=tools,
        template=template,
        concurrency=concurrency,
    )


def probe(target: Target, *, progress: Progress | None = None) -> tuple[Probe, ...]:
    """Ask every question that applies to the target; one result each, in order."""
    results: list[Probe] = []
    stopped = ""
    started = time.monotonic()
    for question in QUESTIONS:
        name = question.__name__.replace("_", " ")
        if progress is not None:
            progress(f"probe: {name}", time.monotonic() - started)
        reason = stopped or inapplicable(question, target)
        if reason:
            results.append(Probe(name=name, outcome=Outcome.SKIPPED, detail=reason))
            continue
        try:
            results.append(_asked(question, name, target))
        except ProbeError as error:
            results.append(Probe(name=name, outcome=Outcome.FAILED, detail=str(error)))
            stopped = "the server had stopped answering"
    return tuple(results)


def inapplicable(question: Question, target: Target) -> str:
    """Why a question cannot be asked of a target, or nothing."""
    if question is questions.image and target.vision is None:
        return "the server has no vision tower"
    if question is questions.tools and not target.tools:
        return "no tool-call parser was set"
    if question is questions.chunk_boundary and target.max_model_len < target.chunk_size + 200:
        return f"the context of {target.max_model_len:,} tokens does not reach the boundary at {target.chunk_size:,}"
    return ""


def _asked(question: Question, name: str, target: Target) -> Probe:
    """The result of one question.

    Raises:
        ProbeError: where the server does not answer.
    """
    from openai import APIConnectionError, APIStatusError

    started = time.monotonic()
    try:
        detail, numbers = question(target)
        outcome = Outcome.PASSED
    except WrongAnswerError as error:
        detail, numbers, outcome = str(error), {}, Outcome.FAILED
    except APIStatusError as error:
        detail, numbers, outcome = f"status {error.status_code}: {error.message}", {}, Outcome.FAILED
        _confirm_alive(target, name)
    except (APIConnectionError, OSError) as error:
        message = f"the server stopped answering during the probe {name!r}; its log is {target.server.log}"
        raise ProbeError(message) from error
    seconds = round(time.monotonic() - started, 2)
    return Probe(name=name, outcome=outcome, detail=detail, numbers=numbers, seconds=seconds)


def _confirm_alive(target: Target, name: str) -> None:
    try:
        target.server.get("/health")
    except OSError as error:
        message = f"the engine died during the probe {name!r}; its log is {target.server.log}"
        raise ProbeError(message) from error
