"""From a plan to what is launched for it."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path

import pytest

from llama4ref.errors import LaunchError, MissingExtraError, ProofError, RequestError
from llama4ref.facts import load
from llama4ref.planning import Plan, PlanRequest, plan
from llama4ref.proving.environment import Gpu, environment
from llama4ref.proving.rungs import proofs
from llama4ref.proving.rungs.full_size import Configuration
from llama4ref.proving.rungs.predictions import full_size_configuration
from llama4ref.proving.rungs.proof_configs import for_release, miniature_config, on_one_processor, reachable
from llama4ref.proving.rungs.proofs import prove
from llama4ref.proving.verdict import Rung, Verdict, compare
from llama4ref.rendering.server_command import server_command
from llama4ref.units import GIB

ENGINE = load().engine("vllm")


def planned(**wishes: object) -> Plan:
    """The best plan for Scout on H200s."""
    best = plan(PlanRequest(model="scout", gpu="h200-sxm", **wishes)).best  # type: ignore[arg-type]  # wishes of tests
    assert isinstance(best, Plan)
    return best


def full_size(**wishes: object) -> Configuration:
    best = planned(**wishes)
    return full_size_configuration(best.checkpoint, best.config, best.budget)


def test_a_plan_for_its_own_release_is_launched_as_it_is() -> None:
    """Not a word is changed."""
    best = planned(count=8, images=2, tools=True)

    assert for_release(best.config, ENGINE, best.release, platform="cuda") == best.config


def test_a_plan_for_an_older_release_is_spelled_as_the_installed_one_reads_it() -> None:
    """Pairs become JSON; nothing else differs in the words."""
    old = planned(count=8, images=2, engine_release="0.8.4").config
    new = for_release(old, ENGINE, "0.32.0", platform="cuda")
    before, after = (server_command(each, ENGINE).words for each in (old, new))

    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]] == [("image=2", '{"image": 2}')]
    assert new.release == "0.32.0"


def test_what_the_installed_release_lacks_is_a_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The answer is no, with the release that has it; nothing is launched."""
    best = planned(count=8, engine_release="0.17.0")
    config = best.config.with_settings({"swap-space": 4}, because="edited")
    monkeypatch.setattr(proofs, "need", lambda *_: None)
    monkeypatch.setattr(proofs, "installed_behaviour", lambda _: ENGINE.at("0.32.0"))
    verdict = prove(dataclasses.replace(best, config=config), rung="accepted", directory=tmp_path)

    assert not verdict.holds
    assert verdict.explanation is not None
    assert "vLLM 0.17.0; the installed 0.32.0 has no --swap-space" in verdict.explanation.what
    assert not verdict.explanation.outside
    assert "install vLLM 0.17.0" in verdict.explanation.do
    assert list(tmp_path.iterdir()) == []


def test_what_one_processor_cannot_take_is_named() -> None:
    """A verdict must say which settings of the plan it does not show; its sizes follow."""
    best = planned(count=8, engine_release="0.32.0")
    config, left_out = miniature_config(best.config, ENGINE)

    assert "tensor-parallel-size" not in config.settings
    assert any(line.startswith("tensor-parallel-size 8") for line in left_out)
    assert (config.layout.gpus, config.block_size) == (1, 128)
    assert config.settings["max-model-len"] == config.max_model_len == best.context


def test_an_fp8_cache_needs_a_processor_with_avx512() -> None:
    """Elsewhere it is left out, and the sizes are those of bf16."""
    config = planned(count=8, cache_dtype="fp8").config
    kept, _ = on_one_processor(config, frozenset({"avx512f"}))
    without, words = on_one_processor(config, frozenset())

    assert kept.settings["kv-cache-dtype"] == "fp8"
    assert "kv-cache-dtype" not in without.settings
    assert "kv-cache-dtype fp8 is left out: this processor has no AVX-512" in words


def test_a_key_that_would_keep_the_probes_out_is_left_out_in_words() -> None:
    """A server of a proof listens on the loopback interface alone."""
    config = planned(count=8).config.with_settings({"api-key": "secret"}, because="edited")
    open_, words = reachable(config)

    assert "api-key" not in open_.settings
    assert words == ("api-key secret is left out: the probes could not ask",)


