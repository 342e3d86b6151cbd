"""`llama4ref watch engines` over releases of vLLM that lie in a folder, and over the packages that pip is asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import llama4ref
from llama4ref.cli.program import program
from llama4ref.watching import engine_releases
from llama4ref.watching.engine_releases import newer_releases

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_releases_in_a_folder_are_read_and_nothing_is_looked_up(
    tmp_path: Path, write: Callable[..., Path], minimum: dict[str, str]
):
    """A release with next to nothing in it differs from the specs."""
    write(tmp_path / "0.10.0", minimum)
    words = ["watch", "engines", "--wheels", str(tmp_path)]
    text, read = (CliRunner().invoke(program, [*words, *more]) for more in ([], ["--json"]))

    assert (text.exit_code, read.exit_code) == (1, 1)
    assert "vllm 0.10.0: 1 release read" in text.output
    assert json.loads(read.output)["releases"] == []
    assert json.loads(read.output)["reading"]["releases"] == ["0.10.0"]


def test_patches_of_older_releases_are_not_newer(monkeypatch: pytest.MonkeyPatch):
    """The newest that the specs cover is the measure, and ten comes after nine."""
    covered = {each.id: each.newest_release for each in llama4ref.load().engines.values()}
    monkeypatch.setattr(engine_releases, "published", lambda _: ("0.9.2", "0.33.0", "0.33.0.post1", "0.100.0"))
    found = {each.package: each for each in newer_releases(llama4ref.load())}

    assert {"vllm", "sglang", "transformers"} <= found.keys()
    assert {name: each.covered for name, each in found.items()} == {name: covered[name] for name in found}
    assert found["vllm"].newer[-1] == "0.100.0"
    assert "0.9.2" not in found["vllm"].newer
    assert found["transformers"].newer == ()
