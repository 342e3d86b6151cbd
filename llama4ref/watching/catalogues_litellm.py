"""Rows of LiteLLM's price file: one JSON object, a model at a provider by key, prices in US dollars per token."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal

from llama4ref.errors import RequestError
from llama4ref.watching.catalogues import CatalogueRow, ModelNames, RowValue, as_day

PACKAGE = "litellm"
FILE = "litellm/model_prices_and_context_window_backup.json"
"""The price file inside the wheel."""

_PRICES = {"price_input": "input_cost_per_token", "price_output": "output_cost_per_token"}
_LIMITS = {"context_tokens": "max_input_tokens", "max_output_tokens": "max_output_tokens"}
_PER_MILLION = 1_000_000
_SERVICE, _END = "litellm_provider", "deprecation_date"


def rows(text: str, models: ModelNames) -> tuple[CatalogueRow, ...]:
    """The rows about our models.

    Raises:
        RequestError: where the text is no such file.
    """
    try:
        table = json.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise RequestError(
            f"{PACKAGE}: its price file is no JSON ({error}); give the file as LiteLLM ships it"
        ) from error
    named = {key: row for key, row in table.items() if _is_row(row)} if isinstance(table, dict) else {}
    if not named:
        raise RequestError(f"{PACKAGE}: no entry of its price file names a {_SERVICE}; its form may have changed")
    return tuple(_rows(named, models))


def cited_key(at: str) -> str:
    """The key that a citation of the file begins with; further words follow after a comma."""
    return at.partition(", ")[0]


def cited_service(at: str) -> str | None:
    """The provider's word in a citation; None where the key has none."""
    service, slash, _ = cited_key(at).partition("/")
    return service if slash else None


def _is_row(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get(_SERVICE), str)


def _rows(table: Mapping[str, Mapping[str, object]], models: ModelNames) -> Iterator[CatalogueRow]:
    for key, row in table.items():
        model = models.model_in(key)
        if model is None:
            continue
        service = cited_service(key)
        yield CatalogueRow(
            key=key,
            service=service or str(row[_SERVICE]),
            name=key.removeprefix(f"{service}/") if service else key,
            model=model,
            values=dict(_values(row)),
            deprecated=isinstance(row.get(_END), str),
        )


def _values(row: Mapping[str, object]) -> Iterator[tuple[str, RowValue]]:
    """What is of another kind than its field, such as a limit in words, says nothing."""
    for field, name in _PRICES.items():
        if (price := _number(row.get(name))) is not None:
            yield field, float(price * _PER_MILLION)
    for field, name in _LIMITS.items():
        if limit := _number(row.get(name)):
            yield field, int(limit)
    if isinstance(tools := row.get("supports_function_calling"), bool):
        yield "tools", tools
    if (images := _images(row)) is not None:
        yield "images", images
    if (end := as_day(row.get(_END))) is not None:
        yield "retired", end


def _number(value: object) -> int | Decimal | None:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) and value >= 0 else None


def _images(row: Mapping[str, object]) -> bool | None:
    kinds = row.get("supported_modalities")
    if isinstance(kinds, list):
        return "image" in kinds
    said = row.get("supports_vision")
    return said if isinstance(said, bool) else None


__all__ = ["FILE", "PACKAGE", "cited_key", "cited_service", "rows"]
