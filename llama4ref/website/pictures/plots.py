"""Plots of many facts at once, each with its numbers in a table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llama4ref.facts.types.states import UNKNOWN
from llama4ref.website.markup.field_values import tokens_short
from llama4ref.website.pictures.drawing import LinearScale, LogScale, box, dot, figure, legend, line, svg, text
from llama4ref.wording import dollars

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.providers import Offer, Provider

_SERIES = {"scout": "a", "maverick": "b"}
_WIDTH = 640


def offers_of(catalog: Catalog) -> list[tuple[Provider, Offer]]:
    """All offers with their providers."""
    return [(provider, offer) for provider in catalog.providers.values() for offer in provider.offers]


def native_limit(catalog: Catalog, model: str) -> int:
    """The model's own limit, in tokens."""
    return catalog.model(model).architecture.context.instruct_max_position_embeddings


def context_by_provider(catalog: Catalog) -> str:
    """The context of each offer as a bar, with the model's own limit as a line; the table above has the numbers."""
    parts = []
    for model in _SERIES:
        best: dict[str, Offer] = {}
        for provider, offer in offers_of(catalog):
            if offer.model == model and offer.context_tokens is not UNKNOWN:
                kept = best.get(provider.name)
                if kept is None or (kept.context_tokens or 0) < offer.context_tokens:
                    best[provider.name] = offer
        ordered = sorted(best.items(), key=lambda pair: (-(pair[1].context_tokens or 0), pair[0]))
        parts.append(_bars(catalog, model, ordered))
    return "\n\n".join(parts)


def _bars(catalog: Catalog, model: str, ordered: Sequence[tuple[str, Offer]]) -> str:
    native, name, kind = native_limit(catalog, model), catalog.models[model].name, _SERIES[model]
    low = min(offer.context_tokens or native for _, offer in ordered) / 2
    scale = LogScale(low, native, 210, _WIDTH - 60)
    height = 40 + 19 * len(ordered)
    shapes = [
        line([(scale(native), 22), (scale(native), height)], "limit"),
        text(scale(native), 14, f"native {tokens_short(native)}", at="middle", kind="ink small"),
    ]
    for index, (provider, offer) in enumerate(ordered):
        y = 30 + 19 * index
        tokens = offer.context_tokens or 0
        gone = " soft" if offer.status == "retired" else ""
        shapes += [
            text(204, y + 11, provider, at="end", kind="ink small"),
            box(
                210, y, scale(tokens) - 210, 14, f"{kind}{gone}", hint=f"{provider}: {tokens:,} tokens, {offer.status}"
            ),
            _beside(scale(tokens), y + 11, f"{tokens:,}", limit=scale(native), pale=bool(gone)),
        ]
    title = f"Context of {name} by provider"
    desc = (
        f"{len(ordered)} providers state a context for {name}; the longest is {max(offer.context_tokens or 0 for _, offer in ordered):,} "
        f"tokens, the model's own limit {native:,}. Pale bars are retired offers. The scale is logarithmic."
    )
    return figure(svg(_WIDTH, height + 6, title, desc, shapes), desc)


def _beside(x: float, y: float, words: str, *, limit: float, pale: bool) -> str:
    """Words after the end of a bar, or inside it where they would cross the limit."""
    if x + 10 + 7 * len(words) > limit and abs(x - limit) < 10 + 7 * len(words):
        return text(x - 5, y, words, at="end", kind="ink small" if pale else "on small")
    return text(x + 5, y, words, kind="ink small")


def price_against_context(catalog: Catalog) -> str:
    """Input price against context, an offer a point."""
    points = [
        (provider, offer, offer.context_tokens, offer.price_input)
        for provider, offer in offers_of(catalog)
        if offer.context_tokens and offer.price_input
    ]
    contexts, prices = [point[2] for point in points], [point[3] for point in points]
    across = LogScale(min(contexts) / 1.3, max(contexts) * 1.3, 56, _WIDTH - 16)
    up = LogScale(min(prices) / 1.3, max(prices) * 1.3, 292, 46)
    shapes = [line([(56, 46), (56, 292), (_WIDTH - 16, 292)], "axis")]
    for tokens in sorted({2**power for power in range(13, 24)}):
        if across.low <= tokens <= across.high and (tokens.bit_length() % 2 == 0):
            shapes += [
                text(across(tokens), 308, tokens_short(tokens), at="middle", kind="ink small"),
                line([(across(tokens), 46), (across(tokens), 292)], "grid"),
            ]
    for price in (0.1, 0.2, 0.5, 1, 2):
        if up.low <= price <= up.high:
            shapes += [
                text(50, up(price) + 4, dollars(price), at="end", kind="ink small"),
                line([(56, up(price)), (_WIDTH - 16, up(price))], "grid"),
            ]
    for provider, offer, tokens, price in points:
        gone = " soft" if offer.status == "retired" else ""
        hint = f"{provider.name}, {catalog.models[offer.model].name}: {tokens:,} tokens, {dollars(price)} US$, {offer.status}"
        shapes.append(dot(across(tokens), up(price), f"{_SERIES[offer.model]}{gone}", hint=hint, radius=5))
    shapes += [
        text(_WIDTH - 16, 326, "context, tokens", at="end", kind="ink small"),
        text(4, 36, "input price, US$ per million tokens", kind="ink small"),
    ]
    shapes += legend(
        4, 14, [("a", "Scout"), ("b", "Maverick"), ("a soft", "Scout, retired"), ("b soft", "Maverick, retired")]
    )
    title = "Price against context"
    desc = (
        f"{len(points)} offers by context and input price: from {dollars(min(prices))} to {dollars(max(prices))} US dollars per million "
        "tokens. Both scales are logarithmic; the table above has the numbers."
    )
    return figure(svg(_WIDTH, 334, title, desc, shapes), desc)


