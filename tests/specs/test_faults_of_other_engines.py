"""Known faults of the engines that no plans are made for: their releases, and requests that meet them."""

from __future__ import annotations

import pytest

from llama4ref import PlanRequest
from llama4ref.facts import load
from llama4ref.facts.types.conditions import Circumstances, Feature, Size
from llama4ref.facts.types.faults import EngineFault
from llama4ref.facts.types.releases import release_key
from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.proving.model_files.torch_companions import repair_torch_companions

CATALOG = load()
FAULTS = [(set_, id_) for set_, each in CATALOG.faults.items() if set_ != "vllm" for id_ in each.faults]
READ_IN_WHEELS = (
    # engine, fault, last release that has it, first release without it: each was unpacked and read
    ("sglang", "official-fp8-name-missing", "0.4.5.post2", "0.4.5.post3"),
    ("sglang", "modelopt-fp8-scales", "0.4.9", "0.4.9.post1"),
    ("sglang", "eagle3-absent", "0.4.8.post1", "0.4.9"),
    ("sglang", "hybrid-without-radix", "0.4.9.post2", "0.4.9.post3"),
    ("sglang", "fa3-must-be-named", "0.4.10.post2", "0.5.1"),
    ("sglang", "fa3-or-nothing-on-rocm", "0.4.10.post2", "0.5.1"),
    ("sglang", "fa3-or-nothing", "0.5.1.post3", "0.5.2"),
    ("sglang", "xpu-router-weights", "0.5.10", "0.5.11"),
    ("sglang", "nvfp4-router-weights-on-12", "0.5.20", "0.5.21"),
    ("transformers", "tuning-of-a-batch", "4.51.0", "4.51.1"),
    ("transformers", "chunk-mask-misplaced", "4.51.1", "4.51.2"),
    ("mlx-lm", "vision-config-wanted", "0.22.4", "0.22.5"),
    ("mlx-lm", "chunk-lost-at-once", "0.23.2", "0.24.0"),
    ("mlx-lm", "padding-counted-as-tokens", "0.31.3", "0.32.0"),
    ("ollama", "token-zero-ends", "0.6.8", "0.7.0"),
    ("ollama", "one-end-token", "0.7.0", "0.7.1"),
    ("ollama", "repeat-penalty", "0.32.9", "0.32.10"),
)
BEGUN = (
    # engine, fault, last release before it, first release that has it
    ("sglang", "fa3-must-be-named", "0.4.9.post3", "0.4.9.post4"),
    ("sglang", "nvfp4-router-weights-on-12", "0.5.12", "0.5.13"),
    ("sglang", "hybrid-without-radix", "0.4.8.post1", "0.4.9"),
    ("mlx-lm", "padding-counted-as-tokens", "0.23.2", "0.24.0"),
    ("llama-cpp", "cuda-reads-outside", "b5236", "b5237"),
    ("llama-cpp", "tiles-without-separators", "b8541", "b8542"),
)


def _fault(set_: str, id_: str) -> EngineFault:
    return CATALOG.fault_set(set_).faults[id_]


def _features(request: PlanRequest) -> set[Feature]:
    """What a request asks for, of what any engine knows."""
    asked: dict[Feature, object] = {
        "images": request.images,
        "tools": request.tools,
        "hybrid-kv-cache": request.hybrid,
        "expert-parallel": request.expert_parallel,
        "tensor-parallel": (request.tensor_parallel or 1) > 1,
        "pipeline-parallel": (request.pipeline_parallel or 1) > 1,
        "eagle3": request.speculative and "Eagle3" in request.speculative,
    }
    return {name for name, wanted in asked.items() if wanted}


def _sizes(request: PlanRequest) -> dict[Size, int]:
    given: dict[Size, int | None] = {
        "context": request.context_tokens,
        "images": request.images,
        "gpus": request.count,
        "max-num-seqs": request.max_num_seqs,
        "tensor-parallel": request.tensor_parallel,
    }
    return {name: value for name, value in given.items() if value is not None}


