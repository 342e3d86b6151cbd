"""What does an engine say while it is imported? Nothing that belongs among our own lines, unless it cannot be imported.

Libraries in C and logging that is bound to a stream early write to the file descriptors, so that these are turned away, not Python's
streams.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from llama4ref.errors import Llama4refError, ProofError

if TYPE_CHECKING:
    from collections.abc import Iterator

_STREAMS = (1, 2)


@contextmanager
def output_kept(package: str) -> Iterator[None]:
    """Keep what is written to stdout and stderr; where something fails, show it on stderr before the error.

    Raises:
        ProofError: where anything fails that is no error of ours: the package is there, and does not work.
    """
    with tempfile.TemporaryFile() as kept:
        try:
            with _turned_away(kept):
                yield
        except Exception as error:
            _show(kept)
            if isinstance(error, Llama4refError):
                raise
            detail = " ".join(f"{type(error).__name__}: {error}".split())
            raise ProofError(f"{package} is installed and cannot be used here: {detail}") from error


@contextmanager
def _turned_away(file: IO[bytes]) -> Iterator[None]:
    _flush()
    saved = [os.dup(number) for number in _STREAMS]
    try:
        for number in _STREAMS:
            os.dup2(file.fileno(), number)
        yield
    finally:
        _flush()
        for number, copy in zip(_STREAMS, saved, strict=True):
            os.dup2(copy, number)
            os.close(copy)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _show(kept: IO[bytes]) -> None:
    kept.seek(0)
    with suppress(OSError):
        os.write(2, kept.read())
