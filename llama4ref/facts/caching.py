"""A catalogue kept between runs, which cannot go stale.

Its key is a digest of every byte it was made from: the spec files, the code of this package and the interpreter. It lies where the
interpreter keeps compiled modules and has the same standing as they do: whoever may write there may already run code.
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

_FOLDER = Path(__file__).parent / "__pycache__"
_CODE = {path.name: path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))}
"""The code as it was when this process loaded it; a file changed later belongs to the next process."""


def digest(files: Mapping[str, bytes]) -> bytes:
    """A digest of spec files and of the code that reads them."""
    state = hashlib.blake2b(sys.version.encode(), digest_size=16)
    for name, content in [*_CODE.items(), *files.items()]:
        state.update(f"{name} {len(content)} ".encode() + content)
    return state.digest()


def recall(key: bytes) -> Catalog | None:
    """The catalogue kept under this key, or None."""
    try:
        with _file().open("rb") as stream:
            if stream.read(len(key)) == key:
                catalog: Catalog = pickle.load(stream)
                return catalog
    except (OSError, pickle.PickleError, EOFError, AttributeError, ImportError, IndexError, TypeError, ValueError):
        return None
    return None


def keep(key: bytes, catalog: Catalog) -> None:
    """Keep a catalogue under its key, where the folder can be written; otherwise do nothing."""
    partial = _file().with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        _FOLDER.mkdir(exist_ok=True)
        partial.write_bytes(key + pickle.dumps(catalog, protocol=pickle.HIGHEST_PROTOCOL))
        partial.replace(_file())


def _file() -> Path:
    return _FOLDER / f"catalog.{sys.implementation.cache_tag}.pickle"
