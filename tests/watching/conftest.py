"""Small packages that look like a release of vLLM where a test needs it to."""

from __future__ import annotations

import datetime as dt
import json
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import llama4ref
from llama4ref.watching.catalogues import Catalogue, ModelNames
from llama4ref.watching.catalogues_found import FORMS, opened
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


DAY = dt.date(2026, 11, 25)
STORED = Path(__file__).parent / "catalogues"
RELEASES = {"genai-prices": "0.2.3", "litellm": "1.110.2"}


@pytest.fixture(scope="module")
def models() -> ModelNames:
    return ModelNames(llama4ref.load())


@pytest.fixture
def wheel(tmp_path: Path) -> Callable[[str, str], Path]:
    """A wheel of a catalogue that holds nothing but its data."""

    def made(package: str, text: str) -> Path:
        path = tmp_path / f"{package.replace('-', '_')}-{RELEASES[package]}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(FORMS[package].file, text)
        return path

    return made


@pytest.fixture(scope="session")
def stored() -> Callable[[str], str]:
    """The rows of a catalogue, as they are kept for tests."""

    def text(package: str) -> str:
        return next(STORED.glob(f"{package}-*")).read_text(encoding="utf-8")

    return text


@pytest.fixture
def litellm(
    wheel: Callable[[str, str], Path], models: ModelNames, stored: Callable[[str], str]
) -> Callable[..., Catalogue]:
    """The stored rows of litellm, with rows changed (None takes one out)."""

    def made(**changes: dict[str, object] | None) -> Catalogue:
        table = json.loads(stored("litellm"))
        for key, change in changes.items():
            table[key] = {**table.get(key, {}), **(change or {})}
            if change is None:
                del table[key]
        return opened(wheel("litellm", json.dumps(table)), models, DAY)

    return made


@pytest.fixture
def genai(
    wheel: Callable[[str, str], Path], models: ModelNames, stored: Callable[[str], str]
) -> Callable[..., Catalogue]:
    """The stored rows of genai-prices, with one text replaced."""

    def made(before: str = "", after: str = "", day: dt.date = DAY) -> Catalogue:
        text = stored("genai-prices")
        assert text.count(before) == 1 or not before
        return opened(wheel("genai-prices", text.replace(before, after) if before else text), models, day)

    return made
