"""What is read of the installed vLLM is what it says when it runs."""

from __future__ import annotations

import enum
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from llama4ref.facts import load
from llama4ref.facts.types.releases import normalized_release
from llama4ref.units import GIB
from llama4ref.watching.comparing import compare
from llama4ref.watching.python_files import PythonFiles
from llama4ref.watching.reading import read_vllm
from llama4ref.watching.vllm_batch_limits import DEVICES, LIMITS, Device, path_of

if TYPE_CHECKING:
    from llama4ref.watching.vllm_options import Readings

pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def read() -> Readings:
    """The installed package, read as a wheel would be."""
    pytest.importorskip("vllm")
    from llama4ref.proving.model_files.torch_companions import repair_torch_companions

    repair_torch_companions()
    (place,) = find_spec("vllm").submodule_search_locations
    return read_vllm(PythonFiles.of(Path(place).parent, "vllm"))


def _names(read: Readings, kind: str) -> set[str]:
    return {path.split(".")[1] for path in read if path.startswith(f"{kind}.") and path.count(".") == 1}


def _written(default: object) -> str | None:
    if isinstance(default, enum.Enum):
        default = default.value
    if isinstance(default, bool):
        return str(default).lower()
    return None if default in (None, "") else str(default)


def test_options_are_those_of_the_parser(read: Readings):
    """Each one, and the default of each whose default is a plain value."""
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    actions = {
        name.removeprefix("--"): action
        for action in make_arg_parser(FlexibleArgumentParser())._actions
        for name in action.option_strings
        if name.startswith("--") and not name.startswith("--no-")
    }
    plain = {
        name: _written(action.default)
        for name, action in actions.items()
        if isinstance(action.default, str | int | float | None) and f"flags.{name}.default" in read
    }

    assert set(actions) - _names(read, "flags") <= {"help"}
    assert len(plain) > 150
    assert {name: read[f"flags.{name}.default"] for name in plain} == plain


def test_variables_are_those_of_the_table(read: Readings):
    """Each one."""
    from vllm import envs

    assert _names(read, "environment") == set(envs.environment_variables)


def test_methods_are_those_of_the_release(read: Readings):
    """With the lowest capability of each."""
    from vllm.config.quantization import ONLINE_QUANT_SHORTHAND_NAMES
    from vllm.model_executor.layers.quantization import QuantizationMethods, get_quantization_config

    known = {path.split(".")[1]: value for path, value in read.items() if path.endswith("min_capability")}

    assert _names(read, "methods") == {*get_args(QuantizationMethods), *ONLINE_QUANT_SHORTHAND_NAMES}
    assert len(known) >= 20
    assert known == {name: get_quantization_config(name).get_min_capability() for name in known}


def test_tool_parsers_are_registered(read: Readings):
    """Both of Llama 4."""
    from vllm.tool_parsers import ToolParserManager

    registered = set(ToolParserManager.list_registered())
    named = {
        path.rsplit(".", 1)[1]
        for path, has in read.items()
        if path.startswith("flags.tool-call-parser.values.") and has
    }

    assert named == {"llama4_json", "llama4_pythonic", "pythonic"} & registered


def test_behaviours_are_those_of_the_configuration(read: Readings):
    """Those that the release can be asked about."""
    from vllm import envs
    from vllm.config import CacheConfig
    from vllm.v1.worker.block_table import get_block_table_width

    assert read["behaviours.gpu_memory_utilization"] == CacheConfig().gpu_memory_utilization
    assert read["behaviours.cuda_graphs_in_budget"] == envs.VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS
    assert read["behaviours.hybrid_kv_cache"] == envs.VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE
    assert (
        read["behaviours.block_table_alignment"]
        == signature(get_block_table_width).parameters["token_alignment"].default
    )


@pytest.mark.parametrize("device", DEVICES, ids=lambda each: each.name)
def test_batch_limits_are_those_of_the_release(device: Device, read: Readings, monkeypatch: pytest.MonkeyPatch):
    """Where the platform says that it is this device."""
    from vllm import platforms
    from vllm.engine import arg_utils
    from vllm.usage.usage_lib import UsageContext

    class Gpu:
        """A platform that answers as the GPU would."""

        get_device_total_memory = staticmethod(lambda: device.gib * GIB)
        get_device_name = staticmethod(lambda: device.name)
        is_tpu = is_cpu = staticmethod(lambda: False)
        is_device_capability = staticmethod(lambda asked: asked == (12, 1) and "gb10" in device.name)

    monkeypatch.setattr(platforms, "_current_platform", Gpu())
    monkeypatch.setattr(arg_utils, "current_platform", Gpu())
    limits = arg_utils.EngineArgs.get_batch_defaults(1)

    for flag, limit in zip(LIMITS, limits, strict=True):
        assert read[path_of(flag, device)] == limit[UsageContext.OPENAI_API_SERVER]


def test_the_specs_agree_with_the_release(read: Readings):
    """Everything that was read of it, with what they say of that release."""
    from vllm.version import __version__

    catalog = load()
    result = compare(catalog.engine("vllm"), catalog.abilities["vllm"], {normalized_release(__version__): read})

    assert [str(each) for each in result.differ] == []
    assert len(result.agreed) > 300
