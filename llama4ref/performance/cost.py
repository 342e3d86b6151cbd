"""How dear is a token: on rented GPUs at a price that you name, or from a provider at the price it states.

Prices are US dollars. The price of a GPU hour is no fact of this project: it is always given by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError
from llama4ref.facts.types.states import is_stated
from llama4ref.field_words import described

if TYPE_CHECKING:
    from llama4ref.engine.layout import Layout
    from llama4ref.facts.types.providers import Offer
    from llama4ref.performance.throughput import Performance
    from llama4ref.performance.workload import Workload

_MILLION = 1_000_000
_HOUR_SECONDS = 3600


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class RentedCost:
    """What tokens cost on rented GPUs that are busy all the time."""

    hourly: float
    """Dollars an hour of the whole deployment."""
    per_million_output: float
    """Dollars for a million output tokens, their prompts included."""
    per_million_output_low: float
    """The same at the highest speed that the estimate allows."""
    per_million_output_high: float
    """The same at the lowest speed that the estimate allows."""
    per_million_tokens: float
    """Dollars for a million tokens, prompt and output alike."""
    per_request: float
    """Dollars for one request."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class HostedCost:
    """What a workload costs at a provider."""

    per_request: float
    """Dollars for one request."""
    per_million_output: float
    """Dollars for a million output tokens, their prompts included."""
    per_million_tokens: float
    """Dollars for a million tokens, prompt and output alike."""
    as_of: str
    """Day that the prices hold for."""
    reasons: tuple[str, ...]
    """How it came about."""


def rented_cost(performance: Performance, layout: Layout, workload: Workload, *, gpu_hour: float) -> RentedCost:
    """The cost on rented GPUs, idle time not counted.

    Args:
        performance: the estimate for the workload.
        layout: which says how many GPUs are rented.
        workload: the requests.
        gpu_hour: dollars an hour of one GPU.

    Raises:
        RequestError: for a price that is not positive.
    """
    if not 0 < gpu_hour < float("inf"):
        raise RequestError(f"gpu_hour: found {gpu_hour!r}, expected dollars an hour above 0")
    hourly = gpu_hour * layout.gpus
    rate = performance.output_throughput
    seconds_for_million = _MILLION / _HOUR_SECONDS
    return RentedCost(
        hourly=hourly,
        per_million_output=hourly * seconds_for_million / rate.value,
        per_million_output_low=hourly * seconds_for_million / rate.high,
        per_million_output_high=hourly * seconds_for_million / rate.low,
        per_million_tokens=hourly * seconds_for_million / performance.total_throughput.value,
        per_request=hourly / _HOUR_SECONDS * workload.output_tokens / rate.value,
    )


def hosted_cost(offer: Offer, workload: Workload, *, batch: bool = False, image_tokens: int = 0) -> HostedCost | None:
    """The cost of a workload at a provider; None where it does not state the prices.

    Args:
        offer: of the provider.
        workload: the requests; the shared prefix is billed as a cache read where the offer has a price for it.
        batch: whether the prices of the batch service count; no cache is read there.
        image_tokens: tokens of the images of one prompt.

    Examples:
        >>> from llama4ref.facts.types.providers import Offer
        >>> from llama4ref.performance.workload import Workload
        >>> offer = Offer(model="scout", name="scout", as_of="2026-01-01", status="listed", price_input=0.1, price_output=0.3)
        >>> round(hosted_cost(offer, Workload(prompt_tokens=1000, output_tokens=500)).per_request * 1e6)
        250
    """
    price_in = offer.price_batch_input if batch else offer.price_input
    price_out = offer.price_batch_output if batch else offer.price_output
    if not is_stated(price_in) or not is_stated(price_out):
        return None
    price_cached = offer.price_cache_read if is_stated(offer.price_cache_read) and not batch else None
    cached = 0 if price_cached is None else workload.shared_prefix_tokens
    prompt = workload.prompt_tokens + image_tokens
    dollars = (
        (prompt - cached) * price_in
        + cached * (price_cached or 0.0)
        + workload.output_tokens * price_out
    ) / _MILLION  # fmt: skip
    said = [
        f"{prompt - cached:,} prompt tokens at {price_in}, {workload.output_tokens:,} output tokens at {price_out} a million"
    ]
    if cached:
        said.append(f"{cached:,} cached prompt tokens at {price_cached} a million")
    elif workload.shared_prefix_tokens:
        said.append("the shared prefix is billed in full: no price of cached tokens is known")
    return HostedCost(
        per_request=dollars,
        per_million_output=dollars / workload.output_tokens * _MILLION,
        per_million_tokens=dollars / (prompt + workload.output_tokens) * _MILLION,
        as_of=offer.as_of,
        reasons=tuple(said),
    )
