"""The catalogue as files beside the pages: JSON with the provenance of each leaf, schemas, and a guide for language models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.reading.json_schema import schema_files
from llama4ref.facts.types.kinds import KINDS
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.website.markup.links import address, home_of

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.sources import Citation, Provenance

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
ROOT = "https://llama4ref.github.io/llama4ref/"


def data_files(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """A file for each kind: values by id, and where each leaf comes from; then the sources and the schemas."""
    for kind in KINDS:
        things: Mapping[str, object] = getattr(catalog, kind)
        content: dict[str, Json] = {
            id_: {
                "page": ROOT + address(home_of(catalog, f"{kind}/{id_}")[0]),
                "values": plain(thing),
                "provenance": {path: _leaf(leaf) for path, leaf in catalog.provenance.get(f"{kind}/{id_}", {}).items()},
            }
            for id_, thing in things.items()
        }
        yield f"data/{kind}.json", _dump(content)
    yield "data/sources.json", _dump({id_: plain(source) for id_, source in catalog.sources.items()})
    for name, text in schema_files().items():
        yield f"schema/{name.rpartition('/')[2]}", text


def plain(thing: object) -> Json:
    """Dataclasses, tuples and mappings as JSON has them; null for what is unknown or none, which `state` tells apart.

    Examples:
        >>> plain({"a": (1, None)})
        {'a': [1, None]}
    """
    if is_dataclass(thing) and not isinstance(thing, type):
        return {field.name: plain(getattr(thing, field.name)) for field in fields(thing)}
    if isinstance(thing, Mapping):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, tuple | list):
        return [plain(item) for item in thing]
    if thing is UNKNOWN:
        return None
    if thing is None or isinstance(thing, str | int | float | bool):
        return thing
    raise TypeError(f"{type(thing).__name__} is no value of a spec")


def _leaf(leaf: Provenance) -> Json:
    said: dict[str, Json] = {"state": leaf.state, "citations": [_word(each) for each in leaf.citations]}
    return said | ({"because": leaf.because} if leaf.because else {})


def _word(each: Citation) -> Json:
    word: dict[str, Json] = {"source": each.source.id, "at": each.at}
    if not each.agrees:
        word |= {"says": plain(each.value), "agrees": False}
    optional: dict[str, Json] = {"as_of": each.as_of, "doubt": each.doubt, "note": each.note}
    return word | {name: value for name, value in optional.items() if value is not None}


def _dump(content: Mapping[str, Json]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def llms_text(catalog: Catalog) -> str:
    """A guide to the site for programs that read text: what is where."""
    lines = [
        "# llama4ref",
        "",
        "> Everything to know and decide to run Llama 4: each fact cited, each plan proven.",
        "",
        (
            "Every value has its sources in the JSON files: by entity, then by field, preferred source first. Values that "
            "sources dispute carry `agrees: false` words; `unknown` means not published."
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
