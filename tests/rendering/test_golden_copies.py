"""Rendered plans are what was reviewed. Rewrite the copies with `WRITE_GOLDEN=1 pytest tests/rendering` and read the diff."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.rendering import FORMS, render

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import Plan

GOLDEN = Path(__file__).parent / "golden"
ENDINGS = {
    "command": "sh",
    "config": "config.yaml",
    "env": "env",
    "compose": "compose.yaml",
    "kubernetes": "kubernetes.yaml",
}
CASES = [
    ("scout-1m-8xh100", "command"),
    ("scout-1m-8xh100", "config"),
    ("scout-1m-8xh100", "compose"),
    ("scout-1m-8xh100", "kubernetes"),
    ("maverick-images-tools-8xh200", "command"),
    ("maverick-images-tools-8xh200", "config"),
    ("scout-hybrid-opt-in-0.13", "command"),
    ("scout-hybrid-opt-in-0.13", "env"),
    ("scout-mi300x-no-hybrid", "compose"),
    ("scout-2-nodes", "command"),
]


def test_every_form_has_an_ending() -> None:
    """A new form needs a name for its golden copies."""
    assert set(ENDINGS) == set(FORMS)


@pytest.mark.parametrize(("name", "form"), CASES)
def test_the_text_is_the_golden_copy(reviewed: dict[str, Plan], vllm_facts: Engine, name: str, form: str) -> None:
    """Every word of it."""
    copy = GOLDEN / f"{name}.{ENDINGS[form]}"
    text = render(reviewed[name], form, vllm_facts)
    if os.environ.get("WRITE_GOLDEN"):
        copy.write_text(text, encoding="utf-8")

    assert text == copy.read_text(encoding="utf-8")
