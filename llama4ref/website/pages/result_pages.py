"""Benchmark results by category, and measurements of serving."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.website.markup.drafting import Draft
from llama4ref.website.markup.field_values import number
from llama4ref.website.markup.html import Cell, Column, Row, bullets, escape, table
from llama4ref.website.pictures.drawing import LinearScale, dot, figure, legend, line, svg, text
from llama4ref.website.tables.leaf_tables import add_disagreements, linked
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.benchmarks import Benchmark, Result
    from llama4ref.facts.types.measurements import Measurement

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
    draft = Draft(
        catalog,
        path,
        title=title,
        description=f"{title}: every row, who reported it, how it was run.",
        hide=("navigation",),
        spec="specs/benchmarks",
    )
    for each in catalog.benchmarks.values():
        if each.category == category:
            _benchmark(draft, each)
    return draft.finished()


def _benchmark(draft: Draft, each: Benchmark) -> None:
    entity = f"benchmarks/{each.id}"
    draft.heading(2, each.name, each.id)
    better = "higher is better" if each.higher_is_better else "lower is better"
    metric = draft.value(entity, "metric", each.metric, brief=True)
    draft.add(
        f"<p>{escape(each.measures[:1].upper() + each.measures[1:])}. Metric: {metric}, in {escape(each.unit)}; {better}.</p>"
    )
    used = [name for name in _OPTIONAL if any(is_stated(getattr(result, name)) for result in each.results)]
    columns = (
        Column(head="System"),
        Column(head="Score", unit=each.unit, numeric=True),
        Column(head="Reported by"),
        Column(head="Stage"),
        *(Column(head=name.replace("_", " ").capitalize(), numeric=name == "shots") for name in used),
        Column(head="Remark"),
    )
    rows = [_result_row(draft, entity, index, result, used) for index, result in enumerate(each.results)]
    draft.add(table(f"Results of {each.name}", columns, rows, sortable=len(rows) > 5))
    said = [*each.conditions, *each.notes]
    draft.add(bullets(escape(word) for word in said) if said else "")
    add_disagreements(draft, entity, level=3) if any(
        leaf.disputed for leaf in draft.catalog.provenance[entity].values()
    ) else None


def _result_row(draft: Draft, entity: str, index: int, result: Result, used: Sequence[str]) -> Row:
    at = f"results.{index}"
    return Row(
        anchor=f"{entity.partition('/')[2]}.{at}",
        cells=(
            Cell(linked(draft, entity, f"{at}.system", result.system, brief=True).split("\x02")[0], result.system),
            draft.cell(entity, f"{at}.score", result.score, brief=False),
            Cell(escape(result.label), result.label),
            Cell(escape(result.stage), result.stage),
            *(
                Cell(
                    escape(str(getattr(result, name))) if is_stated(getattr(result, name)) else "",
                    getattr(result, name) if is_stated(getattr(result, name)) else "",
                )
                for name in used
            ),
            Cell(escape(result.note or "")),
        ),
    )


def _index(catalog: Catalog) -> str:
    draft = Draft(
        catalog, "benchmarks/index.md", title="Benchmarks", description="Every published score of Llama 4, by whom and how.",
        spec="specs/benchmarks", hide=("toc",), boost=1.5,
    )  # fmt: skip
    categories = list(dict.fromkeys(each.category for each in catalog.benchmarks.values()))
    links = [draft.to(f"benchmarks/{name.replace('_', '-')}.md", CATEGORIES.get(name, name)) for name in categories]
    draft.add(f"<p>{' · '.join(links)}</p>")
    draft.add(
        "A developer's own score and others' stand side by side; both are instruct models where nothing else is said."
    )
    columns = (
        Column(head="Benchmark"),
        Column(head="Category", filter="choice"),
        Column(head="Unit"),
        *(
            Column(head=f"{name}, {who}", numeric=True)
            for name in ("Scout", "Maverick")
            for who in ("developer", "others")
        ),
    )
    rows = [
        Row(
            cells=(
                Cell(draft.entity(f"benchmarks/{each.id}", each.name), each.name),
                Cell(CATEGORIES.get(each.category, each.category), each.category),
                Cell(escape(each.unit)),
                *(_scores(draft, each, model, own=own) for model in ("scout", "maverick") for own in (True, False)),
            )
        )
        for each in catalog.benchmarks.values()
    ]
    draft.add(table("Scores of Scout and Maverick", columns, rows, sortable=True))
    draft.heading(2, "Developer and others, drawn", "drawn")
    draft.add(_plot(catalog))
    return draft.finished()


def _scores(draft: Draft, each: Benchmark, model: str, *, own: bool) -> Cell:
    found = [
        (
            result.score,
            f"{number(result.score)}{draft.notes.of(draft.provenance(f'benchmarks/{each.id}', f'results.{index}.score'), brief=True)}",
        )
        for index, result in enumerate(each.results)
        if result.system == model
        and result.score is not UNKNOWN
        and (result.label == "developer") is own
        and result.stage != "experimental"
    ]
    if len(found) > _FEW_SCORES:
        lowest, highest = min(found), max(found)
        page = draft.entity(f"benchmarks/{each.id}", counted(len(found), "score"))
        return Cell(f"{page}: {lowest[1]} to {highest[1]}", lowest[0])
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
    draft = Draft(
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
        Column(head="As of"),
    )
    rows = [row for each in catalog.measurements.values() for row in _measurement_rows(draft, each)]
    draft.add(table("Measurements", columns, rows, sortable=True))
    return draft.finished()


def _measurement_rows(draft: Draft, each: Measurement) -> Iterator[Row]:
    entity = f"measurements/{each.id}"
    accelerator = draft.catalog.accelerators.get(each.accelerator)
    for index, seen in enumerate(each.observations):
        yield Row(
            anchor=each.id if not index else "",
            cells=(
                Cell(draft.entity(f"models/{each.model}", each.model), each.model),
                Cell(escape(f"{each.engine} {each.release}"), each.engine),
                Cell(
                    f"{each.count} x {draft.entity(f'accelerators/{each.accelerator}', accelerator.name) if accelerator else escape(each.accelerator)}"
                ),
                Cell(escape(str(each.precision))),
                Cell(escape(each.parallelism or "")),
                Cell(escape(seen.metric.replace("_", " ")), seen.metric),
                draft.cell(entity, f"observations.{index}.value", seen.value),
                Cell(escape(seen.unit)),
                Cell(
                    "" if seen.concurrency is None else str(seen.concurrency),
                    "" if seen.concurrency is None else seen.concurrency,
                ),
                Cell(each.as_of),
            ),
        )
