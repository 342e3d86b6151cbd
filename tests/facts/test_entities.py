"""Each entity knows the catalogue that it was read into, and what is computed about it uses that catalogue's facts."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import shutil
from typing import TYPE_CHECKING

import pytest

from llama4ref.engine.layout import Layout
from llama4ref.errors import ReleaseError, UnknownNameError
from llama4ref.facts import catalog_of, load
from llama4ref.facts.loading import specs_folder
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.kinds import KINDS
from llama4ref.memory import kv_cache, weights
from llama4ref.performance import Workload, estimate

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.facts import Catalog

PUBLISHED = "meta-llama/Llama-4-Scout-17B-16E-Instruct"
PLAIN_BYTES = 217_283_587_072
"""Scout's parameters of two bytes each."""


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The same facts, but a number in BF16 has 32 bits and vLLM's newest release is 0.31.0."""
    folder: Path = tmp_path_factory.mktemp("wide") / "specs"
    shutil.copytree(specs_folder(), folder)
    for file, old, new in (
        ("formats/bf16.yaml", "bits: 16", "bits: 32"),
        ("engines/vllm.yaml", 'newest_release: "0.33.0"', 'newest_release: "0.31.0"'),
    ):
        text = (folder / file).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return load(folder)


def test_every_kind_is_an_entity():
    """So that each knows its catalogue."""
    assert all(issubclass(kind.type, Entity) for kind in KINDS.values())


@pytest.mark.parametrize("kind", KINDS)
def test_entities_know_their_catalogue(catalog: Catalog, wide: Catalog, kind: str):
    """The one they were read into, whichever was loaded last."""
    for each in (catalog, wide):
        entities = getattr(each, kind)

        assert entities
        assert all(catalog_of(entity) is each for entity in entities.values())


def test_what_was_made_by_hand_is_in_the_packaged_catalogue(wide: Catalog):
    """A changed copy was read from nowhere; where something else was, that decides."""
    model = wide.model("scout")
    for made in (dataclasses.replace(model, name="mine"), copy.copy(model), pickle.loads(pickle.dumps(model))):
        assert catalog_of(made) is load()
        assert catalog_of(made, model) is wide
    assert catalog_of(None) is load()


def test_a_catalogue_that_was_pickled_owns_its_entities(wide: Catalog):
    """So does one made of parts of another, which keeps its own."""
    thawed, derived = pickle.loads(pickle.dumps(wide)), dataclasses.replace(wide, formats=load().formats)

    assert catalog_of(thawed.model("scout")) is thawed
    assert catalog_of(derived.model("scout")) is derived
    assert catalog_of(derived.format("bf16")) is derived
    assert catalog_of(wide.model("scout")) is wide
    assert catalog_of(load().format("bf16")) is load()


def test_the_catalogue_is_no_field(wide: Catalog):
    """It is not printed, compared, or pickled along."""
    model, format_ = wide.model("scout"), wide.format("nvfp4")

    assert "catalog" not in repr(model)
    assert "_catalog" not in dataclasses.asdict(model)
    assert format_ == load().format("nvfp4")
    assert hash(format_) == hash(load().format("nvfp4"))
    assert len(pickle.dumps(model)) < 20_000


def test_weights_are_stored_in_the_formats_of_their_catalogue(catalog: Catalog, wide: Catalog):
    """Four bytes a number there, two in the packaged one; by checkpoint, by id, by repository, or with one of both made by hand."""
    model, checkpoint = wide.model("scout"), wide.checkpoint(PUBLISHED)
    for arguments in (
        (model, checkpoint),
        (model, checkpoint.id),
        (model, PUBLISHED),
        (dataclasses.replace(model), checkpoint),
        (model, dataclasses.replace(checkpoint)),
    ):
        assert weights(*arguments).stages[0].bytes == pytest.approx(2 * PLAIN_BYTES, rel=1e-3)
    assert weights(catalog.model("scout"), PUBLISHED).stages[0].bytes == PLAIN_BYTES
    assert weights(dataclasses.replace(model), PUBLISHED).stages[0].bytes == PLAIN_BYTES


def test_a_checkpoint_is_looked_up_in_the_models_catalogue(wide: Catalog):
    """One that is only there is found."""
    mine = dataclasses.replace(wide.checkpoint(PUBLISHED), id="mine", repository="me/mine")
    other = dataclasses.replace(wide, checkpoints={**wide.checkpoints, "mine": mine})

    assert weights(other.model("scout"), "me/mine").stages[0].bytes == pytest.approx(2 * PLAIN_BYTES, rel=1e-3)
    with pytest.raises(UnknownNameError):
        weights(wide.model("scout"), "me/mine")


def test_releases_are_those_of_the_models_catalogue(catalog: Catalog, wide: Catalog):
    """The newest one is, and one beyond it is refused."""
    assert kv_cache(wide.model("scout"), max_model_len=8192).rules.release == "0.31.0"
    assert kv_cache(catalog.model("scout"), max_model_len=8192, release="0.32.0").rules.release == "0.32.0"
    with pytest.raises(ReleaseError, match=r"0\.31\.0"):
        kv_cache(wide.model("scout"), max_model_len=8192, release="0.32.0")


def test_speed_is_estimated_from_the_catalogue_of_the_model(catalog: Catalog, wide: Catalog):
    """Twice the bytes take longer to read, where a batch visits every expert and reading binds."""

    def seconds(each: Catalog) -> float:
        found = estimate(
            each.model("scout"),
            each.checkpoint(PUBLISHED),
            each.accelerator("h200-sxm"),
            Layout(tensor_parallel=8),
            Workload(prompt_tokens=100, output_tokens=1000, concurrency=64),
        )
        assert found.decode_speed is not None
        return 1 / found.decode_speed.value

    assert seconds(wide) > 1.1 * seconds(catalog)
