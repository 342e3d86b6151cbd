"""Checks between facts hold, and each of them can fail."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts import load
from llama4ref.facts.audit.cross_checks import check_results, checks, compared_leaves, disagreeing_facts
from llama4ref.facts.audit.derived_checks import read_figures
from llama4ref.facts.kept_provenance import pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.facts import Catalog
    from llama4ref.facts.types.sources import Provenance

    Change = Callable[[Catalog], Catalog]

CATALOG = load()


def _with(kind: str, id_: str, **changes: object) -> Change:
    """A catalogue where fields of one entity are different; a dotted name goes into a group."""

    def changed(catalog: Catalog) -> Catalog:
        entities = dict(getattr(catalog, kind))
        entity = entities[id_]
        for path, value in changes.items():
            entity = _replaced(entity, path.split("__"), value)
        return dataclasses.replace(catalog, **{kind: entities | {id_: entity}})

    return changed


def _replaced(thing: object, path: list[str], value: object) -> object:
    first, *rest = path
    if isinstance(thing, tuple):
        return tuple(_replaced(each, rest, value) if index == int(first) else each for index, each in enumerate(thing))
    if isinstance(thing, dict):
        return thing | {first: _replaced(thing[first], rest, value) if rest else value}
    return dataclasses.replace(thing, **{first: _replaced(getattr(thing, first), rest, value) if rest else value})


def _cited(provider: str, field: str, change: Callable[[Provenance], Provenance]) -> Change:
    """A catalogue where one leaf of a provider is cited otherwise."""

    def changed(catalog: Catalog) -> Catalog:
        leaves = {entity: dict(cited) for entity, cited in catalog.provenance.items()}
        leaf = leaves[f"providers/{provider}"]
        leaf[field] = change(leaf[field])
        return dataclasses.replace(catalog, packed_provenance=pack(leaves, catalog.sources))

    return changed


def _word(index: int, because: str | None = None, **said: object) -> Callable[[Provenance], Provenance]:
    """One word of a leaf says something else, or the leaf gives another reason."""

    def changed(leaf: Provenance) -> Provenance:
        words = list(leaf.citations)
        words[index] = dataclasses.replace(words[index], **said)
        return dataclasses.replace(leaf, citations=tuple(words), because=because or leaf.because)

    return changed


def _figure(catalog: Catalog) -> Catalog:
    return _with("models", "scout", claims__0__figure=112e9, claims__0__note=None)(catalog)


def _index(provider: str, tier: str) -> int:
    return next(at for at, offer in enumerate(CATALOG.provider(provider).offers) if offer.tier == tier)


def _run() -> str:
    return next(id_ for id_, run in CATALOG.measurements.items() if run.checkpoint and run.parallelism == "TP8")


VLLM_RUN = "vllm-0.8.3-scout-h100-sxm-8-1000-1000"
NVIDIA_FP8 = "nvidia-llama-4-scout-17b-16e-instruct-fp8"
META = "meta-llama-4-scout-17b-16e-instruct"
SCOUT_START = "vllm-0.19.0-scout-h100-sxm-4"
MLX = "mlx-community-meta-llama-llama-4-scout-17b-16e-4bit"
UNSLOTH = "unsloth-llama-4-scout-17b-16e-instruct-gguf-ud-iq1-s"
BREAKS: tuple[tuple[str, Change], ...] = (
    ("published-figures", _figure),
    ("printed-figures", _with("models", "scout", claims__0__stated="19B")),
    ("errata", _with("errata", "torchtitan-layers", said__figure=48)),
    ("printed-errata", _with("errata", "torchtitan-layers", said__figure=25)),
    ("printed-errata", _with("errata", "torchtitan-layers", model="maverick")),
    ("shapes", _with("models", "scout", attention__heads=36)),
    ("shapes", _with("models", "maverick", experts__count=16)),
    ("tokens", _with("models", "scout", tokens__patch=200_090)),
    ("tokens", _with("models", "scout", tokens__eos=(200_001,))),
    ("tokens", _with("families", "llama-4", prompting__special_tokens__patch__text="<|image|>")),
    ("totals", _with("families", "llama-4", training__gpu_hours=1)),
    ("checkpoint-names", _with("checkpoints", NVIDIA_FP8, model="maverick")),
    ("checkpoint-names", _with("checkpoints", NVIDIA_FP8, stage="base")),
    ("checkpoint-names", _with("checkpoints", NVIDIA_FP8, publisher="Intel")),
    ("checkpoint-names", _with("checkpoints", UNSLOTH, container="safetensors")),
    ("named-formats", _with("checkpoints", NVIDIA_FP8, coverage__routed_experts="nvfp4")),
    ("covered-layers", _with("checkpoints", NVIDIA_FP8, coverage__dense_mlp="bf16")),
    ("covered-layers", _with("checkpoints", NVIDIA_FP8, coverage__norms="fp32")),
    ("checkpoint-licences", _with("checkpoints", NVIDIA_FP8, license="llama-3-1-community")),
    ("checkpoint-licences", _with("checkpoints", NVIDIA_FP8, released="2025-04-04")),
    ("loading", _with("checkpoints", NVIDIA_FP8, quantization_method="gptq_marlin_24x")),
    ("loading", _with("checkpoints", NVIDIA_FP8, loads__vllm__until="0.12.0")),
    ("loading", _with("checkpoints", NVIDIA_FP8, loads__vllm__since="0.8.0")),
    ("capability-floors", _with("checkpoints", "redhatai-llama-4-scout-17b-16e-instruct-nvfp4", requirements__min_capability=60)),
    ("plain-checkpoints", _with("checkpoints", META, coverage__attention="fp8-block-128")),
    ("checkpoint-platforms", _with("checkpoints", "recipe-vllm-mxfp8-scout", requirements__platforms=("metal",))),
    ("checkpoint-platforms", _with("checkpoints", MLX, requirements__platforms=("cuda",))),
    ("number-formats", _with("formats", "nf4-double-quant", outer_scale__bits=16)),
    ("number-formats", _with("formats", "mxfp8", element__mantissa_bits=2)),
    ("number-formats", _with("formats", "nf4", scale__bits=16)),
    ("number-formats", _with("formats", "fp8-block-128", scale__granularity="group")),
    ("peak-rates", _with("accelerators", "h100-sxm", peak__bf16=1979e12, peak__fp8=2900e12)),
    ("native-formats", _with("accelerators", "a100-sxm", native_fp8=True)),
    ("native-formats", _with("accelerators", "mi300x", native_fp8=False)),
    ("native-formats", _with("accelerators", "mi300x", peak__fp8=None)),
    ("generations", _with("accelerators", "b300", compute_capability="10.0")),
    ("generations", _with("accelerators", "mi300x", platform="cuda")),
    ("generations", _with("accelerators", "l40s", name="L4")),
    ("memory-labels", _with("accelerators", "h200-sxm", memory_advertised="282GB")),
    ("links", _with("accelerators", "b200", link_bandwidth=1.8e12)),
    ("observed-rates", _with("accelerators", "h100-sxm", peak__bf16=1979e12)),
    ("offer-names", _with("providers", "groq", offers__0__model="maverick")),
    ("offer-names", _with("providers", "io-net", offers__0__precision="BF16")),
    ("offer-limits", _with("providers", "groq", offers__0__context_tokens=12_000_000)),
    ("offer-limits", _with("providers", "groq", offers__0__max_output_tokens=200_000)),
    ("offer-prices", _with("providers", "azure-ai-foundry", offers__1__price_input=1.41, offers__1__price_output=0.35)),
    ("tier-prices", _with("providers", "amazon-bedrock", **{f"offers__{_index('amazon-bedrock', 'flex')}__price_input": 0.1})),
    ("passed-on-prices", _with("providers", "kilo", offers__0__price_input=0.07)),
    ("offer-days", _with("providers", "groq", offers__0__as_of="2025-04-04")),
    ("offer-days", _with("providers", "groq", offers__0__retired="2027-01-01")),
    ("offer-days", _with("providers", "amazon-bedrock", offers__0__as_of="2027-04-01")),
    ("offer-days", _with("providers", "amazon-bedrock", offers__0__status="retired")),
    ("offer-ages", _cited("deepinfra", "offers.0.price_input", _word(-3, as_of="2026-10-01"))),
    ("offer-ages", _cited("deepinfra", "offers.0.price_input", _word(0, as_of="2026-11-21"))),
    ("offer-ages", _cited("groq", "offers.0.price_input", _word(-1, as_of="2026-08-22"))),
    ("vendor-words", _cited("openrouter", "offers.2.price_input", _word(0, "the rounder figure", as_of="2026-07-31"))),
    ("vendor-words", _cited("snowflake-cortex", "offers.0.status", _word(-1, "a list still has it", doubt=None))),
    ("offer-ends", _with("providers", "meta-llama-api", offers__0__status="preview")),
    ("offer-ends", _cited("snowflake-cortex", "offers.0.status", _word(-1, doubt=None))),
    ("offer-ends", _cited("snowflake-cortex", "offers.0.status", _word(-1, doubt=None, as_of="2026-08-03"))),
    ("offer-abilities", _with("providers", "vercel-ai-gateway", offers__4__tools=True)),
    ("who-measured", _with("benchmarks", "mmlu-pro", results__0__label="independent")),
    ("who-measured", _with("benchmarks", "mmlu-pro", results__0__stage="base")),
    ("tested-systems", _with("benchmarks", "mmlu-pro", results__0__system="scuot")),
    ("directions", _with("benchmarks", "kl-divergence-mean", higher_is_better=True)),
    ("observed-units", _with("measurements", _run(), observations__0__unit="ms")),
    ("observed-load", _with("measurements", _run(), observations__0__metric="available_kv_cache")),
    ("observed-load", _with("measurements", _run(), observations__0__concurrency=None, observations__0__requests=None)),
    ("observed-load", _with("measurements", _run(), observations__0__concurrency=64, observations__0__requests=64)),
    ("score-ranges", _with("benchmarks", "mmlu-pro", results__0__score=743.0)),
    ("effective-lengths", _with("benchmarks", "nolima-effective-length", results__0__score=16.0)),
    ("divergences", _with("benchmarks", "kl-divergence-median", results__0__score=9.0)),
    ("runs", _with("measurements", _run(), count=16)),
    ("runs", _with("measurements", _run(), parallelism="TP4")),
    ("runs", _with("measurements", _run(), precision="W:INT8")),
    ("quoted-settings", _with("measurements", VLLM_RUN, settings={"kv-cache-size": 8})),
    ("quoted-settings", _with("measurements", VLLM_RUN, settings={"tensor-parallel-size": 4})),
    ("quoted-settings", _with("measurements", VLLM_RUN, settings={"kv-cache-dtype": "fp8"})),
    ("quoted-settings", _with("measurements", VLLM_RUN, settings={"enable-expert-parallel": True})),
    ("quoted-settings", _with("measurements", VLLM_RUN, device="NVIDIA H100 PCIe")),
    ("engine-settings", _with("engines", "vllm", claims_of_capacity__0__max_context=20_000_000)),
    ("engine-settings", _with("engines", "vllm", newest_release="0.1.0")),
    ("start-sums", _with("starts", SCOUT_START, gpu_memory_utilization=0.9)),
    ("start-sums", _with("starts", SCOUT_START, printed_gib__peak_activation=0.32)),
    ("start-layouts", _with("starts", SCOUT_START, tensor_parallel=2)),
    ("start-layouts", _with("starts", SCOUT_START, accelerator="h200-sxm")),
    ("start-memory", _with("starts", SCOUT_START, accelerator="h200-sxm")),
    ("borrowed-estimates", _with("estimates", "sglang", speed__expert_layer_latency__rows__0__value=100.0)),
)  # fmt: skip


def test_every_check_holds_for_every_leaf(catalog: Catalog) -> None:
    """No fact is contradicted by one that was written down elsewhere."""
    failed = [(check.name, result) for check, result in check_results(catalog) if not result.held]

    assert failed == []


def test_facts_at_odds_are_faults_with_their_line(catalog: Catalog) -> None:
    """A message says where, what, which check found it and what to do."""
    changed = _with("accelerators", "b200", link_bandwidth=1.8e12)(catalog)
    line = catalog.trace("accelerators/b200", "link").line

    assert disagreeing_facts(catalog) == ()
    (fault,) = disagreeing_facts(changed)
    assert str(fault) == (
        f"specs/accelerators/b200.yaml:{line} link: found 1,800,000,000,000.0, expected 900,000,000,000.0; "
        "links compares a link's bandwidth with its lanes; correct one, or record who disagrees"
    )


@pytest.mark.parametrize(("name", "change"), BREAKS, ids=[f"{name}-{index}" for index, (name, _) in enumerate(BREAKS)])
def test_a_wrong_fact_is_seen_by_its_check(name: str, change: Change, catalog: Catalog) -> None:
    """Each check says no where one of the facts that it compares is changed."""
    check = next(each for each in checks() if each.name == name)

    assert all(result.held for result in check.run(catalog))
    assert not all(result.held for result in check.run(change(catalog)))


def test_every_check_has_been_seen_to_fail() -> None:
    """The list above leaves none out, but the one whose failing means that a size agrees no longer."""
    assert {check.name for check in checks()} - {name for name, _ in BREAKS} == {"checkpoint-sizes"}


def test_a_size_that_agrees_no_longer_confirms_nothing(catalog: Catalog) -> None:
    """Coverage counts as confirmed by a published size only while the size comes out of it."""
    check = next(each for each in checks() if each.name == "checkpoint-sizes")
    changed = _with("checkpoints", UNSLOTH, coverage__routed_experts="gguf-q8-0")(catalog)

    assert f"checkpoints/{UNSLOTH}" in {result.entity for result in check.run(catalog)}
    assert f"checkpoints/{UNSLOTH}" not in {result.entity for result in check.run(changed)}


def test_compared_leaves_are_leaves_that_state_something(catalog: Catalog) -> None:
    """What is not published was compared with nothing."""
    found = compared_leaves(catalog)

    assert len(found) > 3000
    assert all(catalog.trace(entity, field).state != "unknown" for entity, field in found)


@pytest.mark.parametrize(
    ("stated", "readings"),
    [
        ("17B", (17e9,)),
        ("2T", (2e12,)),
        ("108,641,793,536", (108641793536,)),
        ("65 GB", (65e9, 65 * 2**30)),
        ("70 GiB", (70 * 2**30,)),
        ("nearly two trillion", ()),
    ],
)
def test_printed_figures_are_read_as_numbers(stated: str, readings: tuple[float, ...]) -> None:
    """A figure with a scale or a unit, and none where words change it."""
    assert read_figures(stated) == readings
