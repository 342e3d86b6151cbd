"""Where catalogues are found: installed, in a file, or on the package index. Their code is never run."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from llama4ref.errors import RequestError
from llama4ref.watching import catalogues_genai_prices, catalogues_litellm
from llama4ref.watching.catalogues import Catalogue, CatalogueRow, ModelNames
from llama4ref.watching.downloading import fetch, published


@dataclass(frozen=True, slots=True)
class Form:
    """How a catalogue is written, and how the specs cite it."""

    package: str
    file: str
    """Inside the wheel."""
    rows: Callable[[str, ModelNames, dt.date], tuple[CatalogueRow, ...]]
    cited_key: Callable[[str], str]
    cited_service: Callable[[str], str | None]


FORMS: Mapping[str, Form] = {
    each.package: each
    for each in (
        Form(
            catalogues_genai_prices.PACKAGE,
            catalogues_genai_prices.FILE,
            catalogues_genai_prices.rows,
            catalogues_genai_prices.cited_key,
            catalogues_genai_prices.cited_service,
        ),
        Form(
            catalogues_litellm.PACKAGE,
            catalogues_litellm.FILE,
            lambda text, models, _: catalogues_litellm.rows(text, models),
            catalogues_litellm.cited_key,
            catalogues_litellm.cited_service,
        ),
    )
}
"""Catalogues that are kept up and can be installed, by package."""


def installed(models: ModelNames, day: dt.date) -> Iterator[Catalogue]:
    """Those that are installed beside this package, read without importing them."""
    for form in FORMS.values():
        try:
            found = importlib.metadata.distribution(form.package)
        except importlib.metadata.PackageNotFoundError:
            continue
        text = _text_of(Path(str(found.locate_file(form.file))))
        yield Catalogue(package=form.package, release=found.version, rows=form.rows(text, models, day))


def opened(path: Path, models: ModelNames, day: dt.date) -> Catalogue:
    """The catalogue in a wheel, or in its data file alone, which names no release.

    Raises:
        RequestError: where the path is neither.
    """
    if path.suffix == ".whl":
        package, release = (*path.name.split("-"), "", "")[:2]
        form = FORMS.get(package.replace("_", "-"))
        if form is None:
            raise RequestError(f"{path}: is no wheel of {' or '.join(FORMS)}; give one, or its data file")
        text, version = _text_in(path, form.file), release
    else:
        form = next((each for each in FORMS.values() if Path(each.file).suffix == path.suffix), None)
        if form is None:
            raise RequestError(f"{path}: is no wheel, no .json of litellm and no .py of genai-prices; give one of them")
        text, version = _text_of(path), ""
    return Catalogue(package=form.package, release=version or None, rows=form.rows(text, models, day))


def downloaded(models: ModelNames, day: dt.date) -> Iterator[Catalogue]:
    """The newest releases on the package index, fetched without what they depend on and not kept.

    Raises:
        WatchError: where pip cannot fetch one.
    """
    for package in FORMS:
        with tempfile.TemporaryDirectory(prefix="llama4ref-catalogues-") as folder:
            wheel = fetch(package, published(package)[-1], Path(folder))
            yield replace(opened(wheel, models, day), newest_on=day.isoformat())


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{path}: cannot be read ({_reason(error)}); give a file that can") from error


def _text_in(path: Path, name: str) -> str:
    try:
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(name).decode()
    except (OSError, KeyError, RuntimeError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error) as error:
        raise RequestError(
            f"{path}: {name} cannot be read in it ({_reason(error)}); give the wheel as published"
        ) from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error.args[0]).lower()


__all__ = ["FORMS", "Form", "downloaded", "installed", "opened"]
