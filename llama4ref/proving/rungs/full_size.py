"""What do the real shapes take, and how fast are they, on the accelerator of this machine?

Rung 3 of the ladder: the full-size configuration with random weights (`--load-format dummy`), served with a plan's
settings. One call measures several configurations in turn within a time limit; each gives the engine's own memory
figures, capacity, largest context, and speed at several numbers of requests at once. Without an accelerator it refuses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from llama4ref.errors import LaunchError, ProbeError, ProofError
from llama4ref.facts import catalog_of
from llama4ref.proving.environment import Environment, environment, need
from llama4ref.proving.model_files.architecture_files import write_architecture
from llama4ref.proving.model_files.tokenizer import write_tokenizer
from llama4ref.proving.probes.load_test import load_tests
from llama4ref.proving.rungs.miniature_proof import metrics_of
from llama4ref.proving.rungs.proof_configs import added
from llama4ref.proving.server.explaining import explain, explain_launch
from llama4ref.proving.server.launching import Launch, for_serving, launch
from llama4ref.proving.server.observing import EngineReport, observe
from llama4ref.proving.verdict import LoadTest, Number, Outcome, Probe, Rung, Verdict, compare
from llama4ref.rendering.server_command import server_command

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.engine.engine_config import EngineConfig, Setting
    from llama4ref.facts.types.models import Model, Stage
    from llama4ref.proving.model_files.architecture_files import JsonValue
    from llama4ref.proving.server.launching import Progress, Server

RANDOM_WEIGHTS_SETTINGS: Mapping[str, Setting] = {"load-format": "dummy"}
"""No checkpoint is read."""
SPEED_PROBE = "speed"
"""Name of the probe that measures latencies and throughput."""
HYBRID = "hybrid_kv_cache"
"""Name under which a verdict says whether chunked-local layers kept one chunk only."""
SHORTEST_RUN_SECONDS = 60.0
"""With less time left a configuration is not started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One thing to measure."""

    name: str
    """Short name in the record."""
    config: EngineConfig
    """What is launched."""
    quantization: Mapping[str, JsonValue] | None = None
    """The checkpoint's `quantization_config`, where it has one."""
    predicted: Mapping[str, Number] = field(default_factory=dict)
    """Expected values by name of their metric."""
    bounds: Mapping[str, tuple[Number, Number]] = field(default_factory=dict)
    """Least and most that each may be; what has none is exact."""
    concurrencies: Sequence[int] = (1, 8, 32)
    """Requests at once whose speed is measured; none for memory and capacity only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullSizeProof:
    """What to measure, on which model, within how long."""

    model: Model
    configurations: Sequence[Configuration]
    directory: Path
    """Where configuration files and logs are written, and kept."""
    stage: Stage = "instruct"
    """Stage of the checkpoint, which its context limit depends on."""
    text_only: bool = False
    """Whether the vision tower and projector are left out of the checkpoint's architecture."""
    prompt_tokens: int = 1024
    output_tokens: int = 64
    time_limit_seconds: float = 530.0
    """For all configurations together."""


def measure_full_size(
    proof: FullSizeProof, *, progress: Progress | None = None, found: Callable[[], Environment] = environment
) -> tuple[Verdict, ...]:
    """Measure each configuration in turn; those that the time limit leaves no room for are not in the answer.

    Raises:
        MissingExtraError: where vLLM is not installed.
        ProofError: where this machine has no GPU.
    """
    need("vllm")
    here = found()
    if here.platform != "cuda":
        why = f": {here.gpu_fault}" if here.gpu_fault else ""
        message = f"the full size needs an NVIDIA GPU and a vLLM built for it, and this machine has not both{why}"
        raise ProofError(message)
    return run_configurations(proof, here, progress=progress)


def run_configurations(
    proof: FullSizeProof, here: Environment, *, progress: Progress | None = None
) -> tuple[Verdict, ...]:
    """The measuring itself, on whatever the installed vLLM runs on."""
    started = time.monotonic()
    verdicts: list[Verdict] = []
    for number, configuration in enumerate(proof.configurations):
        left = proof.time_limit_seconds - (time.monotonic() - started)
        if left < SHORTEST_RUN_SECONDS:
            break
        if progress is not None:
            progress(f"measuring: {configuration.name}", time.monotonic() - started)
        verdicts.append(
            _run(proof, configuration, here, directory=proof.directory / f"{number}", left=left, progress=progress)
        )
    return tuple(verdicts)


def _run(
    proof: FullSizeProof,
    configuration: Configuration,
    here: Environment,
    *,
    directory: Path,
    left: float,
    progress: Progress | None,
) -> Verdict:
    directory.mkdir(parents=True, exist_ok=True)
    write_architecture(
        directory,
        proof.model,
        stage=proof.stage,
        text_only=proof.text_only,
        quantization=configuration.quantization,
    )
    write_tokenizer(directory, vocab_size=proof.model.architecture.text.vocab_size)
    asked, _ = added(configuration.config, RANDOM_WEIGHTS_SETTINGS)
    config = for_serving(asked, checkpoint=directory, port=0)
    wanted = Launch(
        command=server_command(config, catalog_of(proof.model).engine("vllm")),
        log=directory / "server.log",
        time_limit_seconds=left,
        repaired=here.platform == "cpu",
    )
    verdict = partial(
        Verdict,
        rung=Rung.FULL_SIZE,
        subject=f"{proof.model.name}, {configuration.name}",
        config=config,
        versions=here.versions,
        log=str(wanted.log),
    )
    try:
        with launch(wanted, progress=progress or (lambda _stage, _seconds: None)) as server:
            report = observe(server.log_text(), metrics_of(server))
            loads, probes = _loads(proof, configuration, server)
            ended = None if server.answers else explain(server.log_text())
    except LaunchError as error:
        return verdict(explanation=explain_launch(error))
    seen = stated(report, config)
    return verdict(
        comparisons=compare(configuration.predicted, seen, bounds=configuration.bounds),
        probes=probes,
        observed=seen,
        loads=loads,
        startup_seconds=round(server.startup_seconds, 1),
        explanation=ended,
    )


def stated(report: EngineReport, config: EngineConfig) -> dict[str, Number]:
    """What a server stated, by metric; and whether chunked-local layers kept one chunk only."""
    return {**report.values, HYBRID: config.hybrid and not report.hybrid_disabled}


def _loads(
    proof: FullSizeProof, configuration: Configuration, server: Server
) -> tuple[tuple[LoadTest, ...], tuple[Probe, ...]]:
    """The speed, and a probe that says whether it could be measured."""
    if not configuration.concurrencies:
        return (), ()
    started = time.monotonic()
    try:
        measured = load_tests(
            server,
            concurrencies=configuration.concurrencies,
            prompt_tokens=proof.prompt_tokens,
            output_tokens=proof.output_tokens,
        )
    except ProbeError as error:
        return (), (Probe(name=SPEED_PROBE, outcome=Outcome.FAILED, detail=str(error)),)
    seen = Probe(
        name=SPEED_PROBE,
        outcome=Outcome.PASSED,
        detail=", ".join(f"{each.values['output_throughput']:.0f} tokens/s of {each.concurrency}" for each in measured),
        seconds=round(time.monotonic() - started, 2),
    )
    return measured, (seen,)
