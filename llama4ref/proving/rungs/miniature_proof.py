"""Do a plan's settings hold on a served miniature?

Rung 2 of the ladder: build the miniature, serve it with the settings, ask the probes, and lay what was predicted for the
miniature beside what the engine states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from llama4ref.errors import LaunchError
from llama4ref.proving.environment import environment, need
from llama4ref.proving.model_files.miniature import build
from llama4ref.proving.model_files.miniature_plugin import MENDS, NAME
from llama4ref.proving.probes.probing import probe, target_of
from llama4ref.proving.server.explaining import explain
from llama4ref.proving.server.launching import Launch, launch
from llama4ref.proving.server.observing import observe
from llama4ref.proving.verdict import RANDOM_WEIGHTS, Number, Rung, Verdict, compare

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.proving.model_files.miniature import Miniature
    from llama4ref.proving.probes.questions import Target
    from llama4ref.proving.server.launching import Flags, Progress, Server

PROBING_FLAGS: Flags = {
    "tool-call-parser": "llama4_pythonic",
    "enable-auto-tool-choice": True,
    "structured-outputs-config": {"backend": "xgrammar", "disable_any_whitespace": True},
}
"""What the probes of tools and JSON need; without the last, random weights fill a JSON answer with blanks for ever."""

EAGER_FLAGS: Flags = {"enforce-eager": True}
"""On a CPU compiling takes longer than everything else together, and changes no number that is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniatureProof:
    """What to prove on a miniature, and what is predicted of it."""

    miniature: Miniature
    flags: Flags
    """Engine settings by flag name, as a plan renders them for the miniature."""
    predicted: Mapping[str, Number]
    """Expected values by name of their metric, such as `kv_cache_tokens`."""
    max_model_len: int
    """Context that the server must grant."""
    directory: Path
    """Where the checkpoint and the log are written, and kept."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the server."""
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
    flags = {**PROBING_FLAGS, **EAGER_FLAGS, **proof.flags}
    wanted = Launch(
        model=checkpoint,
        log=proof.directory / "server.log",
        flags=flags,
        environment=proof.environment,
        port=proof.port,
        time_limit_seconds=proof.time_limit_seconds,
        mended=True,
    )
    started = partial(
        Verdict,
        rung=Rung.MINIATURE,
        subject=proof.miniature.model.name,
        settings=flags,
        kept=proof.miniature.kept,
        shrunk=tuple(f"{row.field}: {row.original} -> {row.miniature}" for row in proof.miniature.shrunk),
        plugins=tuple(f"{NAME}: {mend}" for mend in MENDS),
        versions=environment().versions,
        log=str(wanted.log),
        notes=(RANDOM_WEIGHTS,),
    )
    try:
        with launch(wanted, progress=report) as server:
            metrics = metrics_of(server)  # before the probes, since one may end the engine
            probes = probe(_target(proof, server, flags), progress=report)
            observed = observe(server.log_text(), metrics)
            ended = None if server.answers else explain(server.log_text())
    except LaunchError as error:
        log = wanted.log.read_text(encoding="utf-8", errors="replace")
        return started(explanation=explain(log, exit_code=error.server_exit_code))
    return started(
        comparisons=compare(proof.predicted, observed.values),
        probes=probes,
        startup_seconds=round(server.startup_seconds, 1),
        explanation=ended,
    )


def _target(proof: MiniatureProof, server: Server, flags: Flags) -> Target:
    architecture = proof.miniature.model.architecture
    return target_of(
        server,
        max_model_len=proof.max_model_len,
        chunk_size=architecture.attention.chunk_size,
        vision=None if proof.miniature.text_only or not takes_images(flags) else architecture.vision,
        tools=bool(flags.get("enable-auto-tool-choice")),
    )


def takes_images(flags: Flags) -> bool:
    """Whether a server with these settings builds the vision tower.

    Examples:
        >>> takes_images({}), takes_images({"limit-mm-per-prompt": {"image": 0}})
        (True, False)
    """
    limits = flags.get("limit-mm-per-prompt")
    none_allowed = isinstance(limits, Mapping) and limits.get("image") == 0
    return not (flags.get("language-model-only") or none_allowed)


def metrics_of(server: Server) -> str:
    """The text of `/metrics`, or nothing where the server no longer answers."""
    try:
        return server.get("/metrics")
    except OSError:
        return ""
