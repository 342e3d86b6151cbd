"""For which requests is speed stated, and how fast are they served?"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from llama4ref.errors import UnknownFactError
from llama4ref.facts.arithmetic.image_tokens import image_tokens
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.performance import Workload, estimate

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.performance import Performance
    from llama4ref.planning.fitting.candidates import Candidate, FittedCandidate
    from llama4ref.planning.lengths import Lengths
    from llama4ref.planning.request import PlanRequest

DEFAULT_PROMPT, DEFAULT_REPLY = 1_000, 1_000
"""Lengths that speed is stated for where the request says nothing: those of most published measurements."""


def workload_of(request: PlanRequest, lengths: Lengths, context: int) -> Workload | None:
    """The requests that speed is stated for: as given, or of the usual lengths where the context has room; None where it has none."""
    room = context - lengths.images_tokens
    prompt = lengths.prompt or min(DEFAULT_PROMPT, room - lengths.reply if lengths.reply else max(1, room // 2))
    reply = lengths.reply or min(DEFAULT_REPLY, room - prompt)
    if prompt < 1 or reply < 1:
        return None
    return Workload(
        prompt_tokens=prompt,
        output_tokens=reply,
        concurrency=request.concurrency or 1,
        images=request.images,
        tiles_per_image=max(1, lengths.tiles),
    )


def performance_of(catalog: Catalog, fitted: FittedCandidate, workload: Workload) -> Performance | None:
    """How fast a fitted candidate serves a workload; None where the facts of the accelerator do not tell, or without CUDA graphs.

    What the estimate rests on was measured with graphs, and no measurement here says what going without them costs.
    """
    candidate = fitted.candidate
    if fitted.config.enforce_eager:
        return None
    if candidate.accelerator.bandwidth is UNKNOWN or candidate.accelerator.peak.bf16 is UNKNOWN:
        return None
    config, budget = fitted.config, fitted.budget
    images = workload.images * image_tokens(candidate.model.architecture.vision, workload.tiles_per_image)
    held = budget.cache.requests_held(workload.tokens + images, budget.room())
    try:
        return _estimate(catalog, candidate, workload, held, config.max_num_seqs, config.release)
    except UnknownFactError:
        return None


@functools.lru_cache(maxsize=4096)
def _estimate(  # noqa: PLR0917  # kept by position in the cache
    catalog: Catalog,
    candidate: Candidate,
    workload: Workload,
    held: int,
    max_batch: int,
    release: str,
) -> Performance:
    return estimate(
        candidate.model,
        candidate.checkpoint,
        candidate.accelerator,
        candidate.layout,
        workload,
        cache_dtype=candidate.cache_dtype,
        hybrid=candidate.hybrid,
        catalog=catalog,
        held=held,
        max_batch=max_batch,
        release=release,
    )
