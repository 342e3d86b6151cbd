"""The names that other programs are written against: they exist, mean what the design says, and cost nothing to import."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import llama4ref
from llama4ref import PlanRequest, errors, memory, plan
from llama4ref.errors import UnknownNameError
from llama4ref.memory import kv_cache, parameters, weights
from llama4ref.planning import Plan

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

HEAVY = ("torch", "vllm", "transformers", "bitsandbytes")
COMPONENTS = {
    "vision_tower", "projector", "embed", "attention", "router", "shared_expert", "routed_experts", "dense_mlp", "norms", "lm_head",
}  # fmt: skip


def _modules_after(code: str) -> set[str]:
    """Names of the modules that a fresh process has imported after some code."""
    script = f"import sys\n{code}\nimport json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_imports_nothing_heavy():
    """Neither a validator nor an engine, nor a parser."""
    found = _modules_after("import llama4ref")

    assert not found & {*HEAVY, "pydantic", "yaml", "rich", "click"}


def test_planning_imports_no_engine():
    """Cold or warm."""
    code = "from llama4ref import PlanRequest, plan; plan(PlanRequest(model='scout', gpu='h100-sxm', count=8))"

    assert not _modules_after(code) & set(HEAVY)


def test_planning_from_kept_facts_uses_no_validator():
    """Once the facts were read, a plan starts without pydantic and PyYAML."""
    code = "from llama4ref import PlanRequest, plan; plan(PlanRequest(model='scout', gpu='h100-sxm', count=8))"
    _modules_after(code)

    assert not _modules_after(code) & {"pydantic", "yaml"}


def test_every_public_name_is_there():
    """Those that are announced, and no other module attribute by accident."""
    assert {"load", "plan", "PlanRequest", "SpecErrors"} <= set(llama4ref.__all__)
    for name in llama4ref.__all__:
        assert getattr(llama4ref, name) is not None
        assert name in dir(llama4ref)
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        _ = llama4ref.lode  # type: ignore[attr-defined]
    assert llama4ref.__version__


def test_the_catalogue_is_loaded_once():
    """And named by folder too."""
    assert llama4ref.load() is llama4ref.load()


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("model", "models"), ("checkpoint", "checkpoints"), ("accelerator", "accelerators"), ("engine", "engines"),
        ("provider", "providers"), ("license", "licenses"), ("format", "formats"), ("benchmark", "benchmarks"),
        ("measurement", "measurements"), ("family", "families"), ("safeguard", "safeguards"), ("erratum", "errata"),
        ("estimate", "estimates"), ("start", "starts"),
    ],
)  # fmt: skip
def test_entities_are_found_by_id_in_a_stable_order(catalog: Catalog, one: str, many: str):
    """Each kind by its own name; a wrong one is a KeyError with the nearest."""
    entities = getattr(catalog, many)

    assert list(entities) == sorted(entities, key=lambda id_: f"{id_}.yaml")
    for id_, entity in entities.items():
        assert entity.id == id_
        assert getattr(catalog, one)(id_) is entity
    with pytest.raises(KeyError):
        getattr(catalog, one)("no such thing")


@pytest.mark.parametrize(
    "name", [None, 5, 0.19, True, ["l4"], {"a": 1}, b"l4", object()], ids=lambda each: type(each).__name__
)
def test_what_is_no_name_names_nothing(catalog: Catalog, name: object):
    """Of any type, for each kind, with the names there are."""
    for one in ("model", "checkpoint", "accelerator", "engine", "provider", "format"):
        with pytest.raises(UnknownNameError, match="known are"):
            getattr(catalog, one)(name)


def test_a_checkpoint_is_named_by_its_repository_too(catalog: Catalog):
    """As people know it."""
    named = catalog.checkpoint("nvidia/Llama-4-Scout-17B-16E-Instruct-FP8")

    assert named is catalog.checkpoint(named.id)
    assert named.model == "scout"


def test_a_leaf_is_cited_preferred_first(catalog: Catalog):
    """With its source and the place inside it."""
    citations = catalog.cite("models/scout", "text.layers")

    assert citations[0].agrees
    assert citations[0].value == 48
    assert citations[0].source.url
    assert citations[0].at
    assert [each.agrees for each in citations] == sorted((each.agrees for each in citations), reverse=True)


def test_claims_stand_beside_what_follows(catalog: Catalog):
    """Meta's 400B beside the computed number."""
    found = {(each.entity, each.claim.stated): each for each in catalog.claims()}

    assert found["models/maverick", "400B"].computed == 401_583_781_376


@pytest.mark.parametrize(("model", "stated"), [("scout", 109), ("maverick", 402)])
def test_parameters_are_counted(catalog: Catalog, model: str, stated: int):
    """In all, active for text, and by component; the totals round to what model hubs print."""
    counted = parameters(catalog.model(model))

    assert round(counted.total / 1e9) == stated
    assert counted.total == sum(counted.by_component.values())
    assert set(counted.by_component) == COMPONENTS
    assert 16_000_000_000 < counted.active_text < 18_000_000_000
    assert isinstance(counted.active_text, int)


