"""`llama4ref site`: build the documentation site."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from llama4ref.cli.printing import echo, echo_json, json_option
from llama4ref.errors import MissingExtraError


@click.command("site")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("site"),
    show_default=True,
    help="Folder to fill.",
)
@json_option
def command(*, output: Path, as_json: bool) -> None:
    """Build the site from the facts into a folder; needs the extra `site`."""
    if importlib.util.find_spec("mkdocs") is None:
        raise MissingExtraError("mkdocs", "site")
    from llama4ref.cli.program import program
    from llama4ref.website import build_site

    built = build_site(output, program=program)
    if as_json:
        echo_json(built)
    else:
        echo(f"Built {built.pages} pages in {built.seconds:.0f} s: {output / 'index.html'}")
