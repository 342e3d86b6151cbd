"""`help()` of what a person gets from this package says what each field means."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pydoc
import subprocess
import sys

import pytest

import llama4ref
from llama4ref.field_words import meanings, plain_doc
from llama4ref.website.pages.references import MODULES, public_members

PUBLIC = {
    member
    for name in MODULES
    for _, member in public_members(importlib.import_module(name))
    if inspect.isclass(member) and dataclasses.is_dataclass(member)
}
REACHED = {type(getattr(llama4ref.plan(llama4ref.PlanRequest(model="scout", gpu="h100-sxm", count=8)).best, name))
           for name in ("config", "budget", "performance", "workload", "request")}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(PUBLIC | REACHED, key=lambda kind: f"{kind.__module__}.{kind.__name__}"))
def test_help_shows_the_words_under_every_field(kind: type) -> None:
    """As they stand in the source, which is read here as text."""
    shown = " ".join(pydoc.plain(pydoc.render_doc(kind)).replace("|", " ").split())
    source = " ".join(" ".join(inspect.getsource(each) for each in kind.__mro__[:-1]).split())
    for field in dataclasses.fields(kind):
        words = meanings(kind)[field.name]

        assert words in source
        assert f"{field.name}: {words}" in shown


def test_plan_says_its_units() -> None:
    """In the words of a person who reads `help(llama4ref.Plan)`."""
    assert "    context: Longest request that is promised, in tokens: a lower bound.\n" in str(llama4ref.Plan.__doc__)


def test_the_plain_docstring_is_that_of_the_source() -> None:
    """Which is what the site prints beside its table of fields."""
    assert plain_doc(llama4ref.Plan) == "One way to serve a model on own GPUs."
    assert plain_doc(llama4ref.plan) == llama4ref.plan.__doc__


def test_no_source_is_read_before_somebody_asks() -> None:
    """A plan costs no look at the source."""
    program = (
        "import llama4ref; from llama4ref import field_words;"
        "assert llama4ref.plan(llama4ref.PlanRequest(model='scout', gpu='h100-sxm', count=8)).best;"
        "print(field_words._meanings.cache_info().misses); llama4ref.Plan.__doc__;"
        "print(field_words._meanings.cache_info().misses)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "0\n1\n"
