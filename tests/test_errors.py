"""Errors carry their facts, are what one would expect to catch, and read as one line."""

from __future__ import annotations

import re

import pytest

from llama4ref import errors
from llama4ref.errors import (
    Fault,
    LaunchError,
    Llama4refError,
    MissingExtraError,
    PortInUseError,
    ProbeError,
    ProofError,
    ReleaseError,
    RequestError,
    SpecErrors,
    UnknownFactError,
    UnknownNameError,
    WatchError,
    nearest_names,
)

FAULT = Fault(
    "specs/models/scout.yaml", 14, "experts.count", "0", "a positive number", "give the routed experts per layer"
)
EXAMPLES: list[tuple[Llama4refError, type[Exception], int]] = [
    (SpecErrors([FAULT]), ValueError, 2),
    (UnknownNameError("model", "scuot", ["scout", "maverick"]), KeyError, 2),
    (UnknownFactError("models/behemoth", "text"), ValueError, 1),
    (RequestError("context: found 0, expected at least 1"), ValueError, 2),
    (ReleaseError("'newest' is not a release"), ValueError, 2),
    (WatchError("pip found no release"), RuntimeError, 3),
    (ProofError("the server ended"), RuntimeError, 3),
    (MissingExtraError("vllm", "prove-cpu"), ImportError, 3),
    (PortInUseError(8000), OSError, 3),
    (LaunchError("the server ended", log="/x.log", server_exit_code=1), RuntimeError, 3),
    (ProbeError("no answer"), RuntimeError, 3),
]


@pytest.mark.parametrize(("error", "builtin", "code"), EXAMPLES, ids=lambda each: type(each).__name__)
def test_an_error_is_also_the_builtin_one_would_catch(error: Llama4refError, builtin: type[Exception], code: int):
    """And says with which code the command ends."""
    assert isinstance(error, Llama4refError)
    assert isinstance(error, builtin)
    assert error.exit_code == code
    assert str(error)
    assert not str(error).endswith(".")


def test_the_tree_on_top_is_the_tree_below():
    """Every class of the module is drawn, under its parent."""
    assert errors.__doc__ is not None
    drawn = re.findall(r"^([│ ]*)[├└]── (\w+)", errors.__doc__, re.MULTILINE)
    parents = {"": "Llama4refError"}
    found = {}
    for depth, name in drawn:
        found[name] = parents[depth]
        parents[depth + "│   "] = parents[depth + "    "] = name
    defined = {
        name: each.__mro__[1].__name__
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, Llama4refError) and each is not Llama4refError
    }

    assert found == defined


def test_a_fault_says_where_what_expected_and_do():
    """In one line; without a field where the whole file is at fault."""
    assert str(FAULT) == (
        "specs/models/scout.yaml:14 experts.count: found 0, expected a positive number; give the routed experts per layer"
    )
    assert str(Fault("specs/x.yaml", 1, "", "no mapping", "fields", "write some")).startswith("specs/x.yaml:1: found")


def test_every_fault_is_in_the_report():
    """One line each, after their number."""
    report = SpecErrors([FAULT, FAULT])

    assert str(report).splitlines() == ["2 faults in the specs", str(FAULT), str(FAULT)]
    assert report.faults == (FAULT, FAULT)
    assert str(SpecErrors([FAULT])).startswith("1 fault in")


def test_an_unknown_name_offers_the_nearest():
    """Or all that are known, where none is near."""
    assert UnknownNameError("model", "Scuot", ["scout", "maverick"]).nearest == ("scout",)
    assert "did you mean scout" in str(UnknownNameError("model", "scuot", ["scout"]))
    assert "known are scout, maverick" in str(UnknownNameError("model", "gpt", ["scout", "maverick"]))


def test_the_nearest_names_come_best_first():
    """Whatever the case of their letters, each once."""
    assert nearest_names("H100", ["h200-sxm", "h100-sxm", "l4"])[0] == "h100-sxm"
    assert nearest_names("zzz", ["scout"]) == ()
    assert len(nearest_names("a1", [f"a{i}" for i in range(20)])) == 3


def test_errors_keep_their_facts():
    """As attributes, for programs."""
    launch = LaunchError("ended", log="/x.log", server_exit_code=137)

    assert (launch.log, launch.server_exit_code) == ("/x.log", 137)
    assert PortInUseError(8000).port == 8000
    assert (MissingExtraError("vllm", "prove-cpu").package, MissingExtraError("vllm", "prove-cpu").extra) == (
        "vllm",
        "prove-cpu",
    )
    assert (UnknownFactError("models/behemoth", "text").entity, UnknownFactError("models/behemoth", "text").field) == (
        "models/behemoth",
        "text",
    )
