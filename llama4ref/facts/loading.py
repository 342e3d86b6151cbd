"""From a folder of YAML to the catalogue, with every fault of every file in one report."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from llama4ref.errors import Fault, SpecErrors
from llama4ref.facts import caching
from llama4ref.facts.reading.spec_folder import SOURCES, SpecFolder, read_folder
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
    packages = [Path(__file__).parents[1], Path(__file__).resolve().parents[1]]
    for folder in (folder for each in packages for folder in (each / "specs", each.parent / "specs")):
        if (folder / SOURCES).is_file():
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
    return _load(None if path is None else _resolved(path))


def _resolved(path: str | Path) -> Path:
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise SpecErrors(
            [Fault(str(path), 1, "", found.lower(), "a specs folder", "name a folder of specs")]
        ) from error


def load_with(files: Mapping[str, bytes], path: str | Path | None = None) -> Catalog:
    """The catalogue of a specs folder and further files, by their path inside it, such as `measurements/mine.yaml`.

    Raises:
        SpecErrors: with every fault of every file.
    """
    folder = specs_folder() if path is None else _resolved(path)
    return _build(_content(folder, files))


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


@functools.lru_cache(maxsize=1)
def _load_packaged() -> Catalog:
    content = _content(specs_folder())
    kept = None if content.faults else caching.recall(content.key)
    if kept is not None:
        return kept
    catalog = _build(content)
    caching.keep(content.key, catalog)
    return catalog


@dataclass(frozen=True)
class _Content:
    """The files of a folder; two are the same where every byte is."""

    folder: Path
    key: bytes
    files: Mapping[str, bytes] = field(compare=False)
    faults: Sequence[Fault] = field(compare=False)


def _content(folder: Path, further: Mapping[str, bytes] = MappingProxyType({})) -> _Content:
    found = _read(folder)
    files = {**found.files, **further}
    return _Content(folder, caching.digest(files), files, found.faults)


def _load(folder: Path | None) -> Catalog:
    return _load_packaged() if folder is None else _build(_content(folder))


@functools.lru_cache(maxsize=8)
def _build(content: _Content) -> Catalog:
    from llama4ref.facts.building import build

    return build(content.files, unread=content.faults)


def missing_folders(path: str | Path | None = None) -> tuple[Fault, ...]:
    """A fault for each kind that has no folder; a catalogue of a part loads, but is not complete.

    None where the folder is no folder of specs at all, which `load` says.
    """
    folder = specs_folder() if path is None else _resolved(path)
    missing = [kind for kind in KINDS if not _is_there(folder / kind)] if _is_there(folder / SOURCES) else []
    do = "restore it, or make an empty one"
    return tuple(Fault(f"specs/{kind}", 1, "", "no folder", f"the folder of {kind}", do) for kind in missing)


def spec_files(folder: Path) -> dict[str, bytes]:
    """The content of every file by its path inside the folder, in a stable order; generated schemas are no specs.

    Raises:
        SpecErrors: where a file cannot be read, or the folder holds no `sources.yaml`.
    """
    found = _read(folder)
    if found.faults:
        raise SpecErrors(found.faults)
    return found.files


def _read(folder: Path) -> SpecFolder:
    if not _is_there(folder / SOURCES):
        fault = Fault(f"{folder.name}/{SOURCES}", 1, "", "no readable file", "a specs folder", "name a folder of specs")
        raise SpecErrors([fault])
    return read_folder(folder, KINDS)


def _is_there(path: Path) -> bool:
    """Whether anything has this name, a link that leads nowhere too."""
    return path.exists() or path.is_symlink()
