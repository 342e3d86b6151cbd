"""Checks between facts hold, and each of them can fail."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import UnknownNameError
from llama4ref.facts import load
from llama4ref.facts.audit.cross_checks import check_results, checks, compared_leaves, disagreeing_facts
from llama4ref.facts.audit.derived_checks import read_figures
from llama4ref.facts.kept_provenance import pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.facts import Catalog
    from llama4ref.facts.audit.checks import Check
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
        return _replacing(catalog, kind, entities | {id_: entity})

    return changed


def _replacing(catalog: Catalog, kind: str, entities: dict[str, object]) -> Catalog:
    """A catalogue with other entities, and with the same sources of leaves, which are not read again."""
    changed = dataclasses.replace(catalog, **{kind: entities})
    vars(changed)["provenance"] = catalog.provenance
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


def _every_word(**said: object) -> Callable[[Provenance], Provenance]:
    """Every word of a leaf says something else."""

    def changed(leaf: Provenance) -> Provenance:
        words = tuple(dataclasses.replace(word, **said) for word in leaf.citations)
        return dataclasses.replace(leaf, citations=words)

    return changed


def _figure(catalog: Catalog) -> Catalog:
    return _with("models", "scout", claims__0__figure=112e9, claims__0__note=None)(catalog)


def _index(provider: str, tier: str) -> int:
    return next(at for at, offer in enumerate(CATALOG.provider(provider).offers) if offer.tier == tier)


def _run() -> str:
    return next(id_ for id_, run in CATALOG.measurements.items() if run.checkpoint and run.parallelism == "TP8")


VLLM_RUN = "vllm-0.8.3-scout-h100-sxm-8-1000-1000"
NVIDIA_FP8 = "nvidia-llama-4-scout-17b-16e-instruct-fp8"
NVIDIA_FP4 = "nvidia-llama-4-scout-17b-16e-instruct-nvfp4"
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
    ("loading", _with("checkpoints", UNSLOTH, loads__vllm__supported=True)),
    ("checkpoint-sizes", _with("checkpoints", UNSLOTH, coverage__routed_experts="gguf-q8-0")),
    ("checkpoint-sizes", _with("checkpoints", NVIDIA_FP4, coverage__attention="bf16")),
    ("checkpoint-sizes", _with("checkpoints", NVIDIA_FP4, skipped_moe_layers=(47,))),
    ("capability-floors", _with("checkpoints", "redhatai-llama-4-scout-17b-16e-instruct-nvfp4", requirements__min_capability=60)),
    ("plain-checkpoints", _with("checkpoints", META, coverage__attention="fp8-block-128")),
    ("plain-checkpoints", _with("checkpoints", META, quantization_method="fp8")),
    ("plain-checkpoints", _with("checkpoints", NVIDIA_FP8, quantization_method="unquantized")),
    ("checkpoint-platforms", _with("checkpoints", "recipe-vllm-mxfp8-scout", requirements__platforms=("metal",))),
    ("checkpoint-platforms", _with("checkpoints", MLX, requirements__platforms=("cuda",))),
    ("scales", _with("formats", "nf4-double-quant", outer_scale__bits=16)),
    ("scales", _with("formats", "int4-group-128", scale__group_size=64)),
    ("number-formats", _with("formats", "mxfp8", element__kind="int")),
    ("number-formats", _with("formats", "mxfp8", element__mantissa_bits=2)),
    ("scales", _with("formats", "nf4", scale__bits=16)),
    ("scales", _with("formats", "fp8-block-128", scale__granularity="group")),
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
    ("published-options", _with("engines", "vllm", flag_sets__0__flags=("--max-modle-len 1000",))),
    ("engine-limits", _with("engines", "vllm", claims_of_capacity__0__max_context=20_000_000)),
    ("engine-limits", _with("engines", "vllm", newest_release="0.1.0")),
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
    """The list above leaves none out, so that nothing counts as checked that cannot be found wrong."""
    assert {check.name for check in checks()} == {name for name, _ in BREAKS}


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_every_field_that_counts_as_checked_can_be_found_wrong(check: Check, catalog: Catalog) -> None:
    """Another value in a leaf makes the check say no: another one of the same field, or one of another size."""
    counted: dict[str, list[tuple[str, str]]] = {}
    for result in check.run(catalog):
        for field in () if result.of_words else result.fields:
            leaf = catalog.provenance[result.entity].get(field)
            if leaf is not None and leaf.state != "unknown":
                pattern = f"{result.entity.partition('/')[0]} {_pattern(catalog, result.entity, field)}"
                counted.setdefault(pattern, []).append((result.entity, field))
    blind = {pattern for pattern, leaves in counted.items() if not _is_noticed(check, catalog, leaves)}

    assert blind == set()


WORDS: tuple[Callable[[Provenance], Provenance], ...] = (
    _word(0, as_of="2999-01-01"),
    _word(0, "a rounder figure", as_of="1999-01-01"),
    _every_word(doubt=None, as_of="2998-01-01"),
    _every_word(note="tool_choice is accepted, or tool_choice is not accepted"),
)
"""What else the sources of a leaf might have said of it: another day, another reason, no doubt, another note."""


def test_all_words_that_a_check_compares_can_be_found_wrong(catalog: Catalog) -> None:
    """Each leaf of which only the sources' words are compared: some other words make the check say no."""
    compared = {
        (check.name, result.entity, field)
        for check in checks()
        for result in check.run(catalog)
        for field in (result.fields if result.of_words else ())
    }
    noticed: set[tuple[str, str, str]] = set()
    for change in WORDS:
        leaves = {entity: dict(cited) for entity, cited in catalog.provenance.items()}
        for _, entity, field in compared:
            leaves[entity][field] = change(catalog.trace(entity, field))
        changed = dataclasses.replace(catalog, packed_provenance=pack(leaves, catalog.sources))
        noticed |= {
            (check.name, result.entity, field)
            for check in checks()
            for result in check.run(changed)
            for field in (result.fields if result.of_words and not result.held else ())
        }

    assert compared
    assert compared - noticed == set()


