"""Recorded faults that cannot be as they are recorded."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from llama4ref.facts.audit.consistency import contradictions
from llama4ref.facts.types.faults import Remedy
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

NAME = "whitespace-forever"


def _found(catalog: Catalog, **changes: Any) -> list[tuple[str, str, str, str]]:
    """What is wrong once one fault of vLLM is recorded otherwise."""
    known = catalog.fault_set("vllm")
    changed = dataclasses.replace(known.faults[NAME], **changes)
    faults = dataclasses.replace(known, faults={**known.faults, NAME: changed})
    found = contradictions(dataclasses.replace(catalog, faults={**catalog.faults, "vllm": faults}))
    return [(each.file, each.field, each.found, each.do) for each in found]


@pytest.mark.parametrize(
    ("changes", "field", "found"),
    [
        ({"since": "0.12.0", "until": "0.12.0"}, "until", "0.12.0"),
        ({"since": "0.12.0", "until": "0.10.2"}, "until", "0.10.2"),
        ({"since": "0.12.0", "until": UNKNOWN, "confirmed": "0.11.0"}, "confirmed", "0.11.0"),
        ({"since": "0.12.0", "until": "0.13.0", "confirmed": "0.13.0"}, "confirmed", "0.13.0"),
    ],
)
def test_a_fault_ends_after_it_begins_and_was_seen_in_between(
    catalog: Catalog, changes: dict[str, Any], field: str, found: str
) -> None:
    """The field that is at odds with the others is named with its value."""
    ((file, at, value, _),) = _found(catalog, **changes)

    assert (file, at, value) == ("specs/faults/vllm.yaml", f"faults.{NAME}.{field}", found)


@pytest.mark.parametrize(
    ("remedy", "field", "meant"),
    [
        ({"settings": {"moe-backnd": "triton"}}, "settings.moe-backnd", "moe-backend"),
        ({"environment": {"VLLM_USE_V11": "1"}}, "environment.VLLM_USE_V11", "VLLM_USE_V1"),
    ],
)
def test_a_remedy_names_options_and_variables_of_the_engine(
    catalog: Catalog, remedy: dict[str, Any], field: str, meant: str
) -> None:
    """The nearest names are suggested."""
    ((_, at, _, words),) = _found(catalog, remedies=(Remedy(because="it helps", **remedy),))

    assert at == f"faults.{NAME}.remedies.0.{field}"
    assert meant in words.removeprefix("did you mean ").split(" or ")


def test_a_remedy_can_be_taken_in_a_release_that_has_the_fault(catalog: Catalog) -> None:
    """An option that came later gets round nothing."""
    remedy = Remedy(because="it helps", settings={"moe-backend": "triton"})

    assert not _found(catalog, since="0.11.0", until="0.18.0", remedies=(remedy,))
    ((_, at, found, do),) = _found(catalog, since="0.11.0", until="0.16.0", remedies=(remedy,))
    assert (at, found, do) == (f"faults.{NAME}.remedies.0.settings.moe-backend", "moe-backend", "name another remedy")
