"""What is installed and what the machine has, seen without importing anything heavy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import MissingExtraError
from llama4ref.proving.environment import Environment, Gpu, environment, need

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_installed_vllm_is_named_as_it_names_itself() -> None:
    """Release without a local part, from whichever distribution brought it."""
    vllm = pytest.importorskip("vllm.version")
    found = environment()

    assert found.vllm == vllm.__version__.partition("+")[0]
    assert found.vllm_distribution in found.versions


def test_a_missing_package_names_the_extra() -> None:
    """One line with what to type."""
    with pytest.raises(MissingExtraError, match=r"pip install 'llama4ref\[prove-[cg]pu\]'") as error:
        need("json", "no_such_package")

    assert error.value.package == "no_such_package"
    assert error.value.exit_code == 3


def test_nothing_heavy_is_imported() -> None:
    """The whole proving package can be imported on a laptop without torch."""
    modules = "rungs.accepting, rungs.full_size, rungs.miniature_proof, records.measurement_records, installed.bitsandbytes_bytes"
    imports = "; ".join(f"import llama4ref.proving.{module}" for module in modules.split(", "))
    code = f"import sys; {imports}; sys.exit(bool({{'torch', 'openai', 'vllm'}} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Environment]:
    """What is seen where `nvidia-smi` is a program of these shell lines."""

    def seen(script: str) -> Environment:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return environment()

    return seen


def test_a_gpu_that_shares_memory_has_none_of_its_own(driver: Callable[[str], Environment]) -> None:
    """The driver of a DGX Spark writes `[N/A]`."""
    found = driver("echo 'NVIDIA GB10, [N/A], [N/A]'")

    assert found.gpus == (Gpu(name="NVIDIA GB10", memory_bytes=None, free_bytes=None),)
    assert found.gpu_fault is None


def test_gpus_are_in_bytes(driver: Callable[[str], Environment]) -> None:
    """The driver counts in MiB."""
    found = driver("echo 'NVIDIA H100 80GB HBM3, 81559, 81008'")

    assert found.gpus == (Gpu(name="NVIDIA H100 80GB HBM3", memory_bytes=81_559 * 2**20, free_bytes=81_008 * 2**20),)


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("sleep 600", "nvidia-smi did not answer within 0.5 s"),
        (
            "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18",
            "ended with exit code 18: Failed",
        ),
        ("printf 'garbage \\377'", None),
        ("kill -9 $$", "ended with exit code"),
    ],
)
def test_a_driver_that_fails_is_named_and_no_traceback(
    driver: Callable[[str], Environment], monkeypatch: pytest.MonkeyPatch, script: str, fault: str | None
) -> None:
    """Proofs that need no GPU go on; those that do say why there is none."""
    monkeypatch.setattr("llama4ref.proving.environment.DRIVER_SECONDS", 0.5)
    found = driver(script)

    assert found.gpus == ()
    assert found.gpu_fault == fault or (fault or "-") in (found.gpu_fault or "")
