"""Plans to save."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.plan_files import load_plan, save_plan
from llama4ref.planning import Plan, PlanRequest, plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llama4ref.facts import Catalog


@pytest.fixture(scope="session")
def scout(catalog: Catalog) -> Plan:
    """Scout on eight H100, with a batch of its own."""
    wish = PlanRequest(
        model="scout", gpu="h100-sxm", count=8, context="1M", concurrency=4, images=2, engine_release="0.32.0"
    )
    best = plan(wish, catalog).best
    assert isinstance(best, Plan)
    return best


@pytest.fixture
def saved(scout: Plan, tmp_path: Path) -> Path:
    """That plan in a file."""
    file = tmp_path / "plan.yaml"
    save_plan(scout, file)
    return file


@pytest.fixture
def edited(saved: Path) -> Callable[..., Plan]:
    """Reads the file after words in it were replaced; each pair must be there."""

    def read(*pairs: tuple[str, str]) -> Plan:
        text = saved.read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        saved.write_text(text, encoding="utf-8")
        return load_plan(saved)

    return read
