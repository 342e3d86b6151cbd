"""What a person wants served, and on what."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from llama4ref.errors import RequestError
from llama4ref.field_words import described
from llama4ref.planning.request_fields import (
    Concern,
    checked,
    choice,
    concern_of,
    day,
    number,
    pixels,
    repository,
    switch,
    text,
    tokens,
    whole,
)
from llama4ref.wording import counted

Goal = Literal["balanced", "latency", "throughput", "cost"]
GOALS: tuple[Goal, ...] = ("balanced", "latency", "throughput", "cost")
CACHE_DTYPES = ("auto", "bfloat16", "fp8")


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """A wish. Everything left out is for the planner to choose; what is asked for is never changed.

    Token counts are whole numbers, or text as vLLM reads it: `1M` is 1,048,576 and `1m` is 1,000,000.

    Raises:
        RequestError: for a value that cannot be meant, or two that contradict each other.

    Examples:
        >>> PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M").context
        1048576
    """

    model: str | None = text()
    """Id of a model; any where none is given."""
    gpu: str | None = text(concerns="own GPUs")
    """Id of an accelerator; any where none is given."""
    count: int | None = whole(concerns="own GPUs")
    """GPUs in all; any where none is given."""
    nodes: int | None = whole(concerns="own GPUs")
    """Machines that share the GPUs evenly; as few as hold them where none are given."""
    hosted: bool | None = switch()
    """True for providers only, False for own GPUs only; either where it is left out and nothing describes own GPUs."""
    context: int | str | None = tokens()
    """Longest request in tokens: prompt, images and reply together. Where it is left out, it is the prompt and reply that
    are given, or the largest that fits."""
    concurrency: int | None = whole()
    """Requests at once. Where it is left out the engine's own default decides the batch."""
    prompt_tokens: int | str | None = tokens()
    """Text of a prompt in tokens, images not counted: of the usual prompt, and without `context` of the longest."""
    output_tokens: int | str | None = tokens()
    """A reply in tokens: the usual one, and without `context` the longest."""
    images: int = whole(0, least=0)
    """Images of one prompt at most; 0 serves text alone."""
    image_size: str | None = pixels()
    """Width and height of the images, such as `1920x1080`; where it is left out, each counts as one of the most tiles."""
    tools: bool = switch(False)
    """Whether replies must carry tool calls."""
    json_schema: bool = switch(False)
    """Whether replies must follow a JSON schema."""
    speculative: str | None = repository(concerns="own GPUs")
    """Repository of an EAGLE or EAGLE3 draft head."""
    lora_adapters: int | None = whole(concerns="own GPUs")
    """LoRA adapters that are served at once; memory is reserved for so many. One where a rank alone is given."""
    lora_rank: int | None = whole(concerns="own GPUs")
    """Largest rank of an adapter; the engine's default where it is left out."""
    checkpoint: str | None = text(concerns="own GPUs")
    """Id or repository of the checkpoint; any that fits where none is given."""
    min_weight_bits: int = whole(0, least=0)
    """Fewest bits of a routed expert's weight that are good enough: 16, 8, 4 …"""
    engine: str | None = text(concerns="own GPUs")
    """Id or name of the engine. vLLM where none is given, or any that serves the model where the GPU is not planned for with vLLM;
    of others the memory alone is sized, see `PlanResult.sized`."""
    engine_release: str | None = text(concerns="own GPUs")
    """Release of the engine; the newest that the facts cover where none is given."""
    cache_dtype: str = choice(CACHE_DTYPES, concerns="own GPUs")
    """`auto` tries bf16, then fp8 where only that fits."""
    hybrid: bool | None = switch(concerns="own GPUs")
    """Whether to use the hybrid KV cache; the release's default, or what the context needs, where it is left out."""
    tensor_parallel: int | None = whole(concerns="own GPUs")
    """Slices of every matrix; chosen where it is left out."""
    pipeline_parallel: int | None = whole(concerns="own GPUs")
    """Stages of consecutive layers; chosen where it is left out."""
    data_parallel: int | None = whole(concerns="own GPUs")
    """Replicas of everything but the routed experts; chosen where it is left out."""
    expert_parallel: bool | None = switch(concerns="own GPUs")
    """Whether a GPU holds whole experts instead of slices of all; chosen where it is left out."""
    gpu_memory_utilization: float | None = number(
        None, expected="more than 0 and at most 1", fits=lambda part: 0 < part <= 1, concerns="own GPUs"
    )
    """Part of a GPU's memory that the engine takes; the release's default where it is left out."""
    max_num_seqs: int | None = whole(concerns="own GPUs")
    """Requests in one batch of a replica."""
    max_num_batched_tokens: int | None = whole(concerns="own GPUs")
    """Tokens of one step of a replica."""
    enforce_eager: bool = switch(False, concerns="own GPUs")
    """Whether to run without CUDA graphs."""
    headroom: float = number(
        0.0, expected="a part from 0 to 0.9", fits=lambda part: 0 <= part <= 0.9, concerns="own GPUs"
    )
    """Part of the KV cache to leave free, from 0 to 0.9."""
    goal: Goal = choice(GOALS)  # noqa: RUF009  # it declares the field
    """What the best plan is best at."""
    max_price: float | None = number(
        None, expected="dollars of at least 0", fits=lambda price: price >= 0, concerns="providers"
    )
    """Most that a provider may ask, in US dollars per million tokens of the workload's mix."""
    as_of: str | None = day(concerns="providers")
    """Day for which a provider's offer must hold, ISO 8601; offers count as they were last read where it is left out."""

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, checked(each, getattr(self, each.name)))
        self._check_hardware()
        self._check_batch()
        self._check_lengths()
        self._check_concerns()

    def _check_hardware(self) -> None:
        if self.count is not None and self.nodes is not None and self.count % self.nodes:
            raise RequestError(
                f"count: {counted(self.count, 'GPU does', 'GPUs do')} not divide over {self.nodes:,} nodes; give a multiple of {self.nodes:,}"
            )
        if self.speculative is not None and self.hybrid:
            raise RequestError("hybrid: a draft head turns the hybrid KV cache off; leave out hybrid or speculative")

    def _check_batch(self) -> None:
        """Requests of one replica fit into its batch, and a step holds a token of each."""
        seqs, batched, replicas = self.max_num_seqs, self.max_num_batched_tokens, self.data_parallel or 1
        if seqs is not None and batched is not None and batched < seqs:
            raise RequestError(
                f"max_num_batched_tokens: {counted(batched, 'token a step is', 'tokens a step are')} fewer than the {seqs:,} requests of "
                f"max_num_seqs, which the engine refuses; give at least {seqs:,}"
            )
        for name, most in (("max_num_seqs", seqs), ("max_num_batched_tokens", batched)):
            if most is not None and self.concurrency is not None and most * replicas < self.concurrency:
                each = -(-self.concurrency // replicas)
                on_each = f" on each of {replicas:,} replicas" if replicas > 1 else ""
                raise RequestError(
                    f"{name}: {most:,}{on_each} cannot serve {self.concurrency:,} requests at once; "
                    f"give at least {each:,}, or name more data_parallel"
                )

    def _check_lengths(self) -> None:
        if self.image_size is not None and not self.images:
            raise RequestError("image_size: no images are asked for; give images or leave out image_size")
        context, least = self.context, self.least_tokens
        if isinstance(context, int) and least > context:
            raise RequestError(
                f"context: {counted(context, 'token holds', 'tokens hold')} no prompt of {self.prompt_tokens or 1:,} and reply of "
                f"{self.output_tokens or 1:,}; give at least {least:,}"
            )

    def _check_concerns(self) -> None:
        own, providers = self._named("own GPUs"), self._named("providers")
        if self.hosted and own:
            raise RequestError(f"hosted: a hosted plan runs on no GPU of your own; leave out {own[0]} or hosted")
        if providers and (own or self.hosted is False):
            other = own[0] if own else "hosted=False"
            raise RequestError(f"{providers[0]}: it is about providers, {other} about own GPUs; leave out one of them")

    @property
    def context_tokens(self) -> int | None:
        """The longest request, images not counted: `context`, or what prompt and reply need together."""
        if isinstance(self.context, int):
            return self.context
        if isinstance(self.prompt_tokens, int) and isinstance(self.output_tokens, int):
            return self.prompt_tokens + self.output_tokens
        return None

    @property
    def least_tokens(self) -> int:
        """Fewest tokens of a request, images not counted: what is given, and one for prompt or reply where the other is given."""
        prompt, reply = self.prompt_tokens, self.output_tokens
        if not isinstance(prompt, int) and not isinstance(reply, int):
            return 1
        return (prompt if isinstance(prompt, int) else 1) + (reply if isinstance(reply, int) else 1)

    @property
    def loras(self) -> int:
        """LoRA adapters at once; 0 where none are asked for."""
        return self.lora_adapters or (1 if self.lora_rank else 0)

    def _named(self, concern: Concern) -> list[str]:
        """Fields that were given and concern nobody else, in their order."""
        return [
            each.name
            for each in fields(self)
            if concern_of(each) == concern and getattr(self, each.name) != each.default
        ]

    @property
    def wants_own_gpus(self) -> bool:
        """Whether plans on own GPUs are asked for."""
        return not self.hosted

    @property
    def wants_providers(self) -> bool:
        """Whether hosted plans are asked for."""
        return self.hosted is True or (self.hosted is None and not self._named("own GPUs"))

    def as_dict(self) -> dict[str, object]:
        """What was asked for, without what was left out."""
        defaults = {field.name: field.default for field in fields(self)}
        return {name: value for name in defaults if (value := getattr(self, name)) != defaults[name]}
