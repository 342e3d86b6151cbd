"""Does the installed vLLM accept exactly these settings for the full-size architecture, and does its planner agree?

Rung 1 of the ladder: no GPU, no weights, no server. The checkpoint's configuration files are written from the facts, and
the installed vLLM parses the settings, builds its configuration, and is asked for its cache plan; see
`acceptance_worker` for what is vLLM's own and what is simulated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

import llama4ref
from llama4ref.errors import ProofError
from llama4ref.proving.environment import environment, need
from llama4ref.proving.server.explaining import explain
from llama4ref.proving.server.launching import arguments
from llama4ref.proving.verdict import Explanation, Number, Rung, Verdict, compare

if TYPE_CHECKING:
    from llama4ref.proving.server.launching import Flags

WORKER = "llama4ref.proving.rungs.acceptance_worker"
TIME_LIMIT_SECONDS = 300


class _Plan(TypedDict, total=False):
    fits: bool
    num_blocks: int
    tokens: int
    max_concurrency: float
    refusal: str
    largest_max_model_len: int


class _Said(TypedDict, total=False):
    accepted: bool
    reason: str
    vllm: str
    resolved: dict[str, int | float | str | None]
    plans: list[_Plan]
    simulated: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePlan:
    """What vLLM's own cache planner makes of an amount of memory. Names are those of `llama4ref.memory.kv_cache`."""

    available_bytes: int
    """Memory of one rank for the KV cache."""
    fits: bool
    """Whether one request of the full length fits."""
    num_blocks: int | None
    tokens: int | None
    max_concurrency: float | None
    largest_max_model_len: int
    """The longest context that fits; 0 where none does."""
    refusal: str | None
    """The engine's words, where it does not fit."""

    @property
    def values(self) -> dict[str, Number | None]:
        """Its numbers by name of their metric, and whether it fits."""
        return {
            "fits": self.fits,
            "num_gpu_blocks": self.num_blocks,
            "kv_cache_tokens": self.tokens,
            "max_concurrency": self.max_concurrency,
            "largest_max_model_len": self.largest_max_model_len,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The installed vLLM's answer to settings."""

    accepted: bool
    vllm: str | None
    """Release that answered."""
    resolved: Mapping[str, int | float | str | None]
    """Settings as the engine resolved them."""
    plans: tuple[CachePlan, ...]
    """One for each amount of memory asked about."""
    simulated: tuple[str, ...]
    """What the CUDA platform would have decided, and was set in its place."""
    explanation: Explanation | None
    """Why the settings were refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceProof:
    """What to ask the installed vLLM, and what is predicted of its answer."""

    subject: str
    """Name of the model."""
    checkpoint: Path
    """Directory with the full-size configuration files, see `architecture_files`."""
    flags: Flags
    """Engine settings by flag name."""
    available_bytes: int
    """Memory of one rank for the KV cache."""
    predicted: Mapping[str, Number] = field(default_factory=dict)
    """Expected values by name of their metric."""
    platform: str = "cuda"
    """Platform that the settings are for; `cuda` is simulated where it is not there."""


def accept(
    checkpoint: Path, flags: Flags, *, available_bytes: tuple[int, ...] = (), platform: str = "cuda"
) -> Acceptance:
    """Ask the installed vLLM whether it accepts settings, and for its cache plan at each amount of memory.

    Raises:
        MissingExtraError: where vLLM is not installed.
        ProofError: where it neither accepts nor refuses, but crashes or hangs.
    """
    need("vllm")
    question = {
        "arguments": ["--model", str(checkpoint), *arguments(flags)],
        "platform": platform,
        "available_bytes": list(available_bytes),
    }
    said, log = _ask(json.dumps(question))
    plans = tuple(
        CachePlan(
            available_bytes=available,
            fits=plan["fits"],
            num_blocks=plan.get("num_blocks"),
            tokens=plan.get("tokens"),
            max_concurrency=plan.get("max_concurrency"),
            largest_max_model_len=plan["largest_max_model_len"],
            refusal=plan.get("refusal"),
        )
        for available, plan in zip(available_bytes, said.get("plans", []), strict=said["accepted"])
    )
    return Acceptance(
        accepted=said["accepted"],
        vllm=said.get("vllm"),
        resolved=said.get("resolved", {}),
        plans=plans,
        simulated=tuple(said.get("simulated", [])),
        explanation=None if said["accepted"] else explain(f"{log}\n{said['reason']}"),
    )


def prove_accepted(proof: AcceptanceProof) -> Verdict:
    """Rung 1: lay the prediction beside the answer of vLLM's own parser, configuration and cache planner.

    Raises:
        MissingExtraError: where vLLM is not installed.
        ProofError: where it crashes or hangs.
    """
    said = accept(proof.checkpoint, proof.flags, available_bytes=(proof.available_bytes,), platform=proof.platform)
    observed: dict[str, Number | None] = {}
    if said.plans:
        observed = said.plans[0].values
    notes = ("no engine was started: acceptance proves settings and capacity, not speed or quality",)
    simulated = (f"simulated for {proof.platform}: {', '.join(said.simulated)}",) if said.simulated else ()
    return Verdict(
        rung=Rung.ACCEPTED,
        subject=proof.subject,
        settings=proof.flags,
        comparisons=compare(proof.predicted, observed) if said.accepted else (),
        versions=environment().versions,
        explanation=said.explanation,
        notes=notes + simulated,
    )


def _ask(question: str) -> tuple[_Said, str]:
    path = os.pathsep.join(filter(None, [str(Path(llama4ref.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    quiet = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "PYTHONPATH": path}
    try:
        worker = subprocess.run(
            [sys.executable, "-m", WORKER],
            input=question,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_SECONDS,
            env=os.environ | quiet,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"vLLM did not answer about the settings within {TIME_LIMIT_SECONDS} s"
        raise ProofError(message) from error
    lines = worker.stdout.strip().splitlines()
    if worker.returncode or not lines:
        last = (worker.stderr.strip().splitlines() or ["nothing was said"])[-1]
        message = f"vLLM ended with exit code {worker.returncode} while it was asked about the settings: {last}"
        raise ProofError(message)
    return cast("_Said", json.loads(lines[-1])), worker.stderr