def _circumstances(request: PlanRequest, platform: str | None) -> Circumstances:
    """A server of a request, with the model's own weights where no checkpoint is named."""
    checkpoint = CATALOG.checkpoint(request.checkpoint) if request.checkpoint else None
    accelerator = CATALOG.accelerator(request.gpu) if request.gpu else None
    coverage = checkpoint.coverage if checkpoint else None
    return Circumstances(
        platform=accelerator.platform if accelerator else str(platform),
        accelerator=accelerator.id if accelerator else "",
        architecture=accelerator.architecture if accelerator else UNKNOWN,
        capability=accelerator.capability if accelerator else None,
        model=str(request.model),
        checkpoint=checkpoint.id if checkpoint else "",
        quantization_method=checkpoint.quantization_method if checkpoint else "none",
        expert_format=coverage.routed_experts if coverage else "bf16",
        attention_format=coverage.attention if coverage else "bf16",
        features=frozenset(_features(request)),
        sizes=_sizes(request),
    )


@pytest.mark.parametrize(("set_", "id_"), FAULTS)
def test_the_example_meets_the_conditions(set_: str, id_: str) -> None:
    """A request that can be meant, on hardware of the platform, with the checkpoint, feature and size of the fault."""
    fault = _fault(set_, id_)
    request = PlanRequest(**fault.example)  # type: ignore[arg-type]  # as any request from outside

    platform = next(iter(fault.when.platforms), None)
    assert fault.when.met_by(_circumstances(request, platform))
    if request.checkpoint:
        assert CATALOG.checkpoint(request.checkpoint).model == request.model


@pytest.mark.parametrize(("set_", "id_"), FAULTS)
def test_releases_lie_within_those_of_the_engine(set_: str, id_: str) -> None:
    """None is older than the first release with Llama 4, or newer than the newest that the facts cover."""
    fault, engine = _fault(set_, id_), CATALOG.engine(CATALOG.fault_set(set_).engine)
    named = [release_key(each) for each in (fault.since, fault.until, fault.confirmed) if is_stated(each)]

    if is_stated(engine.first_release):
        assert all(release_key(engine.first_release) <= each for each in named)
    if is_stated(engine.newest_release):
        assert all(each <= release_key(engine.newest_release) for each in named)
    if is_stated(fault.since) and is_stated(fault.until):
        assert release_key(fault.since) < release_key(fault.until)
    if fault.confirmed is not None:
        assert fault.until is UNKNOWN
        assert fault.is_certain_at(fault.confirmed)


@pytest.mark.parametrize(("set_", "id_", "last", "first"), READ_IN_WHEELS)
def test_it_ends_where_the_code_changed(set_: str, id_: str, last: str, first: str) -> None:
    """Between two published releases."""
    fault = _fault(set_, id_)

    assert fault.at(last)
    assert not fault.at(first)


@pytest.mark.parametrize(("set_", "id_", "before", "first"), BEGUN)
def test_it_begins_where_the_code_changed(set_: str, id_: str, before: str, first: str) -> None:
    """Between two published releases or builds."""
    fault = _fault(set_, id_)

    assert not fault.at(before)
    assert fault.at(first)


def test_the_table_of_requests_is_as_large_as_the_thread_says() -> None:
    """2,049 rows of 4 bytes for each of 10,485,760 + 4 tokens: 80.04 GiB."""
    context = CATALOG.model("scout").architecture.context.instruct_max_position_embeddings
    table = 2049 * (context + 4) * 4

    assert f"{table / 2**30:.2f} GiB" in _fault("sglang", "request-table-of-10m").symptom


@pytest.mark.slow
def test_the_installed_transformers_no_longer_has_what_was_mended() -> None:
    """Its norm of queries and keys takes the configuration's epsilon; its fused experts are no linear layers still."""
    torch = pytest.importorskip("torch")
    repair_torch_companions()
    modeling = pytest.importorskip("transformers.models.llama4.modeling_llama4")
    config = modeling.Llama4TextConfig(
        hidden_size=64, intermediate_size=32, intermediate_size_mlp=32, num_attention_heads=2, num_key_value_heads=1,
        head_dim=32, num_hidden_layers=4, num_local_experts=2, rms_norm_eps=1e-3, vocab_size=64, use_qk_norm=True,
    )  # fmt: skip

    assert modeling.Llama4TextAttention(config, layer_idx=0).qk_norm.eps == pytest.approx(1e-3)
    assert not any(isinstance(each, torch.nn.Linear) for each in modeling.Llama4TextExperts(config).modules())
