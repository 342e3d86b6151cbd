"""The standard streams: opened where a shell closed them, and written so that exit codes keep their meaning.

A shell may close a stream or send it to a full disk. Then an answer that cannot be written is an error of its own, and what is said
on stderr is lost, but the exit code means what it always means.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Literal, TextIO

import click

from llama4ref.errors import OutputError


def open_streams() -> None:
    """Give this process the streams that a shell closed, so that no other file takes their place.

    What is opened in the place of stdout can only be read, so that writing an answer still fails.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)
    sys.stdin = sys.stdin or _opened(0, "r")
    sys.stdout = sys.stdout or _opened(1, "w")
    sys.stderr = sys.stderr or _opened(2, "w")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _opened(number: int, mode: Literal["r", "w"]) -> TextIO:
    return open(number, mode, encoding="utf-8", closefd=False)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person reads it; also where FORCE_COLOR says that one will, and not where the terminal is dumb."""
    if os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty() or bool(os.environ.get("FORCE_COLOR"))


def write_answer(text: str) -> None:
    """Print text on stdout, and a question mark for each character that the stream cannot carry.

    Raises:
        OutputError: where it cannot be written.
        BrokenPipeError: where its reader went away.
    """
    try:
        click.echo(_carried(text, sys.stdout), color=is_terminal(sys.stdout))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(error) from error


def write_message(text: str) -> None:
    """Print text on stderr; where that cannot be, nothing is said."""
    try:
        click.echo(_carried(text, sys.stderr), err=True, color=is_terminal(sys.stderr))
    except (OSError, ValueError):
        return


def unwritable(error: OSError) -> OutputError:
    """The error of an answer that cannot be written."""
    return OutputError(f"cannot write the answer: {(error.strerror or str(error)).lower()}")


def settle_streams() -> None:
    """Write what is left; what cannot be written is dropped, so that the interpreter does not try once more as it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            drop = os.open(os.devnull, os.O_WRONLY)
            os.dup2(drop, stream.fileno())
            os.close(drop)


def _carried(text: str, stream: TextIO) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
