"""Resolving names in a request as people write them, to ids."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llama4ref.errors import UnknownNameError
from llama4ref.facts.queries.naming import id_meant

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.planning.request import PlanRequest


def with_ids(catalog: Catalog, request: PlanRequest) -> PlanRequest:
    """The request with the ids of what it names.

    A repository given as the model stands for that checkpoint, as it does on vLLM's command line, unless providers are asked for.

    Raises:
        UnknownNameError: for a name that can mean nothing, or several things.
        RequestError: where the model and the checkpoint it was named by contradict each other.

    Examples:
        >>> from llama4ref import PlanRequest, load
        >>> with_ids(load(), PlanRequest(model="Scout", gpu="H200")).gpu
        'h200-sxm'
    """
    model, checkpoint, gpu, engine = request.model, request.checkpoint, request.gpu, request.engine
    if checkpoint is not None:
        checkpoint = id_meant(catalog, "checkpoints", checkpoint)
    if model is not None:
        model, of_model = _model_meant(catalog, model)
        checkpoint = checkpoint or (None if request.hosted else of_model)
    if gpu is not None:
        gpu = id_meant(catalog, "accelerators", gpu)
    if engine is not None:
        engine = id_meant(catalog, "engines", engine)
    if (model, checkpoint, gpu, engine) == (request.model, request.checkpoint, request.gpu, request.engine):
        return request
    return replace(request, model=model, checkpoint=checkpoint, gpu=gpu, engine=engine)


def _model_meant(catalog: Catalog, name: str) -> tuple[str, str | None]:
    """The model of that name, or that of the checkpoint in that repository, with this checkpoint."""
    if "/" not in name:
        return id_meant(catalog, "models", name), None
    try:
        checkpoint = id_meant(catalog, "checkpoints", name)
    except UnknownNameError:
        if any(name in model.repositories.values() for model in catalog.models.values()):
            return id_meant(catalog, "models", name), None
        raise
    return catalog.checkpoint(checkpoint).model, checkpoint
