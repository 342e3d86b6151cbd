"""From the catalogue and the prose to a folder of HTML: the only part that touches files and the only one that knows the builder."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llama4ref.errors import MissingExtraError, RequestError
from llama4ref.facts import load
from llama4ref.field_words import described
from llama4ref.website.pages.all_pages import make_pages
from llama4ref.wording import quoted

if TYPE_CHECKING:
    import click

    from llama4ref.facts.catalog import Catalog

_OF_A_SITE = frozenset({"index.html", "llms.txt", "data"})
"""What every site built here has at its top."""
_BUILDERS = {"mkdocs": "mkdocs-material", "material": "mkdocs-material"}


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """What was built."""

    output: Path
    """The folder with `index.html`."""
    pages: int
    """Pages of HTML."""
    largest_page_bytes: int
    """Size of the largest one, without style, script and fonts."""
    largest_page: str
    """Its path."""
    seconds: float
    """Time the build took."""
    warnings: tuple[str, ...]
    """What the builder complained about; empty after a strict build."""


def build_site(
    output: Path, *, catalog: Catalog | None = None, strict: bool = True, program: click.Command | None = None
) -> SiteReport:
    """Build the whole site into a folder, which is replaced.

    Args:
        output: the folder.
        catalog: where the facts come from; the packaged one where none is given.
        strict: whether a warning of the builder, such as a broken link, ends the build.
        program: the command line that the reference describes; the command `llama4ref site` passes its own. Where none is given
            the page says how to ask for it.

    Raises:
        MissingExtraError: where mkdocs-material is not installed.
        RequestError: where the folder cannot be filled or holds something else than a site, the prose is not there, as in an
            installed wheel, or a strict build has warnings.
        SpecErrors: where prose calls for a fact that is not there.
    """
    started = time.monotonic()
    for module, package in _BUILDERS.items():
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(package, "site")
    folder = project_folder()
    prepare_folder(output)
    prose = {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / "docs").glob("*.md"))}
    made = make_pages(catalog or load(), prose=prose, program=program)
    with tempfile.TemporaryDirectory(prefix="llama4ref-site-") as scratch:
        docs = Path(scratch) / "docs"
        shutil.copytree(folder / "docs" / "assets", docs / "assets")
        for path, text in made.items():
            file = docs / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        warnings = _build(folder / "mkdocs.yml", docs, output)
    if strict and warnings:
        raise RequestError(f"the strict build of the site has {len(warnings)} warnings, the first: {warnings[0]}")
    return _report(output, time.monotonic() - started, warnings)


def project_folder() -> Path:
    """The folder with `mkdocs.yml` and `docs/`.

    Raises:
        RequestError: where they are not beside the package.
    """
    folder = Path(__file__).parents[2]
    if not (folder / "mkdocs.yml").is_file():
        raise RequestError(
            "docs/ and mkdocs.yml: not beside the package, as in an installed wheel; build the site from the repository"
        )
    return folder


def prepare_folder(output: Path) -> None:
    """Make the folder that will be filled, before anything is built.

    Raises:
        RequestError: where it cannot be made or written into, or holds files that are no site and that the build would delete.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        held = {path.name for path in output.iterdir() if not path.name.startswith(".")}
        with tempfile.TemporaryFile(dir=output):
            pass
    except OSError as error:
        raise RequestError(
            f"output: {quoted(str(output))} cannot be filled ({(error.strerror or str(error)).lower()}); name another folder"
        ) from error
    if held and not held >= _OF_A_SITE:
        raise RequestError(
            f"output: {quoted(str(output))} holds other files, which the build would delete; name an empty or a new folder"
        )


class _Complaints(logging.Handler):
    """Keeps what the builder warns about."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.messages.append(record.getMessage())


def _build(config_file: Path, docs: Path, output: Path) -> tuple[str, ...]:
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    complaints = _Complaints()
    logger = logging.getLogger("mkdocs")
    logger.addHandler(complaints)
    try:
        config = load_config(str(config_file), docs_dir=str(docs), site_dir=str(output.resolve()))
        config.plugins.on_startup(command="build", dirty=False)
        try:
            build(config)
        finally:
            config.plugins.on_shutdown()
    finally:
        logger.removeHandler(complaints)
    return tuple(dict.fromkeys(complaints.messages))


def _report(output: Path, seconds: float, warnings: tuple[str, ...]) -> SiteReport:
    sizes = {path: path.stat().st_size for path in output.rglob("*.html")}
    largest = max(sizes, key=lambda path: sizes[path])
    return SiteReport(
        output=output,
        pages=len(sizes),
        largest_page_bytes=sizes[largest],
        largest_page=str(largest.relative_to(output)),
        seconds=seconds,
        warnings=warnings,
    )
