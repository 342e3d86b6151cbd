"""How fast is a deployment: first token, next tokens, tokens a second, and what holds it back.

The estimate is a roofline of every operator (`operators`, `roofline`) with the few constants of `calibration`. It is no
measurement: each figure comes with the bounds between which a measurement is expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError
from llama4ref.facts import catalog_of
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.field_words import described
from llama4ref.memory.attention_cache import ELEMENT_BYTES, kv_cache
from llama4ref.memory.weight_shards import weights_of
from llama4ref.performance.batching import (
    Deployment,
    Generation,
    deploy,
    generation,
    prompt_alone,
    room_for_cache,
)
from llama4ref.performance.calibration import Constants, constants_of
from llama4ref.performance.roofline import Resource, Shares, speed_of
from llama4ref.performance.stored_model import shapes_of, stored_in
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.engine.layout import Layout
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.models import Model
    from llama4ref.performance.workload import Workload


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """A figure that was estimated, and what it lies between."""

    value: float
    """As expected, in the unit of the figure."""
    low: float
    """At least."""
    high: float
    """At most."""

    @staticmethod
    def within(value: float, factor: float) -> Estimated:
        """A value that may be off by a factor to either side.

        Examples:
            >>> Estimated.within(10.0, 1.25)
            Estimated(value=10.0, low=8.0, high=12.5)
        """
        return Estimated(value=value, low=value / factor, high=value * factor)


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """How fast a deployment serves a workload."""

    batch: int
    """Sequences computed at once, over the whole deployment."""
    largest_batch: int
    """Most sequences that memory and the engine's limit allow."""
    ttft_seconds: Estimated | None
    """From request to first token, for requests that come one by one; None offline, where they wait in a queue."""
    itl_seconds: Estimated
    """From one token of a reply to the next, on average; also known as TPOT."""
    decode_speed: Estimated
    """Output tokens a second of one request while it decodes."""
    output_throughput: Estimated
    """Output tokens a second of the whole deployment."""
    max_throughput: Estimated
    """Output tokens a second of the whole deployment with an endless queue of such requests."""
    total_throughput: Estimated
    """Prompt and output tokens a second of the whole deployment."""
    bottleneck: Resource
    """What most of the time goes to."""
    shares: Shares
    """Share of the time, by resource."""
    spread: float
    """Factor between the value and its bounds."""
    sources: tuple[str, ...]
    """Ids of sources and measurements that the constants come from."""
    limits: tuple[str, ...]
    """What the estimate does not know."""
    reasons: tuple[str, ...]
    """How it came about."""


