"""Build the catalogue: separate values from citations, validate them with pydantic, then cross-check."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from types import GenericAlias
from typing import Any

from pydantic import TypeAdapter, ValidationError

from llama4ref.errors import Fault, SpecErrors, nearest_names
from llama4ref.facts.catalog import Catalog
from llama4ref.facts.kept_provenance import pack
from llama4ref.facts.reading.citing import Cited, Citer, Plain
from llama4ref.facts.reading.plain_text import text_faults
from llama4ref.facts.reading.spec_folder import SOURCES
from llama4ref.facts.reading.validation import STRICT, faults_of
from llama4ref.facts.reading.yaml_reader import Group, Node, Series, read_spec
from llama4ref.facts.types.constraints import ID_RULE, is_id
from llama4ref.facts.types.kinds import KINDS
from llama4ref.facts.types.read_only import freeze
from llama4ref.facts.types.sources import Provenance, Source
from llama4ref.facts.types.states import UNKNOWN, WRITTEN_UNKNOWN

_MOST_FAULTS = 100
"""Of one file in a report."""


def build(files: Mapping[str, bytes], *, unread: Sequence[Fault] = ()) -> Catalog:
    """The catalogue of spec files given by path; raises SpecErrors with every fault.

    Faults of files that could not be read come first; names that lead to such files do not dangle.
    """
    faults = [*unread]
    trees = {name: _read(name, content, faults) for name, content in files.items() if _has_a_place(name, faults)}
    sources = _sources(trees.pop(SOURCES, None), faults)
    cited = {name: _cite(name, tree, sources, faults) for name, tree in trees.items() if tree is not None}
    typed = {kind: _typed(kind, cited, faults) for kind in KINDS}
    provenance: dict[str, dict[str, Provenance]] = {
        name.removesuffix(".yaml"): each.provenance for name, each in cited.items()
    }
    catalog = Catalog(sources=sources, packed_provenance=pack(provenance, sources), **typed)
    from llama4ref.facts.audit.consistency import contradictions

    named = [*trees, *(fault.file.removeprefix("specs/") for fault in unread)]
    broken = {each.removesuffix(".yaml") for each in named} - {f"{kind}/{id_}" for kind in KINDS for id_ in typed[kind]}
    faults += contradictions(catalog, broken=broken)
    if faults:
        raise SpecErrors(_distinct(faults))
    return catalog


def _distinct(faults: Sequence[Fault]) -> list[Fault]:
    """In the order of files and lines; of several faults of one field only the first found, which is nearest the cause."""
    first: dict[tuple[str, int, str], Fault] = {}
    for fault in faults:
        first.setdefault((fault.file, fault.line, fault.field), fault)
    ordered = sorted(first.values(), key=lambda fault: (fault.file, fault.line))
    return [
        fault for _, some in itertools.groupby(ordered, key=lambda fault: fault.file) for fault in _first_of([*some])
    ]


def _first_of(faults: Sequence[Fault]) -> list[Fault]:
    """The faults of one file, as many as a person reads."""
    left = len(faults) - _MOST_FAULTS
    if left <= 0:
        return [*faults]
    last = faults[_MOST_FAULTS]
    more = Fault(last.file, last.line, "", f"{left:,} faults more", "a spec", "correct those above and check again")
    return [*faults[:_MOST_FAULTS], more]


def _has_a_place(name: str, faults: list[Fault]) -> bool:
    kind, _, file = name.rpartition("/")
    stem, dot, ending = file.rpartition(".")
    if name == SOURCES or (kind in KINDS and ending == "yaml" and dot and is_id(stem)):
        return True
    if kind in KINDS and ending == "yaml":
        faults.append(Fault(f"specs/{name}", 1, "", "a name that is no id", ID_RULE, "rename it"))
        return False
    near = nearest_names(kind, KINDS)
    do = "end its name in .yaml" if kind in KINDS else f"move it to {near[0]}/" if near else "move or remove it"
    faults.append(
        Fault(f"specs/{name}", 1, "", "a file that nothing reads", "a folder of specs and a name in .yaml", do)
    )
    return False


def _read(name: str, content: bytes, faults: list[Fault]) -> Group | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        faults.append(Fault(f"specs/{name}", 1, "", "bytes that are not UTF-8", "UTF-8 text", "save the file as UTF-8"))
        return None
    tree, found = read_spec(text, f"specs/{name}")
    faults.extend(found)
    faults.extend(text_faults(tree, f"specs/{name}") if tree else ())
    return tree


def _cite(name: str, tree: Group, sources: Mapping[str, Source], faults: list[Fault]) -> Cited:
    citer = Citer(f"specs/{name}", sources)
    cited = citer.cite(tree)
    faults.extend(citer.faults)
    if "id" in cited.values:
        faults.append(_own_id(f"specs/{name}", cited.lines["id"], "id", "file name"))
    cited.values["id"] = PurePosixPath(name).stem
    return cited


def _own_id(file: str, line: int, field: str, id_: str) -> Fault:
    return Fault(file, line, field, "an id", f"none: the {id_} is the id", "remove it")


class _Unread(dict[str, Source]):
    """Sources of a file that could not be read: every name may be right, so that its fault is not repeated everywhere."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Source:
        return _stand_in(name)


