"""Facts of benchmarks, measurements and engines beside each other and beside who says so."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.audit.checks import Check, CheckResult
from llama4ref.facts.types.metrics import metric
from llama4ref.facts.types.releases import normalized_release, release_key
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.benchmarks import Result
    from llama4ref.facts.types.measurements import Measurement

NOLIMA_LENGTHS = (1, 2, 4, 8, 16, 32)
"""Prompt lengths of the test, in 1,024 tokens."""
NOLIMA_SHARE = 0.85
"""A length counts as effective where the score keeps this share of the base score."""
DIVERGENCES = ("kl-divergence-median", "kl-divergence-mean", "kl-divergence-p99", "kl-divergence-max")
LESS_IS_BETTER = (
    "divergence",
    "perplexity",
    "log-likelihood",
    "rank",
    "price",
    "non-response",
    "missed",
    "confabulation",
    "hallucination",
)
"""Words of metrics where a smaller score is better."""
QUOTED = (
    ("tensor_parallel", "tensor-parallel-size", None),
    ("pipeline_parallel", "pipeline-parallel-size", None),
    ("data_parallel", "data-parallel-size", None),
    ("expert_parallel", "enable-expert-parallel", None),
    ("cache_dtype", "kv-cache-dtype", "auto"),
)
"""Field of a run, the option that says the same, and the value that leaves it to the engine."""
BITS = {"bf16": "BF16", "fp8": "FP8", "nvfp4": "NVFP4", "int4": "INT4"}


def labels(catalog: Entries) -> Iterator[CheckResult]:
    """Who measured, as labelled, beside what kind of source it is read in; base models beside tests of base models."""
    for benchmark in catalog.benchmarks.values():
        entity = f"benchmarks/{benchmark.id}"
        for index, result in enumerate(benchmark.results):
            at = f"results.{index}"
            developer = catalog.cite(entity, f"{at}.score")[0].source.kind == "developer"
            held = result.label == "secondary" or developer == (result.label == "developer")
            yield CheckResult(entity, (f"{at}.label",), held, result.label)
            yield CheckResult(
                entity, (f"{at}.stage",), (result.stage == "base") == benchmark.id.endswith("-base"), result.stage
            )


def systems(catalog: Entries) -> Iterator[CheckResult]:
    """A tested system is a model here, or carries a proper name."""
    for benchmark in catalog.benchmarks.values():
        for index, result in enumerate(benchmark.results):
            held = result.system in catalog.models or result.system[0].isupper()
            yield CheckResult(f"benchmarks/{benchmark.id}", (f"results.{index}.system",), held, result.system)


def directions(catalog: Entries) -> Iterator[CheckResult]:
    """Whether more is better follows from what the metric counts."""
    for benchmark in catalog.benchmarks.values():
        falls = any(word in benchmark.metric for word in LESS_IS_BETTER)
        yield CheckResult(
            f"benchmarks/{benchmark.id}",
            ("higher_is_better", "metric"),
            benchmark.higher_is_better != falls,
            benchmark.metric,
        )


def units(catalog: Entries) -> Iterator[CheckResult]:
    """An observation has the unit of its metric."""
    for run in catalog.measurements.values():
        for index, each in enumerate(run.observations):
            at, unit = f"observations.{index}", metric(each.metric).unit
            fields = (f"{at}.metric", f"{at}.unit")
            yield CheckResult(f"measurements/{run.id}", fields, each.unit == unit, each.unit, unit)


def loads(catalog: Entries) -> Iterator[CheckResult]:
    """A latency or throughput is of so many requests at once, or of so many queued; memory and capacity are of neither."""
    for run in catalog.measurements.values():
        for index, each in enumerate(run.observations):
            given = [name for name in ("concurrency", "requests") if getattr(each, name) is not None]
            expected = int(metric(each.metric).of_requests)
            yield CheckResult(
                f"measurements/{run.id}",
                (f"observations.{index}.metric",),
                len(given) == expected,
                each.metric,
                " and ".join(given),
            )


def scores(catalog: Entries) -> Iterator[CheckResult]:
    """A percentage lies between 0 and 100, a place begins at 1, nothing is negative."""
    for benchmark in catalog.benchmarks.values():
        low, high = {"%": (0.0, 100.0), "place": (1.0, 1000.0)}.get(benchmark.unit, (0.0, float("inf")))
        for index, result in enumerate(benchmark.results):
            if result.score is not UNKNOWN:
                held = low <= result.score <= high
                yield CheckResult(
                    f"benchmarks/{benchmark.id}", (f"results.{index}.score", "unit"), held, str(result.score)
                )


def effective_lengths(catalog: Entries) -> Iterator[CheckResult]:
    """NoLiMa's effective length is the longest prompt before the score falls below its share of the base score.

    A length without a printed score is not known to keep its share, and ends the series.
    """
    base = _by_system(catalog, "nolima-base-score")
    at_length = {length: _by_system(catalog, f"nolima-{length}k") for length in NOLIMA_LENGTHS}
    for system, (index, result) in _by_system(catalog, "nolima-effective-length").items():
        best = base[system][1].score if system in base else UNKNOWN
        if best is UNKNOWN or result.score is UNKNOWN:
            continue
        reached, used = 0, []
        for length, found in at_length.items():
            if system not in found:
                break
            used.append((length, found[system][0]))
            score = found[system][1].score
            if score is UNKNOWN or score < NOLIMA_SHARE * best:
                break
            reached = length
        held = result.score == reached or (reached == 0 and result.score < 1)
        yield CheckResult("benchmarks/nolima-effective-length", (f"results.{index}.score",), held, system, str(reached))
        yield CheckResult("benchmarks/nolima-base-score", (f"results.{base[system][0]}.score",), held)
        yield from (CheckResult(f"benchmarks/nolima-{length}k", (f"results.{at}.score",), held) for length, at in used)


def _results(catalog: Entries, id_: str) -> tuple[Result, ...]:
    return catalog.benchmarks[id_].results if id_ in catalog.benchmarks else ()


def _by_system(catalog: Entries, id_: str) -> dict[str, tuple[int, Result]]:
    return {result.system: (index, result) for index, result in enumerate(_results(catalog, id_))}


def divergences(catalog: Entries) -> Iterator[CheckResult]:
    """Of one quantized file the median divergence is below the mean, that below the 99th percentile, that below the maximum."""
    rows: dict[str, dict[str, tuple[int, Result]]] = {id_: {} for id_ in DIVERGENCES}
    for id_ in DIVERGENCES:
        for index, result in enumerate(_results(catalog, id_)):
            rows[id_][f"{result.precision} {result.file_size} {result.note}"] = (index, result)
    for low, high in itertools.pairwise(DIVERGENCES):
        for key in rows[low].keys() & rows[high].keys():
            (index, below), (other, above) = rows[low][key], rows[high][key]
            if below.score is not UNKNOWN and above.score is not UNKNOWN:
                held = below.score <= above.score
                yield CheckResult(f"benchmarks/{low}", (f"results.{index}.score",), held, key)
                yield CheckResult(f"benchmarks/{high}", (f"results.{other}.score",), held, key)


def runs(catalog: Entries) -> Iterator[CheckResult]:
    """A run's GPUs are the product of its parallelism; its name, checkpoint and precision agree with its fields."""
    for run in catalog.measurements.values():
        entity = f"measurements/{run.id}"
        sizes = {
            "tensor_parallel": run.tensor_parallel,
            "pipeline_parallel": run.pipeline_parallel,
            "data_parallel": run.data_parallel,
        }
        known = [size for size in sizes.values() if size is not UNKNOWN]
        if len(known) == len(sizes):
            held = known[0] * known[1] * known[2] == run.count
            yield CheckResult(entity, ("count", *sizes), held, str(known), str(run.count))
        if run.parallelism is not None and run.tensor_parallel is not UNKNOWN and run.parallelism.startswith("TP"):
            held = f"TP{run.tensor_parallel}" in run.parallelism
            yield CheckResult(entity, ("parallelism", "tensor_parallel"), held, run.parallelism)
        held = any(
            run.id.startswith(f"{run.engine}-{release}-{run.model}-{run.accelerator}-{run.count}")
            for release in {run.release, run.release and normalized_release(run.release)}
        )
        yield CheckResult(entity, ("engine", "release", "model", "accelerator", "count"), held, run.id)
        yield from _checkpoint(catalog, entity, run)


