"""The options that say what a person wants served, shared by every command that plans."""

from __future__ import annotations

import functools
import shlex
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

import click

from llama4ref.cli.option_types import DAY, DOLLARS, TOKENS, ids_of, today

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.planning.outcomes import PlanResult
    from llama4ref.planning.request import PlanRequest

Result = TypeVar("Result")

_OPTIONS = (
    click.option(
        "--model",
        metavar="NAME",
        shell_complete=ids_of("models"),
        help="scout or maverick; either where none is named.",
    ),
    click.option(
        "--gpu",
        metavar="NAME",
        shell_complete=ids_of("accelerators"),
        help="Accelerator, such as h100-sxm, h200-sxm, b200, mi300x, l4.",
    ),
    click.option("--count", type=int, metavar="N", help="GPUs in all."),
    click.option(
        "--nodes", type=int, metavar="N", help="Machines that share the GPUs; as few as hold them by default."
    ),
    click.option(
        "--context",
        type=TOKENS,
        metavar="TOKENS",
        help="Longest request: prompt, images and reply. 1M is 1,048,576, 1m is 1,000,000. "
        "By default prompt and reply as given, or the longest that fits.",
    ),
    click.option("--concurrency", type=int, metavar="N", help="Requests at once."),
    click.option(
        "--prompt-tokens",
        type=TOKENS,
        metavar="TOKENS",
        help="Text of a prompt: the usual one, for concurrency and speed; without --context also the longest.",
    ),
    click.option(
        "--output-tokens",
        type=TOKENS,
        metavar="TOKENS",
        help="A reply: the usual one; without --context also the longest.",
    ),
    click.option(
        "--checkpoint", metavar="NAME", shell_complete=ids_of("checkpoints"), help="Id or repository of the checkpoint."
    ),
    click.option(
        "--min-weight-bits", type=int, default=0, metavar="BITS", help="Fewest bits of an expert's weight: 16, 8, 4."
    ),
    click.option(
        "--engine",
        metavar="NAME",
        shell_complete=ids_of("engines"),
        help="Engine; vLLM by default. Of sglang, tensorrt-llm, llama-cpp, mlx-lm and ollama the memory alone is sized.",
    ),
    click.option("--engine-release", metavar="X.Y.Z", help="Release of it; the newest covered where none is named."),
    click.option("--hosted/--self-hosted", default=None, help="Only providers, or only own GPUs."),
    click.option(
        "--images", type=int, default=0, metavar="N", help="Images in a prompt, at most; 0 serves text alone."
    ),
    click.option(
        "--image-size", metavar="WxH", help="Pixels of the images; by default each counts as one of the most tiles."
    ),
    click.option("--tools", is_flag=True, help="Replies must carry tool calls."),
    click.option("--json-schema", is_flag=True, help="Replies must follow a JSON schema."),
    click.option("--speculative", metavar="REPOSITORY", help="EAGLE or EAGLE3 draft head."),
    click.option("--lora", "lora_adapters", type=int, metavar="N", help="LoRA adapters served at once."),
    click.option("--lora-rank", type=int, metavar="N", help="Largest rank of an adapter."),
    click.option(
        "--cache-dtype",
        type=click.Choice(["auto", "bfloat16", "fp8"]),
        default="auto",
        help="Number format of the KV cache.",
    ),
    click.option("--hybrid/--no-hybrid", default=None, help="Keep one chunk only in chunked-local layers, or all."),
    click.option("--tensor-parallel", type=int, metavar="N", help="GPUs that share every layer."),
    click.option("--pipeline-parallel", type=int, metavar="N", help="Stages of layers."),
    click.option("--data-parallel", type=int, metavar="N", help="Replicas of attention and cache."),
    click.option("--expert-parallel/--no-expert-parallel", default=None, help="Whole experts on each rank, or slices."),
    click.option(
        "--gpu-memory-utilization", type=float, metavar="PART", help="Part of a GPU's memory that the engine takes."
    ),
    click.option("--max-num-seqs", type=int, metavar="N", help="Requests in one batch."),
    click.option("--max-num-batched-tokens", type=int, metavar="N", help="Tokens of one step."),
    click.option("--enforce-eager", is_flag=True, help="No CUDA graphs: slower, smaller."),
    click.option("--headroom", type=float, default=0.0, metavar="PART", help="Part of the KV cache to leave free."),
    click.option(
        "--goal",
        type=click.Choice(["balanced", "latency", "throughput", "cost"]),
        default="balanced",
        show_default=True,
        help="What the best plan is best at.",
    ),
    click.option(
        "--max-price", type=DOLLARS, metavar="DOLLARS", help="Most that a provider may ask for a million tokens."
    ),
    click.option(
        "--as-of", type=DAY, metavar="DATE", help="Day for which a provider's offer must hold, such as 2026-11-21."
    ),
)


def request_options(function: Callable[..., Result]) -> Callable[..., Result]:
    """Add the options of a request; the command gets the request as `request`."""

    @functools.wraps(function)
    def with_request(**values: object) -> Result:
        from llama4ref.planning.request import PlanRequest

        asked = {field.name: values.pop(field.name) for field in fields(PlanRequest) if field.name in values}
        return function(request=make_request(asked), **values)

    for option in reversed(_OPTIONS):
        with_request = option(with_request)
    return with_request


def make_request(values: dict[str, object]) -> PlanRequest:
    """The request that options spell out."""
    from llama4ref.planning.request import PlanRequest

    given = {name: value for name, value in values.items() if value is not None}
    return PlanRequest(**given)  # type: ignore[arg-type]  # click has typed each option


def command_of(request: PlanRequest, verb: str = "plan") -> str:
    """A request as the command line that makes it, ready to paste.

    Examples:
        >>> from llama4ref.planning.request import PlanRequest
        >>> command_of(PlanRequest(model="scout", gpu="h200-sxm", count=8, context="10M", hybrid=False, enforce_eager=True))
        'llama4ref plan --model scout --gpu h200-sxm --count 8 --context 10485760 --no-hybrid --enforce-eager'
    """
    words = ["llama4ref", verb]
    for name, value in request.as_dict().items():
        option = name.replace("_", "-")
        if value is True:
            words.append(f"--{option}")
        elif value is False:
            words.append("--self-hosted" if name == "hosted" else f"--no-{option}")
        else:
            words += [f"--{option}", str(value)]
    return shlex.join(words)


def planned(request: PlanRequest) -> PlanResult:
    """The planner's answer from the package's facts; things may be named as people know them.

    Offers of providers count as of today where no day is asked for.
    """
    from llama4ref.facts import load
    from llama4ref.planning.planner import plan
    from llama4ref.planning.request_names import with_ids

    catalog = load()
    dated = request.wants_providers and request.as_of is None
    return plan(with_ids(catalog, replace(request, as_of=today()) if dated else request), catalog)
