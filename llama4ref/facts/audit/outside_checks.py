"""Facts that the tests compare with installed software: transformers, vLLM, PyTorch, bitsandbytes.

Such a comparison needs the software, so it runs with the tests and not while facts are counted. A row here names the leaves, a table
beside the tests names the test of each row, and a test of that table sees to it that every row has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.types.releases import holds_at, step_at

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.engines import Engine, Flag, Method
    from llama4ref.facts.types.serving import Variable

TESTED_RELEASE = "0.32.0"
"""The vLLM release that the project installs for its tests."""


@dataclass(frozen=True, slots=True)
class OutsideCheck:
    """Leaves that a test compares with installed software."""

    name: str
    entities: str
    """Pattern of the entities."""
    fields: str
    """Pattern of the fields."""
    against: str
    """The software."""


_SHAPED = r"text\.(layers|hidden_size|vocab_size)|attention\.(heads|kv_heads|head_dim)|experts\.(count|intermediate_size|interleave_step|shared)"
_TOWER = r"dense\.intermediate_size|vision\.(image_size|patch_size|channels|hidden_size|layers|intermediate_size|attention_bias|mlp_bias)"
_MADE = r"vision\.(pixel_shuffle_ratio|projector_input_dim|projector_output_dim|output_dim)"
_LINEAR = r"coverage\.(attention|shared_expert|routed_experts|lm_head"
_PLANNED = r"in_flight_tokens_reserved|pipeline_batch_overlap|null_block_reserved|start_check|concurrency_in_blocks|tokens_from_concurrency"

OUTSIDE_CHECKS = (
    OutsideCheck("tensor-shapes", r"models/(scout|maverick)", f"{_SHAPED}|{_TOWER}|{_MADE}", "transformers"),
    OutsideCheck("configuration-defaults", r"models/(scout|maverick)",
                 r"text\.(rms_norm_eps|hidden_act|tie_word_embeddings)|attention\.(bias|chunk_size|nope_interval|temperature_\w+)"
                 r"|rope\.theta|experts\.(per_token|router_aux_loss_coef)|vision\.(heads|norm_eps|hidden_act)",
                 "transformers"),
    OutsideCheck("image-tokens", r"models/(scout|maverick)", r"tokens\.(image_start|image_end|patch)|architecture_class", "transformers"),
    OutsideCheck("processor-tokens", r"families/llama-4",
                 r"prompting\.special_tokens\.(image_start|image_end|patch|image|tile_[xy]_separator)\.text", "transformers"),
    OutsideCheck("options", r"engines/vllm", r"flags\..+\.until", "vllm"),
    OutsideCheck("option-defaults", r"engines/vllm", r"flags\..+\.default", "vllm"),
    OutsideCheck("switches", r"engines/vllm", r"flags\..+\.takes", "vllm"),
    OutsideCheck("methods", r"engines/vllm", r"methods\..+\.until", "vllm"),
    OutsideCheck("online-methods", r"engines/vllm", r"methods\..+\.online", "vllm"),
    OutsideCheck("method-capabilities", r"engines/vllm", r"methods\..+\.min_capability", "vllm"),
    OutsideCheck("method-platforms", r"engines/vllm", r"methods\..+\.platforms", "vllm"),
    OutsideCheck("variables", r"engines/vllm", r"environment\..+\.until", "vllm"),
    OutsideCheck("cache-planner", r"engines/vllm", rf"behaviours\.({_PLANNED})\.\d+\.holds", "vllm"),
    OutsideCheck("engine-switches", r"engines/vllm",
                 r"behaviours\.(hybrid_kv_cache|cuda_graphs_in_budget|gpu_memory_utilization)\.\d+\.holds", "vllm"),
    OutsideCheck("gpu-batch-limits", r"engines/vllm",
                 r"hardware_defaults\.\d+\.(flag|platform|min_memory_gib|only_names|except_names|value)", "vllm"),
    OutsideCheck("scale-dtypes", r"formats/.+", r"scale\.(bits|dtype)", "torch"),
    OutsideCheck("nf4-layout", r"formats/nf4.*", r"(element|scale|outer_scale)\.(bits|group_size|scales_per_outer)", "bitsandbytes"),
    OutsideCheck("format-methods", r"formats/.+", r"vllm_methods", "vllm"),
    OutsideCheck("recipe-coverage", r"checkpoints/recipe-vllm-.+", rf"{_LINEAR}|embed)", "vllm"),
    OutsideCheck("published-patterns", r"checkpoints/redhatai-.+", rf"{_LINEAR}|vision_tower|projector|router)", "vllm"),
    OutsideCheck("device-rates", r"accelerators/(h100-sxm|a100-sxm|mi300x)", r"bandwidth|peak\.(bf16|int8)", "torch"),
)  # fmt: skip


def outside_leaves(catalog: Entries) -> dict[tuple[str, str], OutsideCheck]:
    """The row of each leaf that is compared with installed software, by entity and field; only leaves that state something."""
    found: dict[tuple[str, str], OutsideCheck] = {}
    for check in OUTSIDE_CHECKS:
        for key in covered(check, catalog):
            found.setdefault(key, check)
    return found


def covered(check: OutsideCheck, catalog: Entries) -> Iterator[tuple[str, str]]:
    """The leaves of one row, by entity and field."""
    for entity, leaves in catalog.provenance.items():
        if re.fullmatch(check.entities, entity):
            for field, leaf in leaves.items():
                if leaf.state != "unknown" and re.fullmatch(check.fields, field) and _is_tested(catalog, entity, field):
                    yield entity, field


def _is_tested(catalog: Entries, entity: str, field: str) -> bool:
    """Whether a fact of an engine is about the release that the tests install; what ended or is yet to come is not.

    Of where a span begins and ends, one release shows only that it has not ended.
    """
    if entity != "engines/vllm":
        return True
    group, _, rest = field.partition(".")
    engine = catalog.engine("vllm")
    if group == "behaviours":
        return _is_step_in_force(engine, *rest.split(".")[:2])
    if group == "hardware_defaults":
        default = engine.hardware_defaults[int(rest.partition(".")[0])]
        is_gpu = default.platform == "cuda" and default.flag.startswith("max-num-")
        return is_gpu and holds_at(TESTED_RELEASE, since=default.since, until=default.until)
    spans: Mapping[str, Flag | Method | Variable]
    spans = engine.flags if group == "flags" else engine.methods if group == "methods" else engine.environment
    span = spans.get(rest.rpartition(".")[0])
    if span is None or not holds_at(TESTED_RELEASE, since=span.since, until=span.until):
        return False
    if rest.endswith(".default"):
        return getattr(span, "takes", "") != "json"
    return not (rest.endswith(".until") and span.until)


def _is_step_in_force(engine: Engine, behaviour: str, index: str) -> bool:
    steps = getattr(engine.behaviours, behaviour)
    return step_at(steps, TESTED_RELEASE) is steps[int(index)]
