"""One page for each kind: everything of that kind in a table that sorts and filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.errors import UnknownFactError
from llama4ref.facts.arithmetic.quantities import quantities
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.memory import weights
from llama4ref.units import GIB
from llama4ref.website.markup.drafting import KIND_TITLES, Draft
from llama4ref.website.markup.field_values import label, number, shown, unit_of
from llama4ref.website.markup.html import Cell, Column, Row, code, escape, table
from llama4ref.website.pages.entity_pages import checkpoint_title
from llama4ref.website.tables.computed_tables import from_facts
from llama4ref.website.tables.leaf_tables import linked

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.checkpoints import Checkpoint

_MODEL_GROUPS = ("text", "attention", "rope", "experts", "dense", "vision", "context", "training")
_MODEL_SCALARS = ("released", "status", "modalities_in", "modalities_out", "knowledge_cutoff", "languages", "license")
_COMPARED = (
    "parameters.total",
    "parameters.active_text",
    "layers.moe",
    "layers.nope",
    "kv.bytes_per_token",
    "vision.tokens_per_tile",
)


def compare_pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The index pages, by path."""
    yield "models/index.md", _models(catalog)
    yield "checkpoints/index.md", _checkpoints(catalog)
    yield "accelerators/index.md", _accelerators(catalog)
    yield "formats/index.md", _formats(catalog)
    yield "engines/index.md", _engines(catalog)
    yield "licenses/index.md", _licenses(catalog)
    yield "safeguards/index.md", _safeguards(catalog)
    yield "families/index.md", _families(catalog)
    yield "estimates/index.md", _estimates(catalog)
    yield "starts/index.md", _starts(catalog)


def _index(catalog: Catalog, kind: str, description: str) -> Draft:
    return Draft(
        catalog,
        f"{kind}/index.md",
        title=KIND_TITLES[kind],
        description=description,
        spec=f"specs/{kind}",
        boost=1.5,
        hide=("toc",),
    )


def _models(catalog: Catalog) -> str:
    draft = _index(catalog, "models", "Scout, Maverick and Behemoth side by side, every number with its source.")
    models = list(catalog.models.values())
    draft.add("<p>" + " · ".join(draft.entity(f"models/{each.id}", each.name) for each in models) + "</p>")
    rows = []
    for name in _COMPARED:
        values = [quantities(each).get(name) for each in models]
        note = from_facts(draft, code("llama4ref.facts.arithmetic.quantities"))
        cells = [Cell(number(value) + note if value is not None else "<i>unknown</i>", value) for value in values]
        rows.append(Row(cells=[Cell(escape(label(name.replace(".", " "))), name), *cells, Cell("computed")]))
    fields = [*_MODEL_SCALARS, *(f"{group}.{field}" for group in _MODEL_GROUPS for field in _fields_of(catalog, group))]
    for field in fields:
        cells = [_leaf_cell(draft, f"models/{each.id}", field) for each in models]
        if any(cell.html for cell in cells):
            title = " / ".join(label(part) for part in field.split("."))
            rows.append(Row(anchor=field, cells=[Cell(escape(title), title), *cells, Cell(escape(unit_of(field)))]))
    columns = [Column(head="Fact"), *(Column(head=each.name, numeric=True) for each in models), Column(head="Unit")]
    draft.heading(2, "Side by side", "compare")
    draft.add(table("Models side by side", columns, rows, sortable=True))
    return draft.finished()


def _fields_of(catalog: Catalog, group: str) -> list[str]:
    known: dict[str, None] = {}
    for id_ in catalog.models:
        for path in catalog.provenance[f"models/{id_}"]:
            head, _, rest = path.partition(".")
            if head == group and rest:
                known[rest] = None
    return list(known)


def _leaf_cell(draft: Draft, entity: str, field: str) -> Cell:
    thing: object = draft.catalog.models[entity.partition("/")[2]]
    if draft.provenance(entity, field) is None:
        return Cell("")
    for part in field.split("."):
        thing = getattr(thing, part)
    sort = thing if isinstance(thing, int | float) else str(thing)
    return Cell(linked(draft, entity, field, thing, brief=True), sort)