def estimate(
    model: Model,
    checkpoint: Checkpoint | None,
    accelerator: Accelerator,
    layout: Layout,
    workload: Workload,
    *,
    cache_dtype: str = "bfloat16",
    engine: str = "vllm",
    hybrid: bool = True,
    catalog: Catalog | None = None,
    cache_room: int | None = None,
    held: int | None = None,
    max_batch: int | None = None,
    release: str | None = None,
    constants: Constants | None = None,
) -> Performance:
    """How fast a checkpoint serves a workload on accelerators.

    Args:
        model: whose architecture is known.
        checkpoint: what is stored in which format; None is the published dtype throughout.
        accelerator: all GPUs are of this kind.
        layout: how the model lies over them.
        workload: the requests.
        cache_dtype: of the KV cache, as vLLM names it; `auto` is bfloat16.
        engine: id of the serving engine.
        hybrid: whether chunked-local layers keep one chunk only.
        catalog: where formats are looked up; that of the model where none is given.
        cache_room: bytes of one GPU for the KV cache; estimated where none are given.
        held: requests of the workload that the KV cache of one replica holds at once, where its budget is at hand; what `cache_room` holds
            by the rules of the newest vLLM where not.
        max_batch: sequences of one replica at most; the engine's default where none is given.
        release: of the engine; the newest where none is given.
        constants: what the estimate rests on; the catalogue's where none are given.

    Raises:
        RequestError: for a layout, checkpoint or cache dtype that does not fit the model, or weights that do not fit a GPU.
        UnknownNameError: for an engine that was never calibrated.
        UnknownFactError: where the accelerator's rates, the checkpoint's coverage or the model's shapes are not known.
    """
    facts = catalog or catalog_of(model, checkpoint, accelerator)
    constants = constants or constants_of(facts)
    chosen = constants.engine(engine, release)
    if cache_dtype != "auto" and cache_dtype not in ELEMENT_BYTES:
        known = ", ".join(["auto", *ELEMENT_BYTES])
        raise RequestError(f"cache_dtype: found {cache_dtype!r}, expected one of {known}")
    shapes = shapes_of(model)
    layout.check(model.architecture)
    stored = stored_in(model, checkpoint, accelerator, facts)
    deployment = deploy(
        shapes,
        stored,
        layout,
        speed_of(accelerator, alone=layout.gpus == 1, constants=constants),
        workload=workload,
        engine=chosen,
        cache_bytes=ELEMENT_BYTES.get(cache_dtype, 2),
        hybrid=hybrid,
    )
    if held is None:
        if cache_room is None:
            weights = weights_of(model, checkpoint, layout, formats=facts.formats).largest.bytes
            cache_room = int(room_for_cache(accelerator, weights, chosen, constants))
        cache = kv_cache(
            model,
            max_model_len=deployment.tokens,
            tensor_parallel=layout.tensor_parallel,
            pipeline_parallel=layout.pipeline_parallel,
            cache_dtype=cache_dtype,
            max_num_batched_tokens=chosen.chunk_tokens,
            hybrid=hybrid,
            rules=facts.engine("vllm").at(),
        )
        held = cache.requests_held(deployment.tokens, cache_room, shared_tokens=workload.shared_prefix_tokens)
    return _performance(
        _Case(
            deployment,
            accelerator,
            workload,
            constants,
            by_memory=held,
            limit=max_batch or chosen.max_batch,
        )
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """A deployment with its limits, and the workload."""

    deployment: Deployment
    accelerator: Accelerator
    workload: Workload
    constants: Constants
    by_memory: int
    """Sequences of one replica whose cache fits."""
    limit: int
    """Sequences of one replica that the engine takes."""

    @property
    def largest(self) -> int:
        """Sequences of one replica at most."""
        return max(1, min(self.by_memory, self.limit))

    @property
    def replicas(self) -> int:
        """Copies of the deployment that batch on their own."""
        return self.deployment.layout.data_parallel

    @property
    def spread(self) -> float:
        """Factor between a value and its bounds: twice as many steps away where nothing was measured on the accelerator."""
        spread = self.deployment.engine.spread
        return spread if self.accelerator.id in self.constants.accelerators else spread**2


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a workload makes of a case."""

    batch: int
    rate: float
    first_token: float | None
    here: Generation


def _performance(case: _Case) -> Performance:
    full = generation(case.deployment, case.largest)
    outcome = _offline(case, full) if case.workload.offline else _served(case, full)
    here, spread, rate = outcome.here, case.spread, outcome.rate
    took, next_token = here.seconds, _next_token(here)
    engine = case.deployment.engine
    return Performance(
        batch=outcome.batch,
        largest_batch=case.largest * case.replicas,
        ttft_seconds=None if outcome.first_token is None else Estimated.within(outcome.first_token, spread**2),
        itl_seconds=Estimated.within(next_token, spread),
        decode_speed=Estimated.within(1 / next_token, spread),
        output_throughput=Estimated.within(rate, spread),
        max_throughput=Estimated.within(_rate(full) * case.replicas, spread),
        total_throughput=Estimated.within(rate * (case.deployment.prompt + here.output) / here.output, spread),
        bottleneck=took.shares.bottleneck,
        shares=took.shares,
        spread=spread,
        sources=(*case.constants.sources, *engine.rows, *engine.borrowed),
        limits=_limits(case),
        reasons=_reasons(case, outcome),
    )


def _served(case: _Case, full: Generation) -> _Outcome:
    """So many clients, each with one request at a time; those beyond the largest batch wait for a place."""
    concurrency, most = case.workload.concurrency or 1, case.largest * case.replicas
    batch = min(concurrency, most)
    here = full if batch == most else generation(case.deployment, max(1.0, batch / case.replicas))
    first = _first_token(case.deployment, here)
    rate = batch * here.output / (first + (here.output - 1) * _next_token(here))
    waits = (concurrency / batch - 1) * here.seconds.total
    return _Outcome(batch, rate, first + waits, here)


def _offline(case: _Case, full: Generation) -> _Outcome:
    """A run of so many equal requests: full batches, and a last one with what is left; or a queue without end."""
    requests, most = case.workload.requests, case.largest * case.replicas
    if requests is None:
        return _Outcome(most, _rate(full) * case.replicas, None, full)
    generations, left = divmod(requests, most)
    last = generation(case.deployment, max(1.0, left / case.replicas)) if left else full
    seconds = generations * full.seconds.total + (last.seconds.total if left else 0.0)
    return _Outcome(min(requests, most), requests * full.output / seconds, None, full if generations else last)


def _rate(generation_: Generation) -> float:
    """Output tokens a second of a replica whose batch is always full."""
    return generation_.batch * generation_.output / generation_.seconds.total


def _next_token(here: Generation) -> float:
    """A step, and the prompts of the others that are computed in between."""
    return here.step.total + (here.batch - 1) * here.prompt.total / here.output


def _first_token(deployment: Deployment, here: Generation) -> float:
    """The prompt itself, the prompts before it, and what the engine does around them.

    The wait is that of a queue with one server and equal jobs (M/D/1), at most half of the batch.
    """
    busy = here.batch * here.prompt.total / here.seconds.total
    queue = min(busy / (2 * (1 - busy)), here.batch / 2) if here.batch > 1 else 0.0
    return deployment.engine.first_token_seconds + prompt_alone(deployment).total + queue * here.prompt.total


def _limits(case: _Case) -> tuple[str, ...]:
    accelerator, engine = case.accelerator, case.deployment.engine
    said = ["experts are taken to be visited evenly, and requests to be equally long"]
    if accelerator.id not in case.constants.accelerators:
        said.append(f"no measurement was made on {accelerator.id}: the bounds are wider")
    if accelerator.per_node is not UNKNOWN and case.deployment.layout.gpus > accelerator.per_node:
        said.append(f"the network between nodes of {accelerator.per_node} is taken to be as fast as {accelerator.link}")
    if len(engine.rows) == 1:
        said.append("one measurement only stands behind the engine's constants")
    return tuple(said)


def _reasons(case: _Case, outcome: _Outcome) -> tuple[str, ...]:
    here, replicas, concurrency = outcome.here, case.replicas, case.workload.concurrency
    by_limit = case.by_memory >= case.limit
    held = f"the engine's limit of {case.limit:,}" if by_limit else f"memory for {case.by_memory:,}"
    on_each = f" on each of {replicas:,} replicas" if replicas > 1 else ""
    said = [
        f"at most {counted(case.largest * replicas, 'sequence')} at once: {held}{on_each}",
        f"a decode step of {here.batch:.4g} sequence{'' if here.batch == 1 else 's'} a replica takes {here.step.total * 1e3:.2f} ms, mostly {here.step.shares.bottleneck}",
        f"a prompt adds {here.prompt.total * 1e3:.2f} ms",
    ]
    if concurrency is not None and concurrency > outcome.batch:
        said.append(f"{concurrency - outcome.batch:,} of {counted(concurrency, 'request')} wait in the queue")
    return tuple(said)
