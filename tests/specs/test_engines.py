"""Are the facts about serving engines those of the engines themselves?"""

from __future__ import annotations

import argparse
import ast
import enum
import inspect
import re
from typing import get_args

import pytest

from llama4ref.errors import ReleaseError
from llama4ref.facts import load
from llama4ref.facts.types.engines import Engine, Flag
from llama4ref.facts.types.releases import holds_at, release_key
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.units import GIB

CATALOG = load()
VLLM = CATALOG.engine("vllm")
PLATFORMS = {"cuda", "rocm", "cpu", "xpu", "hpu", "metal"}


@pytest.fixture(scope="module")
def installed() -> str:
    """The installed vLLM's release, which the facts must cover."""
    pytest.importorskip("vllm")
    from llama4ref.proving.model_files.torch_companions import repair_torch_companions

    repair_torch_companions()
    from vllm.version import __version__

    return ".".join(__version__.split("+")[0].split(".")[:3])


@pytest.fixture(scope="module")
def options(installed: str) -> dict[str, argparse.Action]:
    """Options of the installed server by name, negations left out."""
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    try:
        from vllm.entrypoints.launchers.cli_args import make_arg_parser
    except ImportError:
        from vllm.entrypoints.openai.cli_args import make_arg_parser
    parser = make_arg_parser(FlexibleArgumentParser())
    return {
        name.removeprefix("--"): action
        for action in parser._actions
        for name in action.option_strings
        if name.startswith("--") and not name.startswith("--no-")
    }


def _written(default: object) -> str | None:
    """A parser's default as written on a command line; none where it is empty or the engine finds it itself."""
    if isinstance(default, enum.Enum):
        default = default.value
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if isinstance(default, (str, int, float)) and default != "" else None


