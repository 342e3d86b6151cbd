"""Names of repositories are judged as Hugging Face's own client judges them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama4ref.engine.repositories import is_repository
from llama4ref.errors import RequestError
from llama4ref.planning.request import PlanRequest

HOSTILE = ("/", "a/", "/b", "../x/y", "-a/b", "a/b\nc", "a/b c", "a/--b", "a/b;id", "a/b.git", "a/..", "a/\x7f", "a/é")


@settings(deadline=None)
@given(
    name=st.sampled_from(HOSTILE)
    | st.text("ab1-_./é\n", min_size=1, max_size=12)
    | st.from_regex(r"\A[a-z]{1,100}/[a-z]{1,100}\Z")
)
def test_names_are_judged_as_the_hub_judges_them(name: str) -> None:
    """Whatever its client takes with an owner, and nothing else; a line break at the end is none of its characters."""
    validate = pytest.importorskip("huggingface_hub.utils").validate_repo_id
    try:
        validate(name)
        valid = name.count("/") == 1 and name.isascii() and "\n" not in name
    except ValueError:
        valid = False

    assert is_repository(name) is valid


@pytest.mark.parametrize("name", HOSTILE)
def test_a_draft_head_that_is_no_repository_is_refused(name: str) -> None:
    """Before it is written into a command."""
    with pytest.raises(RequestError, match=r"speculative: found .* expected a repository"):
        PlanRequest(model="maverick", gpu="h100-sxm", count=8, speculative=name)
