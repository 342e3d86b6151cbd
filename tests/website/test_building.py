"""Building says what is missing, in one line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from llama4ref.errors import MissingExtraError, RequestError
from llama4ref.website import build_site, building


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


@pytest.mark.parametrize("output", ["/dev/null", "/proc/x", "/dev/null/site"])
def test_what_cannot_be_filled_is_refused_before_anything_is_built(
    output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after all pages were made."""
    monkeypatch.setattr(building, "make_pages", lambda *_, **__: pytest.fail("pages were made"))

    with pytest.raises(RequestError, match="cannot be filled"):
        build_site(Path(output))


def test_a_folder_with_other_files_is_not_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The build replaces what is in its folder, so that must be a site."""
    monkeypatch.setattr(building, "make_pages", lambda *_, **__: pytest.fail("pages were made"))
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(RequestError, match="holds other files"):
        build_site(tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_a_site_is_replaced_and_a_folder_made(tmp_path: Path) -> None:
    """As is an empty folder, or one with hidden files alone."""
    for names in ((), (".nojekyll",), ("index.html", "llms.txt", "data", "models")):
        folder = tmp_path / "_".join(["site", *names]) / "deep"
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).touch()
        building.prepare_folder(folder)
    building.prepare_folder(tmp_path / "new" / "folder")

    assert (tmp_path / "new" / "folder").is_dir()
