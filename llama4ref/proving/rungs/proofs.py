"""From a plan to a verdict: what is launched for it on each rung, and what is predicted of it.

The installed engine decides what can be shown: predictions are made for its release and its platform, and whatever of
the plan's settings it cannot take is named in the verdict.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from llama4ref.errors import ProofError, ReleaseError, RequestError
from llama4ref.facts import catalog_of
from llama4ref.memory.attention_cache import KVCache, kv_cache
from llama4ref.memory.gpu_budget import cache_of
from llama4ref.proving.environment import environment, need
from llama4ref.proving.model_files.architecture_files import write_architecture
from llama4ref.proving.model_files.miniature import Miniature, miniature_of
from llama4ref.proving.model_files.tokenizer import write_tokenizer
from llama4ref.proving.rungs.accepting import AcceptanceProof, prove_accepted
from llama4ref.proving.rungs.full_size import W4A16, Configuration, FullSizeProof, measure_full_size
from llama4ref.proving.rungs.miniature_proof import MiniatureProof, prove_on_miniature
from llama4ref.units import GIB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.engine.engine_config import Setting
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.engines import Behaviour
    from llama4ref.planning.outcomes import Plan
    from llama4ref.proving.model_files.architecture_files import JsonValue
    from llama4ref.proving.server.launching import Flags, FlagValue, Progress
    from llama4ref.proving.verdict import Number, Verdict

RungName = Literal["accepted", "miniature", "full-size"]
RUNGS: tuple[RungName, ...] = get_args(RungName)
MINIATURE_CACHE_LIMIT = 4 * GIB
"""Most KV cache that a miniature is given: it must fit beside other work on a small machine."""
CPU_BLOCK_SIZE = 128
"""vLLM's default on a processor, whose attention takes multiples of 32 only."""
NOT_ON_ONE_CPU = (
    "tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size", "enable-expert-parallel", "nnodes",
    "quantization", "speculative-config", "gpu-memory-utilization",
)  # fmt: skip
"""Settings that a miniature on one processor cannot take."""


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
        RequestError: for a rung that is none.
        MissingExtraError: where a package that the rung needs is not installed.
        ProofError: where something outside fails: a port, a server, a missing GPU.
    """
    if rung not in RUNGS:
        raise RequestError(f"rung: found {rung!r}, expected one of {', '.join(RUNGS)}")
    folder = directory or Path(tempfile.mkdtemp(prefix="llama4ref-proof-"))
    folder.mkdir(parents=True, exist_ok=True)
    if rung == "accepted":
        return _accepted(plan, folder)
    if rung == "miniature":
        return _miniature(plan, folder, port, time_limit_seconds, progress)
    return _full_size(plan, folder, time_limit_seconds, progress)


def _accepted(plan: Plan, directory: Path) -> Verdict:
    need("vllm")
    write_architecture(directory, plan.model, stage=plan.checkpoint.stage)
    write_tokenizer(directory, vocab_size=plan.model.architecture.text.vocab_size)
    available = plan.budget.kv_cache_at_least_bytes
    verdict = prove_accepted(
        AcceptanceProof(
            subject=plan.model.name,
            checkpoint=directory,
            flags=engine_flags(plan),
            available_bytes=available,
            predicted=predicted_capacity(
                cache_of(
                    plan.model,
                    plan.checkpoint,
                    plan.config,
                    platform=plan.accelerator.platform,
                    rules=installed_behaviour(catalog_of(plan.model)),
                ),
                available,
            ),
            platform=plan.accelerator.platform,
        )
    )
    return _with_notes(verdict, *_precision_note(plan), _release_note(plan))


def _miniature(plan: Plan, directory: Path, port: int, time_limit_seconds: float, progress: Progress | None) -> Verdict:
    need("vllm", "transformers", "openai")
    small = miniature_of(plan.model, text_only=False, longest_context=plan.checkpoint.limit(plan.model))
    flags, changed = miniature_flags(plan)
    cache = miniature_cache(plan, small)
    planned = plan.budget.cache.capacity(plan.budget.kv_cache_at_least_bytes).num_blocks
    wanted = planned * plan.config.block_size // cache.block_size
    given = min(wanted, MINIATURE_CACHE_LIMIT // cache.bytes_per_block) * cache.bytes_per_block
    capacity = cache.capacity(given)
    predicted: dict[str, Number] = {
        "kv_cache_tokens": capacity.tokens,
        "max_concurrency": capacity.max_concurrency,
        "num_gpu_blocks": capacity.num_blocks,
        "max_model_len": plan.context,
    }
    verdict = prove_on_miniature(
        MiniatureProof(
            miniature=small,
            flags={**flags, "kv-cache-memory-bytes": given, "block-size": cache.block_size},
            predicted=predicted,
            max_model_len=plan.context,
            directory=directory,
            environment=plan.environment,
            port=port,
            time_limit_seconds=time_limit_seconds,
        ),
        progress=progress,
    )
    amount = (
        "room for as many tokens as the plan's"
        if given == wanted * cache.bytes_per_block
        else "less room than the plan's"
    )
    cut = f"KV cache: {given:,} bytes in blocks of {cache.block_size} tokens, {amount}"
    return _with_notes(verdict, *changed, *_precision_note(plan), cut, _release_note(plan))


def _full_size(plan: Plan, directory: Path, time_limit_seconds: float, progress: Progress | None) -> Verdict:
    found = environment()
    if len(found.gpus) < plan.count:
        raise ProofError(
            f"the full size of this plan needs {plan.count} GPUs, this machine has {found.gpu_fault or len(found.gpus)}; "
            "prove the miniature instead with --rung miniature"
        )
    proof = FullSizeProof(
        model=plan.model,
        stage=plan.checkpoint.stage,
        configurations=(full_size_configuration(plan),),
        directory=directory,
        text_only=False,
        time_limit_seconds=time_limit_seconds,
        environment=plan.environment,
    )
    runs = measure_full_size(proof, progress=progress)
    if not runs:
        raise ProofError(
            f"{time_limit_seconds:.0f} s are too short for one launch of the full size; give more with --timeout"
        )
    return _with_notes(runs[0].verdict, _release_note(plan))


def full_size_configuration(plan: Plan) -> Configuration:
    """What a plan predicts of its own launch on the accelerator: memory with bounds, in GiB as the engine prints it."""
    budget = plan.budget
    weights = sum(line.bytes for line in budget.lines if line.place == "weights" or line.name == "RoPE table")
    spread = max(
        budget.kv_cache_at_most_bytes - budget.kv_cache_bytes, budget.kv_cache_bytes - budget.kv_cache_at_least_bytes
    )
    return Configuration(
        name=plan.checkpoint.id,
        flags=engine_flags(plan),
        quantization=_quantization(plan),
        predicted={"available_kv_cache": budget.kv_cache_bytes / GIB, "model_loading": weights / GIB},
        bounds={"available_kv_cache": spread / GIB, "model_loading": 0.05 * weights / GIB},
    )


def _quantization(plan: Plan) -> Mapping[str, JsonValue] | None:
    """The quantization that the configuration files of a plan's checkpoint carry.

    Raises:
        ProofError: where it is not known, so that random weights would lie in another format than the checkpoint's.
    """
    if not _precision_note(plan):
        return None
    checkpoint, coverage = plan.checkpoint, plan.checkpoint.coverage
    four_bit = coverage is not None and (coverage.routed_experts, coverage.attention) == ("int4-group-128", "bf16")
    if checkpoint.quantization_method == "compressed-tensors" and four_bit:
        return W4A16
    raise ProofError(
        f"the quantization_config of {checkpoint.id} is not among the facts, so its full size cannot be built with random "
        "weights; prove a recipe such as recipe-vllm-fp8-per-tensor-scout, or a lower rung"
    )


def engine_flags(plan: Plan) -> Flags:
    """A plan's settings as a launch takes them: JSON as objects, without the name of the checkpoint."""
    return {name: _object(value) for name, value in plan.settings.items() if name != "model"}


