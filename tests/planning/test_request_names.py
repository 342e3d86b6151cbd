"""A request may name things as people know them; a plan names them by their ids."""

from __future__ import annotations

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.errors import RequestError, UnknownNameError
from llama4ref.facts import Catalog
from llama4ref.planning.request_names import with_ids


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({"gpu": "H200"}, {"gpu": "h200-sxm"}),
        ({"gpu": "NVIDIA H200"}, {"gpu": "h200-sxm"}),
        ({"gpu": "rtx pro 6000"}, {"gpu": "rtx-pro-6000"}),
        ({"gpu": "MI300X"}, {"gpu": "mi300x"}),
        ({"model": "Scout"}, {"model": "scout"}),
        ({"model": "Llama 4 Maverick"}, {"model": "maverick"}),
        ({"checkpoint": "NVIDIA/llama-4-scout-17b-16e-instruct-fp8"}, {"checkpoint": "nvidia-llama-4-scout-17b-16e-instruct-fp8"}),
        ({"checkpoint": "maverick quantized w4a16"}, {"checkpoint": "redhatai-llama-4-maverick-17b-128e-instruct-quantized-w4a16"}),
        (
            {"model": "nvidia/Llama-4-Scout-17B-16E-Instruct-FP8"},
            {"model": "scout", "checkpoint": "nvidia-llama-4-scout-17b-16e-instruct-fp8"},
        ),
        (
            {"model": "meta-llama/Llama-4-Maverick-17B-128E-Instruct"},
            {"model": "maverick", "checkpoint": "meta-llama-4-maverick-17b-128e-instruct"},
        ),
        ({"model": "meta-llama/Llama-4-Scout-17B-16E-Instruct", "hosted": True}, {"model": "scout", "checkpoint": None}),
    ],
)  # fmt: skip
def test_what_people_write_is_the_thing_they_mean(catalog: Catalog, asked: dict[str, object], meant: dict[str, object]):
    """Whatever the case of their letters; a repository as the model stands for that checkpoint."""
    found = with_ids(catalog, PlanRequest(**asked))

    assert {name: getattr(found, name) for name in meant} == meant


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ({"gpu": "h100"}, {"h100-nvl", "h100-pcie", "h100-sxm"}),
        ({"gpu": "a100-80gb"}, {"a100-pcie", "a100-sxm"}),
        ({"model": "nvidia/Llama-4-Scout-17B-16E-Instruct-FP9"}, {"nvidia/Llama-4-Scout-17B-16E-Instruct-FP8"}),
        ({"model": "scuot"}, {"scout"}),
        ({"checkpoint": "maverick-fp8"}, {"nvidia-llama-4-maverick-17b-128e-instruct-fp8"}),
    ],
)
def test_what_can_mean_several_things_is_asked_back(catalog: Catalog, asked: dict[str, object], near: set[str]):
    """With those it can mean."""
    with pytest.raises(UnknownNameError) as caught:
        with_ids(catalog, PlanRequest(**asked))

    assert near <= {*caught.value.nearest, *str(caught.value).replace(",", " ").split()}


def test_an_exact_request_is_left_as_it_is(catalog: Catalog):
    """The same object, so that what is kept by request is found again."""
    request = PlanRequest(model="scout", gpu="h100-sxm")

    assert with_ids(catalog, request) is request


def test_a_checkpoint_of_another_model_contradicts_the_model_it_is_named_by(catalog: Catalog):
    """As it does for ids."""
    with pytest.raises(RequestError, match="is of maverick"):
        plan(with_ids(catalog, PlanRequest(model="Scout", checkpoint="maverick quantized w4a16", gpu="H200", count=8)))
