"""The rules of the KV cache that changed between releases, worked by hand."""

from __future__ import annotations

import pytest

from llama4ref import load
from llama4ref.memory.attention_cache import KVCache, kv_cache

CATALOG = load()
SCOUT, VLLM = CATALOG.model("scout"), CATALOG.engine("vllm")
CHUNK, BATCHED = 8192, 4096


def _cache(release: str, **changes: int) -> KVCache:
    return kv_cache(
        SCOUT, max_model_len=1_048_576, tensor_parallel=8, max_num_batched_tokens=BATCHED, hybrid=True, rules=VLLM.at(release),
        platform="cuda", **changes,
    )  # fmt: skip


@pytest.mark.parametrize(("release", "batches"), [("0.25.1", 1), ("0.26.0", 2), ("0.33.0", 2)])
def test_a_chunked_local_layer_keeps_a_chunk_and_the_tokens_in_flight(release: str, batches: int) -> None:
    """Of one batch before 0.26.0, and of the two that asynchronous scheduling has under way since."""
    assert _cache(release).chunked_local_tokens == CHUNK + batches * BATCHED


@pytest.mark.parametrize(("release", "spare"), [("0.28.0", 0), ("0.29.0", 1), ("0.33.0", 1)])
def test_the_start_check_keeps_one_block_back_from_0_29(release: str, spare: int) -> None:
    """As many blocks as a request takes are enough before; from then on the pool's empty block is one more."""
    cache = _cache(release)

    for blocks, fits in ((cache.blocks_per_request + spare, True), (cache.blocks_per_request + spare - 1, False)):
        assert cache.capacity((blocks * cache.bytes_per_block,)).fits is fits
