"""`llama4ref watch`: what others publish about offers and engines, beside the specs. It changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llama4ref.cli.option_types import DAY, today
from llama4ref.cli.printing import drawn, echo, echo_json, examples, heading, indented, json_option, section
from llama4ref.wording import counted, shown

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from llama4ref.facts.catalog import Catalog
    from llama4ref.watching.catalogues import Catalogue
    from llama4ref.watching.comparing import Comparison
    from llama4ref.watching.engine_releases import EngineReleases
    from llama4ref.watching.offers_watched import Difference

_SPECS = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group(
    "watch",
    invoke_without_command=True,
    subcommand_metavar="[engines]",
    epilog=examples(
        "llama4ref watch",
        "llama4ref watch --download",
        "llama4ref watch --catalogue litellm-1.110.2-py3-none-any.whl --all",
        "llama4ref watch engines",
    ),
)
@click.option(
    "--catalogue",
    "files",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="Wheel of genai-prices or litellm, or the data file out of one; again for more. Installed ones are not read then.",
)
@click.option("--download", is_flag=True, help="Fetch the newest wheels of both with pip, without what they depend on.")
@click.option("--all", "every", is_flag=True, help="Differences that the specs hold already, too.")
@click.option(
    "--as-of", type=DAY, metavar="DAY", help="Day on which offers and prices are to hold; today if not given."
)
@click.option("--specs", type=_SPECS, help="Another folder of specs.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    files: tuple[Path, ...],
    download: bool,
    every: bool,
    as_of: str | None,
    specs: Path | None,
    as_json: bool,
) -> int | None:
    """Hold the offers in the specs against price catalogues of other projects, row by row.

    Reads the catalogues that are installed, and needs no network for them. What differs is listed as an edit that a person may make
    once the provider's own page has been looked at; no file is changed. What the specs hold already as the catalogue's word is no news.
    Exits with 1 where there is news, with 0 where there is none.
    """
    if ctx.invoked_subcommand is not None:
        return None
    import datetime as dt

    from llama4ref.facts import load
    from llama4ref.watching.offers_watched import watch_offers

    catalog = load(specs) if specs else load()
    day = as_of or today()
    catalogues = _catalogues(catalog, files, dt.date.fromisoformat(day), download=download)
    found = [each for one in catalogues for each in watch_offers(catalog, one, day)]
    listed = [each for each in found if every or not each.recorded]
    if as_json:
        echo_json({"catalogues": [_summary(catalog, each) for each in catalogues], "differences": listed})
    else:
        echo(drawn(*_lines(catalog, catalogues, found, listed)))
    return int(any(not each.recorded for each in found))


@command.command()
@click.option("--read", is_flag=True, help="Fetch new releases of vLLM, read them and say what changes.")
@click.option("--wheels", type=_SPECS, help="Folder of wheels of vLLM to read; nothing is looked up or fetched then.")
@click.option("--specs", type=_SPECS, help="Another folder of specs.")
@json_option
def engines(*, read: bool, wheels: Path | None, specs: Path | None, as_json: bool) -> int:
    """Which releases of engines are newer than the specs cover, as pip finds them.

    Exits with 1 where one is newer or a reading differs, with 3 where pip finds no package.
    """
    from llama4ref.facts import load
    from llama4ref.watching.engine_facts import VLLM, compared_releases
    from llama4ref.watching.engine_releases import newer_releases

    catalog = load(specs) if specs else load()
    releases = [] if wheels else list(newer_releases(catalog))
    newer = next((each.newer for each in releases if each.package == VLLM), ())
    reading = compared_releases(catalog, newer, wheels) if wheels or (read and newer) else None
    if as_json:
        echo_json({"releases": releases, "reading": reading})
    else:
        echo(drawn(*_engine_lines(releases, reading)))
    if releases and all(each.problem for each in releases):
        return 3
    return int(any(each.newer for each in releases) or bool(reading and (reading.differ or reading.new)))


def _catalogues(catalog: Catalog, files: Sequence[Path], day: dt.date, *, download: bool) -> tuple[Catalogue, ...]:
    """The catalogues that are asked for: files and downloads, else what is installed."""
    from llama4ref.watching.catalogues import ModelNames
    from llama4ref.watching.catalogues_found import FORMS, downloaded, installed, opened

    models = ModelNames(catalog)
    found = [opened(each, models, day) for each in files]
    if download:
        found += downloaded(models, day)
    if not files and not download:
        found += installed(models, day)
    if not found:
        names = " and ".join(FORMS)
        raise click.UsageError(f"no catalogue is installed; install {names}, or give --catalogue FILE or --download")
    return tuple(found)


def _summary(catalog: Catalog, catalogue: Catalogue) -> dict[str, object]:
    from llama4ref.watching.offers_watched import release_day

    day = release_day(catalog, catalogue)
    return {"package": catalogue.package, "release": catalogue.release, "day": day, "rows": len(catalogue.rows)}


def _lines(
    catalog: Catalog, catalogues: Sequence[Catalogue], found: Sequence[Difference], listed: Sequence[Difference]
) -> Iterator[RenderableType]:
    for catalogue in catalogues:
        named = (catalogue.package, catalogue.release)
        recorded = sum(each.recorded for each in found if (each.catalogue, each.release) == named)
        yield heading(
            f"{_title(catalog, catalogue)}: {counted(len(catalogue.rows), 'row')}, {counted(recorded, 'difference')} held already"
        )
        for each in listed:
            if (each.catalogue, each.release) == named:
                yield from _difference_lines(each)
    news = sum(not each.recorded for each in found)
    yield from ("", f"{counted(news, 'difference')} that the specs do not hold." if news else "No news.")


def _title(catalog: Catalog, catalogue: Catalogue) -> str:
    from llama4ref.watching.offers_watched import release_day

    day = release_day(catalog, catalogue)
    return f"{catalogue.package} {catalogue.release or 'of no release'}, {day or 'its day is not known'}"


def _difference_lines(each: Difference) -> Iterator[RenderableType]:
    place = f"{each.file}:{each.line}" if each.line else each.file or "a provider that the specs do not have"
    held = " (held already)" if each.recorded else ""
    theirs = "no row" if each.theirs is None else shown(each.theirs)
    yield f"  {each.kind:12}{place} {each.field}{held}"
    yield indented(f"{each.name}: ours {shown(each.ours)}, theirs {theirs}", 14)
    yield indented(each.edit, 14)


def _engine_lines(releases: Sequence[EngineReleases], reading: Comparison | None) -> Iterator[RenderableType]:
    for each in releases:
        if each.problem:
            yield f"unknown  {each.problem}"
        elif each.newer:
            yield f"new      {each.package} {', '.join(each.newer)}; the specs cover {each.covered}"
        else:
            yield f"covered  {each.package} {each.covered}"
    if reading is not None:
        from llama4ref.watching.engine_facts import report

        yield from section("vLLM as read", *report(reading))
    elif any(each.newer for each in releases if each.package == "vllm"):
        yield from ("", "`llama4ref watch engines --read` fetches new releases of vLLM and says what changes.")
