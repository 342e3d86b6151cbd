"""Rows of genai-prices: Python that builds its list of providers. It is read as syntax and never run."""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from llama4ref.errors import RequestError
from llama4ref.watching.catalogues import CatalogueRow, ModelNames, RowValue
from llama4ref.watching.syntax import assigned

PACKAGE = "genai-prices"
FILE = "genai_prices/data.py"
"""The list inside the wheel."""

_PRICES = {"price_input": "input_mtok", "price_output": "output_mtok"}
_CITED = re.compile(r"(?P<service>[^,]+?)(\.yml)?(, (?P<name>[^,]+))?(,.*)?")


def rows(text: str, models: ModelNames, day: dt.date) -> tuple[CatalogueRow, ...]:
    """The rows about our models, with the prices that hold on a day.

    Raises:
        RequestError: where the text is no such file.
    """
    try:
        listed = assigned(ast.parse(text), "providers")
    except (SyntaxError, ValueError, RecursionError) as error:
        raise RequestError(f"{PACKAGE}: its data are no Python ({error}); give the file as it is shipped") from error
    providers = [_arguments(each) for each in _items(listed)]
    if not any(_items(each.get("models")) for each in providers):
        raise RequestError(f"{PACKAGE}: its data list no provider with models; their form may have changed")
    return tuple(row for each in providers for row in _rows(each, models, day))


def cited_key(at: str) -> str:
    """The provider and the model that a citation begins with; the provider alone where it names a provider's file."""
    found = _CITED.fullmatch(at)
    return ", ".join(filter(None, (found["service"], found["name"]))) if found else at


def cited_service(at: str) -> str | None:
    """The provider's word in a citation."""
    return cited_key(at).partition(",")[0]


def _rows(provider: dict[str, ast.expr], models: ModelNames, day: dt.date) -> Iterator[CatalogueRow]:
    service = _text(provider.get("id"))
    for each in _items(provider.get("models")):
        given = _arguments(each)
        name = _text(given.get("id"))
        model = models.model_in(name)
        if model is None:
            continue
        yield CatalogueRow(
            key=f"{service}, {name}",
            service=service,
            name=name,
            model=model,
            values=dict(_values(given, day)),
            deprecated=_constant(given.get("deprecated")) is True,
        )


def _values(given: dict[str, ast.expr], day: dt.date) -> Iterator[tuple[str, RowValue]]:
    prices = _arguments(_price_on(given.get("prices"), day))
    for field, name in _PRICES.items():
        price = _decimal(prices.get(name))
        if price is not None:
            yield field, float(price)
    window = _constant(given.get("context_window"))
    if isinstance(window, int):
        yield "context_tokens", window


def _price_on(prices: ast.expr | None, day: dt.date) -> ast.expr | None:
    """The price that holds on a day: of several the last that has begun; those of some hours of a day are passed over."""
    if not isinstance(prices, ast.List):
        return prices
    found: ast.expr | None = None
    for each in map(_arguments, prices.elts):
        begins = each.get("constraint")
        start = _day(_arguments(begins).get("start_date"))
        if begins is None or _constant(begins, ...) is None or (start is not None and start <= day):
            found = each.get("prices")
    return found


def _items(node: ast.expr | None) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.List) else []


def _arguments(node: ast.expr | None) -> dict[str, ast.expr]:
    """The named arguments of a call; none where it is no call."""
    return {each.arg: each.value for each in node.keywords if each.arg} if isinstance(node, ast.Call) else {}


def _constant(node: ast.expr | None, otherwise: object = None) -> object:
    return node.value if isinstance(node, ast.Constant) else otherwise


def _text(node: ast.expr | None) -> str:
    value = _constant(node)
    return value if isinstance(value, str) else ""


def _decimal(node: ast.expr | None) -> Decimal | None:
    """`Decimal('0.17')`; of a price in tiers the one that holds from the first token."""
    if isinstance(node, ast.Call) and "base" in (tiers := _arguments(node)):
        return _decimal(tiers["base"])
    if not isinstance(node, ast.Call) or not node.args:
        return None
    try:
        price = Decimal(_text(node.args[0]))
    except InvalidOperation:
        return None
    return price if price.is_finite() else None


def _day(node: ast.expr | None) -> dt.date | None:
    """`datetime.date(2026, 10, 19)`."""
    parts = [_constant(each) for each in node.args] if isinstance(node, ast.Call) else []
    numbers = [each for each in parts if isinstance(each, int)]
    try:
        return dt.date(*numbers) if len(numbers) == 3 else None
    except ValueError:
        return None


__all__ = ["FILE", "PACKAGE", "cited_key", "cited_service", "rows"]
