"""Which facts do the tests hold against installed software: transformers, vLLM, PyTorch, bitsandbytes?

Such a comparison needs the software, so it runs with the tests and not while facts are counted; each row here names the test that
makes it. A test of the rows themselves sees to it that the named tests exist and that no row covers nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.types.releases import holds_at

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.engines import Flag, Method
    from llama4ref.facts.types.serving import Variable

TESTED_RELEASE = "0.32.0"
"""The vLLM release that the project installs for its tests."""


@dataclass(frozen=True, slots=True)
class OutsideCheck:
    """Leaves that a test holds against installed software."""

    entities: str
    """Pattern of the entities."""
    fields: str
    """Pattern of the fields."""
    against: str
    """The software."""
    test: str
    """File and name of the test."""


_ENGINES, _FORMATS = "tests/specs/test_engines.py::TestInstalledVllm", "tests/facts/test_formats.py"
_CHECKPOINTS, _HERE = "tests/specs/test_checkpoints.py", "tests/facts/test_outside_checks.py::TestInstalled"
_SHAPED = r"text\.(layers|hidden_size|vocab_size)|attention\.(heads|kv_heads|head_dim)|experts\.(count|intermediate_size|interleave_step|shared)"
_TOWER = r"dense\.intermediate_size|vision\.(image_size|patch_size|channels|hidden_size|layers|intermediate_size|attention_bias|mlp_bias)"
_MADE = r"vision\.(pixel_shuffle_ratio|projector_input_dim|projector_output_dim|output_dim)"
_LINEAR = r"coverage\.(attention|shared_expert|routed_experts|lm_head"

OUTSIDE_CHECKS = (
    OutsideCheck(r"models/(scout|maverick)", f"{_SHAPED}|{_TOWER}|{_MADE}", "transformers",
                 "tests/facts/test_tensors.py::test_every_tensor_has_the_name_and_shape_of_transformers"),
    OutsideCheck(r"models/(scout|maverick)",
                 r"text\.(rms_norm_eps|hidden_act|tie_word_embeddings)|attention\.(bias|chunk_size|nope_interval|temperature_\w+)"
                 r"|rope\.theta|experts\.(per_token|router_aux_loss_coef)|vision\.(heads|norm_eps|hidden_act)",
                 "transformers", f"{_HERE}::test_values_without_a_shape_are_the_defaults_of_transformers"),
    OutsideCheck(r"models/(scout|maverick)", r"tokens\.(image_start|image_end|patch)|architecture_class", "transformers",
                 f"{_HERE}::test_image_tokens_and_class_are_those_of_transformers"),
    OutsideCheck(r"families/llama-4", r"prompting\.special_tokens\.(image_start|image_end|patch|image|tile_[xy]_separator)\.text",
                 "transformers",
                 "tests/specs/test_families.py::TestAgainstInstalledSoftware::test_the_processor_writes_the_tokens_of_the_prompt_format"),
    OutsideCheck(r"engines/vllm", r"flags\..+\.(since|until)", "vllm", f"{_ENGINES}::test_every_flag_of_the_release_exists"),
    OutsideCheck(r"engines/vllm", r"flags\..+\.default", "vllm", f"{_ENGINES}::test_defaults_are_equal"),
    OutsideCheck(r"engines/vllm", r"flags\..+\.takes", "vllm", f"{_ENGINES}::test_switches_take_nothing"),
    OutsideCheck(r"engines/vllm", r"methods\..+\.(since|until)", "vllm", f"{_ENGINES}::test_methods_are_equal"),
    OutsideCheck(r"engines/vllm", r"methods\..+\.online", "vllm", f"{_HERE}::test_only_shorthands_and_bitsandbytes_quantize_while_loading"),
    OutsideCheck(r"engines/vllm", r"methods\..+\.min_capability", "vllm", f"{_HERE}::test_lowest_capabilities_are_those_of_the_methods"),
    OutsideCheck(r"engines/vllm", r"methods\..+\.platforms", "vllm", f"{_ENGINES}::test_platforms_take_the_same_methods"),
    OutsideCheck(r"engines/vllm", r"environment\..+\.(since|until)", "vllm", f"{_ENGINES}::test_variables_are_read"),
    OutsideCheck(r"engines/vllm", r"behaviours\..+\.(since|holds)", "vllm",
                 "tests/memory/test_attention_cache.py::test_every_number_equals_that_of_the_installed_planner"),
    OutsideCheck(r"engines/vllm", r"hardware_defaults\.\d+\.(?!note).+", "vllm", f"{_ENGINES}::test_hardware_defaults_are_equal"),
    OutsideCheck(r"formats/.+", r"scale\.(bits|dtype)", "torch", f"{_FORMATS}::test_scale_dtypes_exist_in_torch_and_have_the_stated_bits"),
    OutsideCheck(r"formats/nf4.*", r"(element|scale|outer_scale)\.(bits|group_size|scales_per_outer|dtype)", "bitsandbytes",
                 f"{_FORMATS}::test_nf4_takes_what_bitsandbytes_stores"),
    OutsideCheck(r"formats/.+", r"vllm_methods", "vllm", f"{_FORMATS}::test_methods_are_names_that_vllm_knows"),
    OutsideCheck(r"checkpoints/recipe-vllm-.+", rf"{_LINEAR}|embed)", "vllm",
                 f"{_CHECKPOINTS}::TestVllmRecipes::test_coverage_is_what_the_engine_would_quantize"),
    OutsideCheck(r"checkpoints/redhatai-.+", rf"{_LINEAR}|vision_tower|projector|router)", "vllm",
                 f"{_CHECKPOINTS}::test_coverage_is_what_the_quantization_config_leaves_alone"),
    OutsideCheck(r"accelerators/(h100-sxm|a100-sxm|mi300x)", r"bandwidth|peak\.(bf16|int8)", "torch",
                 f"{_HERE}::test_rates_are_those_of_the_table_in_torch"),
)  # fmt: skip


def outside_leaves(catalog: Entries) -> dict[tuple[str, str], OutsideCheck]:
    """The test that holds each leaf against installed software, by entity and field; only leaves that state something."""
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
    """Whether a fact of an engine is about the release that the tests install; what ended or is yet to come is not."""
    group, _, rest = field.partition(".")
    if entity != "engines/vllm" or group == "behaviours":
        return True
    engine, name = catalog.engine("vllm"), rest.rpartition(".")[0]
    if group == "hardware_defaults":
        default = engine.hardware_defaults[int(rest.partition(".")[0])]
        return default.platform in {"cuda", "cpu"} and holds_at(
            TESTED_RELEASE, since=default.since, until=default.until
        )
    if rest.endswith((".since", ".until")):
        return True
    spans: Mapping[str, Flag | Method | Variable]
    spans = engine.flags if group == "flags" else engine.methods if group == "methods" else engine.environment
    return name in spans and holds_at(TESTED_RELEASE, since=spans[name].since, until=spans[name].until)
