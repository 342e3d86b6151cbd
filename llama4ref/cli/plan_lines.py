"""A plan as a headline, as a short summary, and as one row of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.cli.printing import broken, plain_table
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.planning.choices.layouts import described
from llama4ref.planning.outcomes import HostedPlan
from llama4ref.units import format_tokens
from llama4ref.wording import RUNGS, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.table import Table

    from llama4ref.performance.throughput import Estimated, Performance
    from llama4ref.performance.workload import Workload
    from llama4ref.planning.outcomes import Plan

BOUNDS = {
    "compute": "arithmetic binds",
    "memory": "memory bandwidth binds",
    "link": "the links between GPUs bind",
    "launch": "launching kernels binds",
}
_OTHER_COLUMNS = 60
"""Columns that the rest of the table takes."""


def headline(plan: Plan | HostedPlan) -> str:
    """What and where."""
    if isinstance(plan, HostedPlan):
        return f"{plan.model.name} at {plan.provider.name}, as of {plan.offer.as_of}"
    nodes = f" over {plan.nodes} nodes" if plan.nodes > 1 else ""
    return f"{plan.model.name} on {plan.count} x {plan.accelerator.name}{nodes}, with vLLM {plan.release}"


def summary(plan: Plan | HostedPlan) -> Iterator[tuple[str, str]]:
    """The plan in pairs of words: what it is, how long, how many at once, how fast."""
    yield from _hosted(plan) if isinstance(plan, HostedPlan) else _own(plan)


def _hosted(plan: HostedPlan) -> Iterator[tuple[str, str]]:
    yield "name", plan.offer.name + (f" ({plan.offer.tier})" if plan.offer.tier else "")
    yield "status", plan.offer.status + (f", ends {plan.offer.retired}" if plan.offer.retired else "")
    yield "context", _tokens(plan.context)
    yield "reply", f"{_tokens(plan.max_output_tokens)} at most" if plan.max_output_tokens else str(UNKNOWN)
    yield "price", price_of(plan)
    able = {"images": plan.offer.images, "tools": plan.offer.tools, "JSON schema": plan.offer.json_schema}
    yield (
        "takes",
        ", ".join(
            f"{name}: {'yes' if value is True else 'no' if value is False else UNKNOWN}" for name, value in able.items()
        ),
    )
    yield "precision", str(plan.offer.precision)


def price_of(plan: HostedPlan) -> str:
    """Prices of an offer in words."""
    offer = plan.offer
    if offer.price_input is None or offer.price_output is None:
        return "none"
    if offer.price_input is UNKNOWN or offer.price_output is UNKNOWN:
        return str(UNKNOWN)
    each = f"${offer.price_input:g} a million tokens in, ${offer.price_output:g} out"
    return each if plan.price is None else f"{each}; ${plan.price:.3g} for the mix"


def _own(plan: Plan) -> Iterator[tuple[str, str]]:
    cache = "" if plan.config.cache_dtype in {"auto", "bfloat16"} else f", {plan.config.cache_dtype} KV cache"
    why = next((f"\n{reason.because}" for reason in plan.reasons if reason.about == "model"), "")
    yield "checkpoint", f"{plan.checkpoint.repository or plan.checkpoint.id}{why}"
    yield "layout", f"{described(plan.config.layout)}{cache}{'' if plan.config.hybrid else ', hybrid KV cache off'}"
    yield "context", f"{_tokens(plan.context)} promised; up to {format_tokens(plan.largest_context)} would fit"
    yield (
        "max concurrency",
        f"{plan.max_concurrency:.2f} x that length; a batch has at most {counted(plan.config.max_num_seqs, 'request')}",
    )
    yield "KV cache", f"{_tokens(plan.kv_cache_tokens)} at least, as the engine prints it{_what_is_printed(plan)}"
    if plan.performance is not None and plan.workload is not None:
        yield from _speed(plan.performance, plan.workload)
    yield "proven", f"{RUNGS[0]} (rung 0); `llama4ref prove` with the same options goes on"


def _what_is_printed(plan: Plan) -> str:
    """What the engine's figure counts, where a longer request fits than it says."""
    cache = plan.budget.cache
    if cache.rules.tokens_from_concurrency or len(cache.groups) == 1:
        return ""
    return f"; it shares the blocks out over {len(cache.groups)} groups of layers, so a request may be longer than that"