def quotes(catalog: Entries) -> Iterator[CheckResult]:
    """The settings that a run quotes are options of its engine at its release, and say what its fields say; its device is known."""
    for run in catalog.measurements.values():
        entity = f"measurements/{run.id}"
        if run.settings is not UNKNOWN and run.release is not UNKNOWN:
            options = set(catalog.engine(run.engine).flags_at(run.release))
            for name in run.settings:
                yield CheckResult(entity, (f"settings.{name}", "release"), name in options, name)
            for field, name, default in QUOTED:
                if name in run.settings and getattr(run, field) is not UNKNOWN:
                    held = run.settings[name] in {getattr(run, field), default}
                    fields = (f"settings.{name}", field)
                    yield CheckResult(entity, fields, held, str(run.settings[name]), str(getattr(run, field)))
        if run.device is not UNKNOWN:
            names = catalog.accelerator(run.accelerator).driver_names
            held = names is not UNKNOWN and run.device in names
            yield CheckResult(entity, ("device", "accelerator"), held, run.device, str(names))


def _checkpoint(catalog: Entries, entity: str, run: Measurement) -> Iterator[CheckResult]:
    if run.checkpoint is UNKNOWN:
        return
    checkpoint = catalog.checkpoint(run.checkpoint)
    yield CheckResult(entity, ("checkpoint", "model"), checkpoint.model == run.model, run.checkpoint)
    experts = checkpoint.coverage.routed_experts if checkpoint.coverage else None
    word = next((word for prefix, word in BITS.items() if experts and experts.startswith(prefix)), None)
    if word is not None and run.precision is not UNKNOWN:
        held = word in run.precision.upper().replace("FP4", "NVFP4").replace("NVNV", "NV")
        yield CheckResult(entity, ("checkpoint", "precision"), held, run.precision, word)


