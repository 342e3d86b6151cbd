"""The installed vLLM accepts settings for the full-size architecture, and its planner equals the memory rules."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import LaunchError
from llama4ref.memory import kv_cache
from llama4ref.planning import Plan
from llama4ref.proving.model_files.architecture_files import write_architecture
from llama4ref.proving.records.measuring import configuration_of, planned, standard_runs
from llama4ref.proving.rungs import accepting
from llama4ref.proving.rungs.accepting import Acceptance, AcceptanceProof, accept, prove_accepted, sizes_counted
from llama4ref.rendering.server_command import Option, ServerCommand, server_command
from llama4ref.units import GIB
from tests.proving.conftest import RELEASE, configured
from tests.proving.test_launching import left_over

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig, Setting
    from llama4ref.facts import Catalog
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.models import Model

SETTINGS = {
    "tensor-parallel-size": 8,
    "max-model-len": 1_048_576,
    "max-num-batched-tokens": 8192,
    "max-num-seqs": 256,
}


@pytest.fixture(scope="module")
def engine(catalog: Catalog) -> Engine:
    """What is known of vLLM."""
    return catalog.engine("vllm")


@pytest.fixture(scope="module")
def checkpoint(scout: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scout's full-size configuration files."""
    pytest.importorskip("vllm")
    directory = tmp_path_factory.mktemp("scout")
    write_architecture(directory, scout)
    return directory


def asked(checkpoint: Path, settings: dict[str, Setting]) -> EngineConfig:
    """A configuration for a CUDA machine, of a checkpoint on disk."""
    return configured({"model": str(checkpoint), **SETTINGS, **settings}, platform="cuda")


@pytest.mark.vllm
@pytest.mark.slow
class TestInstalledVllm:
    """What vLLM's own parser, configuration and cache planner say."""

    @pytest.mark.parametrize(
        ("settings", "rules"),
        [
            ({}, {"tensor_parallel": 8}),
            (
                {"tensor-parallel-size": 4, "pipeline-parallel-size": 2, "kv-cache-dtype": "fp8"},
                {"tensor_parallel": 4, "pipeline_parallel": 2, "cache_dtype": "fp8"},
            ),
            (
                {"disable-hybrid-kv-cache-manager": True, "block-size": 32},
                {"tensor_parallel": 8, "hybrid": False, "block_size": 32},
            ),
        ],
    )
    def test_the_planner_gives_the_predicted_capacity(
        self,
        catalog: Catalog,
        checkpoint: Path,
        tmp_path: Path,
        settings: dict[str, Setting],
        rules: dict[str, object],
    ) -> None:
        """Blocks, tokens, concurrency and the largest context, for a CUDA machine."""
        scout, engine = catalog.model("scout"), catalog.engine("vllm")
        available = 30 * GIB + 12_345
        cache = kv_cache(scout, max_model_len=1_048_576, max_num_batched_tokens=8192, **rules)
        capacity = cache.capacity(available)
        verdict = prove_accepted(
            AcceptanceProof(
                subject=scout.name,
                config=asked(checkpoint, settings),
                directory=tmp_path,
                available_bytes=available,
                predicted={
                    "num_gpu_blocks": capacity.num_blocks,
                    "kv_cache_tokens": capacity.tokens,
                    "max_concurrency": capacity.max_concurrency,
                    "largest_max_model_len": cache.largest_max_model_len(available),
                },
            ),
            engine,
        )

        assert [row for row in verdict.comparisons if row.observed != row.predicted] == []
        assert len(verdict.comparisons) == 4 + len(sizes_counted(asked(checkpoint, settings)))
        assert verdict.holds
        assert "vllm" in Path(verdict.log or "").read_text(encoding="utf-8"), "the verdict names its log"

    @pytest.mark.parametrize(("positions", "holds"), [(1_048_576, True), (2_000_000, False)])
    def test_a_shorter_rope_table_is_what_the_engine_resolves(
        self, engine: Engine, checkpoint: Path, tmp_path: Path, positions: int, *, holds: bool
    ) -> None:
        """The override is accepted, and the engine's limit is what the table was counted with; another number is seen."""
        override = f'{{"text_config": {{"max_position_embeddings": {positions}}}}}'
        config = dataclasses.replace(asked(checkpoint, {"hf-overrides": override}), rope_positions=1_048_576)
        verdict = prove_accepted(
            AcceptanceProof(
                subject="scout",
                config=config,
                directory=tmp_path,
                available_bytes=30 * GIB,
                predicted={"largest_max_model_len": 1_048_576},
            ),
            engine,
        )
        seen = {row.name: row.observed for row in verdict.comparisons}

        assert verdict.explanation is None
        assert (seen["rope_positions"], seen["largest_max_model_len"]) == (positions, positions)
        assert verdict.holds is holds

    def test_what_does_not_fit_is_said_in_the_engines_words(
        self, engine: Engine, checkpoint: Path, tmp_path: Path
    ) -> None:
        """Settings can be accepted while a memory is too small for them."""
        command = server_command(asked(checkpoint, {}), engine)
        said = accept(command, tmp_path, available_bytes=(GIB,))

        assert said.accepted
        assert not said.plans[0].fits
        assert "larger than the available KV cache memory" in (said.plans[0].refusal or "")
        assert 0 < said.plans[0].largest_max_model_len < SETTINGS["max-model-len"]

    @pytest.mark.parametrize(
        ("settings", "what"),
        [
            ({"tensor-parallel-size": 16}, "40 query heads cannot be split over 16"),
            ({"max-model-length": 5}, "does not know --max-model-length"),
            ({"quantization": "no-such"}, "no quantization method no-such"),
            ({"max-model-len": 20_000_000}, "above the model's own limit of 10485760"),
            ({"kv-cache-dtype": "int3"}, "refuses the value of --kv-cache-dtype"),
        ],
    )
    def test_refused_settings_are_explained(
        self, checkpoint: Path, tmp_path: Path, settings: dict[str, Setting], what: str
    ) -> None:
        """By vLLM's own parser and configuration; the answer is no, and nothing outside failed."""
        options = tuple(Option(name=name, value=str(value)) for name, value in {**SETTINGS, **settings}.items())
        said = accept(_command(checkpoint, options), tmp_path)

        assert not said.accepted
        assert said.explanation is not None
        assert what in said.explanation.what
        assert not said.explanation.outside

    def test_a_base_checkpoint_is_refused_beyond_its_own_positions(
        self, scout: Model, engine: Engine, tmp_path: Path
    ) -> None:
        """The engine reads the checkpoint's limit by rules of its own, whatever was planned."""
        write_architecture(tmp_path, scout, stage="base")
        said = accept(server_command(asked(tmp_path, {}), engine), tmp_path)

        assert said.explanation is not None
        assert "above the model's own limit of 262144" in said.explanation.what

    def test_sizes_that_were_counted_otherwise_than_the_engine_resolves_them_are_seen(
        self, engine: Engine, scout: Model, tmp_path: Path
    ) -> None:
        """A checkpoint that asks for an fp8 cache gets one, whatever a plan believes; a size that no setting gives likewise."""
        scheme = {"num_bits": 8, "type": "float", "strategy": "tensor", "dynamic": False, "symmetric": True}
        asks = {"quant_method": "compressed-tensors", "config_groups": {}, "kv_cache_scheme": scheme}
        write_architecture(tmp_path, scout, quantization=asks)
        believed = dataclasses.replace(asked(tmp_path, {}), max_num_seqs=7, hybrid=False)
        verdict = prove_accepted(
            AcceptanceProof(subject="scout", config=believed, directory=tmp_path, available_bytes=30 * GIB), engine
        )
        differing = {row.name: (row.predicted, row.observed) for row in verdict.comparisons if row.agreement != "equal"}

        assert verdict.explanation is None
        assert differing.keys() == {"kv_cache_bits", "max_num_seqs", "hybrid_kv_cache"}
        assert differing["kv_cache_bits"] == (16, 8)
        assert not verdict.holds

    @pytest.mark.parametrize("number", range(5))
    def test_the_full_size_measurement_uses_settings_that_vllm_accepts(
        self, catalog: Catalog, engine: Engine, tmp_path: Path, number: int
    ) -> None:
        """So that time on an accelerator is not lost on a flag."""
        pytest.importorskip("vllm")
        run = standard_runs("h200-sxm", RELEASE)[number]
        best = planned(run, catalog)
        assert isinstance(best, Plan)
        configuration = configuration_of(run, best, {})
        write_architecture(tmp_path, best.model, quantization=configuration.quantization)
        config = configuration.config.with_settings({"model": str(tmp_path), "load-format": "dummy"}, because="test")
        said = accept(server_command(config, engine), tmp_path)

        assert said.explanation is None
        assert said.resolved["quantization"] == (
            "compressed-tensors" if configuration.quantization else config.settings["quantization"]
        )


