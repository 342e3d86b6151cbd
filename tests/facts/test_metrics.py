"""One name and one unit for each measured quantity, held against vLLM's own benchmark and at the door of the specs."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from llama4ref.errors import SpecErrors, UnknownNameError
from llama4ref.facts.building import build
from llama4ref.facts.types.metrics import METRICS, MetricKind, Statistic, metric

SPECS = Path(__file__).parents[2] / "specs"
RECORD = "measurements/vllm-0.8.3-scout-h100-sxm-8-1000-1000.yaml"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Every spec file by path."""
    return {path.relative_to(SPECS).as_posix(): path.read_bytes() for path in SPECS.rglob("*.yaml")}


def test_a_latency_is_in_seconds_and_a_throughput_in_a_rate() -> None:
    """Memory is as engines print it."""
    units = {kind: {each.unit for each in METRICS.values() if each.kind == kind} for kind in MetricKind}

    assert units[MetricKind.LATENCY] == units[MetricKind.STARTUP] == {"s"}
    assert units[MetricKind.THROUGHPUT] == {"tokens/s", "requests/s"}
    assert units[MetricKind.MEMORY] == {"GiB"}


def test_the_name_says_the_statistic_and_the_gpu() -> None:
    """Nothing has to be looked up to read a name."""
    for name, each in METRICS.items():
        assert name == each.name
        assert (each.statistic is None) == (name.rpartition("_")[2] not in set(Statistic))
        assert not name.endswith("_per_gpu") or each.per_gpu


def test_an_unknown_metric_names_the_nearest() -> None:
    """So that an old or misspelt name is mended at once."""
    with pytest.raises(UnknownNameError, match="output_throughput"):
        metric("output_throughputs")


@pytest.mark.vllm
def test_names_are_those_of_vllms_benchmark() -> None:
    """Its results are called `median_ttft_ms`, `output_throughput` and so on."""
    pytest.importorskip("vllm")
    found = importlib.util.find_spec("vllm")
    assert found is not None
    assert found.origin is not None
    tree = ast.parse((Path(found.origin).parent / "benchmarks" / "serve.py").read_text(encoding="utf-8"))
    body = next(each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == "BenchmarkMetrics").body
    fields = {each.target.id for each in body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)}
    timed = {match.groups() for field in fields if (match := re.fullmatch(r"(mean|median)_(\w+)_ms", field))}

    assert {f"{quantity}_{statistic}" for statistic, quantity in timed} == {
        name for name, each in METRICS.items() if each.statistic in {Statistic.MEAN, Statistic.MEDIAN}
    }
    assert {"output_throughput", "request_throughput"} <= fields & METRICS.keys()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "metric: output_throughput,",
            "metric: output_rate,",
            r"observations\.0\.metric: found output_rate, .*output_",
        ),
        ("unit: tokens/s,", "unit: ms,", r"observations\.0\.unit: found ms, expected tokens/s"),
    ],
)
def test_a_record_in_other_words_does_not_load(files: dict[str, bytes], old: str, new: str, message: str) -> None:
    """A metric that nobody knows would be compared with nothing."""
    text = files[RECORD].decode()
    assert old in text

    with pytest.raises(SpecErrors, match=message):
        build(files | {RECORD: text.replace(old, new, 1).encode()})
