"""A mapping is written in the form that a release takes, and read back from either."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.engine.option_values import object_of, object_text
from llama4ref.errors import RequestError
from llama4ref.planning import PlanRequest, plan
from llama4ref.rendering import FORMS, render
from llama4ref.rendering.server_command import server_command

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


@pytest.mark.parametrize(
    ("release", "text"),
    [("0.8.3", "image=4"), ("0.8.4", "image=4"), ("0.8.5", '{"image": 4}'), ("0.32.0", '{"image": 4}')],
)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_writes_what_the_plan_says(catalog: Catalog, release: str, text: str, form: str) -> None:
    """Planner and writers share the form of the value."""
    wish = PlanRequest(model="scout", gpu="h100-sxm", count=8, context="128K", images=4, engine_release=release)
    best = plan(wish, catalog).best
    words = server_command(best.config, catalog.engine("vllm")).words

    assert best.settings["limit-mm-per-prompt"] == text
    assert words[words.index("--limit-mm-per-prompt") + 1] == text
    assert render(best, form, catalog.engine("vllm"))


@pytest.mark.parametrize(
    "text", ["", "image", "image=", "image=4,", "{image: 0}", "[1]", "1", "null", '{"a": NaN}', '{"a": 1e999}', "[" * 5000, "{" * 5000]
)  # fmt: skip
def test_what_is_no_object_is_refused(text: str) -> None:
    """Also what Python's reader takes and JSON does not know."""
    with pytest.raises(RequestError, match="expected a JSON object"):
        object_of(text)


def test_pairs_hold_whole_numbers_alone(catalog: Catalog) -> None:
    """A nested object has no form of pairs."""
    flag = catalog.engine("vllm").flags["limit-mm-per-prompt"]

    assert object_of(object_text({"image": 4, "video": 0}, flag, "0.8.4")) == {"image": 4, "video": 0}
    with pytest.raises(RequestError, match="takes pairs"):
        object_text({"image": {"count": 4}}, flag, "0.8.4")
