"""The Python files of one release, out of a wheel or of a folder, parsed when they are asked for."""

from __future__ import annotations

import ast
import fnmatch
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from llama4ref.errors import WatchError

_NOTHING = ast.Module(body=[], type_ignores=[])


class PythonFiles:
    """Python files by their path inside a package's wheel, such as `vllm/envs.py`."""

    def __init__(self, names: frozenset[str], read: Callable[[str], str]) -> None:
        """Take the paths, and what reads the text of one."""
        self.names = names
        self._read = read
        self._trees: dict[str, ast.Module] = {}

    @classmethod
    def of(cls, place: Path, package: str = ".") -> PythonFiles:
        """Those of a wheel, or of a folder that holds packages: of all of them, or of one.

        Raises:
            WatchError: where there is neither.
        """
        if place.is_dir():
            found = {path.relative_to(place).as_posix() for path in (place / package).rglob("*.py")}
            return cls(frozenset(found), lambda name: (place / name).read_text(encoding="utf-8"))
        try:
            wheel = zipfile.ZipFile(place)
        except (OSError, zipfile.BadZipFile) as error:
            raise WatchError(f"{place}: no wheel and no folder of Python files; name one") from error
        return cls(
            frozenset(name for name in wheel.namelist() if name.endswith(".py")), lambda name: wheel.read(name).decode()
        )

    def tree(self, name: str) -> ast.Module:
        """The syntax tree of a file; an empty one where there is no such file.

        Raises:
            WatchError: for a file that is no Python.
        """
        if name not in self.names:
            return _NOTHING
        if name not in self._trees:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)  # theirs to mend
                try:
                    self._trees[name] = ast.parse(self.text(name))
                except SyntaxError as error:
                    raise WatchError(f"{name}: cannot be parsed: {error}") from error
        return self._trees[name]

    def text(self, name: str) -> str:
        """The text of a file.

        Raises:
            WatchError: for a file that is not in UTF-8.
        """
        try:
            return self._read(name)
        except UnicodeDecodeError as error:
            raise WatchError(f"{name}: is not in UTF-8: {error}") from error

    def mentioning(self, word: str, *patterns: str) -> tuple[str, ...]:
        """Those that match a pattern and hold a text, found without parsing any."""
        return tuple(name for name in self.matching(*patterns) if word in self.text(name))

    def matching(self, *patterns: str) -> tuple[str, ...]:
        """Paths that match a pattern, sorted; `*` stands for any text, slashes too."""
        return tuple(sorted({name for pattern in patterns for name in fnmatch.filter(self.names, pattern)}))

    def first(self, *names: str) -> str:
        """The first of these paths that exists; the last where none does."""
        return next((name for name in names if name in self.names), names[-1])


__all__ = ["PythonFiles"]
