"""The catalogue as files beside the pages: JSON with the provenance of each leaf, schemas, and a guide for language models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.reading.json_schema import schema_files
from llama4ref.facts.types.kinds import KINDS
from llama4ref.plan_files.schema import NAME, schema_text
from llama4ref.rendering.catalog_exports import exported_sources, facts_with_sources
from llama4ref.website.markup.links import address, home_of
from llama4ref.wording import json_text

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog

ROOT = "https://llama4ref.github.io/llama4ref/"


def data_files(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """A file for each kind, as `llama4ref facts export` writes it, and the page of each entity; then sources and schemas."""
    for kind in KINDS:
        entities = [f"{kind}/{id_}" for id_ in getattr(catalog, kind)]
        pages = {entity: ROOT + address(home_of(catalog, entity)[0]) for entity in entities}
        facts = facts_with_sources(catalog, ((entity, catalog.provenance[entity]) for entity in entities))
        yield f"data/{kind}.json", json_text({"pages": pages, **facts}, indent=None)
    yield "data/sources.json", json_text({"sources": exported_sources(catalog, catalog.sources)}, indent=None)
    for name, text in schema_files().items():
        yield f"schema/{name.rpartition('/')[2]}", text
    yield f"schema/{NAME}", schema_text()


def llms_text(catalog: Catalog) -> str:
    """A guide to the site for programs that read text: what is where."""
    lines = [
        "# llama4ref",
        "",
        "> Everything to know and decide to run Llama 4: each fact cited, each plan proven.",
        "",
        (
            "Every value has its sources in the JSON files: `facts` by entity, then by field, preferred source first, and the "
            "`sources` that they name. Values that sources dispute carry `agrees: false` words; the state `unknown` means not "
            "published, `none` that there is none."
        ),
        "",
        "## Data",
        "",
        *(f"- [{kind}]({ROOT}data/{kind}.json): {len(getattr(catalog, kind))} entries" for kind in (*KINDS, "sources")),
        "",
        "## Pages",
        "",
        f"- [Questions]({ROOT}questions/): answers computed from the catalogue",
        *(f"- [{model.name}]({ROOT}models/{id_}/)" for id_, model in catalog.models.items()),
        f"- [Providers]({ROOT}providers/): context, price and status of every offer, with dates",
        f"- [Checkpoints]({ROOT}checkpoints/): formats and bytes",
        f"- [Accelerators]({ROOT}accelerators/)",
        f"- [Benchmarks]({ROOT}benchmarks/)",
        f"- [Licence]({ROOT}licenses/llama-4-community/): clause by clause",
        f"- [Errata]({ROOT}errata/): what public catalogues get wrong",
        f"- [Disagreements]({ROOT}disagreements/)",
        f"- [How to plan]({ROOT}plan/), [How to prove]({ROOT}prove/), [Commands]({ROOT}reference/commands/)",
    ]
    return "\n".join(lines) + "\n"
