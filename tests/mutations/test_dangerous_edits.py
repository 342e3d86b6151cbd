"""The list of dangerous edits fits the code and the tests that stand today."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import llama4ref

PACKAGE = Path(llama4ref.__file__).parent
ROOT = Path(__file__).resolve().parents[2]
EDITS = yaml.safe_load(Path(__file__).with_name("dangerous_edits.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit["name"])
def test_each_edit_can_be_made(edit: dict[str, str]) -> None:
    """Its line stands in the package once, it changes something, and its tests are there."""
    text = (PACKAGE / edit["file"]).read_text(encoding="utf-8")
    assert text.count(edit["before"]) == 1
    assert edit["after"] != edit["before"]
    for test in edit["tests"]:
        file, *names = test.split("::")
        assert (ROOT / file).exists()
        tests = (ROOT / file).read_text(encoding="utf-8") if names else ""
        assert all(name.partition("[")[0] in tests for name in names)


def test_names_are_distinct() -> None:
    """A word chooses the edits that are run."""
    names = [edit["name"] for edit in EDITS]
    assert len(set(names)) == len(names)
