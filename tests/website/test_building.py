"""Building says what is missing, in one line."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import MissingExtraError, RequestError
from llama4ref.website import build_site, building

if TYPE_CHECKING:
    from pathlib import Path


def test_missing_theme_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without mkdocs-material the message says how to get it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(MissingExtraError, match=r"pip install 'llama4ref\[site\]'"):
        build_site(tmp_path)


def test_prose_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed wheel has no prose; the message says where to build."""
    monkeypatch.setattr(building, "__file__", str(tmp_path / "a" / "b" / "building.py"))

    with pytest.raises(RequestError, match="build the site from the repository"):
        building.project_folder()
