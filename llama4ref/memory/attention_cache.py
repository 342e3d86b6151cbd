"""KV cache: bytes of a request, blocks and tokens of an amount of memory, the longest request.

The arithmetic of vLLM's own planner (`v1/core/kv_cache_utils.py`, `v1/kv_cache_interface.py`), release by release.
Sizes are bytes on one GPU; with pipeline parallelism on a GPU of the most loaded stage.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.engine.layout import Layout
from llama4ref.errors import RequestError
from llama4ref.facts import catalog_of
from llama4ref.field_words import described
from llama4ref.memory.cache_groups import cache_groups, cache_stages, layers_by_kind, with_draft_layers
from llama4ref.memory.draft_head import draft_bounds, draft_page_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.facts.types.models import Model
    from llama4ref.memory.cache_groups import CacheGroup, CacheStage, LayerKind

ELEMENT_BYTES = {"bfloat16": 2, "float16": 2, "float32": 4, "fp8": 1, "fp8_e4m3": 1, "fp8_e5m2": 1}
NULL_BLOCKS = 1
"""Blocks of the pool that hold nothing (`v1/core/block_pool.py`)."""
PLATFORMS = ("cuda", "rocm", "xpu", "cpu")


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class CacheCapacity:
    """What an amount of memory holds, as the engine reports it at start."""

    num_blocks: int
    """Blocks of the pool, the null block included (`num_gpu_blocks`)."""
    tokens: int
    """The printed `KV cache size`; under the hybrid cache it depends on `max_model_len`."""
    max_concurrency: float
    """The printed `Maximum concurrency`: requests of `max_model_len` tokens that fit at once."""
    fits: bool
    """Whether the engine starts; where it does not, it prints none of the other three.

    Before 0.19.0 it could start with less than one request needs: then `max_concurrency` is below 1.
    """


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class KVCache:
    """The KV cache of one configuration."""

    max_model_len: int
    """Longest request, in tokens."""
    limit: int
    """Longest request that there are positions for, in tokens: the checkpoint's own limit, or fewer where its RoPE table is shortened."""
    block_size: int
    """Tokens of one block."""
    page_bytes: int
    """Keys and values of one layer and one block."""
    hybrid: bool
    """Whether chunked-local layers keep one chunk only."""
    chunked_local_tokens: int
    """Most tokens that a chunked-local layer holds of one request: a chunk, and the tokens in flight."""
    groups: tuple[CacheGroup, ...]
    """Layers that share a block table."""
    stages: tuple[CacheStage, ...]
    """Pipeline stages, first to last."""
    rules: Behaviour
    """What holds at the release."""

    @property
    def bytes_per_block(self) -> int:
        """Bytes of one block of the pool."""
        return max(stage.bytes_per_block for stage in self.stages)

    @property
    def blocks_per_request(self) -> int:
        """Blocks that one request of `max_model_len` tokens takes, over all groups."""
        return self.blocks_at(self.max_model_len)

    @property
    def bytes_per_request(self) -> int:
        """Bytes that one request of `max_model_len` tokens takes."""
        return self.bytes_per_block * self.blocks_per_request

    def blocks_at(self, tokens: int) -> int:
        """Blocks that one request of so many tokens takes at most, over all groups."""
        every, chunk = self.group_blocks("global", tokens), self.group_blocks("chunked-local", tokens)
        return sum([every if group.kind == "global" else chunk for group in self.groups])

    def bytes_held(self, kind: LayerKind, tokens: int | None = None) -> int:
        """Bytes that the groups of one kind hold of one request; of `max_model_len` tokens where none are given."""
        length = self.max_model_len if tokens is None else tokens
        return self.bytes_per_block * sum(
            self.group_blocks(kind, length) for group in self.groups if group.kind == kind
        )

    def group_blocks(self, kind: LayerKind, tokens: int) -> int:
        """Blocks that one group takes of one request of so many tokens."""
        return -(-(tokens if kind == "global" else min(tokens, self.chunked_local_tokens)) // self.block_size)

    def capacity(self, available_bytes: int | Sequence[int]) -> CacheCapacity:
        """What the memory left for the cache holds.

        Args:
            available_bytes: of each GPU, or of a GPU of each pipeline stage, first stage first.
        """
        num_blocks = self.num_blocks(available_bytes)
        if self.rules.concurrency_in_blocks:
            concurrency = num_blocks / self.blocks_per_request
        else:
            concurrency = num_blocks * self.block_size / self.max_model_len
        return CacheCapacity(
            num_blocks=num_blocks,
            tokens=(
                int(concurrency * self.max_model_len)
                if self.rules.tokens_from_concurrency
                else num_blocks // len(self.groups) * self.block_size
            ),
            max_concurrency=concurrency,
            fits=self.fits(available_bytes),
        )

    def num_blocks(self, available_bytes: int | Sequence[int]) -> int:
        """Blocks of the pool, the null block included; memory as in `capacity`."""
        available = self._of_each_stage(available_bytes)
        return max(0, min([left // stage.bytes_per_block for stage, left in available]))

    def fits(self, available_bytes: int | Sequence[int]) -> bool:
        """Whether the engine starts; memory as in `capacity`."""
        return self._accepts(self.max_model_len, self._of_each_stage(available_bytes))

    def requests_held(self, tokens: int, available_bytes: int | Sequence[int], *, shared_tokens: int = 0) -> int:
        """Requests of so many tokens that the pool holds at once, at most; 0 where none fits.

        One block of every pool stays empty. Whole blocks of a prefix that all requests share are held once in layers that keep
        every token.

        Args:
            tokens: of one request, prompt and reply.
            available_bytes: of each GPU, or of a GPU of each pipeline stage, first stage first.
            shared_tokens: leading tokens that all requests have in common.
        """
        shared = shared_tokens // self.block_size * sum(group.kind == "global" for group in self.groups)
        free = self.num_blocks(available_bytes) - NULL_BLOCKS - shared
        return max(0, free // (self.blocks_at(tokens) - shared))

    def largest_max_model_len(self, available_bytes: int | Sequence[int]) -> int:
        """The largest `max_model_len` that the engine accepts, at most the checkpoint's own limit; 0 where none is.

        It is what `--max-model-len auto` chooses, and the estimate in the message about too little memory where the
        length asked for is not below it.
        """
        available = set(self._of_each_stage(available_bytes))
        lengths = range(1, self.limit + 1)
        return bisect_left(lengths, x=True, key=lambda length: not self._accepts(length, available))

    def _of_each_stage(self, available_bytes: int | Sequence[int]) -> tuple[tuple[CacheStage, int], ...]:
        """Each stage with its memory."""
        each = [available_bytes] * len(self.stages) if isinstance(available_bytes, int) else list(available_bytes)
        if len(each) != len(self.stages):
            raise RequestError(
                f"available_bytes has {len(each)} entries, but there are {len(self.stages)} pipeline stages; give one for each"
            )
        return tuple(zip(self.stages, each, strict=True))

    def _accepts(self, length: int, available: Iterable[tuple[CacheStage, int]]) -> bool:
        """Whether the start check of every stage passes."""
        held_back = 1 if self.rules.null_block_reserved else 0
        return all(
            self._checked_bytes(stage, length) <= left - held_back * stage.bytes_per_block for stage, left in available
        )

    def _checked_bytes(self, stage: CacheStage, length: int) -> int:
        """Bytes that the start check charges for one request on a stage, by `rules.start_check`.

        - `layers`: the check runs before hybrid is disabled, so a chunked-local layer is charged for one chunk although it will
          later store every token.
        - `first-group`, `first-group-of-stage`: only the first group is charged. It is chunked-local, so the engine starts with
          less memory than one request needs.
        - `groups`: every group is charged.
        """
        match self.rules.start_check:
            case "layers":
                local: LayerKind = "global" if self.rules.hybrid_platforms == "none" else "chunked-local"
                return self.page_bytes * (
                    stage.global_layers * self.group_blocks("global", length)
                    + stage.chunked_local_layers * self.group_blocks(local, length)
                ) + stage.draft_bytes_per_block * self.group_blocks("global", length)
            case "first-group":
                largest_group = max(len(group.layers) for group in self.groups)
                per_block = self.page_bytes * largest_group + self.stages[-1].draft_bytes_per_block
                return per_block * self.group_blocks(self.groups[0].kind, length)
            case "first-group-of-stage":
                return stage.bytes_per_block * self.group_blocks(self.groups[0].kind, length)
            case _:
                return stage.bytes_per_block * self.blocks_at(length)


def kv_cache(
    model: Model,
    *,
    max_model_len: int,
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
    cache_dtype: str = "bfloat16",
    block_size: int = 16,
    max_num_batched_tokens: int = 8192,
    hybrid: bool = True,
    release: str | None = None,
    platform: str = "cuda",
    async_scheduling: bool | None = None,
    limit: int | None = None,
    rules: Behaviour | None = None,
    draft: Checkpoint | str | None = None,
) -> KVCache:
    """The KV cache of a model, as vLLM plans it.

    Args:
        model: whose architecture is known.
        max_model_len: `--max-model-len`, in tokens.
        tensor_parallel: GPUs that share the heads of a layer.
        pipeline_parallel: stages that share the layers.
        cache_dtype: `--kv-cache-dtype`; `auto` is the dtype of the published weights, and another `--dtype` is named here.
        block_size: `--block-size`; the engine's default is 16, on CPU 128.
        max_num_batched_tokens: `--max-num-batched-tokens`.
        hybrid: whether the hybrid cache is on: where the release or the platform cannot do it, it stays off.
        release: of vLLM, by the model's catalogue; the newest one there where none is named.
        platform: `cuda`, `rocm`, `xpu` or `cpu`.
        async_scheduling: `--async-scheduling`; on where none is said, except on CPU, where vLLM turns it off.
        limit: the checkpoint's own limit, in tokens (`checkpoint.limit(model)`); of the instruct ones where none is given.
        rules: of the release, where they are at hand.
        draft: a draft head, or its id or repository: its layers hold every token, and it turns the hybrid cache off.

    Raises:
        RequestError: for a size that is not positive, a dtype or platform that vLLM does not name, or a parallelism that
            does not divide the model.
        ReleaseError: for a release that the specs do not cover.
        UnknownFactError: for a model whose architecture is not published.

    Examples:
        >>> from llama4ref.facts import load
        >>> cache = kv_cache(load().model("scout"), max_model_len=1_000_000, tensor_parallel=8, release="0.32.0")
        >>> cache.bytes_per_request, cache.bytes_held("chunked-local"), cache.largest_max_model_len(40 * 2**30)
        (6596984832, 452984832, 6916752)
    """
    architecture = model.architecture
    text, attention = architecture.text, architecture.attention
    rules = rules or catalog_of(model).engine("vllm").at(release)
    _check_sizes(max_model_len=max_model_len, block_size=block_size, max_num_batched_tokens=max_num_batched_tokens)
    layout = Layout(tensor_parallel=tensor_parallel, pipeline_parallel=pipeline_parallel)
    layout.check(architecture)
    if platform not in PLATFORMS:
        raise RequestError(f"platform is {platform!r}, but vLLM plans for {', '.join(PLATFORMS)}; name one of these")
    element_bytes = _element_bytes(text.dtype if cache_dtype == "auto" else cache_dtype)
    page_bytes = (
        2  # keys and values
        * block_size
        * layout.local_kv_heads(attention.kv_heads)
        * attention.head_dim
        * element_bytes
    )  # fmt: skip
    overlapped = platform != "cpu" and async_scheduling is not False
    batches = _batches_in_flight(rules, pipeline_parallel, overlapped=overlapped)
    on = hybrid and draft is None and platform in rules.hybrid_platforms.split()
    by_kind = layers_by_kind(text, attention)
    groups = cache_groups(by_kind, hybrid=on)
    stages = cache_stages(groups, layout.stages(text.layers), by_kind=by_kind, page_bytes=page_bytes)
    if draft is not None:
        stages = with_draft_layers(
            stages,
            draft_page_bytes(draft_bounds(model, draft), layout, block_size=block_size, element_bytes=element_bytes),
        )
    return KVCache(
        max_model_len=max_model_len,
        limit=architecture.context.limit() if limit is None else limit,
        block_size=block_size,
        page_bytes=page_bytes,
        hybrid=on,
        chunked_local_tokens=attention.chunk_size + batches * max_num_batched_tokens,
        groups=groups,
        stages=stages,
        rules=rules,
    )


def _batches_in_flight(rules: Behaviour, pipeline_parallel: int, *, overlapped: bool) -> int:
    """Batches whose tokens a chunked-local layer may hold at once (`max_concurrent_batches` in `config/vllm.py`)."""
    if not rules.in_flight_tokens_reserved:
        return 1
    overlap = overlapped and (rules.pipeline_batch_overlap or pipeline_parallel == 1)
    return pipeline_parallel + (1 if overlap else 0)


def _element_bytes(dtype: str) -> int:
    """Bytes of one number of the cache."""
    if dtype not in ELEMENT_BYTES:
        raise RequestError(
            f"cache_dtype is {dtype!r}, but the cache is one of {', '.join(['auto', *ELEMENT_BYTES])}; name one"
        )
    return ELEMENT_BYTES[dtype]


def _check_sizes(**sizes: int) -> None:
    """Refuse what is not a positive whole number."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise RequestError(f"{name} is {size}, but it counts tokens; give a whole number of at least 1")
