"""What follows from the facts of a model or a checkpoint: counts, bytes, pictures."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from llama4ref.facts.arithmetic.quantities import quantities
from llama4ref.facts.arithmetic.tensors import COMPONENTS, moe_layers
from llama4ref.memory import weights
from llama4ref.units import GIB
from llama4ref.website.markup.field_values import label, number
from llama4ref.website.markup.html import Cell, Column, Row, code, escape, table
from llama4ref.website.pictures.figures import layer_pattern, routing

if TYPE_CHECKING:
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.models import Model
    from llama4ref.memory.weight_shards import Share
    from llama4ref.website.markup.page import Page


def from_facts(page: Page, what: str) -> str:
    """The note of a computed figure."""
    return page.notes.computed(
        f"{what}, from the facts on the pages of the models; {page.to('memory.md', 'how bytes follow')}"
    )


def add_model_figures(page: Page, model: Model) -> None:
    """The layer pattern and the routing, drawn and as numbers."""
    page.heading(2, "Layers: NoPE, chunked-local, MoE, dense", "layers")
    page.add(layer_pattern(model))
    page.add(layer_table(page, model))
    page.heading(2, "How a token is routed", "routing")
    page.add(routing(model))


def layer_table(page: Page, model: Model) -> str:
    """Which layers are of which kind, counted from 0."""
    architecture = model.architecture
    facts = page.facts(f"models/{model.id}")
    every = range(architecture.text.layers)
    interval = architecture.attention.nope_interval
    moe = set(moe_layers(architecture))
    kinds = {
        "Global attention without positions (NoPE)": (
            [i for i in every if not (i + 1) % interval],
            "attention.nope_interval",
        ),
        "Chunked-local attention with RoPE": ([i for i in every if (i + 1) % interval], "attention.nope_interval"),
        "Mixture of experts (MoE)": ([i for i in every if i in moe], "experts.interleave_step"),
        "Dense feed-forward": ([i for i in every if i not in moe], "experts.interleave_step"),
    }
    rows = [
        Row(
            cells=(
                Cell(escape(name)),
                Cell(f"{len(layers)}{page.note(facts[field])}", len(layers)),
                Cell(escape(spans(layers)) + page.note(facts[field])),
            )
        )
        for name, (layers, field) in kinds.items()
    ]
    columns = (Column(head="Kind"), Column(head="Layers", numeric=True), Column(head="Which, counted from 0"))
    return table(f"Kinds of layers of {model.name}", columns, rows)


def spans(layers: list[int]) -> str:
    """Layer numbers, shortened where they follow one another or are evenly spaced.

    Examples:
        >>> spans([0, 1, 2, 3]), spans([1, 3, 5, 7]), spans([]), spans([4])
        ('0 to 3', 'every 2nd from 1 to 7: 1, 3, 5, 7', 'none', '4')
    """
    if not layers:
        return "none"
    steps = {after - before for before, after in itertools.pairwise(layers)}
    if len(layers) > 1 and steps == {1}:
        return f"{layers[0]} to {layers[-1]}"
    words = ", ".join(str(layer) for layer in layers)
    if len(layers) > 2 and len(steps) == 1:
        step = steps.pop()
        return f"every {step}{ {2: 'nd', 3: 'rd'}.get(step, 'th') } from {layers[0]} to {layers[-1]}: {words}"
    return words


def add_quantities(page: Page, model: Model) -> None:
    """Everything that is computed about a model."""
    page.heading(2, "What follows from these facts", "computed")
    note = from_facts(page, f"{code('llama4ref.facts.arithmetic.quantities')} of this model")
    rows = [
        Row(anchor=f"computed.{name}", cells=(Cell(code(name), name), Cell(number(value) + note, value)))
        for name, value in quantities(model).items()
    ]
    columns = (
        Column(head="Quantity"),
        Column(head="Value", unit="tokens, bytes or parameters, as named", numeric=True),
    )
    page.add(table(f"Computed quantities of {model.name}", columns, rows, sortable=True))


def add_checkpoint_bytes(page: Page, checkpoint: Checkpoint) -> None:
    """Bytes of each component in its format.

    Raises:
        UnknownFactError: where the coverage, or the model's architecture, is not known.
    """
    if checkpoint.kind == "draft_head":
        return
    stage = weights(page.catalog.model(checkpoint.model), checkpoint, formats=page.catalog.formats).stages[0]
    rows = [_component_row(page, checkpoint, name, stage.by_component[name]) for name in COMPONENTS]
    note = _weights_note(page)
    total = (
        Cell("<b>All weights</b>", "~"),
        Cell(""),
        Cell(f"<b>{stage.parameters:,}</b>{note}", stage.parameters),
        Cell(f"<b>{stage.bytes / GIB:,.2f}</b>{note}", stage.bytes),
    )
    columns = (
        Column(head="Component"),
        Column(head="Stored as"),
        Column(head="Parameters", numeric=True),
        Column(head="Bytes", unit="GiB", numeric=True),
    )
    page.heading(2, "What is stored in which format", "bytes")
    page.add(table("Components, their formats and bytes", columns, [*rows, Row(cells=total)]))


def _weights_note(page: Page) -> str:
    return from_facts(page, f"{code('llama4ref.memory.weights')} on one GPU")


def _component_row(page: Page, checkpoint: Checkpoint, component: str, share: Share) -> Row:
    format_ = checkpoint.coverage.of(component) if checkpoint.coverage else None
    fact = page.facts(f"checkpoints/{checkpoint.id}")[f"coverage.{component}"]
    state = fact.leaf.state if fact.leaf else "unknown"
    stored = page.entity(f"formats/{format_}", format_) if format_ else f"<i>{state}</i>"
    note = _weights_note(page)
    return Row(
        cells=(
            Cell(escape(label(component)), component),
            Cell(stored + page.note(fact, brief=True), format_ or ""),
            Cell(f"{share.parameters:,}{note}", share.parameters),
            Cell(f"{share.bytes / GIB:,.2f}{note}", share.bytes),
        )
    )
