"""The commands that the page of proving prints, from a plan to new estimates, do what it says, one after the other as printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import llama4ref
from llama4ref.plan_files import load_plan
from llama4ref.proving.rungs.predictions import full_size_predictions
from tests.proving.conftest import start_of

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
PRINTED = [
    line.partition("  #")[0].strip()
    for block in BLOCK.findall((ROOT / "docs" / "prove.md").read_text(encoding="utf-8"))
    for line in block.splitlines()
]


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A printed line, run by a shell in which `llama4ref` is this package."""
    python = shlex.join([sys.executable, "-m", "llama4ref.cli"])
    return subprocess.run(
        ["sh", "-c", f'llama4ref() {{ {python} "$@"; }}; {line}'],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(llama4ref.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def serve(folder: Path) -> None:
    """What the server of the plan prints at its start, in the format strings of vLLM's source, with the numbers predicted."""
    plan = load_plan(folder / "scout.yaml")
    log, _ = start_of(full_size_predictions(plan.config, plan.budget)[0])
    (folder / "server.log").write_text(log, encoding="utf-8")


def test_the_flow_runs_as_it_is_printed(tmp_path: Path) -> None:
    """From a plan to a record and a patch; what needs an engine or GPUs is left out, and the GPUs' log is written by hand."""
    (tmp_path / "specs").mkdir()
    left_out, said = [], {}
    for line in PRINTED:
        if line.startswith("llama4ref prove") or not line.startswith("llama4ref "):
            left_out.append(line)
            continue
        if line.startswith("llama4ref record"):
            serve(tmp_path)
        if "my-run.yaml" in line:
            (record,) = (tmp_path / "specs" / "measurements").iterdir()
            record.rename(tmp_path / "my-run.yaml")
        done = run(line, tmp_path)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        said[line.split()[1]] = done.stdout + done.stderr

    assert left_out == [
        "llama4ref prove --model scout --gpu h100-sxm --count 8 --context 1M --rung miniature",
        "llama4ref prove --plan scout.yaml --keep-log proof",
        "sh serve.sh 2>&1 | tee server.log",
    ]
    assert list(said) == ["plan", "render", "record", "calibrate"]
    assert (tmp_path / "serve.sh").read_text(encoding="utf-8").count("vllm serve ") == 1
    assert "Record: specs/measurements/" in said["record"]
    record = (tmp_path / "my-run.yaml").read_text(encoding="utf-8")
    assert 'device: "NVIDIA H200"' in record
    assert all(re.search(rf"\b{metric}\b", record) for metric in ("kv_cache_tokens", "max_concurrency"))
    assert (tmp_path / "my-run.patch").read_text(encoding="utf-8").startswith("--- ")


def test_the_rendered_line_is_one_that_a_shell_runs(tmp_path: Path) -> None:
    """As it is printed, where `vllm` is what prints its words."""
    for line in PRINTED[1:3]:
        assert run(line, tmp_path).returncode == 0
    vllm = tmp_path / "vllm"
    vllm.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    vllm.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", "sh serve.sh 2>&1 | tee server.log"],
        cwd=tmp_path, env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    settings = load_plan(tmp_path / "scout.yaml").settings

    assert done.stdout.splitlines()[:2] == ["serve", settings["model"]]
    assert f"--max-model-len\n{settings['max-model-len']}\n" in (tmp_path / "server.log").read_text(encoding="utf-8")


@pytest.mark.vllm
@pytest.mark.serve
@pytest.mark.slow
def test_the_saved_plan_is_proven_as_printed(tmp_path: Path) -> None:
    """On the installed vLLM, which may be of another release than the plan."""
    pytest.importorskip("vllm")
    save, prove = PRINTED[1], next(line for line in PRINTED if line.startswith("llama4ref prove --plan"))
    assert run(save, tmp_path).returncode == 0
    done = run(prove, tmp_path)

    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout.startswith("Held: ")
    assert (tmp_path / "proof" / "server.log").exists()
