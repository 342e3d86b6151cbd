"""From a plan to a verdict: what is launched for it on each rung, and what is predicted of it.

The installed engine decides what can be shown: the plan's configuration is launched as its release takes it, predictions are made
for that release and its platform, and whatever of the plan it cannot take is named in the verdict.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from llama4ref.engine.settings_reading import draft_of
from llama4ref.errors import LaunchError, ProofError, ReleaseError, RequestError
from llama4ref.facts import catalog_of
from llama4ref.memory.gpu_budget import cache_of, memory_budget
from llama4ref.proving.devices import accelerator_of
from llama4ref.proving.environment import environment, need
from llama4ref.proving.model_files.architecture_files import write_architecture
from llama4ref.proving.model_files.miniature import miniature_of
from llama4ref.proving.model_files.tokenizer import write_tokenizer
from llama4ref.proving.rungs.accepting import AcceptanceProof, prove_accepted
from llama4ref.proving.rungs.full_size import FullSizeProof, measure_full_size
from llama4ref.proving.rungs.miniature_proof import MiniatureProof, prove_on_miniature
from llama4ref.proving.rungs.predictions import (
    full_size_configuration,
    known_quantization,
    miniature_cache_bytes,
    precision_notes,
    predicted_capacity,
)
from llama4ref.proving.rungs.proof_configs import (
    for_release,
    miniature_config,
    reachable,
    with_draft_files,
    without_draft,
)
from llama4ref.proving.server.launching import FOR_THE_PROOF
from llama4ref.proving.verdict import Explanation, Rung, Verdict
from llama4ref.rendering.server_command import server_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.engines import Behaviour, Engine
    from llama4ref.planning.outcomes import Plan
    from llama4ref.proving.environment import Gpu
    from llama4ref.proving.server.launching import Progress
    from llama4ref.proving.verdict import Number
    from llama4ref.rendering.server_command import ServerCommand

RungName = Literal["accepted", "miniature", "full-size"]
RUNGS: tuple[RungName, ...] = get_args(RungName)
_NEEDED: Mapping[RungName, tuple[str, ...]] = {
    "accepted": ("vllm",),
    "miniature": ("vllm", "transformers", "openai"),
    "full-size": ("vllm", "openai"),
}
_RUNG_OF: Mapping[RungName, Rung] = {
    "accepted": Rung.ACCEPTED,
    "miniature": Rung.MINIATURE,
    "full-size": Rung.FULL_SIZE,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """How a plan is proven."""

    plan: Plan
    config: EngineConfig
    """The plan's, as the installed release takes it."""
    engine: Engine
    directory: Path
    port: int
    time_limit_seconds: float
    progress: Progress | None

    @property
    def behaviour(self) -> Behaviour:
        """What holds at the installed release."""
        return self.engine.at(self.config.release)


def prove(
    plan: Plan,
    *,
    rung: RungName,
    directory: Path | None = None,
    port: int = 0,
    time_limit_seconds: float = 300.0,
    progress: Progress | None = None,
) -> Verdict:
    """Launch what a rung asks for and lay predicted beside observed.

    Args:
        plan: one on own GPUs.
        rung: `accepted`, `miniature` or `full-size`.
        directory: where files and logs are written and kept; a new temporary one where none is given.
        port: of the server, on the loopback interface; any free one where it is 0.
        time_limit_seconds: for the server to become ready, or for the whole measurement of the full size.
        progress: called with a stage and the seconds since the start.

    Raises:
        RequestError: for a rung that is none, or a plan that cannot be written down either.
        ReleaseError: where the facts do not cover the installed release.
        MissingExtraError: where a package that the rung needs is not installed.
        ProofError: where something outside fails: a port, a server, a missing GPU.
    """
    if rung not in RUNGS:
        raise RequestError(f"rung: found {rung!r}, expected one of {', '.join(RUNGS)}")
    need(*_NEEDED[rung])
    engine = catalog_of(plan.model).engine("vllm")
    installed = installed_behaviour(catalog_of(plan.model)).release
    printed = server_command(plan.config, engine)
    try:
        config = for_release(plan.config, engine, installed, platform=plan.accelerator.platform)
        launched = server_command(config, engine)
    except (ReleaseError, RequestError) as error:
        return _not_launched(plan, rung, error, installed)
    with _folder(directory) as folder:
        terms = _Terms(
            plan=plan,
            config=config,
            engine=engine,
            directory=folder,
            port=port,
            time_limit_seconds=time_limit_seconds,
            progress=progress,
        )
        verdict = {"accepted": _accepted, "miniature": _miniature, "full-size": _full_size}[rung](terms)
    return _with_notes(verdict, *_release_notes(plan, config, printed, launched))


@contextmanager
def _folder(directory: Path | None) -> Iterator[Path]:
    """Where a proof writes: the folder given, or a temporary one, which is removed where no log in it tells anything."""
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory
        return
    folder = Path(tempfile.mkdtemp(prefix="llama4ref-proof-"))
    try:
        yield folder
    except LaunchError:
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _not_launched(plan: Plan, rung: RungName, error: Exception, installed: str) -> Verdict:
    """The verdict on a configuration that the installed release cannot be given."""
    return Verdict(
        rung=_RUNG_OF[rung],
        subject=plan.model.name,
        config=plan.config,
        versions=environment().versions,
        explanation=Explanation(
            what=str(error),
            line=None,
            text="",
            do=(f"install vLLM {plan.release}", f"plan for the installed one with --engine-release {installed}"),
        ),
        notes=(),
    )


