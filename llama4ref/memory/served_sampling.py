"""What does sampling take once requests are served, over what the engine profiled?

The V2 runner takes the largest logit of each request in its profile. As soon as the KV cache exists its warm-up samples with top-k and
top-p (`v1/worker/gpu/warmup.py`), as requests may later; 0.33.0 profiles that too. Drafts are verified with the logits of all their tokens, of which a profile has one a
request (V1, `v1/sample/rejection_sampler.py`) or none (V2, `v1/worker/gpu/spec_decode/rejection_sampler.py`). Both lie beside the
share as far as they exceed the profiled peak: that is free for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.memory.activation_peaks import VERIFIED_REQUEST_BYTES
from llama4ref.memory.budget_lines import BudgetLine
from llama4ref.units import format_bytes
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.engine.estimates import Estimate, EstimatesFor
    from llama4ref.facts.types.models import Architecture

BF16 = 2
FP32 = 4
PROFILED_DRAFTS = 1
"""Tokens that the V1 runner's profile drafts for a request (`v1/worker/gpu_model_runner.py`, `_dummy_sampler_run`)."""
SERVED_SAMPLING = "sampling beyond the profile"
"""Name of the line."""


@dataclass(frozen=True, slots=True)
class _Need:
    """Bytes of one way to sample, with bounds."""

    bytes: int
    low: int
    high: int
    formula: str
    source: str


def served_sampling(
    architecture: Architecture, config: EngineConfig, estimates: EstimatesFor, *, profiled: Iterable[BudgetLine]
) -> Iterator[BudgetLine]:
    """One line where sampling may take more than was profiled, on a GPU of the last stage.

    Args:
        architecture: of the model.
        config: how it is served.
        estimates: of the release and the GPU.
        profiled: the phases of the profiled step there, of which the largest is kept free.
    """
    hidden = config.max_num_batched_tokens * architecture.text.hidden_size * BF16
    needs = [need for way in WAYS for need in way(architecture, config, estimates)]
    kept = list(profiled)
    if not needs or not kept:
        return
    need = max(needs, key=lambda each: each.high)
    peak = max(line.bytes for line in kept)
    yield BudgetLine(
        name=SERVED_SAMPLING,
        place="outside",
        bytes=max(0, need.bytes + hidden - peak),
        low=max(0, need.low + hidden - max(line.high for line in kept)),
        high=max(0, need.high + hidden - max(line.low for line in kept)),
        formula=f"{need.formula}, and the hidden states, less the profiled peak of {format_bytes(peak)}",
        source=need.source,
    )


def _with_parameters(architecture: Architecture, config: EngineConfig, estimates: EstimatesFor) -> Iterator[_Need]:
    """A batch that is sampled with top-k and top-p; nothing at releases that profile it."""
    each = estimates.find("memory.served_logit_bytes")
    if each is None:
        return
    rows, vocabulary = min(config.max_num_seqs, config.max_num_batched_tokens), architecture.text.vocab_size
    yield _Need(
        *_times(each, rows * vocabulary),
        formula=f"{counted(rows, 'request')} x {vocabulary:,} logits x {each.value:g} bytes with top-k and top-p",
        source=each.source or "",
    )


def _of_drafts_at_once(architecture: Architecture, config: EngineConfig, estimates: EstimatesFor) -> Iterator[_Need]:
    """A batch whose drafts the V1 runner verifies all at once; its profile drafts one token a request."""
    each, drafted = estimates.find("memory.draft_logit_bytes"), config.draft_tokens
    if each is None or drafted < PROFILED_DRAFTS + 1:
        return
    rows = max(1, min(config.max_num_seqs, config.max_num_batched_tokens // (1 + drafted)))
    vocabulary = architecture.text.vocab_size
    own = rows * vocabulary * VERIFIED_REQUEST_BYTES
    value, low, high = (own + size for size in _times(each, rows * drafted * vocabulary))
    yield _Need(
        value,
        low,
        high,
        formula=f"{counted(rows, 'request')} x {vocabulary:,} logits x ({VERIFIED_REQUEST_BYTES} + {drafted} drafts x {each.value:g}) bytes",
        source=each.source or "",
    )


def _of_drafts_in_parts(architecture: Architecture, config: EngineConfig, estimates: EstimatesFor) -> Iterator[_Need]:
    """A batch whose drafts are verified: bf16 logits of every token, gathered and laid out again by tensor parallel; some in fp32."""
    part = estimates.find("memory.draft_verification")
    if part is None or not config.draft_tokens:
        return
    rows = min(config.max_num_seqs * (1 + config.draft_tokens), config.max_num_batched_tokens)
    vocabulary = architecture.text.vocab_size
    logits, ranks = rows * vocabulary, config.layout.tensor_parallel
    gathered = logits * BF16 * (2 * ranks + 1) // ranks if ranks > 1 else 0
    kept, whole = logits * BF16, logits * FP32
    value, low, high = (max(gathered, kept + min(whole, size)) for size in _times(part, 1))
    yield _Need(
        value,
        low,
        high,
        formula=f"{counted(rows, 'token')} with drafts x {vocabulary:,} logits x {BF16} bytes, gathered, and some in fp32",
        source=part.source or "",
    )


WAYS = (_with_parameters, _of_drafts_at_once, _of_drafts_in_parts)
"""Ways to sample that may take more than was profiled."""


def _times(each: Estimate, count: int) -> tuple[int, int, int]:
    """A figure and its bounds, in whole bytes."""
    return round(count * each.value), math.floor(count * each.low), math.ceil(count * each.high)
