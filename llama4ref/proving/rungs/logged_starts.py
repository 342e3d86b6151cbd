"""Does a server that somebody else started with a plan's words state what was predicted?

The log of its start is read, and its `/metrics` where they are at hand. Nothing is launched, so nothing needs to be installed; that the
server was started with these words, and on these GPUs, is taken from whoever hands over the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.engine.settings_reading import draft_of
from llama4ref.errors import ProofError, ReleaseError
from llama4ref.facts import catalog_of
from llama4ref.facts.types.releases import normalized_release
from llama4ref.memory.gpu_budget import memory_budget
from llama4ref.proving.rungs.full_size import stated
from llama4ref.proving.rungs.predictions import full_size_predictions
from llama4ref.proving.rungs.proof_configs import for_release
from llama4ref.proving.server.explaining import explain
from llama4ref.proving.server.observing import observe
from llama4ref.proving.verdict import Rung, Verdict, compare

if TYPE_CHECKING:
    from llama4ref.planning.outcomes import Plan

READ_FROM_A_LOG = "read from the log of a start that was not watched; memory and capacity alone"
"""What such a verdict says about itself."""

IN_METRICS_ALONE = "num_gpu_blocks"
"""What no log states; without `/metrics` nothing is predicted of it. The tokens of the KV cache follow from it, and are."""


def verdict_of_log(plan: Plan, log: str, metrics: str = "") -> Verdict:
    """Lay what a plan predicts beside what the log of a server states; a start that failed is explained.

    Args:
        plan: the one whose words the server was started with.
        log: text of the server's log, from its start.
        metrics: text of its `/metrics`, which has more digits.

    Raises:
        ProofError: where the log is of a release that the facts do not cover, or that cannot take the plan's settings.
    """
    engine, report = catalog_of(plan.model).engine("vllm"), observe(log, metrics)
    try:
        release = engine.at(plan.release if report.release is None else normalized_release(report.release)).release
        config = for_release(plan.config, engine, release, platform=plan.accelerator.platform)
    except ReleaseError as error:
        raise ProofError(f"the log cannot be of this plan: {error}") from error
    seen = stated(report, config)
    budget = memory_budget(
        plan.model, plan.checkpoint, plan.accelerator, config, engine.at(release), draft=draft_of(config.settings)
    )
    predicted, bounds = full_size_predictions(config, budget)
    if not metrics:
        predicted.pop(IN_METRICS_ALONE, None)
    return Verdict(
        rung=Rung.FULL_SIZE,
        subject=f"{plan.model.name}, {plan.checkpoint.id}",
        config=config,
        comparisons=compare(predicted, seen, bounds=bounds),
        observed=seen,
        versions={"vllm": report.release or plan.release},
        explanation=None if "kv_cache_tokens" in report.values else explain(log),
        notes=(READ_FROM_A_LOG, *_release_note(plan, report.release)),
    )


def _release_note(plan: Plan, found: str | None) -> tuple[str, ...]:
    if found is None:
        return (f"the log does not say its release; taken for the plan's, vLLM {plan.release}",)
    if normalized_release(found) != plan.release:
        return (f"the plan is for vLLM {plan.release}, the log is of {found}, and predicted for it",)
    return ()