def _command(model: Path, options: tuple[Option, ...] = ()) -> ServerCommand:
    return ServerCommand(model=str(model), options=options, environment={}, environment_reasons={})


def _ask_a_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> Acceptance:
    """Ask a worker that is scripted."""
    worker = tmp_path / "stand_in_worker.py"
    worker.write_text(f"import json, os, subprocess, sys, time\nfrom pathlib import Path\n{code}\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(accepting, "WORKER", "stand_in_worker")
    monkeypatch.setattr(accepting, "need", lambda *_: None)
    return accept(_command(tmp_path), tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="process trees are walked through /proc")
def test_a_worker_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that left its session; the error names the log."""
    monkeypatch.setattr(accepting, "TIME_LIMIT_SECONDS", 2)
    sleeper = "[sys.executable, '-c', 'import time; time.sleep(600)']"
    code = f"""
child = subprocess.Popen({sleeper}, start_new_session=True)
Path({str(tmp_path / "pids")!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
time.sleep(600)"""
    with pytest.raises(LaunchError, match="did not answer about the settings within 2 s") as hung:
        _ask_a_stand_in(tmp_path, monkeypatch, code)

    assert Path(hung.value.log).exists()
    assert left_over(tmp_path, within_seconds=0.5) == []


@pytest.mark.parametrize("code", ["sys.exit('SomeError: no more')", "os._exit(0)"])
def test_a_worker_that_ends_without_an_answer_is_no_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """It is told as what failed outside, with its last line."""
    with pytest.raises(LaunchError, match="ended with exit code") as ended:
        _ask_a_stand_in(tmp_path, monkeypatch, code)

    assert ended.value.exit_code == 3


def test_what_the_engine_refuses_in_unknown_words_is_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is repeated, and lies in the settings."""
    code = "Path(sys.argv[2]).write_text(json.dumps({'accepted': False, 'reason': 'Oops: never heard'}))"
    said = _ask_a_stand_in(tmp_path, monkeypatch, code)

    assert said.explanation is not None
    assert said.explanation.what == "the engine refuses the settings: Oops: never heard"
    assert not said.explanation.outside
