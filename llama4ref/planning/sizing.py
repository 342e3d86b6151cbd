"""Does a candidate fit, and how long may its requests be?

Every answer counts estimates at their upper bound, so that a promised context is a lower bound of what the engine grants.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import tensor_parallel_sizes
from llama4ref.memory.attention_cache import NULL_BLOCKS, KVCache
from llama4ref.memory.gpu_budget import MemoryBudget, memory_budget, resized
from llama4ref.memory.weight_shards import Weights, weights_of
from llama4ref.planning.layout_choice import described
from llama4ref.planning.lengths import Lengths, lengths_of
from llama4ref.planning.outcomes import Refusal
from llama4ref.units import format_bytes, format_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llama4ref.engine.layout import Layout
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Behaviour, Engine
    from llama4ref.facts.types.models import Model
    from llama4ref.planning.request import PlanRequest

FALLBACK_SEQS = 256
FALLBACK_TOKENS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A checkpoint on GPUs, split and served in one way."""

    model: Model
    checkpoint: Checkpoint
    accelerator: Accelerator
    layout: Layout
    nodes: int
    cache_dtype: str
    hybrid: bool

    @property
    def limit(self) -> int:
        """Longest context that the checkpoint allows, in tokens."""
        return self.checkpoint.limit(self.model)

    def __str__(self) -> str:
        cache = "" if self.cache_dtype == "bfloat16" else f", {self.cache_dtype} KV"
        return f"{self.checkpoint.id} on {self.layout.gpus} x {self.accelerator.id}, {described(self.layout)}{cache}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A candidate that fits."""

    candidate: Candidate
    config: EngineConfig
    budget: MemoryBudget
    largest_context: int
    max_concurrency: float
    """Requests of the full length at once, over all replicas: a lower bound."""
    kv_cache_tokens: int
    """KV cache size that the engine prints, of one replica: a lower bound."""


@functools.lru_cache(maxsize=4096)
def size(catalog: Catalog, candidate: Candidate, request: PlanRequest, behaviour: Behaviour) -> Sized | Refusal:
    """The candidate with its budget, or why it does not fit. Answers are kept: planning asks the same again and again."""
    engine = catalog.engine("vllm")
    limit = candidate.limit
    lengths = lengths_of(request, candidate.model.architecture)
    wanted = lengths.longest
    if wanted is not None and wanted > limit:
        return Refusal(
            subject=str(candidate),
            rule="context-above-model",
            numbers=f"{format_tokens(wanted)} tokens asked for, {candidate.checkpoint.id} has positions for {format_tokens(limit)}",
        )
    config = _serving(candidate, request, engine, behaviour, wanted or limit)
    weights = _weights(catalog, candidate.model, candidate.checkpoint, candidate.layout)
    too_large = _weights_refusal(catalog, candidate, config, weights)
    if too_large is not None:
        return too_large
    template = replace(config, max_model_len=limit)
    at_once = _at_once(candidate, request, lengths)
    sizer = _sizer(catalog, candidate, behaviour, template, headroom=request.headroom, at_once=at_once)
    largest = sizer.largest
    if largest < (wanted or lengths.least):
        return _too_small(candidate, sizer, wanted or lengths.least, largest)
    config = replace(config, max_model_len=wanted or largest)
    budget = sizer.budget(config.max_model_len)
    capacity = budget.cache.capacity(sizer.left(budget))
    sized = Sized(
        candidate=candidate,
        config=config,
        budget=budget,
        largest_context=largest,
        max_concurrency=capacity.max_concurrency * candidate.layout.data_parallel,
        kv_cache_tokens=capacity.tokens,
    )
    return _too_few(sized, request, lengths, sizer.left(budget)) or sized


def _serving(
    candidate: Candidate, request: PlanRequest, engine: Engine, behaviour: Behaviour, max_model_len: int
) -> EngineConfig:
    accelerator, layout = candidate.accelerator, candidate.layout

    def default(flag: str, fallback: int) -> int:
        found = engine.default_on(
            flag,
            platform=accelerator.platform,
            memory_bytes=accelerator.memory_bytes,
            device=accelerator.name,
            release=behaviour.release,
        )
        return fallback if found is None else found

    seqs, batched = _batch(request, layout, default)
    utilization = request.gpu_memory_utilization
    return EngineConfig(
        release=behaviour.release,
        layout=layout,
        max_model_len=max_model_len,
        max_num_seqs=seqs,
        max_num_batched_tokens=batched,
        gpu_memory_utilization=behaviour.gpu_memory_utilization if utilization is None else utilization,
        cache_dtype=candidate.cache_dtype,
        hybrid=candidate.hybrid,
        enforce_eager=request.enforce_eager,
        images_per_prompt=max(request.images, int(layout.vision)),
        nodes=candidate.nodes,
    )