def _accepted(terms: _Terms) -> Verdict:
    plan, available = terms.plan, terms.plan.budget.room()
    quantization = known_quantization(plan.checkpoint)
    write_architecture(terms.directory, plan.model, stage=plan.checkpoint.stage, quantization=quantization)
    write_tokenizer(terms.directory, vocab_size=plan.model.architecture.text.vocab_size)
    config, changes = with_draft_files(terms.config, plan.model, terms.engine, terms.directory / "draft")
    draft = draft_of(terms.config.settings) if draft_of(config.settings) else None
    cache = cache_of(
        plan.model, plan.checkpoint, config, platform=plan.accelerator.platform, rules=terms.behaviour, draft=draft
    )
    verdict = prove_accepted(
        AcceptanceProof(
            subject=plan.model.name,
            config=config.with_settings({"model": str(terms.directory)}, because=FOR_THE_PROOF),
            directory=terms.directory,
            available_bytes=available,
            predicted=predicted_capacity(cache, available),
            platform=plan.accelerator.platform,
        ),
        terms.engine,
    )
    return _with_notes(verdict, *changes, *precision_notes(plan.checkpoint, shown=quantization is not None))


def _miniature(terms: _Terms) -> Verdict:
    plan = terms.plan
    small = miniature_of(plan.model, text_only=False, longest_context=plan.checkpoint.limit(plan.model))
    config, changes = miniature_config(terms.config, terms.engine)
    cache = cache_of(small.model, None, config, platform="cpu", rules=terms.behaviour)
    given, cut = miniature_cache_bytes(plan, cache)
    capacity = cache.capacity(given)
    predicted: dict[str, Number] = {
        "kv_cache_tokens": capacity.tokens,
        "max_concurrency": capacity.max_concurrency,
        "num_gpu_blocks": capacity.num_blocks,
        "max_model_len": config.max_model_len,
    }
    verdict = prove_on_miniature(
        MiniatureProof(
            miniature=small,
            config=config.with_settings({"kv-cache-memory-bytes": given}, because=FOR_THE_PROOF),
            predicted=predicted,
            directory=terms.directory,
            port=terms.port,
            time_limit_seconds=terms.time_limit_seconds,
        ),
        progress=terms.progress,
    )
    return _with_notes(verdict, *changes, *precision_notes(plan.checkpoint, shown=False), cut)


def _check_accelerator(plan: Plan, gpus: Sequence[Gpu]) -> None:
    """What is predicted for one accelerator says nothing of another.

    Raises:
        ProofError: where a GPU is not the plan's accelerator, or not in the facts.
    """
    for gpu in gpus:
        found = accelerator_of(gpu.name, catalog_of(plan.model), memory_bytes=gpu.memory_bytes)
        if found != plan.accelerator.id:
            raise ProofError(
                f"the plan is for {plan.accelerator.id}, but this machine has {gpu.name} ({found}); plan with --gpu {found}, "
                "or prove the miniature with --rung miniature"
            )


def _full_size(terms: _Terms) -> Verdict:
    plan, found = terms.plan, environment()
    if len(found.gpus) < plan.count:
        raise ProofError(
            f"the full size of this plan needs {plan.count} GPUs, this machine has {found.gpu_fault or len(found.gpus)}; "
            "prove the miniature instead with --rung miniature"
        )
    _check_accelerator(plan, found.gpus[: plan.count])
    open_, hidden = reachable(terms.config)
    config, left_out = without_draft(open_, because="with random weights none of its tokens would be accepted")
    budget = memory_budget(plan.model, plan.checkpoint, plan.accelerator, config, terms.behaviour)
    proof = FullSizeProof(
        model=plan.model,
        stage=plan.checkpoint.stage,
        configurations=(full_size_configuration(plan.checkpoint, config, budget),),
        directory=terms.directory,
        time_limit_seconds=terms.time_limit_seconds,
    )
    verdicts = measure_full_size(proof, progress=terms.progress)
    if not verdicts:
        raise ProofError(
            f"{terms.time_limit_seconds:.0f} s are too short for one launch of the full size; give more with --timeout"
        )
    return _with_notes(verdicts[0], *hidden, *left_out)


def installed_behaviour(catalog: Catalog) -> Behaviour:
    """What holds at the release of the installed vLLM, for which facts must exist.

    Raises:
        MissingExtraError: where vLLM is not installed.
        ReleaseError: where the facts do not cover it.
    """
    need("vllm")
    release = environment().vllm
    try:
        return catalog.engine("vllm").at(release)
    except ReleaseError as error:
        raise ReleaseError(f"the installed vLLM cannot be predicted: {error}") from error


def _release_notes(plan: Plan, config: EngineConfig, printed: ServerCommand, launched: ServerCommand) -> Iterator[str]:
    """For which release the proof is, and which words of the plan that release writes in another way."""
    if config.release == plan.release:
        yield f"shown on vLLM {config.release}, the plan's own release"
        return
    yield f"the plan is for vLLM {plan.release}; shown on the installed {config.release}, and predicted for it"
    for before, after in zip(printed.words, launched.words, strict=False):
        if before != after:
            yield f"written for vLLM {config.release}: {after} in place of {before}"


def _with_notes(verdict: Verdict, *notes: str) -> Verdict:
    return dataclasses.replace(verdict, notes=(*verdict.notes, *notes))
