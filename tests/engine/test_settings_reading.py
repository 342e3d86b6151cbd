"""The settings of a plan amount to the sizes that its budget was made of, and strange values are told by name."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import Layout
from llama4ref.engine.settings_reading import EngineDefaults, draft_of, reread
from llama4ref.errors import SettingError
from llama4ref.facts import load
from llama4ref.planning import Plan, PlanRequest, plan

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import Setting

CATALOG = load()
ENGINE = CATALOG.engine("vllm")
RELEASES = ["0.8.3", "0.8.4", "0.9.1", "0.10.0", "0.10.1", "0.13.0", "0.14.0", "0.24.0", "0.32.0", "0.33.0"]
REQUESTS = st.builds(
    PlanRequest,
    model=st.sampled_from(["scout", "maverick"]),
    gpu=st.sampled_from(["h100-sxm", "h200-sxm", "b200", "a100-sxm", "mi300x", "l40s"]),
    count=st.sampled_from([4, 8, 16]),
    nodes=st.sampled_from([1, 2]),
    context=st.sampled_from([None, 8192, "128K", "1M"]),
    concurrency=st.none() | st.integers(1, 300),
    images=st.sampled_from([0, 0, 1, 4]),
    tools=st.booleans(),
    cache_dtype=st.sampled_from(["auto", "bfloat16", "fp8"]),
    hybrid=st.sampled_from([None, True, False]),
    enforce_eager=st.booleans(),
    gpu_memory_utilization=st.sampled_from([None, 0.85]),
    goal=st.sampled_from(["balanced", "throughput"]),
    engine_release=st.sampled_from(RELEASES),
)


def stripped(config: EngineConfig) -> EngineConfig:
    """The settings alone, every size wrong."""
    return EngineConfig(
        release=config.release, layout=Layout(), max_model_len=1, max_num_seqs=1, max_num_batched_tokens=1,
        gpu_memory_utilization=0.01, cache_dtype="none", block_size=1, settings=config.settings,
        environment=config.environment, reasons=config.reasons,
    )  # fmt: skip


def defaults_of(one: Plan, **defaults: Setting) -> EngineDefaults:
    return EngineDefaults(
        behaviour=ENGINE.at(one.release), platform=one.accelerator.platform, nodes=one.nodes, by_option=defaults
    )


@given(request=REQUESTS)
@settings(deadline=None, max_examples=120)
def test_the_settings_of_a_plan_amount_to_its_sizes(request: PlanRequest) -> None:
    """What is written down is what the budget was made of: nothing is counted that is not set, and the other way round."""
    for one in plan(request, CATALOG).plans[:6]:
        assert reread(stripped(one.config), defaults_of(one)) == one.config


@pytest.fixture(scope="module")
def scout() -> Plan:
    best = plan(
        PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M", engine_release="0.32.0"), CATALOG
    ).best
    assert isinstance(best, Plan)
    return best


@pytest.mark.parametrize(
    ("setting", "value", "field", "expected"),
    [
        ("max-model-len", "128K", "max_model_len", 131_072),
        ("max-model-len", 4096, "max_model_len", 4096),
        ("kv-cache-dtype", "fp8_e4m3", "cache_dtype", "fp8"),
        ("kv-cache-dtype", "auto", "cache_dtype", "bfloat16"),
        ("limit-mm-per-prompt", '{"image": 3}', "images_per_prompt", 3),
        ("limit-mm-per-prompt", '{"image": {"count": 2}}', "images_per_prompt", 2),
        ("limit-mm-per-prompt", "image=5", "images_per_prompt", 5),
        ("language-model-only", True, "images_per_prompt", 0),
        ("disable-hybrid-kv-cache-manager", True, "hybrid", False),
        ("speculative-config", '{"model": "a/b", "num_speculative_tokens": 5}', "hybrid", False),
        ("speculative-config", '{"model": "a/b", "num_speculative_tokens": 5}', "draft_tokens", 5),
        ("nnodes", 2, "nodes", 2),
        ("hf-overrides", '{"text_config": {"max_position_embeddings": 1048576}}', "rope_positions", 1_048_576),
        ("hf-overrides", '{"text_config": {"rope_theta": 1.0}}', "rope_positions", None),
        ("hf-overrides", '{"max_position_embeddings": 1048576}', "rope_positions", None),
        ("block-size", 32, "block_size", 32),
    ],
)
def test_an_edited_setting_is_read_as_the_engine_reads_it(
    scout: Plan, setting: str, value: Setting, field: str, expected: object
) -> None:
    """Also the spellings that planning does not use itself."""
    edited = scout.config.with_settings({setting: value}, because="edited")

    assert getattr(reread(edited, defaults_of(scout)), field) == expected


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max-model-len", "auto"), ("max-model-len", -1), ("max-model-len", True), ("max-model-len", 2**80), ("max-model-len", 1.5),
        ("tensor-parallel-size", 0), ("tensor-parallel-size", "eight"), ("gpu-memory-utilization", 1.5),
        ("gpu-memory-utilization", "0.9"), ("gpu-memory-utilization", float("nan")), ("kv-cache-dtype", "int3"),
        ("enforce-eager", "yes"), ("limit-mm-per-prompt", "{image: 1}"), ("limit-mm-per-prompt", '{"image": -1}'),
        ("limit-mm-per-prompt", '{"image": "many"}'), ("limit-mm-per-prompt", True),
        ("hf-overrides", '{"text_config": {"max_position_embeddings": 0}}'), ("hf-overrides", '{"text_config": 5}'),
        ("hf-overrides", '{"text_config": {"max_position_embeddings": "1M"}}'), ("hf-overrides", "max_position_embeddings"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_meant_is_told_by_name(scout: Plan, setting: str, value: Setting) -> None:
    """One message with the option's name."""
    edited = scout.config.with_settings({setting: value}, because="edited")
    with pytest.raises(SettingError, match=f"^--{setting}: ") as told:
        reread(edited, defaults_of(scout))

    assert told.value.setting == setting


