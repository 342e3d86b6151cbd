"""Llama 4 can be imported beside a torch that torchvision, torchaudio and torchcodec were not compiled for."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llama4ref.proving.model_files.miniature_plugin import NAME, write_plugin

if TYPE_CHECKING:
    from pathlib import Path

IMPORT = "from transformers import Llama4ForConditionalGeneration, Llama4ImageProcessorFast"


def test_transformers_imports_in_a_python_started_with_the_plugin(tmp_path: Path) -> None:
    """A new Python needs nothing but the directories on its path, as vLLM's own subprocesses do."""
    pytest.importorskip("torch")
    paths = os.pathsep.join(map(str, write_plugin(tmp_path)))
    ran = subprocess.run(
        [sys.executable, "-c", IMPORT],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr[-400:]


def test_a_python_that_needs_neither_does_not_load_torch(tmp_path: Path) -> None:
    """What is put on the path costs other programs nothing."""
    paths = os.pathsep.join(map(str, write_plugin(tmp_path)))
    code = "import sys; sys.exit('torch' in sys.modules)"

    assert (
        subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": paths}, check=False).returncode
        == 0
    )


def test_the_plugin_is_visible_only_where_its_directory_is_on_the_path(tmp_path: Path) -> None:
    """vLLM finds it through its own entry point group, and no installed package registers it."""
    code = "from importlib.metadata import entry_points as e; print([p.value for p in e(group='vllm.general_plugins')])"
    paths = os.pathsep.join(map(str, write_plugin(tmp_path)))
    with_it = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=True
    )
    without = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "llama4ref.proving.model_files.miniature_plugin:register" in with_it.stdout
    assert NAME not in without.stdout
