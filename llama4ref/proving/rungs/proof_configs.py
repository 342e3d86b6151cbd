"""Which configuration is launched for a plan on the installed engine, and how does it differ from the plan's own?

Nothing is changed in silence: each function gives the changed configuration and what it changed, in words for the verdict.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llama4ref.engine.option_values import object_of, object_text
from llama4ref.engine.settings_reading import EngineDefaults, draft_of, reread
from llama4ref.errors import ReleaseError
from llama4ref.facts import catalog_of
from llama4ref.proving.environment import environment
from llama4ref.proving.model_files.draft_files import missing_of, write_draft
from llama4ref.proving.server.launching import FOR_THE_PROOF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.engine.engine_config import EngineConfig, Setting
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.models import Model

NOT_ON_ONE_CPU = (
    "tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size", "enable-expert-parallel", "nnodes",
    "distributed-executor-backend", "mm-encoder-tp-mode", "quantization", "speculative-config", "gpu-memory-utilization",
    "moe-backend", "attention-backend", "linear-backend", "all2all-backend", "enable-lora", "max-loras", "max-lora-rank",
)  # fmt: skip
"""Settings that a miniature on one processor cannot take."""
CPU_BLOCK_SIZE = 128
"""vLLM's default on a processor, whose attention takes multiples of 32 only."""
_DRAFT = "speculative-config"
NOT_IN_A_PROOF = ("api-key", "root-path", "ssl-keyfile", "ssl-certfile", "ssl-ca-certs")
"""Settings that would keep the probes out."""


def for_release(config: EngineConfig, engine: Engine, release: str, *, platform: str) -> EngineConfig:
    """A configuration as another release takes it: the same settings in that release's spelling, sizes by its rules.

    Raises:
        ReleaseError: for a setting that the release lacks.
        SettingError: for a setting whose value cannot be meant.
    """
    known = set(engine.flags_at(release))
    for name in config.settings:
        if name not in known:
            raise ReleaseError(
                f"the plan is for vLLM {config.release}; the installed {release} has no --{name}", setting=name
            )
    settings = {name: _respelled(name, value, engine, release) for name, value in config.settings.items()}
    return sizes_read(replace(config, settings=settings), engine, release, platform=platform)


def sizes_read(config: EngineConfig, engine: Engine, release: str, *, platform: str) -> EngineConfig:
    """A configuration with its sizes by its settings; those that no setting gives stay as they are.

    Raises:
        SettingError: for a setting whose value cannot be meant.
    """
    kept: dict[str, Setting] = {
        "max-model-len": config.max_model_len,
        "max-num-seqs": config.max_num_seqs,
        "max-num-batched-tokens": config.max_num_batched_tokens,
        "block-size": config.block_size,
        "kv-cache-dtype": config.cache_dtype,
    }
    known = EngineDefaults(behaviour=engine.at(release), platform=platform, nodes=config.nodes, by_option=kept)
    return reread(config, known)


def reachable(config: EngineConfig) -> tuple[EngineConfig, tuple[str, ...]]:
    """A configuration without the settings that would keep the probes out, and without a template that is not on this machine."""
    refused = dict.fromkeys(NOT_IN_A_PROOF, "the probes could not ask")
    template = str(config.settings.get("chat-template", ""))
    if template.endswith(".jinja") and not Path(template).is_file():
        refused["chat-template"] = "the file is not on this machine"
    return _without(config, refused)


def without_draft(config: EngineConfig, *, because: str) -> tuple[EngineConfig, tuple[str, ...]]:
    """A configuration without its draft head."""
    plain, left_out = _without(config, {_DRAFT: because})
    return replace(plain, draft_tokens=0), left_out


def with_draft_files(
    config: EngineConfig, model: Model, engine: Engine, directory: Path
) -> tuple[EngineConfig, tuple[str, ...]]:
    """A configuration whose draft head is a folder with its configuration file, or without one where that cannot be written."""
    name = draft_of(config.settings)
    if name is None:
        return config, ()
    draft = next((each for each in catalog_of(model).checkpoints.values() if each.is_called(name)), None)
    missing = missing_of(draft)
    if missing is not None or draft is None or draft.draft is None:
        return without_draft(config, because=str(missing))
    write_draft(directory, draft.draft, model)
    written = object_text(
        {**object_of(str(config.settings[_DRAFT])), "model": str(directory)}, engine.flags[_DRAFT], config.release
    )
    words = f"{_DRAFT}: the configuration of {name} is written from the facts"
    return config.with_settings({_DRAFT: written}, because=FOR_THE_PROOF), (words,)


def on_one_processor(config: EngineConfig, cpu_flags: frozenset[str]) -> tuple[EngineConfig, tuple[str, ...]]:
    """A configuration without what a miniature in one process on a processor cannot take."""
    refused = dict.fromkeys(NOT_ON_ONE_CPU, "one process on this machine")
    if config.settings.get("kv-cache-dtype") == "fp8" and not any(flag.startswith("avx512") for flag in cpu_flags):
        refused["kv-cache-dtype"] = "this processor has no AVX-512"
    kept, left_out = _without(config, refused)
    return replace(kept, nodes=1, cache_dtype="bfloat16"), left_out


def miniature_config(config: EngineConfig, engine: Engine) -> tuple[EngineConfig, tuple[str, ...]]:
    """What of a configuration a miniature on one processor is served with, and what was changed, in words."""
    open_, hidden = reachable(config)
    alone, left_out = on_one_processor(open_, environment().cpu_flags)
    sizes: dict[str, Setting] = {
        "max-model-len": config.max_model_len,
        "max-num-seqs": config.max_num_seqs,
        "max-num-batched-tokens": config.max_num_batched_tokens,
    }
    whole, written = added(alone, sizes)
    blocks = whole.with_settings({"block-size": CPU_BLOCK_SIZE}, because=FOR_THE_PROOF)
    return sizes_read(blocks, engine, config.release, platform="cpu"), hidden + left_out + written


def added(config: EngineConfig, settings: Mapping[str, Setting]) -> tuple[EngineConfig, tuple[str, ...]]:
    """A configuration with settings that only a proof needs; what it sets itself stays."""
    new = {name: value for name, value in settings.items() if name not in config.settings}
    words = tuple(f"{name} {value} is added for the proof" for name, value in new.items())
    return config.with_settings(new, because=FOR_THE_PROOF), words


def _without(config: EngineConfig, refused: Mapping[str, str]) -> tuple[EngineConfig, tuple[str, ...]]:
    words = tuple(
        f"{name} {config.settings[name]} is left out: {why}" for name, why in refused.items() if name in config.settings
    )
    return config.without_settings(refused.keys()), words


def _respelled(name: str, value: Setting, engine: Engine, release: str) -> Setting:
    flag = engine.flags[name]
    if flag.takes != "json" or isinstance(value, bool):
        return value
    return object_text(object_of(str(value)), flag, release)