def _batch(request: PlanRequest, layout: Layout, default: Callable[[str, int], int]) -> tuple[int, int]:
    """Requests and tokens of a step: as asked for, and what is open so that every request has its token.

    The engine refuses fewer tokens than requests, and lowers a number of requests that nobody asked for.
    """
    wanted = -(-request.concurrency // layout.data_parallel) if request.concurrency else None
    seqs, batched = request.max_num_seqs or wanted, request.max_num_batched_tokens
    if batched is None:
        batched = max(default("max-num-batched-tokens", FALLBACK_TOKENS), seqs or 1)
    if seqs is None:
        seqs = min(default("max-num-seqs", FALLBACK_SEQS), batched)
    return seqs, batched


def _at_once(candidate: Candidate, request: PlanRequest, lengths: Lengths) -> int:
    """Requests of the full length that each replica must hold: all that are asked for where no length is, else one."""
    if lengths.longest is not None or request.concurrency is None:
        return 1
    return -(-request.concurrency // candidate.layout.data_parallel)


@functools.lru_cache(maxsize=4096)
def _sizer(
    catalog: Catalog, candidate: Candidate, behaviour: Behaviour, config: EngineConfig, *, headroom: float, at_once: int
) -> _Sizer:
    """A candidate's budgets, kept: what is left and what fits at most do not depend on the length that is asked for."""
    weights = _weights(catalog, candidate.model, candidate.checkpoint, candidate.layout)
    return _Sizer(candidate, behaviour, config, weights, headroom=headroom, at_once=at_once)


class _Sizer:
    """Budgets of one candidate at different lengths."""

    def __init__(
        self,
        candidate: Candidate,
        behaviour: Behaviour,
        config: EngineConfig,
        weights: Weights,
        *,
        headroom: float,
        at_once: int,
    ) -> None:
        self.candidate, self.behaviour, self.config = candidate, behaviour, config
        self.headroom, self.at_once = headroom, at_once
        each = candidate
        self.longest = memory_budget(each.model, each.checkpoint, each.accelerator, config, behaviour, weights=weights)

    def budget(self, max_model_len: int) -> MemoryBudget:
        config = replace(self.config, max_model_len=max_model_len)
        return resized(self.longest, config, self.behaviour)

    def left(self, budget: MemoryBudget) -> tuple[int, ...]:
        """What the KV cache may count on, on a GPU of each stage: its part at worst, less the headroom."""
        return budget.room(self.headroom)

    @functools.cached_property
    def largest(self) -> int:
        """The largest context that fits as often as is asked for, 0 where none does.

        Buffers grow with the context in proportion, so the memory left is a straight line between the shortest and the
        longest; the largest context lies where it meets the cache's need, found by halving and then checked in full.
        """
        limit = self.candidate.limit
        if self.holds(limit):
            return limit
        short = self.budget(1)
        if short.kv_cache_at_least_bytes <= 0 or short.free_bytes < 0:
            return 0
        cache = short.cache
        lines = [
            (left, (left - least) / max(1, limit - 1), stage.bytes_per_block)
            for left, least, stage in zip(self.left(short), self.left(self.longest), short.stages, strict=True)
        ]
        free, fall = short.free_bytes, (short.free_bytes - self.longest.free_bytes) / max(1, limit - 1)
        low, high = 0, limit
        while high - low > 1:
            middle = (low + high) // 2
            blocks = min((left - slope * middle) // bytes_per_block for left, slope, bytes_per_block in lines)
            if blocks > self.at_once * cache.blocks_at(middle) and free >= fall * middle:
                low = middle
            else:
                high = middle
        return self._settled(low, step=cache.block_size)

    def _settled(self, guess: int, *, step: int) -> int:
        """The largest length that really fits, found from a guess near it by steps that double."""
        low, high = guess, guess + step
        while low > 0 and not self.holds(low):
            low, high, step = low - step, low, 2 * step
        low = max(low, 0)
        while self.holds(high):
            low, high, step = high, high + step, 2 * step
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.holds(middle) else (low, middle)
        return low

    def holds(self, length: int) -> bool:
        """Whether a length fits into its own budget."""
        if length > self.candidate.limit:
            return False
        budget = self.budget(length)
        return budget.free_bytes >= 0 and holds_requests(budget.cache, length, self.left(budget), at_once=self.at_once)


def holds_requests(cache: KVCache, length: int, left: Sequence[int], *, at_once: int = 1) -> bool:
    """Whether the engine starts with this context and so many requests of it then really fit at once.

    The two are not the same in every release: some start with less memory than one request needs, and every pool keeps one
    block empty.
    """
    capacity = cache.capacity(left)
    return capacity.fits and capacity.num_blocks - NULL_BLOCKS >= at_once * cache.blocks_at(length)


@functools.lru_cache(maxsize=4096)
def _weights(catalog: Catalog, model: Model, checkpoint: Checkpoint, layout: Layout) -> Weights:
    return weights_of(model, checkpoint, layout, formats=catalog.formats)


def _weights_refusal(catalog: Catalog, candidate: Candidate, config: EngineConfig, weights: Weights) -> Refusal | None:
    share = math.ceil(candidate.accelerator.memory_bytes * config.gpu_memory_utilization)
    weight = weights.largest.bytes
    if weight <= share:
        return None
    return Refusal(
        subject=f"{candidate.checkpoint.id} on {candidate.layout.gpus} x {candidate.accelerator.id}, {described(candidate.layout)}",
        rule="weights-too-large",
        numbers=f"weights take {format_bytes(weight)} a GPU, gpu_memory_utilization ({config.gpu_memory_utilization:g}) of its "
        f"{format_bytes(candidate.accelerator.memory_bytes)} is {format_bytes(share)}",
        instead=_enough_gpus(catalog, candidate, share),
    )


def _enough_gpus(catalog: Catalog, candidate: Candidate, share: int) -> str:
    """The fewest GPUs of the kind that hold the weights, by tensor parallel alone."""
    for tensor in tensor_parallel_sizes(candidate.model.architecture):
        layout = replace(candidate.layout, tensor_parallel=tensor, pipeline_parallel=1, data_parallel=1)
        if _weights(catalog, candidate.model, candidate.checkpoint, layout).largest.bytes <= share:
            return f"{tensor} of them hold the weights"
    return "a smaller checkpoint or a larger GPU would"


def _too_small(candidate: Candidate, sizer: _Sizer, wanted: int, largest: int) -> Refusal:
    budget = sizer.budget(min(wanted, candidate.limit))
    weight = sum(line.bytes for line in budget.lines if line.place == "weights")
    subject = str(candidate)
    if largest == 0 and budget.kv_cache_at_least_bytes <= 0:
        return Refusal(
            subject=subject,
            rule="nothing-left-for-kv-cache",
            numbers=f"weights ({format_bytes(weight)}), buffers and activations take up to "
            f"{format_bytes(budget.used_at_most_bytes)} of {format_bytes(budget.requested_bytes)}",
            instead="fewer max_num_seqs or max_num_batched_tokens, more GPUs or a smaller checkpoint would",
        )
    instead = f"{format_tokens(largest)} tokens fit" if largest else "more GPUs would"
    if budget.free_bytes < 0:
        return Refusal(
            subject=subject,
            rule="buffers-beside-the-cache",
            numbers=f"block tables and graphs take up to {format_bytes(budget.outside_bytes)} outside the gpu_memory_utilization budget, "
            f"{format_bytes(budget.total_bytes - budget.requested_bytes)} is there with {sizer.config.max_num_seqs:,} requests at once",
            instead=f"{instead}; a lower concurrency shrinks them",
        )
    binding = budget.stage
    need = budget.cache.stages[binding].bytes_per_block * budget.cache.blocks_per_request
    return Refusal(
        subject=subject,
        rule="kv-cache-too-small",
        numbers=f"a request of {format_tokens(wanted)} tokens needs {format_bytes(need)} of KV cache a GPU, at worst "
        f"{format_bytes(sizer.left(budget)[binding])} is left",
        instead=instead,
    )


def _too_few(sized: Sized, request: PlanRequest, lengths: Lengths, available: Sequence[int]) -> Refusal | None:
    if request.concurrency is None:
        return None
    cache = sized.budget.cache
    usual = lengths.stated or sized.config.max_model_len
    at_once = cache.requests_held(usual, available) * sized.candidate.layout.data_parallel
    if at_once >= request.concurrency:
        return None
    return Refusal(
        subject=str(sized.candidate),
        rule="concurrency",
        numbers=f"{at_once:,} requests of {format_tokens(usual)} tokens fit at once, {request.concurrency:,} asked for",
        instead="shorter requests, an fp8 cache or more GPUs would",
    )
