"""Five questions that people ask, answered from the catalogue, each with its source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llama4ref.facts.arithmetic.tensors import COMPONENTS, dense_layers, moe_layers
from llama4ref.facts.types.states import UNKNOWN, is_stated, known
from llama4ref.planning.licensing.obligations import check_use
from llama4ref.planning.offers.queries import find_offers
from llama4ref.planning.offers.requirements import OfferQuery
from llama4ref.website.markup.drafting import Draft
from llama4ref.website.markup.field_values import label, number, shown
from llama4ref.website.markup.html import Cell, Column, Row, admonition, bullets, code, escape, link, table
from llama4ref.website.tables.claim_tables import checked
from llama4ref.website.tables.computed_tables import spans
from llama4ref.website.tables.licence_tables import USES, clauses, verdict

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.benchmarks import Benchmark
    from llama4ref.planning.offers.queries import FoundOffer

_TITLES = {
    "maverick-moe": "Which layers of Maverick are MoE?",
    "scout-above-300k": "Who serves Scout above 300K with images, and at what price?",
    "french-company": "May a French company ship a product on Maverick's image input?",
    "w4a16": "What does W4A16 leave in bf16?",
    "ten-million": "Where does “10M context” come from, and what do independent tests say?",
}
LONG = 300_000
"""Tokens above which an offer counts as long."""


def question_page(catalog: Catalog) -> str:
    """The page."""
    draft = Draft(
        catalog,
        "questions.md",
        title="Questions",
        description="Five questions people ask about Llama 4, answered from cited facts.",
        boost=2,
        hide=("toc",),
    )
    draft.add("Every answer on this page is computed from the catalogue when the site is built, and shows its sources.")
    draft.add(bullets(link(f"#{anchor}", title) for anchor, title in _TITLES.items()))
    _which_layers(draft)
    _who_serves(draft)
    _may_ship(draft)
    _what_stays(draft)
    _ten_million(draft)
    return draft.finished()


def _which_layers(draft: Draft) -> None:
    draft.heading(2, _TITLES["maverick-moe"], "maverick-moe")
    model = draft.catalog.model("maverick")
    moe, dense = moe_layers(model.architecture), dense_layers(model.architecture)
    step = draft.value("models/maverick", "experts.interleave_step", model.architecture.experts.interleave_step)
    layers = draft.value("models/maverick", "text.layers", model.architecture.text.layers)
    draft.add(
        f"<p><b>{len(moe)} of its {layers} layers, {escape(spans(list(moe)))}</b>, counted from 0: layer i is a mixture of experts "
        f"where i + 1 is divisible by {step}. The other {len(dense)} are dense. In Scout every layer is MoE. "
        f"{draft.entity('models/maverick', 'The layers drawn', 'layers')}.</p>"
    )


def _who_serves(draft: Draft) -> None:
    draft.heading(2, _TITLES["scout-above-300k"], "scout-above-300k")
    found = find_offers(draft.catalog, OfferQuery(model="scout", images=1), sort="provider").matching
    rows = [Row(cells=_offer_cells(draft, each)) for each in found if _is_long(each)]
    columns = (
        Column(head="Provider"),
        Column(head="Status", filter="choice"),
        Column(head="As of"),
        Column(head="Context", unit="tokens", numeric=True, filter="least"),
        Column(head="Lowest credible", unit="tokens", numeric=True, filter="least"),
        Column(head="Input", unit="US$ per million tokens", numeric=True),
        Column(head="Output", unit="US$ per million tokens", numeric=True),
        Column(head="Who disagrees"),
    )
    draft.add(
        f"<p>Offers of Scout that take images and whose preferred source states more than {LONG:,} tokens. A plan counts with the lowest "
        "credible figure, so an offer is safe above that length only where the second number is above it too.</p>"
    )
    draft.add(table("Scout above 300K tokens, with images", columns, rows, sortable=True))
    draft.add(f"<p>{draft.to('providers/index.md', 'All offers, to sort and filter')}.</p>")


def _is_long(found: FoundOffer) -> bool:
    limit = found.offer.context_tokens
    return is_stated(limit) and limit > LONG


_DISPUTABLE = ("context_tokens", "price_input", "price_output")


def _dissent(draft: Draft, entity: str, path: str) -> Iterator[str]:
    """What other sources say of a value, and who they are."""
    leaf = draft.provenance(entity, path)
    name = label(path.rpartition(".")[2]).lower()
    for each in leaf.citations if leaf else ():
        if not each.agrees:
            believed = ", not believed" if each.doubt else ""
            publisher = f"<i>{escape(each.source.publisher)}</i>"
            yield f"{name} {escape(shown(each.value))}: {publisher}{believed}{draft.notes.word(each)}"


def _offer_cells(draft: Draft, found: FoundOffer) -> list[Cell]:
    entity, offer = found.entity, found.offer
    others = [word for field in _DISPUTABLE for word in _dissent(draft, entity, found.field(field))]
    tier = f" <small>{escape(offer.tier)}</small>" if offer.tier else ""
    return [
        Cell(draft.entity(entity, found.provider.name, f"offers.{found.index}") + tier, found.provider.name),
        draft.cell(entity, found.field("status"), offer.status),
        draft.cell(entity, found.field("as_of"), offer.as_of),
        draft.cell(entity, found.field("context_tokens"), offer.context_tokens),
        Cell(number(found.context_tokens or 0), found.context_tokens),
        draft.cell(entity, found.field("price_input"), offer.price_input),
        draft.cell(entity, found.field("price_output"), offer.price_output),
        Cell("<br>".join(others) or "nobody known"),
    ]


def _may_ship(draft: Draft) -> None:
    draft.heading(2, _TITLES["french-company"], "french-company")
    maverick = draft.catalog.model("maverick")
    license_ = draft.catalog.license(known(maverick.license, "models/maverick", "license"))
    name = "French company, product that reads images"
    report, text_only = (
        check_use(license_, USES[name]),
        check_use(license_, USES["French company, product with text alone"]),
    )
    end_user = check_use(license_, USES["French end user of someone else's product that reads images"])
    under = draft.entity(f"licenses/{license_.id}", license_.name)
    draft.add(
        f"<p>{verdict(report).replace('>no<', '>No<')}, under the {under}{draft.notes.of(draft.provenance('models/maverick', 'license'), brief=True)}. "
        f"With text alone: {verdict(text_only)}. As an end user of somebody else's product: {verdict(end_user)}.</p>"
    )
    draft.add(clauses(draft, report, with_policy=False))
    draft.add(admonition("note", "No legal advice", f"<p>{escape(report.disclaimer)}.</p>"))


def _what_stays(draft: Draft) -> None:
    draft.heading(2, _TITLES["w4a16"], "w4a16")
    checkpoints = [
        each for each in draft.catalog.checkpoints.values() if "w4a16" in each.id and each.coverage is not UNKNOWN
    ]
    columns = [
        Column(head="Component"),
        *(Column(head=(each.repository or each.id).partition("/")[2]) for each in checkpoints),
    ]
    rows = []
    for component in COMPONENTS:
        cells = [Cell(escape(label(component)))]
        for each in checkpoints:
            format_ = each.coverage.of(component) if each.coverage else None
            words = escape(format_ or "none in this model")
            is_kept = format_ == "bf16"
            leaf = draft.provenance(f"checkpoints/{each.id}", f"coverage.{component}")
            cells.append(Cell((f"<b>{words}</b>" if is_kept else words) + draft.notes.of(leaf), words))
        rows.append(Row(cells=cells))
    kept = [
        label(name).lower()
        for name in COMPONENTS
        if checkpoints and all(each.coverage and each.coverage.of(name) == "bf16" for each in checkpoints)
    ]
    draft.add(
        f"<p><b>{escape(', '.join(kept))}</b>: everything but the feed-forward matrices. {code('int4-group-128')} is the 4-bit format of the rest.</p>"
    )
    draft.add(table("W4A16 checkpoints, component by component", columns, rows))
    draft.add(
        "<p>"
        + " · ".join(draft.entity(f"checkpoints/{each.id}", each.repository or each.id) for each in checkpoints)
        + "</p>"
    )


def _ten_million(draft: Draft) -> None:
    draft.heading(2, _TITLES["ten-million"], "ten-million")
    scout = draft.catalog.model("scout").architecture.context
    entity = "models/scout"
    claim = next(
        each for each in checked(draft.catalog) if each.entity == entity and each.claim.about == "context.limit"
    )
    stated = f"{escape(claim.claim.stated)}{draft.notes.of(draft.provenance(entity, claim.field))}"
    limit = draft.value(entity, "context.instruct_max_position_embeddings", scout.instruct_max_position_embeddings)
    trained = draft.value(entity, "context.trained_tokens", scout.trained_tokens)
    draft.add(
        f"<p>The developer states {stated}; the published configuration allows {limit} positions. <b>Training saw {trained} tokens at most</b>: "
        "the rest is generalization.</p>"
    )
    tests = [each for each in draft.catalog.benchmarks.values() if each.category == "long_context"]
    draft.add(_longest_independent(draft, tests))
    columns = (
        Column(head="Test"),
        Column(head="Prompt", unit="tokens", numeric=True, filter="least"),
        Column(head="Score of Scout", numeric=True),
        Column(head="Metric"),
        Column(head="Reported by", filter="choice"),
        Column(head="Remark"),
    )
    found = [(each, index) for each in tests for index, result in enumerate(each.results) if result.system == "scout"]
    found.sort(key=lambda pair: (pair[0].results[pair[1]].label == "developer", pair[0].tokens or 0))
    rows = [_test_row(draft, each, index) for each, index in found]
    draft.add(table("Tests of long context on Scout, others' first", columns, rows, sortable=True))


def _longest_independent(draft: Draft, tests: Sequence[Benchmark]) -> str:
    """What the longest test says that the developer did not run itself."""
    found = [
        (each.tokens, each, index)
        for each in tests
        for index, result in enumerate(each.results)
        if each.tokens and result.system == "scout" and result.label != "developer" and result.score is not UNKNOWN
    ]
    if not found:
        return "<p>No test by others is known.</p>"
    tokens, each, index = max(found, key=lambda test: test[0])
    result = each.results[index]
    score = draft.value(f"benchmarks/{each.id}", f"results.{index}.score", result.score)
    return (
        f"<p>The longest prompt of a test that the developer did not run itself is {number(tokens)} tokens: "
        f"{draft.entity(f'benchmarks/{each.id}', each.name)}, {score} {escape(each.unit)} ({escape(result.label)}).</p>"
    )


def _test_row(draft: Draft, each: Benchmark, index: int) -> Row:
    entity, result = f"benchmarks/{each.id}", each.results[index]
    return Row(
        cells=(
            Cell(draft.entity(entity, each.name), each.name),
            draft.cell(entity, "tokens", each.tokens) if each.tokens else Cell("<i>not stated</i>", ""),
            draft.cell(entity, f"results.{index}.score", result.score, brief=False),
            Cell(escape(f"{each.metric}, {each.unit}")),
            Cell(escape(result.label), result.label),
            Cell(escape(result.note or "")),
        )
    )