def _list_in(code: str, name: str) -> set[str]:
    """Words of a list that a class body gives to a name."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            return set(ast.literal_eval(node.value))
    pytest.fail(f"no {name} in the code")


@pytest.mark.vllm
class TestInstalledVllm:
    """The facts of vLLM beside the installed release."""

    def test_facts_cover_it(self, installed: str) -> None:
        """The installed release lies between the first and the newest one covered."""
        assert VLLM.at(installed).release == installed

    def test_every_flag_of_the_release_exists(self, installed: str, options: dict[str, argparse.Action]) -> None:
        """An option that should be there is there."""
        assert set(VLLM.flags_at(installed)) - set(options) == set()

    def test_no_flag_that_ended_exists(self, installed: str, options: dict[str, argparse.Action]) -> None:
        """An option that ended, or is yet to come, is not there."""
        others = set(VLLM.flags) - set(VLLM.flags_at(installed))

        assert others & set(options) == set()

    @pytest.mark.parametrize("name", [name for name, flag in VLLM.flags.items() if flag.takes != "json"])
    def test_defaults_are_equal(self, name: str, installed: str, options: dict[str, argparse.Action]) -> None:
        """The default of each option is the parser's own."""
        if name not in VLLM.flags_at(installed):
            assert name not in options
        else:
            assert VLLM.flags[name].default == _written(options[name].default)

    def test_switches_take_nothing(self, installed: str, options: dict[str, argparse.Action]) -> None:
        """What the facts call a switch is one in the parser."""
        switches = {name for name in VLLM.flags_at(installed) if options[name].nargs == 0}

        assert switches == {name for name in VLLM.flags_at(installed) if VLLM.flags[name].takes == "switch"}

    def test_json_options_read_json(self, installed: str, options: dict[str, argparse.Action]) -> None:
        """What the facts say takes JSON turns an empty object into something else than text."""
        takes_json = [name for name in VLLM.flags_at(installed) if VLLM.flags[name].takes == "json"]

        assert [name for name in takes_json if isinstance(options[name].type("{}"), str)] == []

    def test_methods_are_equal(self, installed: str) -> None:
        """The quantization methods of the release are exactly those it names."""
        from vllm.config.quantization import ONLINE_QUANT_SHORTHAND_NAMES
        from vllm.model_executor.layers.quantization import QuantizationMethods

        ours = {
            name for name, method in VLLM.methods.items() if holds_at(installed, since=method.since, until=method.until)
        }

        assert ours == set(get_args(QuantizationMethods)) | set(ONLINE_QUANT_SHORTHAND_NAMES)

    @pytest.mark.usefixtures("installed")
    def test_online_shorthands_are_marked(self) -> None:
        """Every load-time shorthand of the release is marked as one."""
        from vllm.config.quantization import ONLINE_QUANT_SHORTHAND_NAMES

        assert all(VLLM.methods[name].online for name in ONLINE_QUANT_SHORTHAND_NAMES)

    @pytest.mark.parametrize("platform", ["rocm", "xpu"])
    def test_platforms_take_the_same_methods(self, platform: str, installed: str) -> None:
        """Methods of a platform are those that its class lists; the file is read, as its libraries may be missing."""
        from importlib.util import find_spec
        from pathlib import Path

        spec = find_spec(f"vllm.platforms.{platform}")
        listed = _list_in(Path(spec.origin).read_text(encoding="utf-8"), "supported_quantization")
        held = {
            name: method
            for name, method in VLLM.methods.items()
            if holds_at(installed, since=method.since, until=method.until)
        }

        assert {
            name for name, method in held.items() if method.platforms and platform in method.platforms
        } == listed & set(held)

    @pytest.mark.parametrize(
        "name",
        [
            "awq",
            "gptq",
            "fp8",
            "modelopt",
            "modelopt_fp4",
            "compressed-tensors",
            "mxfp4",
            "torchao",
            "moe_wna16",
            "quark",
        ],
    )
    @pytest.mark.usefixtures("installed")
    def test_lowest_capabilities_are_equal(self, name: str) -> None:
        """The lowest compute capability of a method is what its configuration class says."""
        from vllm.model_executor.layers.quantization import get_quantization_config

        assert VLLM.methods[name].min_capability == get_quantization_config(name).get_min_capability()

    def test_behaviours_are_equal(self, installed: str) -> None:
        """Switches that the release can be asked about say the same."""
        from vllm import envs
        from vllm.config import CacheConfig

        behaviour = VLLM.at(installed)
        hybrid = envs.environment_variables["VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE"]
        graphs = envs.environment_variables["VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS"]

        assert behaviour.hybrid_kv_cache == hybrid()
        assert behaviour.cuda_graphs_in_budget == graphs()
        assert behaviour.gpu_memory_utilization == CacheConfig().gpu_memory_utilization

    def test_graphs_are_estimated_on_the_same_platforms(self, installed: str) -> None:
        """Those that the worker names before it tries graphs out."""
        from vllm.v1.worker.gpu_worker import Worker

        asked = {"is_cuda_alike": {"cuda", "rocm"}, "is_cuda": {"cuda"}, "is_rocm": {"rocm"}, "is_xpu": {"xpu"}}
        code = inspect.getsource(Worker.determine_available_memory)
        condition = code[code.index("cudagraph_memory_estimate = 0") : code.index("profile_cudagraph_memory()")]
        named = re.findall(r"current_platform\.(\w+)\(", condition)

        assert set(VLLM.at(installed).cuda_graphs_platforms.split()) == set().union(*(asked[name] for name in named))

    def test_variables_are_read(self, installed: str) -> None:
        """Every variable of the release is one of its own, and none that ended is."""
        from vllm import envs

        read = {
            name
            for name, variable in VLLM.environment.items()
            if holds_at(installed, since=variable.since, until=variable.until)
        }

        assert read - set(envs.environment_variables) == set()
        assert (set(VLLM.environment) - read) & set(envs.environment_variables) == set()

    @pytest.mark.parametrize(
        ("gib", "device"),
        [
            (22, "nvidia l4"),
            (79, "nvidia a100-sxm4-80gb"),
            (79, "nvidia h100 80gb hbm3"),
            (178, "nvidia b200"),
            (69, "just too small"),
            (70, "just large enough"),
            (159, "just too small"),
            (160, "just large enough"),
        ],
    )
    def test_hardware_defaults_are_equal(
        self, gib: int, device: str, installed: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Batch limits of a GPU are those the engine finds for its memory and name."""
        from vllm import platforms
        from vllm.engine import arg_utils
        from vllm.usage.usage_lib import UsageContext

        class Gpu:
            """A platform that answers as the GPU would."""

            get_device_total_memory = staticmethod(lambda: gib * GIB)
            get_device_name = staticmethod(lambda: device)
            is_tpu = is_cpu = staticmethod(lambda: False)

        monkeypatch.setattr(platforms, "_current_platform", Gpu())
        monkeypatch.setattr(arg_utils, "current_platform", Gpu())
        tokens, seqs = arg_utils.EngineArgs.get_batch_defaults(1)

        def ours(flag: str) -> int | None:
            return VLLM.default_on(flag, platform="cuda", memory_bytes=gib * GIB, device=device, release=installed)

        assert ours("max-num-batched-tokens") == tokens[UsageContext.OPENAI_API_SERVER]
        assert ours("max-num-seqs") == seqs[UsageContext.OPENAI_API_SERVER]

    @pytest.mark.parametrize("workers", [1, 4])
    def test_cpu_defaults_are_equal(self, workers: int, installed: str) -> None:
        """Batch limits and block size on a CPU are the engine's own."""
        from vllm.engine.arg_utils import EngineArgs
        from vllm.platforms import current_platform
        from vllm.usage.usage_lib import UsageContext

        if not current_platform.is_cpu():
            pytest.skip("the installed vLLM is not for CPUs")
        tokens, seqs = EngineArgs().get_batch_defaults(workers)

        def ours(flag: str) -> int | None:
            return VLLM.default_on(flag, platform="cpu", memory_bytes=GIB, release=installed, workers=workers)

        assert ours("max-num-batched-tokens") == tokens[UsageContext.OPENAI_API_SERVER]
        assert ours("max-num-seqs") == seqs[UsageContext.OPENAI_API_SERVER]


def test_settings_follow_the_release() -> None:
    """What changed between releases is told apart on either side of the change."""
    assert not VLLM.at("0.13.0").hybrid_kv_cache
    assert VLLM.at("0.14.0").hybrid_kv_cache
    assert "kv-cache-memory-bytes" not in VLLM.flags_at("0.8.3")
    assert "calculate-kv-scales" not in VLLM.flags_at("0.28.0")


@pytest.mark.parametrize("release", ["0.8.2", "99.0.0"])
def test_release_outside_the_facts_is_refused(release: str) -> None:
    """A release that the facts do not cover is named together with those they do."""
    with pytest.raises(ReleaseError, match=f"{release} is not covered"):
        VLLM.at(release)


@pytest.mark.parametrize("id_", [id_ for id_, engine in CATALOG.engines.items() if engine.behaviours is None])
def test_engine_without_memory_rules_says_so(id_: str) -> None:
    """Planning for an engine without recorded memory rules is refused in words."""
    with pytest.raises(ReleaseError, match="plan for vllm"):
        CATALOG.engine(id_).at()


@pytest.mark.parametrize("engine", CATALOG.engines.values(), ids=CATALOG.engines)
class TestEveryEngine:
    """What must hold for each spec."""

    def test_releases_are_in_order(self, engine: Engine) -> None:
        """Nothing ends before it begins, and the first release is not after the newest one."""
        spans = [*engine.flags.values(), *engine.methods.values(), *engine.environment.values()]

        first, newest = engine.first_release, engine.newest_release

        assert first is UNKNOWN or newest is UNKNOWN or release_key(first) <= release_key(newest)
        assert all(release_key(span.since) < release_key(span.until) for span in spans if span.since and span.until)

    def test_names_lead_somewhere(self, engine: Engine) -> None:
        """Accelerators, models and checkpoints that it names have specs."""
        published = [*engine.claims_of_capacity, *engine.flag_sets]
        accelerators = {claim.accelerator for claim in engine.claims_of_capacity}
        accelerators |= {name for flags in engine.flag_sets for name in flags.accelerators}

        assert accelerators <= set(CATALOG.accelerators)
        assert {each.model for each in published} <= set(CATALOG.models)
        assert {each.checkpoint for each in published} - {None} <= set(CATALOG.checkpoints)

    def test_contexts_lie_within_the_model(self, engine: Engine) -> None:
        """No published context exceeds what the model's configuration allows."""
        for claim in engine.claims_of_capacity:
            context = CATALOG.model(claim.model).context

            assert context is UNKNOWN or claim.max_context <= context.instruct_max_position_embeddings

    def test_published_flags_are_known(self, engine: Engine) -> None:
        """Options in published settings are options of the facts, where the facts hold any."""
        sets = [*engine.flag_sets, *(claim for claim in engine.claims_of_capacity if claim.flags)]
        names = {flag.split()[0].removeprefix("--no-").removeprefix("--") for each in sets for flag in each.flags or ()}

        assert not engine.flags or names <= set(engine.flags)

    def test_published_settings_have_names_of_their_own(self, engine: Engine) -> None:
        """No two share a name."""
        names = [each.id for each in engine.flag_sets]

        assert len(set(names)) == len(names)


def test_switch_has_a_default() -> None:
    """A switch that the engine does not decide itself is on or off."""
    decided = {"disable-hybrid-kv-cache-manager", "enable-chunked-prefill", "async-scheduling", "enable-lora"}
    open_ = {name for name in VLLM.flags_at(VLLM.newest_release) if _is_open(VLLM.flags[name])}

    assert open_ <= decided | {"enable-prefix-caching"}


def _is_open(flag: Flag) -> bool:
    return flag.takes == "switch" and flag.default is None


def test_values_that_came_later_have_their_first_release():
    """A release before it does not take them; what nothing is recorded of is taken by each."""
    flags = CATALOG.engine("vllm").flags

    assert not flags["kv-cache-dtype"].takes_at("bfloat16", "0.10.2")
    assert flags["kv-cache-dtype"].takes_at("bfloat16", "0.11.0")
    assert flags["kv-cache-dtype"].takes_at("fp8", "0.8.3")
    assert not flags["tool-call-parser"].takes_at("llama4_pythonic", "0.8.5")


@pytest.mark.parametrize(
    ("release", "device", "seqs"),
    [
        ("0.8.3", "nvidia a100-sxm4-80gb", 1024),
        ("0.8.4", "nvidia a100-sxm4-80gb", 256),
        ("0.8.4", "nvidia h100 80gb hbm3", 1024),
        ("0.8.5", "nvidia a100-sxm4-80gb", 1024),
        ("0.9.0", "nvidia a100-sxm4-80gb", 256),
    ],
)
def test_requests_of_a_batch_went_up_and_down_on_an_a100(release: str, device: str, seqs: int):
    """As the branches of engine/arg_utils.py say, release by release."""
    assert (
        VLLM.default_on("max-num-seqs", platform="cuda", memory_bytes=79 * GIB, device=device, release=release) == seqs
    )
