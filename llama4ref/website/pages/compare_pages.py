"""One page for each kind: everything of that kind in a table that sorts and filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from llama4ref.errors import UnknownFactError
from llama4ref.facts.arithmetic.quantities import quantities
from llama4ref.memory import weights
from llama4ref.units import GIB
from llama4ref.website.markup.field_values import label, number, unit_of
from llama4ref.website.markup.html import Cell, Column, Row, code, escape, table
from llama4ref.website.markup.page import KIND_TITLES, Page
from llama4ref.website.pages.entity_pages import checkpoint_title
from llama4ref.website.tables.computed_tables import from_facts

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.website.markup.cited import Cited

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
    for kind, description in _OF_ENGINES.items():
        yield f"{kind}/index.md", _simple(catalog, kind, description, ("engine",))


_OF_ENGINES = {
    "abilities": "What engines can do with Llama 4: from which release on, and where.",
    "faults": "What is known to go wrong with Llama 4: in which releases, under which conditions, and what helps.",
    "kernels": "Which kernels engines choose for Llama 4, by release, device and format.",
}


def _index(catalog: Catalog, kind: str, description: str) -> Page:
    return Page(
        catalog,
        f"{kind}/index.md",
        title=KIND_TITLES[kind],
        description=description,
        spec=f"specs/{kind}",
        boost=1.5,
        hide=("toc",),
    )


def _models(catalog: Catalog) -> str:
    page = _index(catalog, "models", "Scout, Maverick and Behemoth side by side, every number with its source.")
    models = list(catalog.models.values())
    page.add("<p>" + " · ".join(page.entity(f"models/{each.id}", each.name) for each in models) + "</p>")
    fields = [*_MODEL_SCALARS, *(f"{group}.{field}" for group in _MODEL_GROUPS for field in _fields_of(catalog, group))]
    rows = [*_computed_rows(page), *(row for field in fields if (row := _model_row(page, field)))]
    columns = [
        Column(head="Fact"),
        *(Column(head=each.name, numeric=True) for each in models),
        Column(head="Unit", cited=False),
    ]
    page.heading(2, "Side by side", "compare")
    page.add(table("Models side by side", columns, rows, sortable=True))
    return page.finished()


def _computed_rows(page: Page) -> Iterator[Row]:
    """What follows from the facts, side by side."""
    note = from_facts(page, code("llama4ref.facts.arithmetic.quantities"))
    found = [quantities(model) for model in page.catalog.models.values()]
    for name in _COMPARED:
        values = [each.get(name) for each in found]
        cells = [Cell((number(value) if value is not None else "<i>unknown</i>") + note, value) for value in values]
        yield Row(cells=[Cell(escape(label(name.replace(".", " "))), name), *cells, Cell("computed")])


def _model_row(page: Page, field: str) -> Row | None:
    """One fact of every model; None where no model has it."""
    cells = [page.cell(page.facts(f"models/{id_}")[field], missing="") for id_ in page.catalog.models]
    if not any(cell.html for cell in cells):
        return None
    title = " / ".join(label(part) for part in field.split("."))
    return Row(anchor=field, cells=[Cell(escape(title), title), *cells, Cell(escape(unit_of(field)))])


def _fields_of(catalog: Catalog, group: str) -> list[str]:
    known: dict[str, None] = {}
    for id_ in catalog.models:
        for path in catalog.provenance[f"models/{id_}"]:
            head, _, rest = path.partition(".")
            if head == group and rest:
                known[rest] = None
    return list(known)


def _checkpoints(catalog: Catalog) -> str:
    page = _index(
        catalog, "checkpoints", "Every published checkpoint and recipe of Llama 4: formats, bytes, what loads it."
    )
    columns = {
        "model": Column(head="Model", filter="choice"),
        "kind": Column(head="Kind", filter="choice"),
        "quantization_method": Column(head="Method", filter="choice"),
        "coverage.routed_experts": Column(head="Routed experts", filter="choice"),
        "coverage.attention": Column(head="Attention"),
        "weights": Column(head="Weights", unit="GiB, computed", numeric=True, filter="most"),
        "loads.vllm.supported": Column(head="vLLM", filter="choice"),
        "publisher": Column(head="Publisher"),
    }
    rows = [_checkpoint_row(page, each, columns) for each in catalog.checkpoints.values()]
    page.add(
        "A checkpoint is a published artefact of a model, or a recipe that an engine applies while loading one. "
        "Its page says for each component in which format it is stored, and what stays in bf16."
    )
    page.add(table("Checkpoints", [Column(head="Checkpoint"), *columns.values()], rows, sortable=True))
    return page.finished()


def _checkpoint_row(page: Page, each: Checkpoint, columns: Mapping[str, Column]) -> Row:
    facts, title = page.facts(f"checkpoints/{each.id}"), checkpoint_title(each)
    loads = {"loads.vllm.supported": _loads_cell(page, facts)} if "vllm" not in each.loads else {}
    special = {"weights": _weight_cell(page, each)} | loads
    cells = [special[path] if path in special else page.cell(facts[path]) for path in columns]
    return Row(cells=[Cell(page.entity(facts.entity, title), title), *cells])


def _loads_cell(page: Page, facts: Cited) -> Cell:
    """Whether an engine loads it, where nobody says so."""
    note = page.notes.computed(f"no source here says whether vLLM loads {escape(facts.id)}")
    return Cell(f"<i>unknown</i>{note}", "unknown")


def _weight_cell(page: Page, each: Checkpoint) -> Cell:
    if each.kind == "draft_head":
        return Cell(f"<i>not computed</i>{page.notes.computed('the shapes of draft heads are no facts here')}", "")
    note = from_facts(page, code("llama4ref.memory.weights") + " on one GPU")
    try:
        count = weights(page.catalog.model(each.model), each, formats=page.catalog.formats).stages[0].bytes
    except UnknownFactError as error:
        return Cell(f"<i>unknown</i>{page.notes.computed(escape(str(error)))}", "")
    return Cell(f"{count / GIB:,.1f}{note}", round(count / GIB, 3))


def _accelerators(catalog: Catalog) -> str:
    page = _index(
        catalog, "accelerators", "Memory, bandwidth, dense peaks and links of accelerators that serve Llama 4."
    )
    columns = {
        "vendor": Column(head="Vendor", filter="choice"),
        "platform": Column(head="Platform", filter="choice"),
        "compute_capability": Column(head="CUDA capability"),
        "memory_bytes": Column(head="Memory", unit="bytes", numeric=True),
        "memory_gib": Column(head="Memory", unit="GiB", numeric=True, filter="least"),
        "bandwidth": Column(head="Bandwidth", unit="10⁹ bytes/s", numeric=True),
        "peak.bf16": Column(head="bf16", unit="10¹² op/s, dense", numeric=True),
        "peak.fp8": Column(head="FP8", unit="10¹² op/s, dense", numeric=True),
        "peak.fp4": Column(head="FP4", unit="10¹² op/s, dense", numeric=True),
        "link_bandwidth": Column(head="Link", unit="10⁹ bytes/s, one way", numeric=True),
        "power_watts": Column(head="Power", unit="W", numeric=True),
    }
    rows = []
    for each in catalog.accelerators.values():
        facts = page.facts(f"accelerators/{each.id}")
        gib = Cell(
            f"{each.memory_bytes / GIB:.2f}{page.note(facts['memory_bytes'], brief=True)}",
            round(each.memory_bytes / GIB, 2),
        )
        cells = [gib if path == "memory_gib" else page.cell(facts[path]) for path in columns]
        rows.append(Row(cells=[Cell(page.entity(facts.entity, each.name), each.name), *cells]))
    page.add("Memory is what an application sees, not what the label says; peaks are dense.")
    page.add(table("Accelerators", [Column(head="Accelerator"), *columns.values()], rows, sortable=True))
    return page.finished()


def _formats(catalog: Catalog) -> str:
    page = _index(catalog, "formats", "How each number format stores a weight.")
    columns = {
        "element.bits": Column(head="Element", unit="bits", numeric=True),
        "element.kind": Column(head="Kind", filter="choice"),
        "scale.bits": Column(head="Scale", unit="bits", numeric=True),
        "scale.granularity": Column(head="Shares a scale", filter="choice"),
        "average_bits": Column(head="Average", unit="bits a weight", numeric=True),
        "activation.treatment": Column(head="Activations"),
    }
    rows = []
    for each in catalog.formats.values():
        facts = page.facts(f"formats/{each.id}")
        cells = [_format_cell(page, facts, path) for path in columns]
        rows.append(Row(cells=[Cell(page.entity(facts.entity, each.name), each.name), *cells]))
    page.add(table("Number formats", [Column(head="Format"), *columns.values()], rows, sortable=True))
    return page.finished()


def _format_cell(page: Page, facts: Cited, path: str) -> Cell:
    fact = facts[path]
    if fact.value is not None:
        return page.cell(fact)
    words = {"average_bits": "exact", "activation.treatment": "as they are"}.get(path, "none")
    sort = {"average_bits": facts["element.bits"].value, "scale.bits": 0}.get(path, words)
    return Cell(words + page.note(fact, brief=True), sort)  # type: ignore[arg-type]  # a number, or text


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
    page = _index(catalog, kind, description)
    page.add(description)
    rows = []
    for id_, each in getattr(catalog, kind).items():
        facts, name = page.facts(f"{kind}/{id_}"), getattr(each, "name", id_)
        rows.append(
            Row(cells=[Cell(page.entity(facts.entity, name), name), *(page.cell(facts[field]) for field in fields)])
        )
    columns = [Column(head="Name"), *(Column(head=label(field), unit=unit_of(field)) for field in fields)]
    page.add(table(KIND_TITLES[kind], columns, rows, sortable=True))
    return page.finished()
