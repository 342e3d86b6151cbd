"""Releases of a package on the index that pip is set up for, and their wheels. No host is named here."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from llama4ref.errors import WatchError
from llama4ref.facts.types.releases import is_release, release_key

_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
_LONGEST_SECONDS = 1800
_VERSIONS = re.compile(r"^Available versions:(.*)$", re.MULTILINE)


def published(package: str) -> tuple[str, ...]:
    """Every release of a package that pip finds, oldest first; releases before their time are left out.

    Raises:
        WatchError: where pip finds none, or cannot be run.
    """
    found = _VERSIONS.search(_pip("index", "versions", package))
    releases = [each.strip() for each in found.group(1).split(",")] if found else []
    known = {each for each in releases if is_release(each) and not release_key(each).is_prerelease}
    if not known:
        raise WatchError(f"{package}: pip finds no release; name a folder of wheels with --wheels")
    return tuple(sorted(known, key=release_key))


def fetch(package: str, release: str, folder: Path) -> Path:
    """The wheel of a release, fetched without what it depends on.

    Raises:
        WatchError: where pip finds no wheel that suits this Python.
    """
    place = folder / f"{package}-{release}"
    _pip("download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(place), f"{package}=={release}")
    wheels = sorted(place.glob("*.whl"))
    if not wheels:
        raise WatchError(f"{package} {release}: pip fetched no wheel")
    return wheels[0]


def local_releases(package: str, folder: Path) -> dict[str, Path]:
    """Releases that a folder holds already: wheels by their file names, or folders named after the release.

    Raises:
        WatchError: where there are none.
    """
    if not folder.is_dir():
        raise WatchError(f"{folder}: is no folder; name one that holds wheels, or folders named after releases")
    found = {
        each.name: each
        for each in folder.iterdir()
        if each.is_dir() and is_release(each.name) and _holds(each, package)
    }
    for wheel in folder.rglob(f"{package.replace('-', '_')}-*.whl"):
        found[wheel.name.split("-")[1].split("+")[0]] = wheel
    if not found:
        raise WatchError(f"{folder}: holds no wheel of {package} and no folder named after a release of it")
    return dict(sorted(found.items(), key=lambda each: release_key(each[0])))


def _holds(folder: Path, package: str) -> bool:
    return (folder / package.replace("-", "_")).is_dir()


def _pip(*arguments: str) -> str:
    try:
        done = subprocess.run(
            [*_PIP, *arguments], capture_output=True, text=True, check=False, timeout=_LONGEST_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WatchError(f"pip {arguments[0]} did not end: {error}") from error
    if done.returncode:
        reason = _last_line(done.stderr.splitlines()) or f"exit code {done.returncode}"
        raise WatchError(f"pip {' '.join(arguments[:1])}: {reason}")
    return done.stdout


def _last_line(lines: Sequence[str]) -> str:
    return next((line.strip().rstrip(".") for line in reversed(lines) if line.strip()), "")


__all__ = ["fetch", "local_releases", "published"]
