"""What tests of reading specs share: a small folder of real ones."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.loading import specs_folder

if TYPE_CHECKING:
    from pathlib import Path

KEPT = ("sources.yaml", "formats/bf16.yaml", "formats/nf4.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A few of the real specs, in a folder of their own."""
    target = tmp_path / "specs"
    for name in KEPT:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(specs_folder() / name, target / name)
    return target