def published_options(catalog: Entries) -> Iterator[CheckResult]:
    """Options in published settings are options of the engine."""
    for engine in catalog.engines.values():
        for index, each in enumerate(engine.flag_sets):
            if engine.flags and each.flags:
                named = {flag.split()[0].removeprefix("--no-").removeprefix("--") for flag in each.flags}
                strange = str(named - set(engine.flags))
                yield CheckResult(
                    f"engines/{engine.id}", (f"flag_sets.{index}.flags",), named <= set(engine.flags), strange
                )


def limits(catalog: Entries) -> Iterator[CheckResult]:
    """No published context is longer than the model's, and the newest release is not older than the first."""
    for engine in catalog.engines.values():
        entity = f"engines/{engine.id}"
        for index, claim in enumerate(engine.claims_of_capacity):
            at, model_limits = f"claims_of_capacity.{index}", catalog.model(claim.model).context
            if model_limits is not UNKNOWN:
                held = claim.max_context <= model_limits.instruct_max_position_embeddings
                yield CheckResult(entity, (f"{at}.max_context", f"{at}.model"), held, f"{claim.max_context:,}")
        if engine.first_release and engine.newest_release:
            held = release_key(engine.first_release) <= release_key(engine.newest_release)
            yield CheckResult(entity, ("first_release", "newest_release"), held)


CHECKS = (
    Check("who-measured", "crossed", "who measured with the kind of source, the stage with the test", labels),
    Check("tested-systems", "bounded", "a tested system with the ids of the models", systems),
    Check("directions", "crossed", "whether more is better with what the metric counts", directions),
    Check("observed-units", "crossed", "the unit of an observation with its metric", units),
    Check("observed-load", "bounded", "the number of requests of an observation with its metric", loads),
    Check("score-ranges", "bounded", "a score with the range of its unit", scores),
    Check("effective-lengths", "computed", "an effective length with the scores it follows from", effective_lengths),
    Check("divergences", "crossed", "median, mean, percentile and maximum of one file with each other", divergences),
    Check("runs", "crossed", "a run's parallelism, name and precision with its fields", runs),
    Check(
        "quoted-settings", "crossed", "the settings that a run quotes with its engine's options and its fields", quotes
    ),
    Check("published-options", "crossed", "published settings with the engine's options", published_options),
    Check(
        "engine-limits",
        "bounded",
        "an engine's published lengths with the model's limit, its releases with each other",
        limits,
    ),
)
