"""Do published figures agree with what follows from the facts?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.errors import UnknownFactError
from llama4ref.facts.arithmetic.quantities import quantities
from llama4ref.facts.arithmetic.stored_bytes import checkpoint_bytes
from llama4ref.facts.types.claims import CheckedClaim, Claim

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.checkpoints import Checkpoint


def checked_claims(catalog: Entries) -> tuple[CheckedClaim, ...]:
    """Every claim of models and checkpoints beside its computed figure, in the order of the files."""
    return (*_of_models(catalog), *_of_checkpoints(catalog))


def _of_models(catalog: Entries) -> Iterator[CheckedClaim]:
    for model in catalog.models.values():
        computed = quantities(model)
        for index, claim in enumerate(model.claims):
            yield _checked(f"models/{model.id}", index, claim, computed.get(claim.about))


def _of_checkpoints(catalog: Entries) -> Iterator[CheckedClaim]:
    for checkpoint in catalog.checkpoints.values():
        of_model = quantities(catalog.model(checkpoint.model))
        for index, claim in enumerate(checkpoint.claims):
            stored = claim.about == "weights.bytes"
            computed = _stored(catalog, checkpoint) if stored else of_model.get(claim.about)
            yield _checked(f"checkpoints/{checkpoint.id}", index, claim, computed)


def _stored(catalog: Entries, checkpoint: Checkpoint) -> int | None:
    try:
        return checkpoint_bytes(catalog.model(checkpoint.model), checkpoint, catalog.formats)
    except UnknownFactError:
        return None


def _checked(entity: str, index: int, claim: Claim, computed: float | None) -> CheckedClaim:
    return CheckedClaim(
        entity=entity,
        field=f"claims.{index}.figure",
        claim=claim,
        computed=computed,
        agrees=None if computed is None else claim.agrees_with(computed),
    )
