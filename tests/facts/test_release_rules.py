"""Releases in the specs are releases, and those of an engine with a list are on it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import Fault, SpecErrors
from llama4ref.facts import load
from llama4ref.facts.loading import specs_folder

if TYPE_CHECKING:
    from pathlib import Path

NVIDIA = "checkpoints/nvidia-llama-4-scout-17b-16e-instruct-nvfp4.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The real specs, to be changed."""
    return shutil.copytree(specs_folder(), tmp_path / "specs")


def _faults(folder: Path, name: str, old: str, new: str) -> tuple[list[Fault], int]:
    """The faults after a change of one line, and the line."""
    text = (folder / name).read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SpecErrors) as caught:
        load(folder)
    return list(caught.value.faults), text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("name", "change", "found", "told"),
    [
        ("engines/vllm.yaml", ('newest_release: "0.33.0"', 'newest_release: "banana"'), "'banana'", "such as"),
        ("engines/vllm.yaml", ('newest_release: "0.33.0"', f'newest_release: "{"9" * 5000}"'), "'9999", "such as"),
        ("engines/vllm.yaml", ('newest_release: "0.33.0"', 'newest_release: "0.34.0"'), "0.34.0", "0.33.0"),
        ("engines/vllm.yaml", ('- since: "0.10.0"', '- since: "banana"'), "'banana'", "such as"),
        ("engines/vllm.yaml", ('- since: "0.10.0"', '- since: "0.10.9"'), "0.10.9", "0.10.2 and 0.11.0"),
        ("engines/sglang.yaml", ('first_release: {value: "0.4.5"', 'first_release: {value: "0.9"'), "0.9.0", "0.5.23"),
        ("engines/tensorrt-llm.yaml", ('id: scout-one-gpu, release: "1.0.0"', 'id: scout-one-gpu, release: "9.0"'), "9.0.0", "correct"),
        ("faults/sglang.yaml", ('confirmed: "0.4.6.post5"', 'confirmed: "0.4.6.post9"'), "0.4.6.post9", "0.4.6.post5"),
        (NVIDIA, ('since: {value: "0.10.1"', 'since: {value: "99.0"'), "99.0", "0.33.0"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_release_that_cannot_be_right_is_a_fault_of_its_line(
    folder: Path, name: str, change: tuple[str, str], found: str, told: str
) -> None:
    """Unreadable, never published, or newer than the facts."""
    faults, line = _faults(folder, name, *change)
    fault = next(fault for fault in faults if fault.file == f"specs/{name}" and fault.line == line)

    assert fault.found.startswith(found)
    assert told in fault.do
    assert all(len(str(each)) < 500 for each in faults)


def test_the_list_of_releases_is_in_order(folder: Path) -> None:
    """Oldest first."""
    faults, _ = _faults(folder, "engines/vllm.yaml", '"0.8.4", "0.8.5",', '"0.8.5", "0.8.4",')

    assert [(fault.field, fault.found) for fault in faults] == [("releases", "0.8.5 before 0.8.4")]