def test_weights_are_given_by_stage_and_component(catalog: Catalog):
    """Of one rank, in integers."""
    held = weights(catalog.model("scout"), tensor_parallel=2, pipeline_parallel=2)

    assert len(held.stages) == 2
    for stage in held.stages:
        assert isinstance(stage.bytes, int)
        assert stage.bytes == sum(share.bytes for share in stage.by_component.values())
        assert stage.parameters == sum(share.parameters for share in stage.by_component.values())
        assert set(stage.by_component) <= COMPONENTS
    named = weights(catalog.model("scout"), "nvidia/Llama-4-Scout-17B-16E-Instruct-FP8", tensor_parallel=2)
    given = weights(catalog.model("scout"), catalog.checkpoint("nvidia/Llama-4-Scout-17B-16E-Instruct-FP8"), 2)
    assert (
        named.stages[0].bytes
        == given.stages[0].bytes
        < weights(catalog.model("scout"), tensor_parallel=2).stages[0].bytes
    )


def test_the_cache_answers_as_the_engine_reports(catalog: Catalog):
    """Bytes, blocks, tokens, concurrency, and the largest context."""
    cache = kv_cache(
        catalog.model("scout"), max_model_len=131_072, tensor_parallel=8, pipeline_parallel=1, cache_dtype="fp8",
        block_size=16, max_num_batched_tokens=8192, hybrid=True, release=None, platform="cuda",
    )  # fmt: skip
    capacity = cache.capacity(10 * 2**30)

    assert cache.bytes_per_request == cache.bytes_per_block * cache.blocks_per_request
    assert capacity.num_blocks == 10 * 2**30 // cache.bytes_per_block
    assert isinstance(capacity.tokens, int)
    assert capacity.max_concurrency > 1
    assert capacity.fits
    assert cache.largest_max_model_len(10 * 2**30) > 131_072
    assert cache.largest_max_model_len(0) == 0
    assert not cache.capacity(0).fits
    assert kv_cache(catalog.model("scout"), max_model_len=8192, cache_dtype="fp8").bytes_per_block * 2 == (
        kv_cache(catalog.model("scout"), max_model_len=8192).bytes_per_block
    )


def test_a_plan_has_the_fields_of_the_contract():
    """Budget, settings, reasons, performance; refusals with their rule and numbers."""
    result = plan(PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M"))
    best = result.plans[0]

    assert result.best is best
    assert isinstance(best, Plan)
    assert best.budget.kv_cache_bytes > 0
    assert best.settings["max-model-len"] == 1_048_576
    assert all(reason.because for reason in best.reasons)
    assert best.performance is not None
    assert best.release == best.config.release
    assert all(refusal.rule and refusal.numbers for refusal in result.refused)


def test_functions_and_modules_have_different_names():
    """So that an import of one never hides the other."""
    for name in ("parameters", "weights", "kv_cache"):
        assert callable(getattr(memory, name))
        with pytest.raises(ModuleNotFoundError):
            __import__(f"llama4ref.memory.{name}")


def test_every_public_name_is_listed_once_and_typed():
    """What a type checker sees, what is loaded when it is used, and `__all__` are the same names."""
    tree = ast.parse(Path(llama4ref.__file__).read_text(encoding="utf-8"))
    seen = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}

    assert seen - {"TYPE_CHECKING", "annotations", "import_module"} == set(llama4ref.__all__)
    assert len(set(llama4ref.__all__)) == len(llama4ref.__all__)
    assert {"Plan", "HostedPlan", "Refusal", "RequestError", "UnknownNameError", "render"} <= set(llama4ref.__all__)
    assert set(errors.__all__) - {"nearest_names"} <= set(llama4ref.__all__)


def test_what_is_printed_of_a_catalogue_or_an_answer_is_short(catalog: Catalog):
    """A notebook cell and a failing assertion stay readable."""
    result = plan(PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M"))
    hosted = plan(PlanRequest(model="scout", hosted=True)).best

    assert repr(catalog).startswith(f"Catalog(models={len(catalog.models)}, checkpoints={len(catalog.checkpoints)}")
    assert repr(catalog.model("scout")) == "Model('scout')"
    assert all(len(repr(each)) < 400 for each in (catalog, *result, hosted))
    assert len(repr(result)) < 600
    assert f"PlanResult({len(result.plans)} plans, {len(result.refused)} refused, best=Plan(model='scout'" in repr(
        result
    )


def test_an_answer_is_true_where_there_is_a_plan():
    """It is as long as its plans are many, and goes through them best first."""
    some = plan(PlanRequest(model="scout", gpu="h100-sxm", count=8))
    none = plan(PlanRequest(model="scout", gpu="l4", count=1))

    assert some
    assert list(some) == list(some.plans)
    assert len(some) == len(some.plans)
    assert not none
