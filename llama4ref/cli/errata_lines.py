"""Errata in a few lines each: who states what, what is right, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.cli.printing import heading, indented
from llama4ref.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.errata import CheckedErratum


def erratum_lines(checked: CheckedErratum, catalog: Catalog) -> Iterator[RenderableType]:
    """One erratum in a few lines."""
    erratum = checked.erratum
    leaf = catalog.trace(f"errata/{erratum.id}", "said.printed")
    source = leaf.citations[0].source
    right = shown(checked.right)
    what = erratum.ours.field or erratum.ours.quantity
    yield heading(erratum.title)
    yield indented(f"{source.publisher}: {source.title} says {erratum.said.printed}, read {erratum.said.checked}")
    yield indented(
        f"{'proven' if checked.proven else 'not proven'}: {erratum.ours.entity} {what} is {right}; {erratum.why}"
    )
