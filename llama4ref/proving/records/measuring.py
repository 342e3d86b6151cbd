"""Measure the full size on this machine's GPU, and keep the records: `python -m llama4ref.proving.records.measuring --out DIR`.

Rung 3 for one accelerator with Scout: each standard configuration is planned, launched with random weights, and its observed
memory, capacity and speed are written beside what the plan predicted, as measurement specs and as verdicts in JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llama4ref.errors import Llama4refError, ProofError
from llama4ref.facts import load
from llama4ref.planning import Plan, PlanRequest, plan
from llama4ref.proving.environment import environment, need
from llama4ref.proving.records.devices import accelerator_of
from llama4ref.proving.records.measurement_records import Circumstances, measurement_record
from llama4ref.proving.rungs.full_size import (
    W4A16,
    Configuration,
    FullSizeProof,
    Run,
    measure_full_size,
    standard_configurations,
)
from llama4ref.proving.rungs.proofs import full_size_configuration, installed_behaviour

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog

SOURCE = "full-size-runs"
"""Key of the source that records of this project's own runs are cited from."""
MODEL = "scout"
CONTEXT = 65_536
"""Longest request of every configuration: it fits one H200 with the hybrid cache off as well."""


def predicted(configuration: Configuration, accelerator: str, catalog: Catalog) -> tuple[Configuration, str]:
    """A configuration with what its plan predicts, and the id of the checkpoint whose formats it has."""
    config = configuration.config
    method = str(config.settings.get("quantization", ""))
    checkpoint = (
        "redhatai-llama-4-scout-17b-16e-instruct-quantized-w4a16"
        if configuration.quantization == W4A16
        else f"recipe-vllm-{method.replace('_', '-')}-{MODEL}"
    )
    request = PlanRequest(
        model=MODEL,
        gpu=accelerator,
        count=1,
        checkpoint=checkpoint,
        context=config.max_model_len,
        max_num_seqs=config.max_num_seqs,
        max_num_batched_tokens=config.max_num_batched_tokens,
        engine_release=config.release,
        cache_dtype=config.cache_dtype,
        hybrid=config.hybrid,
        enforce_eager=config.enforce_eager,
    )
    best = plan(request, catalog).best
    if not isinstance(best, Plan):
        return configuration, checkpoint
    foreseen = full_size_configuration(best.checkpoint, best.config, best.budget)
    return dataclasses.replace(configuration, predicted=foreseen.predicted, bounds=foreseen.bounds), checkpoint


def measure_here(directory: Path, *, time_limit_seconds: float, kernels: dict[str, str]) -> tuple[Run, ...]:
    """Measure the standard configurations, and write a record and a verdict of each into a folder.

    Raises:
        MissingExtraError: where vLLM is not installed.
        ProofError: where this machine has no GPU that the facts know.
    """
    need("vllm", "openai")
    catalog = load()
    found = environment()
    if not found.gpus:
        raise ProofError("the full size needs an NVIDIA GPU, and this machine has none; rung 2 needs no GPU")
    gpu = found.gpus[0]
    accelerator = accelerator_of(gpu.name, catalog, memory_bytes=gpu.memory_bytes)
    planned = [
        predicted(each, accelerator, catalog)
        for each in standard_configurations(installed_behaviour(catalog), CONTEXT, kernels=kernels)
    ]
    proof = FullSizeProof(
        model=catalog.model(MODEL),
        configurations=[configuration for configuration, _ in planned],
        directory=directory,
        time_limit_seconds=time_limit_seconds,
    )
    runs = measure_full_size(
        proof, progress=lambda stage, seconds: print(f"{seconds:7.1f} s  {stage}", file=sys.stderr, flush=True)
    )
    for run, (_, checkpoint) in zip(runs, planned, strict=False):
        _keep(run, checkpoint, accelerator, directory)
    return runs


def _keep(run: Run, checkpoint: str, accelerator: str, directory: Path) -> None:
    name = f"vllm-{run.verdict.versions.get('vllm', 'unknown')}-{MODEL}-{accelerator}-1-{run.configuration.name}"
    stem = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in name.lower())
    (directory / f"{stem}.json").write_text(run.verdict.to_json(), encoding="utf-8")
    if run.report is None:
        return
    circumstances = Circumstances(
        source=SOURCE,
        model=MODEL,
        checkpoint=checkpoint,
        accelerator=accelerator,
        count=1,
        precision=run.configuration.name,
        as_of=dt.datetime.now(tz=dt.UTC).date().isoformat(),
    )
    (directory / f"{stem}.yaml").write_text(measurement_record(run, circumstances), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write, and say in one line each what was found."""
    parser = argparse.ArgumentParser(
        prog="python -m llama4ref.proving.records.measuring", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--out", type=Path, default=Path("proofs"), help="folder of records, verdicts and logs")
    parser.add_argument("--time-limit", type=float, default=530.0, help="seconds for all configurations together")
    parser.add_argument(
        "--kernels", type=json.loads, default={}, help='options that choose kernels, as JSON: {"moe-backend": "triton"}'
    )
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        runs = measure_here(options.out, time_limit_seconds=options.time_limit, kernels=options.kernels)
    except Llama4refError as error:
        print(f"measuring: {error}", file=sys.stderr)
        return error.exit_code
    for run in runs:
        print(f"{'held' if run.verdict.holds else 'did not hold'}  {run.configuration.name}")
    return 0 if runs and all(run.verdict.holds for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