def _checkpoints(catalog: Catalog) -> str:
    draft = _index(
        catalog, "checkpoints", "Every published checkpoint and recipe of Llama 4: formats, bytes, what loads it."
    )
    columns = (
        Column(head="Checkpoint"),
        Column(head="Model", filter="choice"),
        Column(head="Kind", filter="choice"),
        Column(head="Method", filter="choice"),
        Column(head="Routed experts", filter="choice"),
        Column(head="Attention"),
        Column(head="Weights", unit="GiB, computed", numeric=True, filter="most"),
        Column(head="vLLM", filter="choice"),
        Column(head="Publisher"),
    )
    rows = [Row(cells=_checkpoint_cells(draft, each)) for each in catalog.checkpoints.values()]
    draft.add(
        "A checkpoint is a published artefact of a model, or a recipe that an engine applies while loading one. "
        "Its page says for each component in which format it is stored, and what stays in bf16."
    )
    draft.add(table("Checkpoints", columns, rows, sortable=True))
    return draft.finished()


def _checkpoint_cells(draft: Draft, each: Checkpoint) -> list[Cell]:
    entity = f"checkpoints/{each.id}"
    title = checkpoint_title(each)
    loading = each.loads.get("vllm")
    loads = {UNKNOWN: "unknown", True: "yes", False: "no"}[loading.supported if loading else UNKNOWN]
    return [
        Cell(draft.entity(entity, title), title),
        Cell(linked(draft, entity, "model", each.model, brief=True), each.model),
        draft.cell(entity, "kind", each.kind),
        draft.cell(entity, "quantization_method", each.quantization_method),
        *(_format_cell(draft, entity, each, component) for component in ("routed_experts", "attention")),
        _weight_cell(draft, each),
        Cell(loads + draft.notes.of(draft.provenance(entity, "loads.vllm.supported"), brief=True), loads),
        draft.cell(entity, "publisher", each.publisher),
    ]


def _format_cell(draft: Draft, entity: str, each: Checkpoint, component: str) -> Cell:
    if each.coverage is UNKNOWN:
        return Cell("<i>unknown</i>", "unknown")
    id_ = each.coverage.of(component)
    return Cell(linked(draft, entity, f"coverage.{component}", id_, brief=True), shown(id_))


def _weight_cell(draft: Draft, each: Checkpoint) -> Cell:
    model = draft.catalog.model(each.model)
    if each.kind == "draft_head":
        return Cell("<i>not computed</i>", "")
    try:
        count = weights(model, each, formats=draft.catalog.formats).stages[0].bytes
    except UnknownFactError:
        return Cell("<i>unknown</i>", "")
    return Cell(
        f"{count / GIB:,.1f}{from_facts(draft, code('llama4ref.memory.weights') + ' on one GPU')}",
        round(count / GIB, 3),
    )


def _accelerators(catalog: Catalog) -> str:
    draft = _index(
        catalog, "accelerators", "Memory, bandwidth, dense peaks and links of accelerators that serve Llama 4."
    )
    fields = (
        ("vendor", Column(head="Vendor", filter="choice")),
        ("platform", Column(head="Platform", filter="choice")),
        ("compute_capability", Column(head="CUDA capability")),
        ("memory_bytes", Column(head="Memory", unit="bytes", numeric=True)),
        ("bandwidth", Column(head="Bandwidth", unit="10⁹ bytes/s", numeric=True)),
        ("peak.bf16", Column(head="bf16", unit="10¹² op/s, dense", numeric=True)),
        ("peak.fp8", Column(head="FP8", unit="10¹² op/s, dense", numeric=True)),
        ("peak.fp4", Column(head="FP4", unit="10¹² op/s, dense", numeric=True)),
        ("link_bandwidth", Column(head="Link", unit="10⁹ bytes/s, one way", numeric=True)),
        ("power_watts", Column(head="Power", unit="W", numeric=True)),
    )
    rows = []
    for each in catalog.accelerators.values():
        entity = f"accelerators/{each.id}"
        cells = [Cell(draft.entity(entity, each.name), each.name)]
        for field, _ in fields:
            group, _, inner = field.partition(".")
            value = getattr(getattr(each, group), inner) if inner else getattr(each, group)
            cells.append(draft.cell(entity, field, value))
            if field == "memory_bytes":
                cells.append(Cell(f"{each.memory_bytes / GIB:.2f}", each.memory_bytes))
        rows.append(Row(cells=cells))
    columns = [Column(head="Accelerator")]
    for field, column in fields:
        columns.append(column)
        if field == "memory_bytes":
            columns.append(Column(head="Memory", unit="GiB", numeric=True, filter="least"))
    rows = [
        Row(cells=[*row.cells[:5], Cell(row.cells[5].html, round(each.memory_bytes / GIB, 2)), *row.cells[6:]])
        for row, each in zip(rows, catalog.accelerators.values(), strict=True)
    ]
    draft.add("Memory is what an application sees, not what the label says; peaks are dense.")
    draft.add(table("Accelerators", columns, rows, sortable=True))
    return draft.finished()


