"""The files of a specs folder, read within bounds: a spec is a regular file of a size that people write."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from llama4ref.errors import Fault, SpecErrors

SOURCES = "sources.yaml"
SCHEMAS = "schema"
"""The folder of generated schemas, which are no specs."""
MOST_BYTES = 2**20
"""Of one file; the largest spec has a tenth of it."""
MOST_BYTES_IN_ALL = 2**24
"""Of all files together; those of the package are a twentieth of it."""
_PART_BYTES = 2**15
"""Read at once; most specs are shorter."""
MOST_FILES = 10_000
"""Of one folder."""
_FILE_TYPES = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
_READ_AT_ONCE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class SpecFolder:
    """What was found in a folder of specs."""

    files: dict[str, bytes] = field(default_factory=dict)
    """Content by path inside the folder, in a stable order; files that belong to no kind are listed without their content."""
    faults: list[Fault] = field(default_factory=list)
    """Files that cannot be read."""


def read_folder(folder: Path, kinds: Collection[str]) -> SpecFolder:
    """Read `sources.yaml` and every file in the folders of the kinds, and list what lies elsewhere.

    Hidden files and folders, such as those of editors, are passed over.

    Raises:
        SpecErrors: where the files are too many bytes in all to go on reading.
    """
    found, left = SpecFolder(), MOST_BYTES_IN_ALL
    top = {entry.name: entry for entry in _entries(os.fspath(folder), "", found)}
    if SOURCES in top:
        _read(top[SOURCES], SOURCES, found)
    for kind in kinds:
        for entry in _entries(top[kind].path, kind, found) if kind in top else ():
            _read(entry, f"{kind}/{entry.name}", found)
            left -= len(found.files.get(f"{kind}/{entry.name}", b""))
            if left < 0:
                much = f"more than {MOST_BYTES_IN_ALL:,} bytes of specs in all"
                raise SpecErrors([Fault(f"specs/{kind}", 1, "", much, "a folder of specs", "remove what is no spec")])
    for name in top.keys() - {SOURCES, SCHEMAS, *kinds}:
        _list_misplaced(top[name], found)
    return found


def _entries(folder: str, name: str, found: SpecFolder) -> list[os.DirEntry[str]]:
    """What lies in a folder and is not hidden, by name."""
    try:
        with os.scandir(folder) as entries:
            seen = [*islice(entries, MOST_FILES + 1)]
    except OSError as error:
        _fault(found, name, _reason(error), "a folder of specs", "make it a folder that can be read")
        return []
    if len(seen) > MOST_FILES:
        _fault(found, name, f"more than {MOST_FILES:,} files", "a folder of specs", "remove what is no spec")
    return sorted((each for each in seen[:MOST_FILES] if not _is_hidden(each.name)), key=lambda each: each.name)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") and not name.startswith("..")


def _list_misplaced(entry: os.DirEntry[str], found: SpecFolder) -> None:
    """YAML beside the folders of the kinds, and every file of a folder that belongs to no kind."""
    if entry.is_dir():
        found.files.update((f"{entry.name}/{each.name}", b"") for each in _entries(entry.path, entry.name, found))
    elif entry.name.endswith((".yaml", ".yml")):
        found.files[entry.name] = b""


def _read(entry: os.DirEntry[str], name: str, found: SpecFolder) -> None:
    try:
        if not entry.is_file():
            what = _FILE_TYPES.get(stat.S_IFMT(entry.stat().st_mode), "no regular file")
            _fault(found, name, what, "a regular file", "move or remove it")
            return
        content = _content(entry.path)
    except OSError as error:
        _fault(found, name, _reason(error), "a file that can be read", "restore or remove it")
        return
    if len(content) > MOST_BYTES:
        _fault(found, name, f"more than {MOST_BYTES:,} bytes", "a spec", "split it or remove it")
    else:
        found.files[name] = content


def read_file(path: Path) -> bytes:
    """The bytes of a regular file, `MOST_BYTES` and one at most; raises OSError for anything else."""
    if not path.is_file():
        raise OSError(f"{path} is no regular file")
    return _content(os.fspath(path))


def _content(path: str) -> bytes:
    """Read without waiting for a pipe, and without reading on and on."""
    descriptor = os.open(path, _READ_AT_ONCE)
    content = b""
    try:
        while part := os.read(descriptor, min(_PART_BYTES, MOST_BYTES + 1 - len(content))):
            content += part
    finally:
        os.close(descriptor)
    return content


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no file, or a link that leads nowhere"
    return (error.strerror or type(error).__name__).lower()


def _fault(found: SpecFolder, name: str, what: str, expected: str, do: str) -> None:
    found.faults.append(Fault(f"specs/{name}".rstrip("/"), 1, "", what, expected, do))
