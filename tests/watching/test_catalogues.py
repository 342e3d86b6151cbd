"""Catalogues of prices as they are read: in a wheel, in a file, installed, and never run."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import RequestError
from llama4ref.watching.catalogues_found import installed, opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llama4ref.watching.catalogues import Catalogue, ModelNames

DAY = dt.date(2026, 11, 25)
NOVITA = "novita/meta-llama/llama-4-scout-17b-16e-instruct"


@pytest.mark.parametrize(
    "row",
    [
        {"input_cost_per_token": True, "max_input_tokens": "128K", "max_output_tokens": None},
        {"input_cost_per_token": -1, "max_input_tokens": -1, "supports_vision": "yes"},
        {"input_cost_per_token": float("nan"), "deprecation_date": "soon", "supported_modalities": "text"},
    ],
)
def test_values_of_another_kind_say_nothing(
    wheel: Callable[[str, str], Path], models: ModelNames, row: dict[str, object]
):
    """A price that is no number is not zero."""
    (read,) = opened(wheel("litellm", json.dumps({NOVITA: {"litellm_provider": "novita"} | row})), models, DAY).rows

    assert read.values == {}


@pytest.mark.parametrize(
    ("day", "prices"),
    [("2026-10-18", (0.15, 0.6)), ("2026-10-19", (0.1875, 0.6525)), ("2026-11-25", (0.35, 1.0))],
)
def test_a_price_holds_from_its_day(genai: Callable[..., Catalogue], day: str, prices: tuple[float, float]):
    """Maverick at OpenRouter became dearer twice."""
    rows = {each.key: each for each in genai(day=dt.date.fromisoformat(day)).rows}
    values = rows["openrouter, meta-llama/llama-4-maverick"].values

    assert (values["price_input"], values["price_output"]) == prices


@pytest.mark.skipif(importlib.util.find_spec("genai_prices") is None, reason="genai-prices is not installed")
def test_prices_are_those_that_genai_prices_itself_computes(models: ModelNames):
    """Read as syntax, beside the package asked for the prices of the same rows on the same day."""
    from genai_prices.data import providers

    (catalogue,) = (each for each in installed(models, DAY) if each.package == "genai-prices")
    noon = dt.datetime.combine(DAY, dt.time(12), tzinfo=dt.UTC)
    theirs = {f"{each.id}, {model.id}": model for each in providers for model in each.models}
    asked = {row.key: theirs[row.key].get_prices(noon) for row in catalogue.rows}

    assert len(asked) == 22
    for row in catalogue.rows:
        prices = [row.values.get(field) for field in ("price_input", "price_output")]
        said = [asked[row.key].input_mtok, asked[row.key].output_mtok]
        assert [None if each is None else Decimal(str(each)) for each in prices] == said, row.key
        assert theirs[row.key].context_window == row.values.get("context_tokens"), row.key


def test_installed_catalogues_are_read_without_running_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: ModelNames, stored: Callable[[str], str]
):
    """A price file that would fail if it was imported."""
    folder = tmp_path / "site"
    (folder / "genai_prices").mkdir(parents=True)
    (folder / "genai_prices" / "data.py").write_text(f"raise SystemExit\n{stored('genai-prices')}")
    (folder / "genai_prices-9.9.9.dist-info").mkdir()
    (folder / "genai_prices-9.9.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: genai-prices\nVersion: 9.9.9\n"
    )
    monkeypatch.syspath_prepend(folder)
    found = {each.package: each for each in installed(models, DAY)}

    assert found["genai-prices"].release == "9.9.9"
    assert len(found["genai-prices"].rows) == 22


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("prices.json", "{", "no JSON"),
        ("prices.json", "[]", "its form may have changed"),
        ("prices.json", '{"groq/llama-4-scout": {"cost": 1}}', "its form may have changed"),
        ("data.py", "providers = [", "no Python"),
        ("data.py", "providers = 0\0", "no Python"),
        ("data.py", "providers = {}", "form may have changed"),
        ("prices.csv", "", "give one of them"),
        ("vllm-0.1-py3-none-any.whl", "", "is no wheel of"),
        ("litellm-1.0-py3-none-any.whl", "no zip", "cannot be read in it"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path, models: ModelNames, name: str, text: str, said: str):
    """It never passes for a catalogue that has dropped every offer."""
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(RequestError, match=said):
        opened(path, models, DAY)
