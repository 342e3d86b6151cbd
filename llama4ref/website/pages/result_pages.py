"""Benchmark results by category, and measurements of serving."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llama4ref.facts.types.metrics import METRICS
from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.website.markup.field_values import number
from llama4ref.website.markup.html import Cell, Column, Row, bullets, escape, table
from llama4ref.website.markup.page import Page
from llama4ref.website.pictures.drawing import LinearScale, dot, figure, legend, line, svg, text
from llama4ref.website.tables.leaf_tables import add_disagreements
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.benchmarks import Benchmark
    from llama4ref.facts.types.measurements import Measurement
    from llama4ref.website.markup.cited import Cited

CATEGORIES = {
    "knowledge": "Knowledge",
    "reasoning": "Reasoning",
    "math": "Mathematics",
    "code": "Code",
    "multilingual": "Languages",
    "image": "Images",
    "long_context": "Long context",
    "agents": "Agents",
    "preference": "Preference",
    "instruction": "Following instructions",
    "quantization": "Effect of quantization",
    "cost": "Cost",
}
_FEW_SCORES = 3
_LABEL = 36
_OPTIONAL = ("shots", "precision", "checkpoint", "engine", "hardware", "file_size")


def result_pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """A page for each category of benchmark, their index, and the measurements."""
    categories = list(dict.fromkeys(each.category for each in catalog.benchmarks.values()))
    for category in categories:
        yield f"benchmarks/{category.replace('_', '-')}.md", _category(catalog, category)
    yield "benchmarks/index.md", _index(catalog)
    yield "measurements/index.md", _measurements(catalog)


def _category(catalog: Catalog, category: str) -> str:
    title = f"Benchmarks: {CATEGORIES.get(category, category)}"
    path = f"benchmarks/{category.replace('_', '-')}.md"
    page = Page(
        catalog,
        path,
        title=title,
        description=f"{title}: every row, who reported it, how it was run.",
        hide=("navigation",),
        spec="specs/benchmarks",
    )
    for each in catalog.benchmarks.values():
        if each.category == category:
            _benchmark(page, each)
    return page.finished()


def _benchmark(page: Page, each: Benchmark) -> None:
    facts = page.facts(f"benchmarks/{each.id}")
    page.heading(2, each.name, each.id)
    better = "higher is better" if each.higher_is_better else "lower is better"
    metric = page.value(facts["metric"], brief=True)
    page.add(
        f"<p>{escape(each.measures[:1].upper() + each.measures[1:])}. Metric: {metric}, in {escape(each.unit)}; {better}.</p>"
    )
    used = [name for name in _OPTIONAL if any(is_stated(getattr(result, name)) for result in each.results)]
    columns = (
        Column(head="System"),
        Column(head="Score", unit=each.unit, numeric=True),
        Column(head="Reported by"),
        Column(head="Stage"),
        *(Column(head=name.replace("_", " ").capitalize(), numeric=name == "shots") for name in used),
        Column(head="Remark", cited=False),
    )
    rows = [_result_row(page, result, used) for result in facts["results"]]
    page.add(table(f"Results of {each.name}", columns, rows, sortable=len(rows) > 5))
    said = [(word, facts[field]) for field in ("conditions", "notes") for word in getattr(each, field)]
    page.add(bullets(escape(word) + page.note(fact) for word, fact in said) if said else "")
    add_disagreements(page, facts.entity, level=3)


def _result_row(page: Page, result: Cited, used: Sequence[str]) -> Row:
    system, remark = str(result["system"].value), result["note"].value
    known = page.catalog.models.get(system)
    return Row(
        anchor=f"{result.id}.{result.path}",
        cells=(
            Cell(page.entity(f"models/{system}", known.name) if known else escape(system), system),
            page.cell(result["score"], brief=False),
            *(page.cell(result[name], missing="") for name in ("label", "stage", *used)),
            Cell(escape(str(remark or ""))),
        ),
    )


def _index(catalog: Catalog) -> str:
    page = Page(
        catalog, "benchmarks/index.md", title="Benchmarks", description="Every published score of Llama 4, by whom and how.",
        spec="specs/benchmarks", hide=("toc",), boost=1.5,
    )  # fmt: skip
    categories = list(dict.fromkeys(each.category for each in catalog.benchmarks.values()))
    links = [page.to(f"benchmarks/{name.replace('_', '-')}.md", CATEGORIES.get(name, name)) for name in categories]
    page.add(f"<p>{' · '.join(links)}</p>")
    page.add(
        "A developer's own score and others' stand side by side; both are instruct models where nothing else is said."
    )
    columns = (
        Column(head="Benchmark"),
        Column(head="Category", filter="choice", cited=False),
        Column(head="Unit", cited=False),
        *(
            Column(head=f"{name}, {who}", numeric=True)
            for name in ("Scout", "Maverick")
            for who in ("developer", "others")
        ),
    )
    rows = [
        Row(
            cells=(
                Cell(page.entity(f"benchmarks/{each.id}", each.name), each.name),
                Cell(CATEGORIES.get(each.category, each.category), each.category),
                Cell(escape(each.unit)),
                *(_scores(page, each, model, own=own) for model in ("scout", "maverick") for own in (True, False)),
            )
        )
        for each in catalog.benchmarks.values()
    ]
    page.add(table("Scores of Scout and Maverick", columns, rows, sortable=True))
    page.heading(2, "Developer and others, drawn", "drawn")
    page.add(_plot(catalog))
    return page.finished()


def _scores(page: Page, each: Benchmark, model: str, *, own: bool) -> Cell:
    found = [
        (result.score, f"{number(result.score)}{page.note(fact['score'], brief=True)}")
        for fact, result in zip(page.facts(f"benchmarks/{each.id}")["results"], each.results, strict=True)
        if result.system == model
        and result.score is not UNKNOWN
        and (result.label == "developer") is own
        and result.stage != "experimental"
    ]
    if len(found) > _FEW_SCORES:
        lowest, highest = min(found), max(found)
        link = page.entity(f"benchmarks/{each.id}", counted(len(found), "score"))
        return Cell(f"{link}: {lowest[1]} to {highest[1]}", lowest[0])
    return Cell("<br>".join(dict.fromkeys(words for _, words in found)), found[0][0] if found else "")


def _plot(catalog: Catalog) -> str:
    chosen = [each for each in catalog.benchmarks.values() if each.unit == "%" and _both(each)]
    scale = LinearScale(0, 100, 240, 628)
    height = 40 + 20 * len(chosen)
    shapes = []
    for tick in range(0, 101, 20):
        shapes += [
            line([(scale(tick), 26), (scale(tick), height)], "grid"),
            text(scale(tick), height + 14, str(tick), at="middle", kind="ink small"),
        ]
    for index, each in enumerate(chosen):
        y = 38 + 20 * index
        shapes.append(text(234, y + 4, _short(each.name), at="end", kind="ink small"))
        for result in each.results:
            if result.system in {"scout", "maverick"} and result.score is not UNKNOWN and result.checkpoint is None:
                kind = "a" if result.system == "scout" else "b"
                kind += "" if result.label == "developer" else " ring"
                hint = f"{each.name}, {result.system}, {result.label}: {number(result.score)} %"
                shapes.append(dot(scale(min(result.score, 100)), y, kind, hint=hint, radius=4.5))
    entries = [
        ("a", "Scout, developer"),
        ("a ring", "Scout, others"),
        ("b", "Maverick, developer"),
        ("b ring", "Maverick, others"),
    ]
    title = "Scores by developer and by others"
    desc = (
        f"{counted(len(chosen), 'benchmark')} in percent that the developer and somebody else both ran: filled points are the developer's, "
        "rings are others'; other checkpoints than the developer's are left out. The table above has the numbers."
    )
    return figure(svg(640, height + 22, title, desc, [*legend(4, 14, entries), *shapes]), desc)


def _short(name: str) -> str:
    return name if len(name) <= _LABEL else f"{name[: _LABEL - 1].rstrip(' ,')}…"


def _both(each: Benchmark) -> bool:
    own = {
        result.label == "developer"
        for result in each.results
        if result.system in {"scout", "maverick"} and result.score is not UNKNOWN and result.checkpoint is None
    }
    return len(own) == 2


def _measurements(catalog: Catalog) -> str:
    page = Page(
        catalog, "measurements/index.md", title="Measurements", description="Observed runs of Llama 4: on what, with what, and what was seen.",
        hide=("toc",), spec="specs/measurements",
    )  # fmt: skip
    columns = (
        Column(head="Model", filter="choice"),
        Column(head="Engine", filter="choice"),
        Column(head="On"),
        Column(head="Precision"),
        Column(head="Parallelism"),
        Column(head="Metric", filter="choice"),
        Column(head="Value", numeric=True),
        Column(head="Unit"),
        Column(head="Concurrency", numeric=True),
        Column(head="Queued", numeric=True),
        Column(head="As of"),
        Column(head="Disturbed by"),
        Column(head="Remark"),
    )
    rows = [row for each in catalog.measurements.values() for row in _measurement_rows(page, each)]
    page.add(table("Measurements", columns, rows, sortable=True))
    page.heading(2, "What was measured", "metrics")
    page.add(
        "Concurrency is the number of requests in progress at once; where all requests were sent at once and waited, "
        "their number stands under Queued."
    )
    page.add(bullets(_meanings(catalog)))
    return page.finished()


def _meanings(catalog: Catalog) -> Iterator[str]:
    """What each metric of the table is, in the order of the vocabulary."""
    used = {seen.metric for each in catalog.measurements.values() for seen in each.observations}
    for name, each in METRICS.items():
        if name in used:
            yield f"<b>{escape(name.replace('_', ' '))}</b>, in {escape(each.unit)}: {escape(each.meaning)}"


def _measurement_rows(page: Page, each: Measurement) -> Iterator[Row]:
    facts = page.facts(f"measurements/{each.id}")
    for index, seen in enumerate(facts["observations"]):
        yield Row(
            anchor=each.id if not index else "",
            cells=(
                page.cell(facts["model"]),
                Cell(
                    f"{page.value(facts['engine'], brief=True)} {page.value(facts['release'], brief=True)}", each.engine
                ),
                Cell(f"{page.value(facts['count'], brief=True)} x {page.value(facts['accelerator'], brief=True)}"),
                page.cell(facts["precision"]),
                page.cell(facts["parallelism"], missing=""),
                _metric_cell(page, seen["metric"]),
                page.cell(seen["value"]),
                page.cell(seen["unit"]),
                page.cell(seen["concurrency"], missing=""),
                page.cell(seen["requests"], missing=""),
                page.cell(facts["as_of"]),
                page.cell(seen["disturbed"], missing=""),
                page.cell(seen["note"], missing=""),
            ),
        )


def _metric_cell(page: Page, fact: Cited) -> Cell:
    name = str(fact.value)
    return Cell(escape(name.replace("_", " ")) + page.note(fact, brief=True), name)
