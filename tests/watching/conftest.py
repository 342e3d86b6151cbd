"""Small packages that look like a release of vLLM where a test needs it to."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from llama4ref.watching.python_files import PythonFiles

Release = Callable[..., PythonFiles]

MINIMUM = {
    "engine/arg_utils.py": """
        @dataclass
        class EngineArgs:
            max_loras: int = LoRAConfig.max_loras
            def add_cli_args(parser):
                lora_kwargs = get_kwargs(LoRAConfig)
                parser.add_argument("--max-loras", **lora_kwargs["max_loras"])
        """,
    "config/lora.py": """
        class LoRAConfig:
            max_loras: int = Field(default=1, ge=1)
        """,
    "envs.py": """
        environment_variables = {"VLLM_LOGGING_LEVEL": lambda: os.getenv("VLLM_LOGGING_LEVEL", "INFO").upper()}
        """,
    "model_executor/layers/quantization/__init__.py": """
        QuantizationMethods = Literal["fp8", "mxfp8"]
        """,
}
"""The files without which there is no release, with next to nothing in them."""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Path, dict[str, str]], Path]:
    """Write files under a folder's `vllm`."""

    def written(folder: Path, code: dict[str, str]) -> Path:
        for name, text in code.items():
            path = folder / "vllm" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return folder

    return written


@pytest.fixture
def release(tmp_path: Path, write: Callable[[Path, dict[str, str]], Path]) -> Release:
    """A release with some files of its own."""

    def made(code: dict[str, str], name: str = "release") -> PythonFiles:
        return PythonFiles.of(write(tmp_path / name, MINIMUM | code))

    return made


@pytest.fixture
def minimum() -> dict[str, str]:
    """The files without which there is no release."""
    return MINIMUM
