"""A kind of facts is defined once, and what was loaded is shared and therefore read-only."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.loading import specs_folder
from llama4ref.facts.types.kinds import KINDS
from llama4ref.facts.types.read_only import freeze

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


def test_folders_of_the_specs_are_the_kinds() -> None:
    """Besides the generated schemas there is nothing else."""
    folders = {each.name for each in specs_folder().iterdir() if each.is_dir()}

    assert folders == {*KINDS, "schema"}


@pytest.mark.parametrize("folder", KINDS)
def test_a_kind_has_its_mapping_and_its_lookup(catalog: Catalog, folder: str) -> None:
    """Under the names that the kind goes by, of the type that it is read into."""
    kind, entities = KINDS[folder], getattr(catalog, folder)

    assert entities
    for id_, entity in entities.items():
        assert type(entity) is kind.type
        assert getattr(catalog, kind.singular)(id_) is entity


@pytest.mark.parametrize("folder", [*KINDS, "sources", "provenance"])
def test_the_shared_catalogue_cannot_be_changed(catalog: Catalog, folder: str) -> None:
    """By no way of changing a dictionary."""
    entities = getattr(catalog, folder)
    first = next(iter(entities))
    for change in (
        lambda: entities.__setitem__("x", 1),
        lambda: entities.__delitem__(first),
        lambda: entities.update(x=1),
        lambda: entities.pop(first),
        lambda: entities.setdefault("x", 1),
        *(lambda name=name: getattr(entities, name)() for name in ("popitem", "clear")),
    ):
        with pytest.raises((TypeError, AttributeError), match=r"read-only|object (has no attribute|does not support)"):
            change()


def test_dictionaries_inside_entities_cannot_be_changed_either(catalog: Catalog) -> None:
    """An option that a program adds would be there for the whole process."""
    engine, checkpoint = catalog.engine("vllm"), next(iter(catalog.checkpoints.values()))
    for inner in (
        engine.flags,
        engine.methods,
        engine.environment,
        checkpoint.loads,
        catalog.provenance["models/scout"],
    ):
        with pytest.raises(TypeError, match="read-only"):
            inner["x"] = None  # type: ignore[index]


def test_copies_may_be_changed(catalog: Catalog) -> None:
    """A dictionary made from it, a union with it, a catalogue with one mapping replaced; the original stays."""
    models = dict(catalog.models)
    models["x"] = catalog.model("scout")
    changed = dataclasses.replace(catalog, models=models)

    assert "x" in changed.models
    assert "x" in {**catalog.models, "x": None}
    assert "x" in catalog.models | {"x": None}  # type: ignore[operator]
    assert "x" not in catalog.models
    models["y"] = catalog.model("scout")
    assert "y" not in changed.models


def test_a_read_only_catalogue_can_be_pickled_and_copied(catalog: Catalog) -> None:
    """For process pools and for the cache; what comes back is read-only too."""
    for other in (pickle.loads(pickle.dumps(catalog)), copy.deepcopy(catalog)):
        assert list(other.models) == list(catalog.models)
        assert other.engine("vllm").flags == catalog.engine("vllm").flags
        with pytest.raises(TypeError, match="read-only"):
            other.engine("vllm").flags["x"] = None
    assert dataclasses.asdict(catalog.engine("vllm"))["flags"].keys() == catalog.engine("vllm").flags.keys()


def test_freezing_reaches_every_depth() -> None:
    """Dictionaries in tuples in dictionaries."""
    frozen = freeze({"a": ({"b": {"c": 1}},)})

    with pytest.raises(TypeError, match="read-only"):
        frozen["a"][0]["b"]["c"] = 2  # type: ignore[index]
    assert frozen == {"a": ({"b": {"c": 1}},)}
