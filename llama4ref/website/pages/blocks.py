"""Tables and pictures that prose can ask for by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from llama4ref.errors import Fault, RequestError
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.memory import kv_cache, parameters
from llama4ref.memory.budget_lines import BudgetLine
from llama4ref.planning import Plan, PlanRequest, plan
from llama4ref.units import GIB
from llama4ref.website.markup.field_values import label, tokens_short
from llama4ref.website.markup.html import Cell, Column, Row, admonition, bullets, code, escape, table
from llama4ref.website.pictures.figures import layer_pattern, routing
from llama4ref.website.pictures.plots import curves, stacked
from llama4ref.website.tables.computed_tables import from_facts, layer_table
from llama4ref.website.tables.licence_tables import add_uses
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.website.markup.page import Page

EXAMPLE: dict[str, Any] = {"model": "scout", "gpu": "h100-sxm", "count": 8, "context": "1M"}
"""The plan that the pages show."""
_LENGTHS = tuple(2**power for power in range(13, 24))


def example_plan(catalog: Catalog) -> Plan:
    """The best plan for the example, from the facts that the pages are made of.

    Raises:
        RequestError: where the catalogue no longer holds one.
    """
    best = plan(PlanRequest(**EXAMPLE), catalog).best
    if not isinstance(best, Plan):
        raise RequestError(
            "the example of the pages has no plan any more; choose another in llama4ref/website/pages/blocks.py"
        )
    return best


def example_command(_: Page) -> str:
    """The command that makes the example."""
    words = " ".join(f"--{name} {value}" for name, value in EXAMPLE.items())
    return f"<pre><code>llama4ref plan {words}</code></pre>"


def budget(page: Page) -> str:
    """The memory of one GPU of the example, drawn and line by line."""
    chosen = example_plan(page.catalog)
    lines = [line for line in chosen.budget.lines if line.place != "host"]
    weights = sum(line.high for line in lines if line.place == "weights")
    buffers = sum(line.high for line in lines if line.place == "buffers")
    peak = max((line.high for line in lines if line.place == "peak"), default=0)
    overhead = sum(line.high for line in lines if line.place == "overhead")
    cache = chosen.budget.kv_cache_at_least_bytes
    outside = chosen.budget.outside_bytes
    parts = [
        ("Weights", "a", weights), ("Buffers", "c", buffers), ("Largest peak", "e", peak), ("Overhead", "d", overhead),
        ("KV cache, at least", "b", cache), ("Outside the budget", "f", outside), ("Free", "plain", chosen.budget.free_bytes),
    ]  # fmt: skip
    sized = [(name, kind, size, f"{size / GIB:.1f} GiB") for name, kind, size in parts]
    name = f"{chosen.count} x {chosen.accelerator.name}"
    title = f"Memory of one GPU: {chosen.model.name}, {tokens_short(chosen.context)} tokens, {name}"
    desc = title + ". Every estimate is at its upper bound, so the KV cache is a lower bound."
    picture = stacked(title, desc, sized, chosen.budget.total_bytes)
    columns = (
        Column(head="Line"),
        Column(head="Where", cited=False),
        Column(head="Expected", unit="bytes", numeric=True),
        Column(head="At most", unit="bytes", numeric=True),
        Column(head="How it follows", cited=False),
    )
    rows = [_budget_row(page, line) for line in chosen.budget.lines]
    return picture + "\n\n" + table(f"Budget of one GPU, {name}", columns, rows)


def _budget_row(page: Page, line: BudgetLine) -> Row:
    source = page.catalog.sources.get(line.source)
    where = page.to(f"sources/{source.id}.md", source.title) if source else code(line.source)
    note = page.notes.computed(f"{escape(line.formula)}; the rule is from {where}")
    high = ("exact" if line.exact else f"{line.high:,}") + note
    return Row(
        cells=(
            Cell(escape(line.name)),
            Cell(line.place),
            Cell(f"{line.bytes:,}{note}"),
            Cell(high),
            Cell(escape(line.formula)),
        )
    )


def reasons(page: Page) -> str:
    """The settings of the example, each with its reason."""
    chosen = example_plan(page.catalog)
    rows = []
    for each in chosen.reasons:
        source = page.catalog.sources.get(each.source or "")
        note = (
            page.notes.computed(f"the rule is from {page.to(f'sources/{source.id}.md', source.title)}")
            if source
            else page.notes.computed("from the request and the facts")
        )
        rows.append(Row(cells=(Cell(code(each.about)), Cell(escape(each.value) + note), Cell(escape(each.because)))))
    columns = (Column(head="Setting"), Column(head="Value"), Column(head="Because", cited=False))
    return table("Settings of the example and why", columns, rows)


def kv_by_context(page: Page) -> str:
    """Bytes of the KV cache of one request against its length, hybrid on and off, drawn and as numbers."""
    model = page.catalog.model("scout")
    sizes = {
        on: {length: kv_cache(model, max_model_len=length, hybrid=on).bytes_per_request for length in _LENGTHS}
        for on in (True, False)
    }
    series = [
        (name, kind, [(float(length), size / GIB) for length, size in sizes[on].items()])
        for on, name, kind in ((False, "hybrid off: every layer keeps every token", "b"), (True, "hybrid on", "a"))
    ]
    last = _LENGTHS[-1]
    title = f"KV cache of one request of {model.name}, all GPUs together"
    desc = (
        f"Bytes of the KV cache of one request in bfloat16 against its length. At {last:,} tokens the hybrid cache needs "
        f"{sizes[True][last] / GIB:,.0f} GiB, without it {sizes[False][last] / GIB:,.0f} GiB."
    )
    ticks = [(float(length), tokens_short(length)) for length in _LENGTHS[::2]]
    picture = curves(
        title, desc, series, across_name="tokens of the request", up_name="GiB",
        across_ticks=ticks, up_ticks=[(float(10**power), f"{10**power:,}") for power in range(-1, 5)],
    )  # fmt: skip
    note = from_facts(page, code("llama4ref.memory.kv_cache"))
    columns = (
        Column(head="Request", unit="tokens", numeric=True),
        Column(head="Hybrid on", unit="GiB", numeric=True),
        Column(head="Hybrid off", unit="GiB", numeric=True),
        Column(head="Ratio", numeric=True),
    )
    rows = [
        Row(
            cells=(
                Cell(f"{length:,}", length),
                Cell(f"{sizes[True][length] / GIB:,.2f}{note}", sizes[True][length]),
                Cell(f"{sizes[False][length] / GIB:,.2f}{note}", sizes[False][length]),
                Cell(f"{sizes[False][length] / sizes[True][length]:.2f}{note}"),
            )
        )
        for length in _LENGTHS
    ]
    return picture + "\n\n" + table(title, columns, rows)


def parameter_table(page: Page) -> str:
    """Parameters by component of the models whose shapes are known."""
    models = [each for each in page.catalog.models.values() if each.text is not UNKNOWN]
    counted = [parameters(each) for each in models]
    note = from_facts(page, code("llama4ref.memory.parameters"))
    names = list(counted[0].by_component)
    rows = [
        Row(cells=[Cell(escape(label(name))), *(Cell(f"{each.by_component[name]:,}{note}") for each in counted)])
        for name in names
    ]
    for words, values in (
        ("All", [each.total for each in counted]),
        ("Used by a text token", [each.active_text for each in counted]),
    ):
        rows.append(Row(cells=[Cell(f"<b>{words}</b>"), *(Cell(f"<b>{value:,}</b>{note}") for value in values)]))
    columns = [Column(head="Component"), *(Column(head=each.name, numeric=True) for each in models)]
    return table("Parameters by component", columns, rows)


def layers(page: Page, model: str) -> str:
    """The layer pattern of a model, drawn and as numbers."""
    chosen = page.catalog.model(model)
    return layer_pattern(chosen) + "\n\n" + layer_table(page, chosen)


def routed(page: Page, model: str) -> str:
    """The routing of a model, drawn."""
    return routing(page.catalog.model(model))


def uses(page: Page) -> str:
    """What the licence asks of some uses."""
    inner = type(page)(page.catalog, page.path, title="", description="")
    inner.notes = page.notes
    add_uses(inner, page.catalog.license("llama-4-community"))
    return inner.body()


def rungs(page: Page) -> str:
    """Which rungs above the arithmetic anybody has stood on, as far as the measurements say."""
    own = [each for each in page.catalog.measurements.values() if _is_ours(page, each.id)]
    if not own:
        body = "<p>Rung 3, the full size on a real accelerator, has not been run by this project: no record of ours is in the measurements.</p>"
        return admonition("warning", "Rung 3 has not been run", body)
    links = [page.entity(f"measurements/{each.id}", each.id) for each in own]
    return admonition("note", f"Rung 3: {counted(len(own), 'record')} of this project", bullets(links))


def _is_ours(page: Page, id_: str) -> bool:
    leaves = page.catalog.provenance[f"measurements/{id_}"].values()
    return any(each.source.publisher.startswith("llama4ref") for leaf in leaves for each in leaf.citations)


def numbers(page: Page) -> str:
    """How much is in the catalogue."""
    leaves = [leaf for entity in page.catalog.provenance.values() for leaf in entity.values()]
    twice = sum(len({each.source.id for each in leaf.citations if each.agrees}) > 1 for leaf in leaves)
    counts = (
        ("disagreements.md", sum(leaf.disputed for leaf in leaves), "disputed values"),
        ("unknowns.md", sum(leaf.state == "unknown" for leaf in leaves), "unknown and said so"),
        ("sources/index.md", len(page.catalog.sources), "sources"),
        ("providers/index.md", len(page.catalog.providers), "providers"),
        ("checkpoints/index.md", len(page.catalog.checkpoints), "checkpoints"),
    )
    items = [f"<b>{len(leaves):,}</b> cited facts", f"<b>{twice:,}</b> with several sources"]
    items += [f"<b>{count:,}</b> {page.to(path, words)}" for path, count, words in counts]
    return '<ul class="numbers">' + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def leaf_yaml(page: Page, entity: str, field: str) -> str:
    """A leaf with all its sources, as it is written down."""
    leaf = page.catalog.trace(entity, field)
    preferred, others = leaf.citations[0], [each for each in leaf.citations if not each.agrees]
    lines = [
        f"{field.rpartition('.')[2]}:",
        f"  value: {preferred.value}",
        f"  source: {preferred.source.id}",
        f'  at: "{preferred.at}"',
    ]
    if others:
        lines += [
            "  disputed:",
            *(f'    - {{value: {each.value}, source: {each.source.id}, at: "{each.at}"}}' for each in others),
        ]
        lines.append(f'  because: "{leaf.because}"')
    return f"<pre><code>{escape(chr(10).join(lines))}</code></pre>"


def fault_example(page: Page, entity: str, field: str) -> str:
    """The message of a source that is spelt wrong."""
    leaf = page.catalog.trace(entity, field)
    right = leaf.citations[0].source.id
    fault = Fault(
        f"specs/{entity}.yaml",
        leaf.line,
        field,
        f"source {right[:-1]}",
        "a key of sources.yaml",
        f"did you mean {right}",
    )
    return f'<pre class="wrap"><code>{escape(str(fault))}</code></pre>'


BLOCKS: dict[str, Callable[..., str]] = {
    "budget": budget,
    "example_command": example_command,
    "fault_example": fault_example,
    "kv_by_context": kv_by_context,
    "layers": layers,
    "leaf_yaml": leaf_yaml,
    "numbers": numbers,
    "parameters": parameter_table,
    "reasons": reasons,
    "routing": routed,
    "rungs": rungs,
    "uses": uses,
}
"""What `{{ name(…) }}` may call on a line of its own."""
