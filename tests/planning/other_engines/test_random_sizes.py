"""What holds of every sized plan, whatever is asked for."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from llama4ref import Llama4refError, PlanRequest, SizedPlan, load, plan

CATALOG = load()
WISHES = st.fixed_dictionaries(
    {
        "gpu": st.sampled_from(list(CATALOG.accelerators)),
        "engine": st.sampled_from(["sglang", "llama-cpp", "mlx-lm", "ollama", "tensorrt-llm"]),
    },
    optional={
        "model": st.sampled_from(["scout", "maverick"]),
        "count": st.sampled_from([1, 2, 3, 4, 8, 12, 48]),
        "context": st.integers(1, 12_000_000),
        "concurrency": st.integers(1, 600),
        "images": st.integers(0, 5),
        "cache_dtype": st.sampled_from(["auto", "bfloat16", "fp8"]),
        "engine_release": st.sampled_from(["0.4.5", "0.5.9", "b5237", "0.30.0", "1.0.0"]),
    },
)


def sized(wish: dict[str, object]) -> tuple[SizedPlan, ...]:
    """What is sized; nothing for a wish that contradicts itself."""
    with contextlib.suppress(Llama4refError):
        return plan(PlanRequest(**wish), CATALOG).sized  # type: ignore[arg-type]
    return ()


@given(wish=WISHES)
@settings(deadline=None, max_examples=150)
def test_what_is_sized_fits_at_least_with_the_least_of_each_part(wish: dict[str, object]) -> None:
    """The least of all parts is within the device, and what surely fits is no longer than the longest that does."""
    for found in sized(wish):
        assert sum(line.least_bytes for line in found.lines) <= found.memory_bytes
        assert found.fits is None or found.context <= (found.largest_context or 0)


@given(wish=WISHES)
@settings(deadline=None, max_examples=60)
def test_a_longer_request_never_needs_a_smaller_cache(wish: dict[str, object]) -> None:
    """The same devices, twice the context: no part shrinks."""
    short = wish | {"context": 4_096, "count": wish.get("count", 1)}
    longer = {found.checkpoint.id: found for found in sized(short | {"context": 8_192})}

    for found in sized(short):
        if found.checkpoint.id in longer:
            pairs = zip(found.lines, longer[found.checkpoint.id].lines, strict=True)
            assert all(before.least_bytes <= after.least_bytes for before, after in pairs)
