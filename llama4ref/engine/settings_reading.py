"""Which sizes do a server's settings amount to? The settings are read as the engine reads them, whoever wrote them.

Planning writes the settings of the sizes that it chose; this is the way back, for settings that a person edited or a proof changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import EngineConfig, Reason, Setting
from llama4ref.engine.layout import Layout
from llama4ref.engine.option_values import object_of
from llama4ref.errors import RequestError, SettingError
from llama4ref.units import parse_tokens

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Behaviour

HYBRID_VARIABLE = "VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE"
"""Allows the hybrid KV cache for chunked-local layers with 1, forbids it with 0."""
COUNTED = frozenset({
    "model", "tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size", "enable-expert-parallel",
    "mm-encoder-tp-mode", "limit-mm-per-prompt", "language-model-only", "max-model-len", "max-num-seqs",
    "max-num-batched-tokens", "gpu-memory-utilization", "kv-cache-dtype", "block-size", "disable-hybrid-kv-cache-manager",
    "enforce-eager", "nnodes", "speculative-config", "enable-lora", "max-loras", "max-lora-rank",
})  # fmt: skip
"""Settings that the sizes are read from, whatever their values."""
SPECULATIVE = "speculative-config"
"""Names a draft head and how many tokens it proposes."""
OVERRIDES = "hf-overrides"
"""Changes values of the checkpoint's own configuration."""
_CACHE_DTYPES = {"bfloat16": "bfloat16", "fp8": "fp8", "fp8_e4m3": "fp8"}
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDefaults:
    """What decides on settings that are left out."""

    behaviour: Behaviour
    """What holds at the release."""
    platform: str
    """`cuda`, `rocm` or `cpu`."""
    nodes: int = 1
    """Machines, where no setting counts them."""
    by_option: Mapping[str, Setting] = field(default_factory=dict)
    """What the engine takes by itself on this hardware and for this checkpoint, by option."""


def read_settings(
    settings: Mapping[str, Setting],
    defaults: EngineDefaults,
    *,
    environment: Mapping[str, str] | None = None,
    reasons: tuple[Reason, ...] = (),
) -> EngineConfig:
    """The configuration that settings and variables amount to, at the release of the defaults.

    Raises:
        SettingError: for a setting whose value cannot be meant, or that is missing and has no known default.
    """
    read = _Reader(settings, defaults.by_option)
    images, vision = _images(settings, defaults.behaviour)
    variables = environment or {}
    lora = read.switch("enable-lora")
    return EngineConfig(
        release=defaults.behaviour.release,
        layout=Layout(
            tensor_parallel=read.whole("tensor-parallel-size", 1),
            pipeline_parallel=read.whole("pipeline-parallel-size", 1),
            data_parallel=read.whole("data-parallel-size", 1),
            expert_parallel=read.switch("enable-expert-parallel"),
            vision=vision,
            vision_replicated=read.get("mm-encoder-tp-mode") == "data",
        ),
        max_model_len=read.whole("max-model-len"),
        max_num_seqs=read.whole("max-num-seqs"),
        max_num_batched_tokens=read.whole("max-num-batched-tokens"),
        gpu_memory_utilization=read.share("gpu-memory-utilization", defaults.behaviour.gpu_memory_utilization),
        cache_dtype=read.cache_dtype(),
        block_size=read.whole("block-size", 16),
        hybrid=_hybrid(settings, variables, defaults),
        enforce_eager=read.switch("enforce-eager"),
        images_per_prompt=images,
        nodes=read.whole("nnodes", defaults.nodes),
        max_loras=read.whole("max-loras", 1) if lora else 0,
        max_lora_rank=read.whole("max-lora-rank") if lora else 0,
        draft_tokens=_draft_tokens(settings),
        rope_positions=_rope_positions(settings, defaults.behaviour),
        settings=settings,
        environment=variables,
        reasons=reasons,
    )


def reread(config: EngineConfig, defaults: EngineDefaults) -> EngineConfig:
    """The same settings, variables and reasons, with every size as they give it; raises SettingError as `read_settings`."""
    return read_settings(config.settings, defaults, environment=config.environment, reasons=config.reasons)


def counted_in(settings: Mapping[str, Setting]) -> frozenset[str]:
    """Names of settings that the sizes take full account of; overrides of more than the RoPE table's positions are not among them."""
    overrides = _object(settings, OVERRIDES) or {}
    text = overrides.get("text_config")
    only = len(overrides) == 1 and isinstance(text, dict) and list(text) == ["max_position_embeddings"]
    return COUNTED | {OVERRIDES} if only else COUNTED


def draft_of(settings: Mapping[str, Setting]) -> str | None:
    """Repository of the draft head that settings name; None where they name none.

    Raises:
        SettingError: where `speculative-config` is no object, or names no model.
    """
    speculation = _speculation(settings)
    if speculation is None:
        return None
    model = speculation.get("model")
    if not isinstance(model, str) or not model:
        raise SettingError(
            SPECULATIVE, f"found {settings[SPECULATIVE]!r}, expected an object with the `model` of a draft head"
        )
    return model


