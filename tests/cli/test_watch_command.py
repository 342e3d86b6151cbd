"""`llama4ref watch` over stored rows of real catalogues."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from llama4ref.errors import WatchError
from llama4ref.facts.loading import specs_folder
from llama4ref.watching import engine_releases

if TYPE_CHECKING:
    from collections.abc import Callable

STORED = Path(__file__).parent.parent / "watching" / "catalogues"
LITELLM = STORED / "litellm-1.110.2.json"
AZURE = "azure_ai/Llama-4-Scout-17B-16E-Instruct"


@pytest.fixture
def genai_prices(tmp_path: Path) -> Path:
    """The stored rows under the ending that they have where they come from."""
    return Path(shutil.copy(STORED / "genai-prices-0.2.3.txt", tmp_path / "data.py"))


@pytest.fixture
def dearer(tmp_path: Path) -> Path:
    """One row of litellm, with another price."""
    table = json.loads(LITELLM.read_text())
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({AZURE: table[AZURE] | {"input_cost_per_token": 3e-07}}))
    return path


def test_no_news_is_exit_code_0(call: Callable[..., object], genai_prices: Path):
    """The specs hold all that genai-prices says."""
    answer = call("watch", "--catalogue", str(genai_prices), "--as-of", "2026-11-25")

    assert answer.code == 0, answer.out
    assert answer.out.splitlines() == [
        "genai-prices of no release, its day is not known: 22 rows, 1 difference held already",
        "",
        "No news.",
    ]


def test_news_is_listed_with_its_place_and_changes_nothing(call: Callable[..., object], dearer: Path):
    """File, line, field, ours, theirs and the edit; every spec is what it was."""
    specs = specs_folder()
    before = {path: path.read_bytes() for path in (specs / "providers").iterdir()}
    answer = call("watch", "--catalogue", str(dearer), "--as-of", "2026-11-25", columns=200)
    place = re.search(r"differs +specs/providers/azure-ai-foundry.yaml:(\d+) offers.0.price_input", answer.out)

    assert answer.code == 1
    assert place is not None, answer.out
    written = before[specs / "providers" / "azure-ai-foundry.yaml"].decode().splitlines()[int(place[1]) - 1]
    assert written.split() == ["value:", "0.2"]
    assert "ours 0.2, theirs 0.3" in answer.out
    assert {path: path.read_bytes() for path in (specs / "providers").iterdir()} == before


def test_json_has_the_same_differences(call: Callable[..., object], dearer: Path):
    """For programs, with what is held already where it is asked for."""
    words = ("watch", "--catalogue", str(dearer), "--as-of", "2026-11-25", "--json")
    news = {each["field"]: each for each in call(*words).json["differences"] if each["kind"] == "differs"}
    every = {each["field"]: each for each in call(*words, "--all").json["differences"] if each["kind"] == "differs"}

    assert [*news] == ["offers.0.price_input"]
    assert (news["offers.0.price_input"]["ours"], news["offers.0.price_input"]["theirs"]) == (0.2, 0.3)
    assert every["offers.0.context_tokens"]["recorded"] is True


@pytest.mark.parametrize("words", [("--catalogue", "missing.json"), ("--as-of", "soon"), ("--catalogue", __file__)])
def test_a_wrong_call_is_exit_code_2(call: Callable[..., object], words: tuple[str, ...]):
    """No file, no day, no catalogue."""
    assert call("watch", *words).code == 2


def test_without_any_catalogue_it_says_what_to_do(call: Callable[..., object], monkeypatch: pytest.MonkeyPatch):
    """Nothing compared is not the same as nothing new."""

    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    answer = call("watch")

    assert answer.code == 2
    assert "--download" in answer.err


@pytest.mark.parametrize(
    ("published", "code", "said"),
    [
        ({}, 0, "covered  vllm 0.33.0"),
        ({"vllm": ("0.32.0", "0.33.0", "0.33.1", "0.34.0")}, 1, "new      vllm 0.33.1, 0.34.0; the specs cover 0.33.0"),
        ({"sglang": ("0.4.5", "99.0")}, 1, "new      sglang 99.0; the specs cover "),
        ({"transformers": ("4.51.0", "99.0")}, 1, "new      transformers 99.0; the specs cover "),
        ({"vllm": None}, 0, "unknown  vllm: pip finds no release"),
    ],
    ids=["none", "vllm", "sglang", "transformers", "one is not found"],
)
def test_newer_releases_of_engines_are_told(
    call: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
    published: dict[str, tuple[str, ...] | None],
    code: int,
    said: str,
):
    """A package index that has what the specs cover, but for one package."""

    def found(package: str) -> tuple[str, ...]:
        releases = published.get(package, ("0.0.1",))
        if releases is None:
            raise WatchError(f"{package}: pip finds no release")
        return releases

    monkeypatch.setattr(engine_releases, "published", found)
    answer = call("watch", "engines")

    assert answer.code == code
    assert said in answer.out


def test_where_pip_finds_nothing_it_failed(call: Callable[..., object], monkeypatch: pytest.MonkeyPatch):
    """That no release is newer was not seen."""

    def none(package: str) -> tuple[str, ...]:
        raise WatchError(f"{package}: pip finds no release")

    monkeypatch.setattr(engine_releases, "published", none)

    assert call("watch", "engines").code == 3


def test_the_weekly_workflow_calls_what_there_is_and_may_change_nothing(call: Callable[..., object]):
    """Its commands with their options are accepted, and its token reads."""
    path = Path(__file__).parents[2] / ".github" / "workflows" / "watch.yml"
    workflow = yaml.safe_load(path.read_text())
    commands = re.findall(r"summarize llama4ref (.*)", path.read_text())

    assert workflow["permissions"] == {"contents": "read"}
    assert commands == ["watch --download", "watch engines --read"]
    for each in commands:
        assert call(*each.split(), "--help").code == 0
