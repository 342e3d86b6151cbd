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
from llama4ref.errors import LaunchError
from llama4ref.memory.attention_cache import ELEMENT_BYTES
from llama4ref.proving.environment import environment, need
from llama4ref.proving.server.explaining import explain_refusal
from llama4ref.proving.server.launching import end_supervised, engine_environment, start_supervised
from llama4ref.proving.verdict import Explanation, Number, Rung, Verdict, compare
from llama4ref.rendering.server_command import server_command

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.types.engines import Engine
    from llama4ref.rendering.server_command import ServerCommand

WORKER = "llama4ref.proving.rungs.acceptance_worker"
LOG = "vllm.log"
TIME_LIMIT_SECONDS = 300
GRACE_SECONDS = 2.0


class _Plan(TypedDict, total=False):
    fits: bool
    num_blocks: int
    tokens: int
    max_concurrency: float
    refusal: str
    largest_max_model_len: int


class _Answer(TypedDict, total=False):
    accepted: bool
    reason: str
    vllm: str
    resolved: dict[str, int | float | str | None]
    plans: list[_Plan]
    simulated: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePlan:
    """What vLLM's own cache planner makes of an amount of memory. Names are those of `llama4ref.memory.kv_cache`."""

    available_bytes: int | tuple[int, ...]
    """Memory for the KV cache of every rank, or of a rank of each pipeline stage."""
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

    @property
    def resolved_sizes(self) -> dict[str, Number]:
        """The numbers among the resolved settings, and whether something is on."""
        return {name: value for name, value in self.resolved.items() if isinstance(value, int | float)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceProof:
    """What to ask the installed vLLM, and what is predicted of its answer."""

    subject: str
    """Name of the model."""
    config: EngineConfig
    """What is asked about; its model is a directory with the full-size configuration files, see `architecture_files`."""
    directory: Path
    """Where the question, the answer and the log are written, and kept."""
    available_bytes: int | tuple[int, ...]
    """Memory for the KV cache of every rank, or of a rank of each pipeline stage."""
    predicted: Mapping[str, Number] = field(default_factory=dict)
    """Expected values by name of their metric."""
    platform: str = "cuda"
    """Platform that the settings are for; `cuda` is simulated where it is not there."""


def accept(
    command: ServerCommand,
    directory: Path,
    *,
    available_bytes: tuple[int | tuple[int, ...], ...] = (),
    platform: str = "cuda",
) -> Acceptance:
    """Ask the installed vLLM whether it accepts a server's command, and for its cache plan at each amount of memory.

    Raises:
        MissingExtraError: where vLLM is not installed.
        LaunchError: where it neither accepts nor refuses, but crashes or hangs.
    """
    need("vllm")
    question = {
        "arguments": command.module_words,
        "platform": platform,
        "available_bytes": list(available_bytes),
    }
    answer, log = _ask(question, command.environment, directory)
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
        for available, plan in zip(available_bytes, answer.get("plans", []), strict=answer["accepted"])
    )
    return Acceptance(
        accepted=answer["accepted"],
        vllm=answer.get("vllm"),
        resolved=answer.get("resolved", {}),
        plans=plans,
        simulated=tuple(answer.get("simulated", [])),
        explanation=None if answer["accepted"] else explain_refusal(log, answer["reason"]),
    )


def prove_accepted(proof: AcceptanceProof, engine: Engine) -> Verdict:
    """Rung 1: lay the prediction beside the answer of vLLM's own parser, configuration and cache planner.

    Raises:
        MissingExtraError: where vLLM is not installed.
        LaunchError: where it crashes or hangs.
    """
    command = server_command(proof.config, engine)
    predicted = {**proof.predicted, **sizes_counted(proof.config)}
    said = accept(command, proof.directory, available_bytes=(proof.available_bytes,), platform=proof.platform)
    observed = {**said.resolved_sizes, **(said.plans[0].values if said.plans else {})}
    notes = ("no engine was started: acceptance proves settings and capacity, not speed or quality",)
    simulated = (f"simulated for {proof.platform}: {', '.join(said.simulated)}",) if said.simulated else ()
    return Verdict(
        rung=Rung.ACCEPTED,
        subject=proof.subject,
        config=proof.config,
        comparisons=compare(predicted, observed) if said.accepted else (),
        versions=environment().versions,
        log=str(proof.directory / LOG),
        explanation=said.explanation,
        notes=notes + simulated,
    )


def sizes_counted(config: EngineConfig) -> dict[str, Number]:
    """The sizes that memory was counted with, by the names under which the engine resolves them."""
    return {
        "max_model_len": config.max_model_len,
        **({} if config.rope_positions is None else {"rope_positions": config.rope_positions}),
        "max_num_seqs": config.max_num_seqs,
        "max_num_batched_tokens": config.max_num_batched_tokens,
        "gpu_memory_utilization": config.gpu_memory_utilization,
        "block_size": config.block_size,
        "kv_cache_bits": 8 * ELEMENT_BYTES[config.cache_dtype],
        "hybrid_kv_cache": config.hybrid,
        "tensor_parallel_size": config.layout.tensor_parallel,
        "pipeline_parallel_size": config.layout.pipeline_parallel,
        "data_parallel_size": config.layout.data_parallel,
        "enable_expert_parallel": config.layout.expert_parallel,
    }


def _ask(question: Mapping[str, object], environment: Mapping[str, str], directory: Path) -> tuple[_Answer, str]:
    """The worker's answer and what it printed; the worker and whatever it started are ended in every case."""
    asked, answered, log = (directory / name for name in ("question.json", "answer.json", LOG))
    asked.write_text(json.dumps(question, indent=1), encoding="utf-8")
    answered.unlink(missing_ok=True)
    path = os.pathsep.join(filter(None, [str(Path(llama4ref.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    worker = start_supervised(
        [sys.executable, "-m", WORKER, str(asked), str(answered)],
        log,
        engine_environment(environment) | {"PYTHONPATH": path},
        grace_seconds=GRACE_SECONDS,
    )
    try:
        code = worker.wait(TIME_LIMIT_SECONDS)
    except subprocess.TimeoutExpired as error:
        message = f"vLLM did not answer about the settings within {TIME_LIMIT_SECONDS} s; its log is {log}"
        raise LaunchError(message, log=str(log)) from error
    finally:
        end_supervised(worker, GRACE_SECONDS)
    text = log.read_text(encoding="utf-8", errors="replace")
    if code or not answered.exists():
        last = (text.strip().splitlines() or ["nothing was said"])[-1]
        message = f"vLLM ended with exit code {code} while it was asked about the settings: {last}; its log is {log}"
        raise LaunchError(message, log=str(log), server_exit_code=code)
    return cast("_Answer", json.loads(answered.read_text(encoding="utf-8"))), text
