"""How is an observed run written down, so that it can be kept under `specs/measurements`?

The text is YAML of the measurement schema. Sizes are in GiB and times in seconds, as they were observed; a value that the
engine did not state is left out rather than guessed. The configuration is quoted, so that the run can be compared with what is
estimated for it, and repeated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import ProofError
from llama4ref.facts.types.metrics import METRICS
from llama4ref.facts.types.releases import normalized_release
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.proving.rungs.full_size import HYBRID

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig, Setting
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.proving.verdict import LoadTest, Number, Verdict

OWN_RUNS = "full-size-runs"
"""Key of the source that records of runs on one's own GPUs are cited from."""
NOT_QUOTED = ("model", "host", "port", "served-model-name", "api-key", "ssl-keyfile", "ssl-certfile", "ssl-ca-certs")
"""Settings that say where one server listens, what it calls itself and who may ask it, not how it serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetails:
    """What a verdict does not say of the run that it is on."""

    checkpoint: Checkpoint
    """Whose formats were served."""
    accelerator: str
    """Id of the accelerator."""
    device: str | None
    """What the driver calls it; None where nobody says."""
    as_of: str
    """Day of the run, ISO 8601."""
    name: str
    """What tells it from other runs of this checkpoint, such as `eager`; of lowercase letters, digits, dots and dashes."""
    source: str = OWN_RUNS
    """Key of the source in `specs/sources.yaml`."""


def record_id(verdict: Verdict, details: RunDetails) -> str:
    """The name of the record's file without its ending: what was run, on what, and which run it was."""
    release, count = normalized_release(verdict.config.release), verdict.config.layout.gpus
    parts = ("vllm", release, details.checkpoint.model, details.accelerator, count)
    return "-".join(re.sub(r"[^a-z0-9.]+", "-", str(part).lower()) for part in (*parts, details.name))


def measurement_record(verdict: Verdict, details: RunDetails) -> str:
    """The YAML of a run that started.

    Raises:
        ProofError: where the server stated nothing, so that there is nothing to keep.
    """
    if not any(name in METRICS for name in verdict.observed):
        raise ProofError(
            f"{verdict.subject}: the server stated nothing of its memory or capacity, so there is nothing to keep"
        )
    rows = [*_memory_rows(verdict.observed), *(row for load in verdict.loads for row in _load_rows(load))]
    note = f"{'; '.join(verdict.notes)}; with {', '.join(f'{name} {each}' for name, each in verdict.versions.items())}"
    return "\n".join(
        [
            "# yaml-language-server: $schema=../schema/measurements.schema.json",
            *(f"{name}: {_scalar(value)}" for name, value in _head(verdict, details).items()),
            *_group("settings", quoted_settings(verdict.config)),
            *_group("environment", verdict.config.environment),
            "observations:",
            *(f"  - {{{', '.join(f'{name}: {_scalar(value)}' for name, value in row.items())}}}" for row in rows),
            f"note: {json.dumps(note)}",
            "",
        ]
    )


def quoted_settings(config: EngineConfig) -> dict[str, Setting]:
    """The settings of a configuration that decide how it serves, sizes that only the engine's defaults give written out.

    Sizes are left to no default, since defaults differ between releases and machines.
    """
    sizes: dict[str, Setting] = {
        "max-model-len": config.max_model_len,
        "max-num-seqs": config.max_num_seqs,
        "max-num-batched-tokens": config.max_num_batched_tokens,
        "gpu-memory-utilization": config.gpu_memory_utilization,
        "block-size": config.block_size,
    }
    given = {name: value for name, value in config.settings.items() if name not in NOT_QUOTED}
    return {**given, **{name: value for name, value in sizes.items() if name not in given}}


def precision(checkpoint: Checkpoint, config: EngineConfig) -> str:
    """Formats of the routed experts and of the KV cache, by the ids of the formats."""
    weights = "unknown" if checkpoint.coverage is UNKNOWN else checkpoint.coverage.routed_experts
    return f"W:{weights} KV:{config.cache_dtype}"


def _head(verdict: Verdict, details: RunDetails) -> Mapping[str, object]:
    config, layout = verdict.config, verdict.config.layout
    return {
        "source": details.source,
        "at": f"{details.name}, {details.as_of}",
        "model": details.checkpoint.model,
        "checkpoint": details.checkpoint.id,
        "engine": "vllm",
        "release": normalized_release(config.release),
        "accelerator": details.accelerator,
        "device": details.device,
        "count": layout.gpus,
        "tensor_parallel": layout.tensor_parallel,
        "pipeline_parallel": layout.pipeline_parallel,
        "data_parallel": layout.data_parallel,
        "expert_parallel": layout.expert_parallel,
        "precision": precision(details.checkpoint, config),
        "cache_dtype": config.cache_dtype,
        HYBRID: bool(verdict.observed.get(HYBRID, config.hybrid)),
        "as_of": details.as_of,
    }


def _memory_rows(observed: Mapping[str, Number]) -> Iterator[Mapping[str, object]]:
    for name, value in observed.items():
        if name in METRICS:
            yield {"metric": name, "value": value, "unit": METRICS[name].unit}


def _load_rows(load: LoadTest) -> Iterator[Mapping[str, object]]:
    for name, value in load.values.items():
        yield {
            "metric": name,
            "value": float(f"{value:.4g}"),
            "unit": METRICS[name].unit,
            "concurrency": load.concurrency,
            "prompt_tokens": load.prompt_tokens,
            "output_tokens": load.output_tokens,
        }


def _group(name: str, content: Mapping[str, object]) -> Iterator[str]:
    if content:
        yield f"{name}:"
        yield from (f"  {key}: {_scalar(value)}" for key, value in content.items())


def _scalar(value: object) -> str:
    """A value as specs write it: numbers and switches bare, every text in quotes."""
    if value is None:
        return "unknown"
    if isinstance(value, bool | int):
        return json.dumps(value)
    return repr(value) if isinstance(value, float) else json.dumps(str(value))


__all__ = ["OWN_RUNS", "RunDetails", "measurement_record", "precision", "quoted_settings", "record_id"]
