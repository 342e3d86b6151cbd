"""Five questions that people ask, answered from the catalogue, each with its source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llama4ref.facts.arithmetic.tensors import COMPONENTS, dense_layers, moe_layers
from llama4ref.facts.types.states import UNKNOWN, is_stated, known
from llama4ref.planning.licensing.obligations import check_use
from llama4ref.planning.offers.queries import find_offers
from llama4ref.planning.offers.requirements import OfferQuery
from llama4ref.website.markup.field_values import label, number, shown
from llama4ref.website.markup.html import Cell, Column, Row, admonition, bullets, code, escape, link, table
from llama4ref.website.markup.page import Page
from llama4ref.website.tables.claim_tables import checked
from llama4ref.website.tables.computed_tables import spans
from llama4ref.website.tables.licence_tables import USES, clauses, verdict

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.benchmarks import Benchmark
    from llama4ref.planning.offers.queries import FoundOffer
    from llama4ref.website.markup.cited import Cited

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
    page = Page(
        catalog,
        "questions.md",
        title="Questions",
        description="Five questions people ask about Llama 4, answered from cited facts.",
        boost=2,
        hide=("toc",),
    )
    page.add("Every answer on this page is computed from the catalogue when the site is built, and shows its sources.")
    page.add(bullets(link(f"#{anchor}", title) for anchor, title in _TITLES.items()))
    _which_layers(page)
    _who_serves(page)
    _may_ship(page)
    _what_stays(page)
    _ten_million(page)
    return page.finished()


def _which_layers(page: Page) -> None:
    page.heading(2, _TITLES["maverick-moe"], "maverick-moe")
    model = page.catalog.model("maverick")
    moe, dense = moe_layers(model.architecture), dense_layers(model.architecture)
    facts = page.facts("models/maverick")
    step, layers = page.value(facts["experts.interleave_step"]), page.value(facts["text.layers"])
    page.add(
        f"<p><b>{len(moe)} of its {layers} layers, {escape(spans(list(moe)))}</b>, counted from 0: layer i is a mixture of experts "
        f"where i + 1 is divisible by {step}. The other {len(dense)} are dense. In Scout every layer is MoE. "
        f"{page.entity('models/maverick', 'The layers drawn', 'layers')}.</p>"
    )


def _who_serves(page: Page) -> None:
    page.heading(2, _TITLES["scout-above-300k"], "scout-above-300k")
    found = find_offers(page.catalog, OfferQuery(model="scout", images=1), sort="provider").matching
    rows = [Row(cells=_offer_cells(page, each)) for each in found if _is_long(each)]
    columns = (
        Column(head="Provider"),
        Column(head="Status", filter="choice"),
        Column(head="As of"),
        Column(head="Context", unit="tokens", numeric=True, filter="least"),
        Column(head="Lowest credible", unit="tokens", numeric=True, filter="least"),
        Column(head="Input", unit="US$ per million tokens", numeric=True),
        Column(head="Output", unit="US$ per million tokens", numeric=True),
        Column(head="Who disagrees", cited=False),
    )
    page.add(
        f"<p>Offers of Scout that take images and whose preferred source states more than {LONG:,} tokens. A plan counts with the lowest "
        "credible figure, so an offer is safe above that length only where the second number is above it too.</p>"
    )
    page.add(table("Scout above 300K tokens, with images", columns, rows, sortable=True))
    page.add(f"<p>{page.to('providers/index.md', 'All offers, to sort and filter')}.</p>")


def _is_long(found: FoundOffer) -> bool:
    limit = found.offer.context_tokens
    return is_stated(limit) and limit > LONG


_DISPUTABLE = ("context_tokens", "price_input", "price_output")


def _dissent(page: Page, fact: Cited) -> Iterator[str]:
    """What other sources say of a value, and who they are."""
    for each in fact.leaf.citations if fact.leaf else ():
        if not each.agrees:
            believed = ", not believed" if each.doubt else ""
            publisher = f"<i>{escape(each.source.publisher)}</i>"
            yield f"{label(fact.key).lower()} {escape(shown(each.value))}: {publisher}{believed}{page.notes.citation(each)}"


def _offer_cells(page: Page, found: FoundOffer) -> list[Cell]:
    offer = page.facts(found.entity)["offers"][found.index]
    others = [word for field in _DISPUTABLE for word in _dissent(page, offer[field])]
    tier = f" <small>{escape(found.offer.tier)}</small>" if found.offer.tier else ""
    return [
        Cell(page.entity(found.entity, found.provider.name, offer.path) + tier, found.provider.name),
        *(page.cell(offer[field]) for field in ("status", "as_of", "context_tokens")),
        _lowest_cell(page, found, offer["context_tokens"]),
        *(page.cell(offer[field]) for field in ("price_input", "price_output")),
        Cell("<br>".join(others) or "nobody known"),
    ]


def _lowest_cell(page: Page, found: FoundOffer, fact: Cited) -> Cell:
    """The lowest figure that is not doubted, with the source that states it."""
    words = fact.leaf.citations if fact.leaf else ()
    said = [word for word in words if word.doubt is None and word.value == found.context_tokens]
    return Cell(number(found.context_tokens or 0) + "".join(map(page.notes.citation, said[:1])), found.context_tokens)


def _may_ship(page: Page) -> None:
    page.heading(2, _TITLES["french-company"], "french-company")
    maverick = page.catalog.model("maverick")
    license_ = page.catalog.license(known(maverick.license, "models/maverick", "license"))
    name = "French company, product that reads images"
    report, text_only = (
        check_use(license_, USES[name]),
        check_use(license_, USES["French company, product with text alone"]),
    )
    end_user = check_use(license_, USES["French end user of someone else's product that reads images"])
    under = page.entity(f"licenses/{license_.id}", license_.name)
    page.add(
        f"<p>{verdict(report).replace('>no<', '>No<')}, under the {under}{page.note(page.facts('models/maverick')['license'], brief=True)}. "
        f"With text alone: {verdict(text_only)}. As an end user of somebody else's product: {verdict(end_user)}.</p>"
    )
    page.add(clauses(page, report, with_policy=False))
    page.add(admonition("note", "No legal advice", f"<p>{escape(report.disclaimer)}.</p>"))


def _what_stays(page: Page) -> None:
    page.heading(2, _TITLES["w4a16"], "w4a16")
    checkpoints = [
        each for each in page.catalog.checkpoints.values() if "w4a16" in each.id and each.coverage is not UNKNOWN
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
            fact = page.facts(f"checkpoints/{each.id}")[f"coverage.{component}"]
            cells.append(Cell((f"<b>{words}</b>" if is_kept else words) + page.note(fact), words))
        rows.append(Row(cells=cells))
    kept = [
        label(name).lower()
        for name in COMPONENTS
        if checkpoints and all(each.coverage and each.coverage.of(name) == "bf16" for each in checkpoints)
    ]
    page.add(
        f"<p><b>{escape(', '.join(kept))}</b>: everything but the feed-forward matrices. {code('int4-group-128')} is the 4-bit format of the rest.</p>"
    )
    page.add(table("W4A16 checkpoints, component by component", columns, rows))
    page.add(
        "<p>"
        + " · ".join(page.entity(f"checkpoints/{each.id}", each.repository or each.id) for each in checkpoints)
        + "</p>"
    )


def _ten_million(page: Page) -> None:
    page.heading(2, _TITLES["ten-million"], "ten-million")
    scout = page.facts("models/scout")
    claim = next(
        each for each in checked(page.catalog) if each.entity == scout.entity and each.claim.about == "context.limit"
    )
    stated = f"{escape(claim.claim.stated)}{page.note(scout[claim.field])}"
    limit = page.value(scout["context.instruct_max_position_embeddings"])
    trained = page.value(scout["context.trained_tokens"])
    page.add(
        f"<p>The developer states {stated}; the published configuration allows {limit} positions. <b>Training saw {trained} tokens at most</b>: "
        "the rest is generalization.</p>"
    )
    tests = [each for each in page.catalog.benchmarks.values() if each.category == "long_context"]
    page.add(_longest_independent(page, tests))
    columns = (
        Column(head="Test"),
        Column(head="Prompt", unit="tokens", numeric=True, filter="least"),
        Column(head="Score of Scout", numeric=True),
        Column(head="Metric"),
        Column(head="Reported by", filter="choice"),
        Column(head="Remark", cited=False),
    )
    found = [(each, index) for each in tests for index, result in enumerate(each.results) if result.system == "scout"]
    found.sort(key=lambda pair: (pair[0].results[pair[1]].label == "developer", pair[0].tokens or 0))
    rows = [_test_row(page, each, index) for each, index in found]
    page.add(table("Tests of long context on Scout, others' first", columns, rows, sortable=True))


def _longest_independent(page: Page, tests: Sequence[Benchmark]) -> str:
    """What the longest test says that the developer did not run itself."""
    found = [
        (each.tokens, each, index)
        for each in tests
        for index, result in enumerate(each.results)
        if each.tokens and result.system == "scout" and result.label != "developer" and result.score is not UNKNOWN
    ]
    if not found:
        return "<p>No test by others is known.</p>"
    _, each, index = max(found, key=lambda test: test[0])
    result = each.results[index]
    facts = page.facts(f"benchmarks/{each.id}")
    score = page.value(facts["results"][index]["score"])
    return (
        f"<p>The longest prompt of a test that the developer did not run itself is {page.value(facts['tokens'])} tokens: "
        f"{page.entity(f'benchmarks/{each.id}', each.name)}, {score} {escape(each.unit)} ({escape(result.label)}).</p>"
    )


def _test_row(page: Page, each: Benchmark, index: int) -> Row:
    facts = page.facts(f"benchmarks/{each.id}")
    result = facts["results"][index]
    return Row(
        cells=(
            Cell(page.entity(facts.entity, each.name), each.name),
            page.cell(facts["tokens"]),
            page.cell(result["score"], brief=False),
            Cell(f"{page.value(facts['metric'], brief=True)}, {page.value(facts['unit'], brief=True)}"),
            page.cell(result["label"]),
            Cell(escape(each.results[index].note or "")),
        )
    )
