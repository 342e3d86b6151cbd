"""Derive the facts about engines again from their wheels, and say where the specs differ: `make engine-facts`.

`python -m llama4ref.watching.engine_facts` reads the releases of vLLM that the specs do not list, and the newest one that they cover beside
them; `--release` names others, `--wheels FOLDER` takes what is there already. Other engines that come as wheels are looked up too. Nothing is
written; the exit code is 1 where something differs or is new, 3 where a release cannot be fetched or read.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llama4ref.errors import Llama4refError, WatchError
from llama4ref.facts import load
from llama4ref.facts.types.releases import normalized_release, release_key
from llama4ref.facts.types.states import is_stated
from llama4ref.watching.comparing import Comparison, compare
from llama4ref.watching.downloading import fetch, local_releases, published
from llama4ref.watching.other_engines import PACKAGES, Package, llama4_classes, newest_line
from llama4ref.watching.python_files import PythonFiles
from llama4ref.watching.reading import read_vllm
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts import Catalog
    from llama4ref.facts.types.engines import Engine

VLLM = "vllm"


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--release", "releases", multiple=True, help="A release of vLLM to read; again for more.")
@click.option("--wheels", type=click.Path(path_type=Path), help="Folder of wheels, or of folders named after releases.")
@click.option("--specs", type=click.Path(path_type=Path), help="Folder of other specs.")
@click.option(
    "--package", "packages", multiple=True, help="Another package to look up; all but large ones unless named."
)
@click.option("--only-vllm", is_flag=True, help="Look up no other package.")
def main(
    releases: tuple[str, ...], wheels: Path | None, specs: Path | None, packages: tuple[str, ...], *, only_vllm: bool
) -> None:
    """Read, compare, print."""
    try:
        catalog = load(specs) if specs else load()
        differs = _vllm(catalog, tuple(map(normalized_release, releases)), wheels)
        if not only_vllm and wheels is None:
            differs |= _others(catalog, packages)
    except Llama4refError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(int(differs))


def _vllm(catalog: Catalog, releases: Sequence[str], wheels: Path | None) -> bool:
    """Whether what was read of vLLM differs from the specs."""
    result = compared_releases(catalog, releases, wheels)
    for line in report(result):
        click.echo(line)
    return bool(result.differ or result.new)


def compared_releases(catalog: Catalog, releases: Sequence[str] = (), wheels: Path | None = None) -> Comparison:
    """The specs beside releases of vLLM: those named, else all in a folder of wheels, else those that pip finds and the specs do not list.

    Raises:
        WatchError: where a release cannot be found, fetched or read.
    """
    engine = catalog.engine(VLLM)
    with _places(engine, releases, wheels) as places:
        read = {release: read_vllm(PythonFiles.of(place)) for release, place in places.items()}
    return compare(engine, catalog.abilities.get(VLLM), read)


def report(result: Comparison) -> Iterator[str]:
    """Lines for a person: what agrees as a number, what differs and what is new one by one."""
    span = " to ".join(dict.fromkeys((result.releases[0], result.releases[-1])))
    yield f"vllm {span}: {counted(len(result.releases), 'release')} read"
    yield f"agrees   {counted(len(result.agreed), 'value')} of the specs"
    yield from (f"differs  {each}" for each in result.differ)
    yield from (f"new      {each}" for each in result.new)


@contextmanager
def _places(engine: Engine, releases: Sequence[str], wheels: Path | None) -> Iterator[Mapping[str, Path]]:
    """Where the releases are that are to be read; fetched ones go when they were read."""
    if wheels is not None:
        held = local_releases(VLLM, wheels)
        missing = [each for each in releases if each not in held]
        if missing:
            raise WatchError(f"{wheels}: holds no vllm {', '.join(missing)}; it holds {', '.join(held)}")
        yield {each: held[each] for each in releases or held}
        return
    wanted = releases or unread_releases(published(VLLM), engine)
    with tempfile.TemporaryDirectory(prefix="llama4ref-wheels-") as folder:
        yield {each: fetch(VLLM, each, Path(folder)) for each in wanted}


def unread_releases(known: Sequence[str], engine: Engine) -> tuple[str, ...]:
    """Published releases that the specs do not list, patches of older ones too, and the newest one that they cover."""
    first, newest = engine.first_release, engine.newest_release
    if not is_stated(first) or not is_stated(newest):
        return tuple(known[-1:])
    listed = set(engine.releases) - {newest}
    return tuple(each for each in known if release_key(each) >= release_key(first) and each not in listed)


def _others(catalog: Catalog, packages: Sequence[str]) -> bool:
    """Whether another package has a release later than the specs cover.

    One that is not asked for by name and that pip does not find is told and passed over.
    """
    unknown = sorted(set(packages) - set(PACKAGES))
    if unknown:
        raise WatchError(f"no package is named {unknown[0]} here; known are {', '.join(PACKAGES)}")
    differs = False
    for package in PACKAGES.values():
        if packages and package.name not in packages:
            continue
        try:
            differs |= _other(catalog, package, is_wanted=package.name in packages)
        except WatchError as error:
            if packages:
                raise
            click.echo(f"unknown  {error}")
    return differs


def _other(catalog: Catalog, package: Package, *, is_wanted: bool) -> bool:
    newest = published(package.name)[-1]
    line, later = newest_line(package, newest, catalog.engines.get(package.engine or ""))
    click.echo(f"{'new' if later else 'newest':9}{line}")
    if package.places and (package.is_small or is_wanted):
        with tempfile.TemporaryDirectory(prefix="llama4ref-wheels-") as folder:
            found = llama4_classes(PythonFiles.of(fetch(package.name, newest, Path(folder))), package)
        click.echo(f"{'':9}its classes of Llama 4: {', '.join(found) or 'none'}")
    return later


if __name__ == "__main__":
    main()

__all__ = ["compared_releases", "main", "report", "unread_releases"]
