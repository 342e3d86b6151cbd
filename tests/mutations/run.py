"""Is each dangerous line held by a test? Every edit of `dangerous_edits.yaml` is made to a copy of the package, and a test must fail.

    python tests/mutations/run.py            all of them
    python tests/mutations/run.py stage peak those whose name holds one of these words

An edit survives where its tests pass in spite of it, and then the run ends with exit code 1. An edit whose line is no longer there once,
or whose tests cannot be run, is a fault of the list (exit code 2).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import yaml

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("dangerous_edits.yaml")
SECONDS_EACH = 240.0
"""Tests that take longer say nothing about an edit, and are a fault of the list."""
TESTS_FAILED, ALL_PASSED, TIMED_OUT = 1, 0, -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One dangerous edit."""

    name: str
    """What would be wrong in the field."""
    file: str
    """The file, below the package."""
    before: str
    """Text that stands in the file once."""
    after: str
    """What it is changed into."""
    tests: tuple[str, ...]
    """Tests of which one must fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an edit."""

    edit: Edit
    caught: bool
    fault: str | None = None
    """What is wrong with the entry of the list."""
    seconds: float = 0.0


def edits() -> tuple[Edit, ...]:
    """The list, in its order."""
    rows = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return tuple(Edit(**row | {"tests": tuple(row["tests"])}) for row in rows)


def outcome_of(edit: Edit, folder: Path) -> Outcome:
    """Make the edit in a copy of the package, run its tests, and undo it."""
    started = time.monotonic()
    file = folder / "llama4ref" / edit.file
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if text.count(edit.before) != 1 or edit.before == edit.after:
        found = f"stands {text.count(edit.before)} times in {edit.file}, expected once and changed"
        return Outcome(edit=edit, caught=False, fault=found)
    try:
        file.write_text(text.replace(edit.before, edit.after), encoding="utf-8")
        code, said = _run(edit, folder)
    finally:
        file.write_text(text, encoding="utf-8")
    seconds = time.monotonic() - started
    if code not in {TESTS_FAILED, ALL_PASSED}:
        return Outcome(edit=edit, caught=False, fault=f"pytest ended with {code}: {said[-300:]}", seconds=seconds)
    return Outcome(edit=edit, caught=code == TESTS_FAILED, seconds=seconds)


def _run(edit: Edit, folder: Path) -> tuple[int, str]:
    command = [
        sys.executable,
        "-P",
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "--tb=no",
        "--durations=0",
        "--hypothesis-profile=first-failure",
        *edit.tests,
    ]
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        running = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = running.wait(SECONDS_EACH)
        except subprocess.TimeoutExpired:
            code = TIMED_OUT
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        said.seek(0)
        return code, said.read()


def _copy(folder: Path) -> Path:
    shutil.copytree(ROOT / "llama4ref", folder / "llama4ref", ignore=shutil.ignore_patterns("__pycache__"))
    for shared in ("specs", "docs", "mkdocs.yml"):
        (folder / shared).symlink_to(ROOT / shared)
    return folder


def main(words: list[str]) -> int:
    """Run the list, and say what survived."""
    chosen = [edit for edit in edits() if not words or any(word in edit.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="llama4ref-mutations-") as scratch:
        workers = min(len(chosen) or 1, os.cpu_count() or 1)
        free: SimpleQueue[Path] = SimpleQueue()
        for number in range(workers):
            free.put(_copy(Path(scratch) / str(number)))

        def run(edit: Edit) -> Outcome:
            folder = free.get()
            try:
                return outcome_of(edit, folder)
            finally:
                free.put(folder)

        with ThreadPoolExecutor(workers) as pool:
            outcomes = [*map(_shown, pool.map(run, chosen))]
    faults, survived = sum(bool(each.fault) for each in outcomes), sum(not each.caught for each in outcomes)
    print(f"{len(outcomes) - survived} of {len(outcomes)} dangerous edits were caught")
    return 2 if faults or not outcomes else int(survived > 0)


def _shown(outcome: Outcome) -> Outcome:
    state = "caught  " if outcome.caught else "FAULT   " if outcome.fault else "SURVIVED"
    print(
        f"{state} {outcome.seconds:5.1f} s  {outcome.edit.name}" + (f": {outcome.fault}" if outcome.fault else ""),
        flush=True,
    )
    return outcome


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
