"""A catalogue kept between runs, which cannot go stale.

Its key is a digest of every byte it was made from: the spec files, the code that reads them (this folder, and the modules beside it
that it uses, such as `errors`) and the interpreter. What was kept is followed by its own digest, so that a damaged file is never
read. It lies where the interpreter keeps compiled modules and has the same standing as they do: whoever may write there may already
run code.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog

_DIGEST_BYTES = 16
_HERE = Path(__file__).parent
_PACKAGE = _HERE.parent
_FOLDER = _HERE / "__pycache__"
_CODE = {
    path.relative_to(_PACKAGE).as_posix(): path.read_bytes()
    for path in (*sorted(_PACKAGE.glob("*.py")), *sorted(_HERE.rglob("*.py")))
}
"""The code as it was when this process loaded it; a file changed later belongs to the next process."""


def digest(files: Mapping[str, bytes]) -> bytes:
    """A digest of spec files and of the code that reads them."""
    state = hashlib.blake2b(sys.version.encode(), digest_size=_DIGEST_BYTES)
    for name, content in [*_CODE.items(), *files.items()]:
        state.update(f"{name} {len(content)} ".encode(errors="surrogateescape") + content)
    return state.digest()


def recall(key: bytes) -> Catalog | None:
    """The catalogue kept under this key, or None."""
    try:
        kept = _file().read_bytes()
    except OSError:
        return None
    head, payload = kept[: 2 * len(key)], kept[2 * len(key) :]
    if head != key + _checksum(payload):
        return None
    catalog: Catalog = pickle.loads(payload)
    return catalog


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_DIGEST_BYTES).digest()


def keep(key: bytes, catalog: Catalog) -> None:
    """Keep a catalogue under its key, where the folder can be written; otherwise do nothing."""
    partial = _file().with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        _FOLDER.mkdir(exist_ok=True)
        try:
            payload = pickle.dumps(catalog, protocol=pickle.HIGHEST_PROTOCOL)
            partial.write_bytes(key + _checksum(payload) + payload)
            partial.replace(_file())
        finally:
            partial.unlink(missing_ok=True)


def _file() -> Path:
    return _FOLDER / f"catalog.{sys.implementation.cache_tag}.pickle"