def miniature_flags(plan: Plan) -> tuple[Flags, tuple[str, ...]]:
    """A plan's settings that hold for a miniature on one processor, and what was left out in words."""
    flags = engine_flags(plan)
    dropped = tuple(
        f"{name} {flags[name]} is left out: one process on this machine" for name in NOT_ON_ONE_CPU if name in flags
    )
    kept = {name: value for name, value in flags.items() if name not in NOT_ON_ONE_CPU}
    if kept.get("kv-cache-dtype") == "fp8" and not any(flag.startswith("avx512") for flag in environment().cpu_flags):
        del kept["kv-cache-dtype"]
        dropped += ("kv-cache-dtype fp8 is left out: this processor has no AVX-512",)
    return kept, dropped


def miniature_cache(plan: Plan, miniature: Miniature) -> KVCache:
    """The KV cache of a plan's miniature, as the installed engine makes it on a processor."""
    flags, _ = miniature_flags(plan)
    return kv_cache(
        miniature.model,
        max_model_len=plan.context,
        cache_dtype="fp8" if flags.get("kv-cache-dtype") == "fp8" else "bfloat16",
        block_size=CPU_BLOCK_SIZE,
        max_num_batched_tokens=plan.config.max_num_batched_tokens,
        hybrid=plan.config.hybrid,
        rules=installed_behaviour(catalog_of(plan.model)),
        platform="cpu",
    )


def predicted_capacity(cache: KVCache, available: int) -> dict[str, Number]:
    """What the engine's own planner should answer for an amount of memory."""
    capacity = cache.capacity(available)
    largest: dict[str, Number] = {
        "fits": capacity.fits,
        "largest_max_model_len": cache.largest_max_model_len(available),
    }
    if not capacity.fits:
        return largest
    return {
        **largest,
        "num_gpu_blocks": capacity.num_blocks,
        "kv_cache_tokens": capacity.tokens,
        "max_concurrency": capacity.max_concurrency,
    }


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


def _object(value: Setting) -> FlagValue:
    if isinstance(value, str) and value.startswith("{"):
        parsed: dict[str, object] = json.loads(value)
        return parsed
    return value


def _precision_note(plan: Plan) -> tuple[str, ...]:
    """What the proof leaves out of a checkpoint that is quantized on its own account."""
    coverage = plan.checkpoint.coverage
    experts = coverage.routed_experts if coverage is not None else None
    if plan.checkpoint.kind == "recipe" or experts is None or not catalog_of(plan.checkpoint).format(experts).quantizes:
        return ()
    return (f"shown in the published precision: experts in {experts} are not part of this proof",)


def _release_note(plan: Plan) -> str:
    installed = installed_behaviour(catalog_of(plan.model)).release
    if installed == plan.release:
        return f"shown on vLLM {installed}, the plan's own release"
    return f"the plan is for vLLM {plan.release}; shown on the installed {installed}, and predicted for it"


def _with_notes(verdict: Verdict, *notes: str) -> Verdict:
    return dataclasses.replace(verdict, notes=(*verdict.notes, *notes))


__all__ = ["RUNGS", "RungName", "prove"]