def _stand_in(name: str) -> Source:
    """Stands for a source that is there and at fault, until the fault is reported."""
    return Source(
        id=name, title="", publisher="", url=UNKNOWN, kind="derived", primary=False, revision=UNKNOWN,
        published=UNKNOWN, retrieved="", licence=UNKNOWN,
    )  # fmt: skip


def _sources(tree: Group | None, faults: list[Fault]) -> dict[str, Source]:
    if tree is None:
        return _Unread()
    adapter = TypeAdapter(dict[str, Source], config=STRICT)
    lines = tree.lines | _inner_lines(tree)
    sources: dict[str, Source] = {}
    for name, node in tree.entries.items():
        if not is_id(name):
            faults.append(
                Fault(f"specs/{SOURCES}", tree.lines[name], name, "a key that is no id", ID_RULE, "rename it")
            )
        values = _bare(node)
        if isinstance(values, dict):
            if "id" in values:
                faults.append(_own_id(f"specs/{SOURCES}", lines[f"{name}.id"], f"{name}.id", "key"))
            values["id"] = name
        try:
            sources |= adapter.validate_json(_written({name: values}))
        except ValidationError as error:
            sources[name] = _stand_in(name)
            faults.extend(faults_of(error, f"specs/{SOURCES}", lines))
    return sources


def _bare(node: Node) -> Plain:
    if isinstance(node, Group):
        return {key: _bare(value) for key, value in node.entries.items()}
    if isinstance(node, Series):
        return [_bare(item) for item in node.items]
    return list(node.value) if isinstance(node.value, tuple) else node.value


def _inner_lines(tree: Group) -> dict[str, int]:
    return {
        f"{key}.{inner}": line
        for key, node in tree.entries.items()
        if isinstance(node, Group)
        for inner, line in node.lines.items()
    }


@functools.cache
def _adapter(kind: str) -> TypeAdapter[dict[str, Any]]:
    by_id: Any = GenericAlias(dict, (str, KINDS[kind].type))
    return TypeAdapter(by_id, config=STRICT)


def _typed(kind: str, cited: Mapping[str, Cited], faults: list[Fault]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    adapter = _adapter(kind)
    for name, each in cited.items():
        if not name.startswith(f"{kind}/"):
            continue
        id_ = PurePosixPath(name).stem
        try:
            made |= adapter.validate_json(_written({id_: each.values}))
        except ValidationError as error:
            faults.extend(faults_of(error, f"specs/{name}", each.lines, skip=1))
    return {id_: freeze(entity) for id_, entity in made.items()}


def _written(values: Plain) -> str:
    """Values as the JSON that pydantic reads; no text of a spec can be mistaken for UNKNOWN in it."""
    return json.dumps(values, default={UNKNOWN: WRITTEN_UNKNOWN}.__getitem__)