def test_a_release_that_replaces_the_whole_configuration_of_the_text_model_is_told(scout: Plan) -> None:
    """`config.update` of 0.11.0 puts the object in the place of `text_config`."""
    override = {"hf-overrides": '{"text_config": {"max_position_embeddings": 1048576}}'}
    edited = scout.config.with_settings(override, because="edited")
    with pytest.raises(SettingError, match=r"^--hf-overrides: vLLM 0.11.0 replaces all of text_config"):
        reread(edited, EngineDefaults(behaviour=ENGINE.at("0.11.0"), platform="cuda"))

    assert reread(edited, EngineDefaults(behaviour=ENGINE.at("0.11.1"), platform="cuda")).rope_positions == 1_048_576


def test_the_draft_head_is_the_one_that_the_settings_name() -> None:
    """By its repository; settings that name no model are refused."""
    assert draft_of({"speculative-config": '{"method": "eagle3", "model": "a/b"}'}) == "a/b"
    assert draft_of({}) is None
    for value in ("{}", '{"model": 5}', "a/b", True):
        with pytest.raises(SettingError, match="--speculative-config: found"):
            draft_of({"speculative-config": value})


@pytest.mark.parametrize("tokens", ["", ', "num_speculative_tokens": 0', ', "num_speculative_tokens": true'])
def test_how_many_tokens_are_proposed_is_never_guessed(scout: Plan, tokens: str) -> None:
    """The engine has no default for the draft heads of Llama 4."""
    edited = scout.config.with_settings({"speculative-config": f'{{"model": "a/b"{tokens}}}'}, because="edited")
    with pytest.raises(SettingError, match="expected `num_speculative_tokens`"):
        reread(edited, defaults_of(scout))


def test_what_is_left_out_is_the_engines_own_choice(scout: Plan) -> None:
    """A default that is known counts; without one the size is not known."""
    names = {"tensor-parallel-size", "max-num-seqs", "gpu-memory-utilization", "limit-mm-per-prompt"}
    bare = scout.config.without_settings(names)
    read = reread(bare, defaults_of(scout, **{"max-num-seqs": 7}))

    assert not names & bare.settings.keys()
    assert not {reason.about for reason in bare.reasons} & names
    assert (read.layout.tensor_parallel, read.max_num_seqs, read.images_per_prompt) == (1, 7, 1)
    assert read.gpu_memory_utilization == ENGINE.at("0.32.0").gpu_memory_utilization
    with pytest.raises(SettingError, match="--max-num-seqs: found nothing"):
        reread(bare, defaults_of(scout))


def test_settings_written_over_keep_their_place_and_give_the_reason(scout: Plan) -> None:
    """The reason of the old value goes with it."""
    edited = scout.config.with_settings({"max-num-seqs": 9, "port": 8001}, because="edited")

    assert list(edited.settings) == [*scout.settings, "port"]
    assert edited.settings["max-num-seqs"] == 9
    assert [reason.because for reason in edited.reasons if reason.about == "max-num-seqs"] == ["edited"]
    assert dataclasses.replace(edited, settings=scout.settings, reasons=scout.reasons) == scout.config
