"""Do a plan's settings hold on a served miniature?

Rung 2 of the ladder: build the miniature, serve it with the settings, ask the probes, and lay what was predicted for the
miniature beside what the engine states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from llama4ref.errors import LaunchError
from llama4ref.facts import catalog_of
from llama4ref.proving.environment import environment, need
from llama4ref.proving.model_files.miniature import build
from llama4ref.proving.model_files.miniature_plugin import NAME, REPAIRS
from llama4ref.proving.probes.probing import probe, target_of
from llama4ref.proving.rungs.proof_configs import added
from llama4ref.proving.server.explaining import explain, explain_launch
from llama4ref.proving.server.launching import Launch, for_serving, launch
from llama4ref.proving.server.observing import observe
from llama4ref.proving.verdict import RANDOM_WEIGHTS, Number, Rung, Verdict, compare
from llama4ref.rendering.server_command import server_command

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.engine.engine_config import EngineConfig, Setting
    from llama4ref.proving.model_files.miniature import Miniature
    from llama4ref.proving.probes.questions import Target
    from llama4ref.proving.server.launching import Progress, Server

PROBING_SETTINGS: Mapping[str, Setting] = {
    "tool-call-parser": "llama4_pythonic",
    "enable-auto-tool-choice": True,
    "structured-outputs-config": '{"backend": "xgrammar", "disable_any_whitespace": true}',
    "enforce-eager": True,
}
"""What the probes of tools and JSON need; without the third, random weights fill a JSON answer with blanks for ever. The last,
since compiling on a CPU takes longer than everything else together, and changes no number that is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniatureProof:
    """What to prove on a miniature, and what is predicted of it."""

    miniature: Miniature
    config: EngineConfig
    """What is served: a plan's configuration, as far as a miniature can take it."""
    predicted: Mapping[str, Number]
    """Expected values by name of their metric, such as `kv_cache_tokens`."""
    directory: Path
    """Where the checkpoint and the log are written, and kept."""
    port: int = 0
    time_limit_seconds: float = 300.0


def prove_on_miniature(proof: MiniatureProof, *, progress: Progress | None = None) -> Verdict:
    """Build, serve, probe, observe and compare; a server that fails, also while it is probed, is a verdict with its reason.

    Raises:
        MissingExtraError: where vLLM, transformers or the `openai` client is not installed.
        PortInUseError: where the port is taken.
    """
    need("vllm", "transformers", "openai")
    report = progress or (lambda _stage, _seconds: None)
    report("building the miniature", 0.0)
    checkpoint = proof.directory / proof.miniature.model.id
    build(proof.miniature, checkpoint)
    asked, changes = added(proof.config, PROBING_SETTINGS)
    config = for_serving(asked, checkpoint=checkpoint, port=proof.port)
    wanted = Launch(
        command=server_command(config, catalog_of(proof.miniature.original).engine("vllm")),
        log=proof.directory / "server.log",
        time_limit_seconds=proof.time_limit_seconds,
        repaired=True,
    )
    started = partial(
        Verdict,
        rung=Rung.MINIATURE,
        subject=proof.miniature.model.name,
        config=config,
        kept=proof.miniature.kept,
        shrunk=tuple(f"{row.field}: {row.original} -> {row.miniature}" for row in proof.miniature.shrunk),
        plugins=tuple(f"{NAME}: {repair}" for repair in REPAIRS),
        versions=environment().versions,
        log=str(wanted.log),
        notes=(RANDOM_WEIGHTS, *changes),
    )
    try:
        with launch(wanted, progress=report) as server:
            metrics = metrics_of(server)  # before the probes, since one may end the engine
            probes = probe(_target(proof, server, config), progress=report)
            observed = observe(server.log_text(), metrics)
            ended = None if server.answers else explain(server.log_text())
    except LaunchError as error:
        return started(explanation=explain_launch(error))
    return started(
        comparisons=compare(proof.predicted, observed.values),
        probes=probes,
        startup_seconds=round(server.startup_seconds, 1),
        explanation=ended,
    )


def _target(proof: MiniatureProof, server: Server, config: EngineConfig) -> Target:
    architecture = proof.miniature.model.architecture
    return target_of(
        server,
        max_model_len=config.max_model_len,
        chunk_size=architecture.attention.chunk_size,
        vision=None if proof.miniature.text_only or not config.images_per_prompt else architecture.vision,
        tools=bool(config.settings.get("enable-auto-tool-choice")),
    )


def metrics_of(server: Server) -> str:
    """The text of `/metrics`, or nothing where the server no longer answers."""
    try:
        return server.get("/metrics")
    except OSError:
        return ""
