"""What a person wants served, and on what."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from llama4ref.engine.repositories import is_repository
from llama4ref.errors import RequestError
from llama4ref.units import check_price, parse_day, parse_tokens

Goal = Literal["balanced", "latency", "throughput", "cost"]
GOALS: tuple[Goal, ...] = ("balanced", "latency", "throughput", "cost")
CACHE_DTYPES = ("auto", "bfloat16", "fp8")
OF_OWN_GPUS = (
    "gpu", "count", "checkpoint", "engine_release", "tensor_parallel", "pipeline_parallel", "data_parallel",
)  # fmt: skip
"""Fields that no provider lets one choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """A wish. Everything left out is for the planner to choose.

    Token counts are whole numbers, or text as vLLM reads it: `1M` is 1,048,576 and `1m` is 1,000,000.

    Raises:
        RequestError: for a value that cannot be meant, or two that contradict each other.

    Examples:
        >>> PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M").context
        1048576
    """

    model: str | None = None
    """Id of a model; any where none is given."""
    gpu: str | None = None
    """Id of an accelerator; any where none is given."""
    count: int | None = None
    """GPUs in all; any where none is given."""
    nodes: int = 1
    """Machines that share the GPUs evenly."""
    hosted: bool | None = None
    """True for providers only, False for own GPUs only; either where it is left out and nothing describes own GPUs."""
    context: int | str | None = None
    """Longest request in tokens, prompt and reply together; where it is left out, the largest that fits is found."""
    concurrency: int | None = None
    """Requests at once. Where it is left out the engine's own default decides the batch."""
    prompt_tokens: int | str | None = None
    """Usual prompt length in tokens."""
    output_tokens: int | str | None = None
    """Usual reply length in tokens."""
    images: int = 0
    """Images of one prompt at most; 0 serves text alone."""
    tools: bool = False
    """Whether replies must carry tool calls."""
    json_schema: bool = False
    """Whether replies must follow a JSON schema."""
    speculative: str | None = None
    """Repository of an EAGLE or EAGLE3 draft head."""
    checkpoint: str | None = None
    """Id or repository of the checkpoint; any that fits where none is given."""
    min_weight_bits: int = 0
    """Fewest bits of a routed expert's weight that are good enough: 16, 8, 4 …"""
    engine_release: str | None = None
    """Release of vLLM; the newest that the facts cover where none is given."""
    cache_dtype: str = "auto"
    """`auto` tries bf16, then fp8 where only that fits."""
    hybrid: bool | None = None
    """Whether to use the hybrid KV cache; the release's default, or what the context needs, where it is left out."""
    tensor_parallel: int | None = None
    pipeline_parallel: int | None = None
    data_parallel: int | None = None
    expert_parallel: bool | None = None
    gpu_memory_utilization: float | None = None
    """The engine's share of a GPU; the release's default where it is left out."""
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    enforce_eager: bool = False
    headroom: float = 0.0
    """Part of the KV cache to leave free, from 0 to 0.9."""
    goal: Goal = "balanced"
    """What the best plan is best at."""
    max_price: float | None = None
    """Most that a provider may ask, in US dollars per million tokens of the workload's mix."""
    as_of: str | None = None
    """Day for which a provider's offer must hold, ISO 8601; offers count as they were last read where it is left out."""

    def __post_init__(self) -> None:
        for name in ("context", "prompt_tokens", "output_tokens"):
            value = getattr(self, name)
            if isinstance(value, str):
                object.__setattr__(self, name, parse_tokens(value))
        if self.as_of is not None:
            object.__setattr__(self, "as_of", parse_day(self.as_of, "as_of"))
        self._check_counts()
        self._check_choices()
        self._check_together()

    def _check_counts(self) -> None:
        for name in (
            "count", "nodes", "context", "concurrency", "prompt_tokens", "output_tokens", "tensor_parallel",
            "pipeline_parallel", "data_parallel", "max_num_seqs", "max_num_batched_tokens",
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise RequestError(f"{name}: found {value!r}, expected a whole number of at least 1")
        for name in ("images", "min_weight_bits"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise RequestError(f"{name}: found {value!r}, expected a whole number of at least 0")

    def _check_choices(self) -> None:
        if self.goal not in GOALS:
            raise RequestError(f"goal: found {self.goal!r}, expected one of {', '.join(GOALS)}")
        if self.cache_dtype not in CACHE_DTYPES:
            raise RequestError(f"cache_dtype: found {self.cache_dtype!r}, expected one of {', '.join(CACHE_DTYPES)}")
        if not 0 <= self.headroom <= 0.9:
            raise RequestError(f"headroom: found {self.headroom}, expected a part from 0 to 0.9")
        if self.gpu_memory_utilization is not None and not 0 < self.gpu_memory_utilization <= 1:
            raise RequestError(
                f"gpu_memory_utilization: found {self.gpu_memory_utilization}, expected more than 0 and at most 1"
            )
        if self.speculative is not None and "/" in self.speculative and not is_repository(self.speculative):
            raise RequestError(f"speculative: found {self.speculative!r}, expected a repository such as owner/name")
        check_price("max_price", self.max_price)

    def _check_together(self) -> None:
        if self.count is not None and self.count % self.nodes:
            raise RequestError(
                f"count: {self.count} GPUs do not divide over {self.nodes} nodes; give a multiple of {self.nodes}"
            )
        if self.hosted and self._named_of_own_gpus:
            name = self._named_of_own_gpus[0]
            raise RequestError(f"hosted: a hosted plan runs on no GPU of your own; leave out {name} or hosted")
        if self.speculative is not None and self.hybrid:
            raise RequestError("hybrid: a draft head turns the hybrid KV cache off; leave out hybrid or speculative")
        prompt, reply, context = self.prompt_tokens or 0, self.output_tokens or 0, self.context
        if isinstance(context, int) and isinstance(prompt, int) and isinstance(reply, int) and prompt + reply > context:
            raise RequestError(
                f"context: {context:,} tokens hold no prompt of {prompt:,} and reply of {reply:,}; give at least {prompt + reply:,}"
            )

    @property
    def context_tokens(self) -> int | None:
        """`context` as a number: what was asked for, or what prompt and reply need together."""
        if isinstance(self.context, int):
            return self.context
        if isinstance(self.prompt_tokens, int) and isinstance(self.output_tokens, int):
            return self.prompt_tokens + self.output_tokens
        return None

    @property
    def least_tokens(self) -> int:
        """Tokens that any plan must hold, where `context` and one of prompt and reply are left out: the other and one more."""
        given = [each for each in (self.prompt_tokens, self.output_tokens) if isinstance(each, int)]
        return sum(given) + 1 if given else 1

    @property
    def _named_of_own_gpus(self) -> list[str]:
        """What is asked for that only own GPUs can have."""
        given = [name for name in OF_OWN_GPUS if getattr(self, name) is not None]
        return given if self.nodes == 1 else [*given, "nodes"]

    @property
    def wants_own_gpus(self) -> bool:
        """Whether plans on own GPUs are asked for."""
        return not self.hosted

    @property
    def wants_providers(self) -> bool:
        """Whether hosted plans are asked for."""
        return self.hosted is True or (self.hosted is None and not self._named_of_own_gpus)

    def as_dict(self) -> dict[str, object]:
        """What was asked for, without what was left out."""
        defaults = {field.name: field.default for field in fields(self)}
        return {name: value for name in defaults if (value := getattr(self, name)) != defaults[name]}