def test_sizes_that_a_plan_leaves_open_are_written_out_for_the_miniature() -> None:
    """A processor's own defaults are others than those the plan counts with."""
    best = planned(count=8, engine_release="0.32.0")
    config, words = miniature_config(best.config.without_settings({"max-num-seqs"}), ENGINE)

    assert config.settings["max-num-seqs"] == best.config.max_num_seqs
    assert f"max-num-seqs {best.config.max_num_seqs} is added for the proof" in words


@pytest.mark.parametrize(
    ("checkpoint", "note"),
    [
        ("RedHatAI/Llama-4-Scout-17B-16E-Instruct-quantized.w4a16", "with the checkpoint's own quantization_config"),
        ("nvidia/Llama-4-Scout-17B-16E-Instruct-FP8", "experts in fp8-per-tensor-static are not part of this proof"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", None),
    ],
)
def test_acceptance_is_asked_in_the_checkpoints_own_precision_where_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: str, note: str | None
) -> None:
    """And says so, or that it is not."""
    best = planned(count=8, checkpoint=checkpoint)
    answer = Verdict(rung=Rung.ACCEPTED, subject="scout", config=best.config, notes=())
    monkeypatch.setattr(proofs, "need", lambda *_: None)
    monkeypatch.setattr(proofs, "installed_behaviour", lambda _: ENGINE.at("0.32.0"))
    monkeypatch.setattr(proofs, "prove_accepted", lambda *_: answer)
    notes = prove(best, rung="accepted", directory=tmp_path).notes
    content = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    known = best.checkpoint.quantization_config

    assert content.get("quantization_config") == (json.loads(known) if isinstance(known, str) else None)
    assert any(note in each for each in notes) if note else not any("experts" in each for each in notes)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_no_folder_is_left_where_a_package_is_missing(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3 leaves nothing behind."""

    def missing(*_: str) -> None:
        raise MissingExtraError("vllm", "prove-cpu")

    monkeypatch.setattr(proofs, "need", missing)
    for rung in proofs.RUNGS:
        with pytest.raises(MissingExtraError):
            prove(planned(count=8), rung=rung)

    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("error", "left"), [(ProofError("no"), 0), (OSError("full"), 0), (None, 1)])
def test_a_folder_stays_only_where_its_log_is_named(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, error: Exception | None, left: int
) -> None:
    """A crash of the engine names its log; other ends have nothing to show."""

    def fail(terms: proofs._Terms) -> None:
        raise error or LaunchError(f"it crashed; its log is {terms.directory}/vllm.log", log="vllm.log")

    monkeypatch.setattr(proofs, "need", lambda *_: None)
    monkeypatch.setattr(proofs, "installed_behaviour", lambda _: ENGINE.at("0.32.0"))
    monkeypatch.setattr(proofs, "_accepted", fail)
    with pytest.raises(type(error) if error else LaunchError):
        prove(planned(count=8), rung="accepted")

    assert len(list(temporary.iterdir())) == left


def test_a_four_bit_checkpoint_brings_its_quantization_to_the_full_size() -> None:
    """Random weights must lie in the checkpoint's format, or memory would be that of bf16."""
    four_bit = full_size(count=1, checkpoint="RedHatAI/Llama-4-Scout-17B-16E-Instruct-quantized.w4a16")

    assert four_bit.quantization is not None
    assert four_bit.quantization["quant_method"] == "compressed-tensors"
    (group,) = four_bit.quantization["config_groups"].values()
    assert (group["weights"]["num_bits"], group["weights"]["group_size"]) == (4, 128)


def test_a_checkpoint_of_unknown_configuration_is_not_measured_in_another_format() -> None:
    """NVIDIA's configuration is not among the facts, so nothing is launched in its name."""
    with pytest.raises(ProofError, match="quantization_config"):
        full_size(count=1, checkpoint="nvidia/Llama-4-Scout-17B-16E-Instruct-FP8")


def test_predicted_memory_of_the_full_size_has_bounds() -> None:
    """A prediction without a bound could not be wrong."""
    configuration = full_size(count=1, checkpoint="recipe-vllm-fp8-per-tensor-scout")

    assert configuration.predicted.keys() - configuration.bounds.keys() == {"max_model_len", "hybrid_kv_cache"}
    for name, (low, high) in configuration.bounds.items():
        assert low < configuration.predicted[name] < high, name


@pytest.mark.parametrize(("share", "agreement"), [(0.999, "within bound"), (1.001, "differs")])
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("name", ["model_loading", "available_kv_cache", "kv_cache_tokens", "num_gpu_blocks"])
def test_a_value_just_outside_its_bound_differs(name: str, side: int, share: float, agreement: str) -> None:
    """Bounds are those of the budget's lines: a thousandth of their width further out is no longer as predicted."""
    configuration = full_size(count=1, checkpoint="recipe-vllm-fp8-per-tensor-scout")
    expected, bound = configuration.predicted[name], configuration.bounds[name][side]
    observed = {name: expected + share * (bound - expected)}
    (row,) = compare({name: expected}, observed, bounds=configuration.bounds)

    assert row.agreement == agreement


def test_bounds_of_the_full_size_are_the_budgets() -> None:
    """Worked from the lines: the worst of each estimate at one end, the best at the other; weights times the bounds of loading."""
    best = planned(count=1, checkpoint="recipe-vllm-fp8-per-tensor-scout")
    bounds = full_size_configuration(best.checkpoint, best.config, best.budget).bounds
    inside = [line for line in best.budget.lines if line.place in {"weights", "buffers", "overhead"}]
    peaks = [line for line in best.budget.lines if line.place == "peak"]
    left = [
        best.budget.requested_bytes
        - sum(getattr(line, end) for line in inside)
        - max(getattr(line, end) for line in peaks)
        for end in ("high", "low")
    ]
    weights = sum(line.bytes for line in best.budget.lines if line.place == "weights" or line.name == "RoPE table")

    assert bounds["available_kv_cache"] == pytest.approx([each / GIB for each in left], rel=1e-12)
    loading = load().estimate("vllm").memory.loading.rows[0]
    assert bounds["model_loading"] == pytest.approx(
        [each * weights / GIB for each in (loading.low, loading.high)], rel=1e-12
    )


def test_an_unknown_rung_is_refused() -> None:
    """Rungs are few and have names."""
    with pytest.raises(RequestError, match="accepted, miniature, full-size"):
        prove(planned(count=8), rung="real")  # type: ignore[arg-type]  # what a person may type


@pytest.mark.skipif(len(environment().gpus) >= 8, reason="this machine has the GPUs")
def test_the_full_size_without_its_gpus_says_so() -> None:
    """The rung is not claimed where it was not stood on."""
    with pytest.raises(ProofError, match="needs 8 GPUs, this machine has"):
        prove(planned(count=8), rung="full-size")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("NVIDIA H100 80GB HBM3", r"the plan is for h200-sxm, but this machine has NVIDIA H100 80GB HBM3 \(h100-sxm\)"),
        ("NVIDIA H200 NVL", "no accelerator in the facts is called 'NVIDIA H200 NVL'"),
    ],
)
def test_the_full_size_is_proven_on_the_plans_accelerator_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, message: str
) -> None:
    """What is predicted for one GPU says nothing of another."""
    gpu = Gpu(name=name, memory_bytes=None, free_bytes=None)
    here = dataclasses.replace(environment(), vllm="0.32.0", vllm_distribution="vllm", gpus=(gpu,))
    monkeypatch.setattr(proofs, "need", lambda *_: None)
    monkeypatch.setattr(proofs, "installed_behaviour", lambda _: ENGINE.at("0.32.0"))
    monkeypatch.setattr(proofs, "environment", lambda: here)
    with pytest.raises(ProofError, match=message) as error:
        prove(planned(count=1, checkpoint="recipe-vllm-fp8-per-tensor-scout"), rung="full-size", directory=tmp_path)

    assert error.value.exit_code == 3
