"""The command line, called inside the process and as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from llama4ref.cli.program import program

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call printed and returned."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        """What it printed, read as JSON."""
        return json.loads(self.out)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Calls the program with words, at so many columns."""

    def run(*words: str, columns: int = 100) -> Answer:
        monkeypatch.setenv("COLUMNS", str(columns))
        result = CliRunner().invoke(program, list(words), prog_name="llama4ref")
        return Answer(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def spawn() -> Callable[..., Answer]:
    """Calls the program in a process of its own."""

    def run(*words: str, **environment: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "llama4ref.cli", *words],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | environment,
            timeout=60,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return run