def test_a_leaf_is_not_checked_by_a_comparison_of_words(catalog: Catalog) -> None:
    """A day that is older than its source says nothing about the price that it stands with."""
    groq = compared_leaves(catalog)["providers/groq", "offers.0.price_input"]

    assert "offer-ages" not in {check.name for check in groq}
    assert "offer-prices" in {check.name for check in groq}


def _pattern(catalog: Catalog, entity: str, field: str) -> str:
    """A field without the places in lists and the keys of dictionaries."""
    thing, parts = _entity(catalog, entity), []
    for part in _path(thing, field):
        parts.append("*" if isinstance(thing, (tuple, dict)) else part)
        thing = _inside(thing, part)
    return ".".join(parts)


def _entity(catalog: Catalog, entity: str) -> object:
    kind, _, id_ = entity.partition("/")
    return getattr(catalog, kind)[id_]


def _path(thing: object, field: str) -> list[str]:
    """The parts of a field; keys of dictionaries may have dots."""
    path: list[str] = []
    while field:
        if isinstance(thing, dict):
            part = max((key for key in thing if field == key or field.startswith(f"{key}.")), key=len)
        else:
            part = field.partition(".")[0]
        path.append(part)
        thing, field = _inside(thing, part), field[len(part) + 1 :]
    return path


def _inside(thing: object, part: str) -> object:
    if isinstance(thing, tuple):
        return thing[int(part)]
    return thing[part] if isinstance(thing, dict) else getattr(thing, part)


def _is_noticed(check: Check, catalog: Catalog, leaves: list[tuple[str, str]]) -> bool:
    """Whether the check says no for one of these leaves and one of the values that it might have had."""
    values = dict.fromkeys(_value(catalog, *leaf) for leaf in leaves)
    for entity, field in leaves[:: max(1, len(leaves) // 8)]:
        for value in _other_values(_value(catalog, entity, field), list(values)):
            if _says_no(check, catalog, entity, field, value):
                return True
    return False


def _value(catalog: Catalog, entity: str, field: str) -> object:
    thing = _entity(catalog, entity)
    for part in _path(thing, field):
        thing = _inside(thing, part)
    return thing


def _other_values(value: object, known: list[object]) -> list[object]:
    others = [other for other in known[:8] if other != value and type(other) is type(value)]
    match value:
        case bool():
            return [not value]
        case int() | float():
            return [*others[:3], value * 3 + 7, value / 1000 if isinstance(value, float) else value // 1000, value + 1]
        case str():
            return [
                *others,
                "0.0.1",
                "1999-01-01",
                "2999-01-01",
                "another",
                "99B",
                "fp8-per-channel-dynamic",
                "gguf-q8-0",
                "available_kv_cache",
                "listed",
            ]
        case tuple():
            return [*others, (*value, *value), (1,), ("--another",)]
        case _:
            return [7, 7.5, True, "0.1.0", "bf16"]


def _says_no(check: Check, catalog: Catalog, entity: str, field: str, value: object) -> bool:
    """Whether the check finds something wrong where one leaf has another value; a name that leads nowhere is never read."""
    kind, _, id_ = entity.partition("/")
    try:
        changed = _replaced(_entity(catalog, entity), _path(_entity(catalog, entity), field), value)
        others = {} if kind == "errata" else dict(getattr(catalog, kind))
        return not all(result.held for result in check.run(_replacing(catalog, kind, others | {id_: changed})))
    except UnknownNameError:
        return True
    except (LookupError, ValueError, TypeError, AttributeError):
        return False


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
