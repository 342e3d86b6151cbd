"""What a planner answers: plans with their reasons, and refusals with their rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import Reason, Setting
from llama4ref.field_words import described
from llama4ref.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.models import Model
    from llama4ref.facts.types.providers import Offer, Provider
    from llama4ref.memory.gpu_budget import MemoryBudget
    from llama4ref.performance.throughput import Performance
    from llama4ref.performance.workload import Workload
    from llama4ref.planning.request import PlanRequest


Change = tuple[str, str | int | float | bool | None]
"""A field of the request and another value for it."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that was considered and does not hold, and what would."""

    subject: str
    """What was refused."""
    rule: str
    """Short name of the rule, such as `kv-cache-too-small`."""
    numbers: str
    """The rule in words, with its numbers."""
    instead: str | None = None
    """What would hold."""
    source: str | None = None
    """Id of the source of the rule."""
    changes: tuple[Change, ...] = ()
    """Fields of the request with values that lift it; empty where nothing is known to."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.numbers}" + (f"; {self.instead}" if self.instead else "")


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way to serve a model on own GPUs."""

    model: Model
    """The model that is served."""
    checkpoint: Checkpoint
    """The published weights, in the formats that are counted."""
    accelerator: Accelerator
    """The GPU."""
    count: int
    """GPUs in all."""
    nodes: int
    """Machines that share the GPUs evenly."""
    request: PlanRequest
    """What was asked for."""
    config: EngineConfig
    """Settings, environment and reasons, for one release of vLLM."""
    budget: MemoryBudget
    """Memory of the fullest GPU, line by line."""
    context: int
    """Longest request that is promised, in tokens: a lower bound."""
    largest_context: int
    """Longest request that would fit with these settings: a lower bound."""
    max_concurrency: float
    """Requests of `context` tokens that fit at once, over all replicas: a lower bound of what the engine prints."""
    kv_cache_tokens: int
    """KV cache size that the engine prints, of one replica: a lower bound."""
    caveats: tuple[Reason, ...]
    """What to know before relying on it: limits of quality, of proof and of speed."""
    performance: Performance | None
    """How fast it should be; None where the accelerator's rates are unknown, or without CUDA graphs."""
    workload: Workload | None
    """The requests that `performance` is stated for; None where it is."""

    def __repr__(self) -> str:
        """What tells it from other plans; the facts and the budget behind it would fill pages."""
        return (
            f"Plan(model={self.model.id!r}, checkpoint={self.checkpoint.id!r}, gpu={self.accelerator.id!r}, count={self.count}, "
            f"nodes={self.nodes}, release={self.release!r}, context={self.context}, max_concurrency={self.max_concurrency:.2f})"
        )

    @property
    def release(self) -> str:
        """Release of vLLM that the settings are for."""
        return self.config.release

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Server options by name, in the order they are written; `model` is the positional one."""
        return self.config.settings

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables of the server."""
        return self.config.environment

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why each setting is there."""
        return self.config.reasons


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class HostedPlan:
    """One provider's offer that meets a request."""

    model: Model
    """The model that is served."""
    provider: Provider
    """Who serves it."""
    offer: Offer
    """What is offered, with every source's word on it."""
    context: int | None
    """Lowest credible limit, in tokens."""
    max_output_tokens: int | None
    """Lowest credible limit of a reply."""
    price: float | None
    """US dollars per million tokens of the workload's mix, by the highest credible prices."""
    reasons: tuple[Reason, ...]
    """What the offer states of what was asked for."""
    caveats: tuple[Reason, ...]
    """Disputes among sources, and what is not disclosed."""

    def __repr__(self) -> str:
        """What tells it from other offers."""
        return (
            f"HostedPlan(model={self.model.id!r}, provider={self.provider.id!r}, offer={self.offer.name!r}, "
            f"context={self.context}, price={self.price})"
        )

    @property
    def budget(self) -> None:
        """The provider's business."""
        return

    @property
    def settings(self) -> dict[str, Setting]:
        """What a client needs to know."""
        return {"provider": self.provider.id, "model": self.offer.name}

    @property
    def performance(self) -> None:
        """No source states it."""
        return


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class SizedLine:
    """One named part of a device's memory, as an interval."""

    name: str
    """What takes it."""
    least_bytes: int
    """Least that it takes."""
    most_bytes: int | None
    """Most that it takes; None where nobody states it."""
    because: str
    """The rule in words."""
    source: str | None
    """Id of the source of the rule."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class SizedPlan:
    """A checkpoint whose memory is sized by the published rules of an engine that is not planned for in full.

    It is computed from facts and proved by nothing: no launch, no measurement and no check of settings stands behind it.
    """

    model: Model
    """The model that is served."""
    checkpoint: Checkpoint
    """The published weights."""
    accelerator: Accelerator
    """The device."""
    count: int
    """Devices in all."""
    engine: Engine
    """What would serve it."""
    release: str
    """Release of the engine whose rules are taken."""
    request: PlanRequest
    """What was asked for."""
    lines: tuple[SizedLine, ...]
    """Memory of the fullest device."""
    memory_bytes: int
    """Memory of a device that a process may use."""
    context: int
    """The request that it is sized for, in tokens."""
    requests: int
    """Requests at once, each of `context` tokens."""
    largest_context: int | None
    """Longest request that fits whatever the overhead is: a lower bound; None where nobody states the overhead."""
    fits: bool | None
    """True where it fits whatever the overhead is; None where that is not known. What does not fit is refused."""
    cache_type: str
    """Number format of the cache, in the engine's word."""
    command: str | None
    """How the server is started; None where the facts do not say it."""
    reasons: tuple[Reason, ...]
    """Which rules were taken."""
    caveats: tuple[Reason, ...]
    """Known faults that it meets, and what is not known."""

    @property
    def rung(self) -> str:
        """How far up the ladder of proof it has been shown to hold."""
        return "computed"

    def __repr__(self) -> str:
        """What tells it from others."""
        return (
            f"SizedPlan(engine={self.engine.id!r}, release={self.release!r}, checkpoint={self.checkpoint.id!r}, "
            f"gpu={self.accelerator.id!r}, count={self.count}, context={self.context}, fits={self.fits})"
        )


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A request that differs in little from one that nothing meets, and is met."""

    request: PlanRequest
    """The request that is met."""
    changes: tuple[Change, ...]
    """Fields that differ, with their values here."""
    plan: Plan
    """The best plan for it."""


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """The answer to a request."""

    request: PlanRequest
    """What was asked for."""
    plans: tuple[Plan | HostedPlan, ...]
    """Best first."""
    refused: tuple[Refusal, ...]
    """What was considered and why it does not hold."""
    sized: tuple[SizedPlan, ...] = ()
    """What other engines would serve, by their published rules of memory, those that surely fit first; never proved."""

    def __repr__(self) -> str:
        """How much there is, and the best; `plans` and `refused` have it all."""
        return f"PlanResult({counted(len(self.plans), 'plan')}, {len(self.refused)} refused, best={self.best!r})"

    def __len__(self) -> int:
        """How many plans there are; none is false."""
        return len(self.plans)

    def __iter__(self) -> Iterator[Plan | HostedPlan]:
        """The plans, best first."""
        return iter(self.plans)

    @property
    def best(self) -> Plan | HostedPlan | None:
        """The first plan, or None where nothing holds."""
        return self.plans[0] if self.plans else None