def _speed(speed: Performance, workload: Workload) -> Iterator[tuple[str, str]]:
    first = f"first token after {_span(speed.ttft_seconds)} s, then " if speed.ttft_seconds else ""
    rate = f"{_span(speed.decode_speed)} tokens/s a request, {_at_once(workload, speed.batch)}"
    yield "speed", f"{first}{rate}; {BOUNDS[speed.bottleneck]} (estimate)"
    yield "throughput", f"{_span(speed.max_throughput)} tokens/s of replies under an endless queue (estimate)"
    prompts = f"prompts of {counted(workload.prompt_tokens, 'token')}{_pictures(workload)}"
    yield "both for", f"{prompts} and replies of {counted(workload.output_tokens, 'token')}"


def _pictures(workload: Workload) -> str:
    """The images of a prompt.

    Examples:
        >>> from llama4ref.performance.workload import Workload
        >>> _pictures(Workload(prompt_tokens=9, output_tokens=9, images=2, tiles_per_image=16))
        ' with 2 images of 16 tiles'
        >>> _pictures(Workload(prompt_tokens=9, output_tokens=9))
        ''
    """
    if not workload.images:
        return ""
    return f" with {counted(workload.images, 'image')} of {counted(workload.tiles_per_image, 'tile')}"


def _at_once(workload: Workload, batch: int) -> str:
    """How many requests speed is stated for.

    Examples:
        >>> from llama4ref.performance.workload import Workload
        >>> _at_once(Workload(prompt_tokens=1000, output_tokens=500, concurrency=64), 48)
        '64 at once of which 48 are computed together'
    """
    crowd = workload.concurrency or 1
    if crowd == 1:
        return "one at a time"
    return f"{crowd:,} at once" + (f" of which {batch:,} are computed together" if batch < crowd else "")


def _span(figure: Estimated) -> str:
    """An estimate with what it lies between, to two or three digits.

    Examples:
        >>> from llama4ref.performance.throughput import Estimated
        >>> _span(Estimated(value=0.0757, low=0.045, high=0.128))
        '0.076 (0.045 to 0.13)'
    """
    return f"{_digits(figure.value)} ({_digits(figure.low)} to {_digits(figure.high)})"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _tokens(count: int | None) -> str:
    return str(UNKNOWN) if count is None else counted(count, "token")


def table_of_plans(plans: Iterable[Plan | HostedPlan], *, width: int, first: int = 1) -> Table:
    """A line for each plan, on a screen so wide; names are broken where they must."""
    plans = tuple(plans)
    hosted = {isinstance(plan, HostedPlan) for plan in plans}
    rate = "price or speed" if len(hosted) > 1 else "price" if True in hosted else "tokens/s"
    table = plain_table("#", "what", "where", "context", "max conc.", rate,
                        right=("#", "context", "max conc.", rate), wrap=("what", "where"))  # fmt: skip
    for number, plan in enumerate(plans, start=first):
        what, *rest = _cells(plan)
        table.add_row(str(number), broken(what, max(16, width - _OTHER_COLUMNS)), *rest)
    return table


def _cells(plan: Plan | HostedPlan) -> tuple[str, str, str, str, str]:
    if isinstance(plan, HostedPlan):
        price = str(UNKNOWN) if plan.price is None else f"${plan.price:.3g}/M"
        return (
            plan.offer.name,
            plan.provider.name,
            str(UNKNOWN) if plan.context is None else format_tokens(plan.context),
            "",
            price,
        )
    cache = "" if plan.config.cache_dtype in {"auto", "bfloat16"} else f" {plan.config.cache_dtype} KV"
    where = f"{plan.count} x {plan.accelerator.id} {described(plan.config.layout)}{cache}"
    rate = str(UNKNOWN) if plan.performance is None else _digits(plan.performance.max_throughput.value)
    return (plan.checkpoint.id, where, format_tokens(plan.context), f"{plan.max_concurrency:.2f}", rate)
