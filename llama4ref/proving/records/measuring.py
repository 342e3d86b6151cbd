"""Measure the full size on this machine's GPU, and keep the records: `python -m llama4ref.proving.records.measuring --out DIR`.

Rung 3 for one accelerator with Scout: each standard run is planned, the plan is launched with random weights, and the observed
memory, capacity and speed are written beside what the plan predicted, as measurement specs and as verdicts in JSON.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from llama4ref.errors import Llama4refError, ProofError
from llama4ref.facts import load
from llama4ref.planning import Plan, PlanRequest, plan
from llama4ref.proving.devices import accelerator_of
from llama4ref.proving.environment import environment, need
from llama4ref.proving.records.measurement_records import RunDetails, measurement_record, record_id
from llama4ref.proving.rungs.full_size import Configuration, FullSizeProof, measure_full_size
from llama4ref.proving.rungs.predictions import full_size_configuration
from llama4ref.proving.rungs.proofs import installed_behaviour

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import Setting
    from llama4ref.facts.catalog import Catalog
    from llama4ref.proving.verdict import Verdict

MODEL = "scout"
CONTEXT = 65_536
"""Longest request of every run: it fits one H200 with the hybrid cache off as well."""
CONCURRENCIES = (1, 8, 32)
"""Requests at once whose speed is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardRun:
    """One plan that tells much about an accelerator."""

    name: str
    """In the names of its files."""
    request: PlanRequest
    concurrencies: Sequence[int] = ()
    """Requests at once whose speed is measured; none for memory and capacity only."""


def standard_runs(accelerator: str, release: str) -> tuple[StandardRun, ...]:
    """What tells most about one accelerator of at least 140 GB with Scout, within nine minutes.

    Quantization while loading needs vLLM 0.24.0 or later. Scout in bf16 takes more than one such accelerator has, so it is not
    here. Runs without concurrencies skip compilation and speed: they only show memory and capacity.
    """
    common = PlanRequest(
        model=MODEL,
        gpu=accelerator,
        count=1,
        context=CONTEXT,
        max_num_seqs=64,
        max_num_batched_tokens=8192,
        engine_release=release,
        cache_dtype="bfloat16",
        checkpoint="recipe-vllm-fp8-per-tensor-scout",
    )
    eager = replace(common, enforce_eager=True)
    four_bit = "redhatai-llama-4-scout-17b-16e-instruct-quantized-w4a16"
    by_channel = "recipe-vllm-fp8-per-channel-scout"
    return (
        StandardRun(name="fp8", request=common, concurrencies=CONCURRENCIES),
        StandardRun(name="fp8-eager-no-hybrid", request=replace(eager, hybrid=False)),
        StandardRun(name="w4a16", request=replace(common, checkpoint=four_bit), concurrencies=CONCURRENCIES),
        StandardRun(name="fp8-eager-fp8-cache", request=replace(eager, cache_dtype="fp8")),
        StandardRun(name="fp8-eager-by-channel", request=replace(eager, checkpoint=by_channel)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardResult:
    """What became of one standard run."""

    name: str
    verdict: Verdict | None
    """None where it was not launched."""
    refused: str = ""
    """Why it was not launched: what the planner refuses has no prediction that a launch could hold or break."""


def planned(run: StandardRun, catalog: Catalog) -> Plan | str:
    """The plan of a standard run, or why the planner refuses it."""
    result = plan(run.request, catalog)
    return result.best if isinstance(result.best, Plan) else "; ".join(map(str, result.refused))


def configuration_of(run: StandardRun, best: Plan, kernels: Mapping[str, Setting]) -> Configuration:
    """What is launched for a run, and what is predicted of it.

    Args:
        run: one of the standard ones.
        best: its plan.
        kernels: settings that choose kernels, such as `moe-backend`, where the engine's own choice is not installed.
    """
    config = best.config.with_settings(kernels, because="asked for on the command line") if kernels else best.config
    foreseen = full_size_configuration(best.checkpoint, config, best.budget)
    return replace(foreseen, name=run.name, concurrencies=run.concurrencies)


def measure_here(
    directory: Path, *, time_limit_seconds: float, kernels: Mapping[str, Setting]
) -> tuple[StandardResult, ...]:
    """Measure the standard runs, and write a record and a verdict of each into a folder.

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
    plans = [(run, planned(run, catalog)) for run in standard_runs(accelerator, installed_behaviour(catalog).release)]
    launched = [(run, best) for run, best in plans if isinstance(best, Plan)]
    proof = FullSizeProof(
        model=catalog.model(MODEL),
        configurations=[configuration_of(run, best, kernels) for run, best in launched],
        directory=directory,
        time_limit_seconds=time_limit_seconds,
    )
    verdicts = measure_full_size(
        proof, progress=lambda stage, seconds: print(f"{seconds:7.1f} s  {stage}", file=sys.stderr, flush=True)
    )
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    for (run, best), verdict in zip(launched, verdicts, strict=False):
        about = RunDetails(
            checkpoint=best.checkpoint, accelerator=accelerator, device=gpu.name, as_of=today, name=run.name
        )
        keep(verdict, about, directory)
    refused = (
        StandardResult(name=run.name, verdict=None, refused=best) for run, best in plans if isinstance(best, str)
    )
    done = (
        StandardResult(name=run.name, verdict=verdict) for (run, _), verdict in zip(launched, verdicts, strict=False)
    )
    return (*done, *refused)


def keep(verdict: Verdict, details: RunDetails, directory: Path) -> None:
    """Write a verdict as JSON and, where its server started, the record beside it."""
    stem = record_id(verdict, details)
    (directory / f"{stem}.json").write_text(verdict.to_json(), encoding="utf-8")
    if verdict.observed:
        (directory / f"{stem}.yaml").write_text(measurement_record(verdict, details), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write, and say in one line each what was found."""
    parser = argparse.ArgumentParser(
        prog="python -m llama4ref.proving.records.measuring", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--out", type=Path, default=Path("proofs"), help="folder of records, verdicts and logs")
    parser.add_argument("--time-limit", type=float, default=530.0, help="seconds for all runs together")
    parser.add_argument(
        "--kernels", type=json.loads, default={}, help='options that choose kernels, as JSON: {"moe-backend": "triton"}'
    )
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        measured = measure_here(options.out, time_limit_seconds=options.time_limit, kernels=options.kernels)
    except Llama4refError as error:
        print(f"measuring: {error}", file=sys.stderr)
        return error.exit_code
    for each in measured:
        print(
            f"{each.verdict.conclusion.value}  {each.name}" if each.verdict else f"refused  {each.name}: {each.refused}"
        )
    return 0 if measured and all(each.verdict is not None and each.verdict.holds for each in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
