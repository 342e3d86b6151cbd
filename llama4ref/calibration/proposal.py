"""What a calibration would write: the files of `specs/estimates` with their changed rows, whole or as a patch."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from llama4ref.calibration.editing import edited

if TYPE_CHECKING:
    from llama4ref.calibration.calibrating import Calibration


def proposed_files(calibration: Calibration, files: Mapping[str, bytes]) -> dict[str, str]:
    """The text of every file of estimates that changes, by its path inside the folder of specs.

    Args:
        calibration: with its changes.
        files: content of the spec files as they are, by the same paths.
    """
    changed = dict.fromkeys(change.estimates for change in calibration.changes)
    return {
        f"estimates/{id_}.yaml": edited(
            files[f"estimates/{id_}.yaml"].decode("utf-8"),
            [change for change in calibration.changes if change.estimates == id_],
        )
        for id_ in changed
    }


def patch(proposed: Mapping[str, str], files: Mapping[str, bytes]) -> str:
    """A proposal as a unified diff from the root of the repository; new files are added by it."""
    return "".join(line for path, text in proposed.items() for line in _diff(path, files.get(path), text))


def _diff(path: str, old: bytes | None, new: str) -> Iterator[str]:
    before = [] if old is None else old.decode("utf-8").splitlines(keepends=True)
    name = "/dev/null" if old is None else f"a/specs/{path}"
    return difflib.unified_diff(before, new.splitlines(keepends=True), name, f"b/specs/{path}")
