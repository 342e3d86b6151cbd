"""Names and shapes are those of transformers' own modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import UnknownFactError
from llama4ref.facts.arithmetic.tensors import COMPONENTS, dense_layers, model_tensors, moe_layers

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", ["scout", "maverick"])
def test_every_tensor_has_the_name_and_shape_of_transformers(
    catalog: Catalog, transformers, published_configuration, model: str
) -> None:
    """All tensors of the full-size model on the meta device, none more and none fewer."""
    import torch

    facts = catalog.model(model)
    published = published_configuration(facts)
    config = transformers.Llama4Config(**{name: published[name] for name in ("text_config", "vision_config")})
    with torch.device("meta"):
        module = transformers.Llama4ForConditionalGeneration(config)
    theirs = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}

    assert {name: tensor.shape for tensor in model_tensors(facts) for name in tensor.names()} == theirs


def test_every_tensor_belongs_to_a_component(catalog: Catalog) -> None:
    """And every component has a tensor in a model with dense layers."""
    tensors = model_tensors(catalog.model("maverick"))

    assert {tensor.component for tensor in tensors} == set(COMPONENTS)


def test_layers_are_moe_or_dense(catalog: Catalog) -> None:
    """Scout is MoE throughout; Maverick's even layers are dense."""
    scout, maverick = (catalog.model(id_).architecture for id_ in ("scout", "maverick"))

    assert (moe_layers(scout), dense_layers(scout)) == (tuple(range(48)), ())
    assert (moe_layers(maverick), dense_layers(maverick)) == (tuple(range(1, 48, 2)), tuple(range(0, 48, 2)))


def test_only_linear_weights_experts_and_embeddings_are_matrices(catalog: Catalog) -> None:
    """Norms, biases and position embeddings have no number format."""
    plain = {tensor.name.rpartition(".")[2] for tensor in model_tensors(catalog.model("scout")) if not tensor.is_matrix}

    assert plain == {"class_embedding", "positional_embedding_vlm", "bias", "weight"}
    assert all(
        "norm" in t.name for t in model_tensors(catalog.model("scout")) if not t.is_matrix and t.name.endswith("weight")
    )


def test_an_unpublished_model_has_no_tensors(catalog: Catalog) -> None:
    """Behemoth's shapes were never published."""
    with pytest.raises(UnknownFactError, match="behemoth"):
        model_tensors(catalog.model("behemoth"))