def day_number(day: str) -> int:
    """An ISO day as a number of days."""
    import datetime as dt

    return dt.date.fromisoformat(day).toordinal()


def timeline(rows: Sequence[tuple[str, str, str, str]], title: str, desc: str) -> str:
    """Bars from one day to another; a row is (words, class, first day, last day)."""
    days = [day_number(day) for row in rows for day in row[2:]]
    scale = LinearScale(min(days), max(days), 210, _WIDTH - 12)
    shapes = []
    height = 34 + 17 * len(rows)
    years = range(int(min(row[2] for row in rows)[:4]), int(max(row[3] for row in rows)[:4]) + 1)
    for year in years:
        for month in ("01", "07"):
            day = f"{year}-{month}-01"
            if min(days) <= day_number(day) <= max(days):
                x = scale(day_number(day))
                shapes += [line([(x, 20), (x, height)], "grid"), text(x, 14, day[:7], at="middle", kind="ink small")]
    for index, (words, kind, first, last) in enumerate(rows):
        y = 26 + 17 * index
        start, end = scale(day_number(first)), scale(day_number(last))
        shapes += [
            text(204, y + 10, words, at="end", kind="ink small"),
            box(start, y, end - start, 12, kind, hint=f"{words}: until {last}"),
        ]
    return figure(svg(_WIDTH, height + 6, title, desc, shapes), desc)


def curves(
    title: str, desc: str, series: Sequence[tuple[str, str, Sequence[tuple[float, float]]]], *, across_name: str, up_name: str,
    across_ticks: Sequence[tuple[float, str]], up_ticks: Sequence[tuple[float, str]],
) -> str:  # fmt: skip
    """Lines on logarithmic scales; a series is (name, class, points)."""
    every = [point for _, _, points in series for point in points]
    across = LogScale(min(x for x, _ in every), max(x for x, _ in every), 60, _WIDTH - 20)
    up = LogScale(min(y for _, y in every) / 1.2, max(y for _, y in every) * 1.2, 292, 30)
    shapes = [line([(60, 30), (60, 292), (_WIDTH - 20, 292)], "axis")]
    for x, words in across_ticks:
        shapes += [
            line([(across(x), 30), (across(x), 292)], "grid"),
            text(across(x), 308, words, at="middle", kind="ink small"),
        ]
    for y, words in up_ticks:
        if up.low <= y <= up.high:
            shapes += [
                line([(60, up(y)), (_WIDTH - 20, up(y))], "grid"),
                text(54, up(y) + 4, words, at="end", kind="ink small"),
            ]
    for _, kind, points in series:
        shapes.append(line([(across(x), up(y)) for x, y in points], f"curve {kind}"))
    shapes += [text(_WIDTH - 20, 326, across_name, at="end", kind="ink small"), text(4, 14, up_name, kind="ink small")]
    shapes += legend(250, 14, [(kind, name) for name, kind, _ in series])
    return figure(svg(_WIDTH, 334, title, desc, shapes), desc)


def stacked(title: str, desc: str, parts: Sequence[tuple[str, str, int, str]], total: int) -> str:
    """One bar of parts; a part is (name, class, size, size in words)."""
    scale = LinearScale(0, total, 2, _WIDTH - 2)
    shapes, at = [], 0
    for index, (name, kind, size, words) in enumerate(parts):
        x, width = scale(at), scale(at + size) - scale(at)
        shapes.append(box(x, 4, width, 44, kind, hint=f"{name}: {words}"))
        if width > 90:
            shapes.append(
                text(
                    x + width / 2,
                    30,
                    words,
                    at="middle",
                    kind="ink small" if "soft" in kind or kind == "plain" else "on small",
                )
            )
        column, row = index % 2, index // 2
        shapes += [
            box(4 + column * 320, 64 + row * 20, 11, 11, kind),
            text(21 + column * 320, 74 + row * 20, f"{name}: {words}", kind="ink small"),
        ]
        at += size
    return figure(svg(_WIDTH, 70 + 20 * -(-len(parts) // 2), title, desc, shapes), desc)