def _draft_tokens(settings: Mapping[str, Setting]) -> int:
    """Tokens that are proposed in a step; the engine has no default for them."""
    speculation = _speculation(settings)
    if speculation is None:
        return 0
    tokens = speculation.get("num_speculative_tokens")
    if isinstance(tokens, bool) or not isinstance(tokens, int) or not 1 <= tokens <= _LARGEST:
        raise SettingError(
            SPECULATIVE,
            f"found {settings[SPECULATIVE]!r}, expected `num_speculative_tokens`, a whole number of at least 1",
        )
    return tokens


def _rope_positions(settings: Mapping[str, Setting], behaviour: Behaviour) -> int | None:
    """Positions that overrides build the RoPE table for; None where they leave those of the checkpoint."""
    overrides = _object(settings, OVERRIDES) or {}
    if "text_config" not in overrides:
        return None
    if not behaviour.nested_overrides:
        raise SettingError(
            OVERRIDES,
            f"vLLM {behaviour.release} replaces all of text_config by what is given; a later release is needed",
        )
    text = overrides["text_config"]
    if isinstance(text, dict) and "max_position_embeddings" not in text:
        return None
    positions = text["max_position_embeddings"] if isinstance(text, dict) else None
    if isinstance(positions, bool) or not isinstance(positions, int) or not 1 <= positions <= _LARGEST:
        raise SettingError(
            OVERRIDES,
            f"found {settings[OVERRIDES]!r}, expected text_config with max_position_embeddings, a whole number of at least 1",
        )
    return positions


def _speculation(settings: Mapping[str, Setting]) -> dict[str, object] | None:
    return _object(settings, SPECULATIVE)


def _object(settings: Mapping[str, Setting], name: str) -> dict[str, object] | None:
    """The object that a setting is; None where it is left out."""
    if name not in settings:
        return None
    try:
        return object_of(str(settings[name]))
    except RequestError as error:
        raise SettingError(name, str(error)) from error


class _Reader:
    """Settings by name, with the values that the engine takes where one is left out."""

    def __init__(self, settings: Mapping[str, Setting], defaults: Mapping[str, Setting]) -> None:
        self.settings, self.defaults = settings, defaults

    def get(self, name: str) -> Setting | None:
        return self.settings.get(name, self.defaults.get(name))

    def whole(self, name: str, otherwise: int | None = None) -> int:
        value = self.get(name)
        if value is None and otherwise is not None:
            return otherwise
        if isinstance(value, str):
            try:
                value = parse_tokens(value)
            except RequestError as error:
                raise SettingError(name, str(error)) from error
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LARGEST:
            raise SettingError(
                name, f"found {'nothing' if value is None else value}, expected a whole number of at least 1"
            )
        return value

    def share(self, name: str, otherwise: float) -> float:
        value = self.get(name)
        if value is None:
            return otherwise
        if isinstance(value, bool | str) or not 0 < value <= 1:
            raise SettingError(name, f"found {value!r}, expected more than 0 and at most 1")
        return float(value)

    def switch(self, name: str) -> bool:
        value = self.get(name)
        if not isinstance(value, bool | None):
            raise SettingError(name, f"found {value!r}, expected true or false; it is a switch")
        return bool(value)

    def cache_dtype(self) -> str:
        name = "kv-cache-dtype"
        value = self.settings.get(name, "auto")
        known = _CACHE_DTYPES.get(str(self.defaults.get(name, "bfloat16") if value == "auto" else value))
        if known is None:
            raise SettingError(
                name, f"found {value!r}, expected one of auto, {', '.join(_CACHE_DTYPES)}, whose bytes are known"
            )
        return known


def _images(settings: Mapping[str, Setting], behaviour: Behaviour) -> tuple[int, bool]:
    """Images of one prompt, and whether the vision tower is built."""
    name = "limit-mm-per-prompt"
    limit: object = 1
    if name in settings:
        try:
            limit = object_of(str(settings[name])).get("image", 1)
        except RequestError as error:
            raise SettingError(name, str(error)) from error
    count = limit.get("count") if isinstance(limit, dict) else limit
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _LARGEST:
        raise SettingError(name, f"found {settings[name]!r}, expected a whole number of images")
    wanted = 0 if settings.get("language-model-only") is True else count
    vision = wanted > 0 or not behaviour.vision_left_out
    return max(wanted, int(vision)), vision


def _hybrid(settings: Mapping[str, Setting], environment: Mapping[str, str], defaults: EngineDefaults) -> bool:
    allowed = {"1": True, "0": False}.get(environment.get(HYBRID_VARIABLE, ""), defaults.behaviour.hybrid_kv_cache)
    return (
        allowed
        and defaults.platform in defaults.behaviour.hybrid_platforms.split()
        and settings.get("disable-hybrid-kv-cache-manager") is not True
        and SPECULATIVE not in settings
    )