def _formats(catalog: Catalog) -> str:
    draft = _index(catalog, "formats", "How each number format stores a weight.")
    columns = (
        Column(head="Format"),
        Column(head="Element", unit="bits", numeric=True),
        Column(head="Kind", filter="choice"),
        Column(head="Scale", unit="bits", numeric=True),
        Column(head="Shares a scale", filter="choice"),
        Column(head="Average", unit="bits a weight", numeric=True),
        Column(head="Activations"),
    )
    rows = []
    for each in catalog.formats.values():
        entity = f"formats/{each.id}"
        scale, activation = each.scale, each.activation
        rows.append(
            Row(
                cells=(
                    Cell(draft.entity(entity, each.name), each.name),
                    draft.cell(entity, "element.bits", each.element.bits),
                    draft.cell(entity, "element.kind", each.element.kind),
                    draft.cell(entity, "scale.bits", scale.bits) if scale else Cell("none", 0),
                    draft.cell(entity, "scale.granularity", scale.granularity) if scale else Cell("none", "none"),
                    draft.cell(entity, "average_bits", each.average_bits)
                    if each.average_bits
                    else Cell("exact", each.element.bits),
                    draft.cell(entity, "activation.treatment", activation.treatment)
                    if activation
                    else Cell("as they are", ""),
                )
            )
        )
    draft.add(table("Number formats", columns, rows, sortable=True))
    return draft.finished()


def _engines(catalog: Catalog) -> str:
    fields = ("publisher", "first_release", "newest_release")
    return _simple(catalog, "engines", "Engines that serve Llama 4, and what is recorded of them.", fields)


def _licenses(catalog: Catalog) -> str:
    fields = ("publisher", "effective", "version_released", "multimodal", "supersedes")
    return _simple(catalog, "licenses", "The Llama licences, clause by clause.", fields)


def _safeguards(catalog: Catalog) -> str:
    fields = ("developer", "released", "guards_against", "parameters", "window_tokens")
    return _simple(catalog, "safeguards", "Safety classifiers published beside Llama 4.", fields)


def _families(catalog: Catalog) -> str:
    fields = ("developer", "members", "released", "status", "technical_report")
    return _simple(catalog, "families", "What the members of the herd have in common.", fields)


def _estimates(catalog: Catalog) -> str:
    description = "Figures that no source states exactly, with the bounds that logged starts and measurements set."
    return _simple(catalog, "estimates", description, ("engine",))


def _starts(catalog: Catalog) -> str:
    description = "What servers printed about memory at their start: the basis of the memory estimates."
    fields = ("release", "accelerator", "count", "served", "gpu_memory_utilization", "outcome")
    return _simple(catalog, "starts", description, fields)


def _simple(catalog: Catalog, kind: str, description: str, fields: tuple[str, ...]) -> str:
    draft = _index(catalog, kind, description)
    draft.add(description)
    things = getattr(catalog, kind)
    rows = [
        Row(
            cells=[
                Cell(draft.entity(f"{kind}/{id_}", getattr(each, "name", id_)), getattr(each, "name", id_)),
                *(
                    Cell(
                        linked(draft, f"{kind}/{id_}", field, getattr(each, field), brief=True),
                        str(getattr(each, field)),
                    )
                    for field in fields
                ),
            ]
        )
        for id_, each in things.items()
    ]
    columns = [Column(head="Name"), *(Column(head=label(field), unit=unit_of(field)) for field in fields)]
    draft.add(table(KIND_TITLES[kind], columns, rows, sortable=True))
    return draft.finished()
