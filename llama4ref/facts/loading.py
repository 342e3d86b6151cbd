"""From a folder of YAML to the catalogue, with every fault of every file in one report."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from llama4ref.errors import Fault, SpecErrors
from llama4ref.facts import caching
from llama4ref.facts.types.entities import owner_of
from llama4ref.facts.types.kinds import KINDS

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.entities import Entity


def specs_folder() -> Path:
    """Where the specs are: in the package once it is installed, beside it in the repository.

    Raises:
        SpecErrors: where neither is there.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "specs", package.parent / "specs"):
        if (folder / "sources.yaml").is_file():
            return folder
    raise SpecErrors([Fault("specs/sources.yaml", 1, "", "no file", "the specs folder", "reinstall llama4ref")])


def load(path: str | Path | None = None) -> Catalog:
    """The catalogue of a specs folder; of the packaged one where none is named.

    The packaged one is read once a process, and between processes from a cache that is keyed by its content.

    Raises:
        SpecErrors: with every fault of every file.

    Examples:
        >>> load().model("maverick").experts.count
        128
    """
    return _load(None if path is None else Path(path).resolve())


def load_with(files: Mapping[str, bytes], path: str | Path | None = None) -> Catalog:
    """The catalogue of a specs folder and further files, by their path inside it, such as `measurements/mine.yaml`.

    Raises:
        SpecErrors: with every fault of every file.
    """
    folder = specs_folder() if path is None else Path(path).resolve()
    return _build({**spec_files(folder), **files})


def catalog_of(*entities: Entity | None) -> Catalog:
    """The catalogue of the first of these that was read into one; the packaged one where none was.

    Models and checkpoints that were made by hand, or by `dataclasses.replace`, are in no catalogue.

    Examples:
        >>> catalog_of(load().model("scout")) is load()
        True
    """
    for entity in entities:
        owner = None if entity is None else owner_of(entity)
        if owner is not None:
            return cast("Catalog", owner)
    return load()


@functools.lru_cache(maxsize=8)
def _load_packaged() -> Catalog:
    folder = specs_folder()
    files = spec_files(folder)
    key = caching.digest(files)
    kept = caching.recall(key)
    if kept is not None:
        return kept
    catalog = _build(files)
    caching.keep(key, catalog)
    return catalog


def _load(folder: Path | None) -> Catalog:
    if folder is None:
        return _load_packaged()
    return _build_cached(folder, caching.digest(spec_files(folder)))


@functools.lru_cache(maxsize=8)
def _build_cached(folder: Path, _key: bytes) -> Catalog:
    return _build(spec_files(folder))


def spec_files(folder: Path) -> dict[str, bytes]:
    """The content of every file by its path inside the folder, in a stable order; generated schemas are no specs.

    Raises:
        SpecErrors: where the folder holds no `sources.yaml`.
    """
    try:
        files = {"sources.yaml": (folder / "sources.yaml").read_bytes()}
    except OSError as error:
        fault = Fault(
            f"{folder.name}/sources.yaml", 1, "", "no readable file", "a specs folder", "name a folder of specs"
        )
        raise SpecErrors([fault]) from error
    others = sorted({each.name for each in folder.iterdir() if each.is_dir()}.difference(KINDS, ("schema",)))
    for kind in (*KINDS, *others):
        inside = folder / kind
        for file in sorted(inside.iterdir()) if inside.is_dir() else ():
            if file.is_file() and not file.name.startswith("."):
                files[f"{kind}/{file.name}"] = file.read_bytes()
    return files


def _build(files: Mapping[str, bytes]) -> Catalog:
    from llama4ref.facts.building import build

    return build(files)
