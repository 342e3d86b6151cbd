"""Which draft head is meant, how does it work, how many tokens does it propose, and from which release on?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError
from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.drafts import DraftAlgorithm
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.models import Model
    from llama4ref.planning.request import PlanRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftChoice:
    """A draft head as the engine is told of it."""

    repository: str
    algorithm: DraftAlgorithm
    tokens: int
    """Tokens that it proposes in a step."""
    is_known: bool
    """Whether the facts have it."""


def check_draft(catalog: Catalog, request: PlanRequest, models: Sequence[Model]) -> None:
    """A draft head that the facts know must be one, and of the model; another repository is its owner's own business.

    Raises:
        RequestError: for a checkpoint that is no draft head, or drafts for another model.
        UnknownNameError: for an id that no checkpoint has.
    """
    name = request.speculative
    if name is None or (_known(catalog, name) is None and "/" in name):
        return
    draft = catalog.checkpoint(name)
    if draft.stage != "draft":
        raise RequestError(f"speculative: {draft.id} is no draft head, but a checkpoint of stage {draft.stage}")
    if draft.model not in {model.id for model in models}:
        raise RequestError(f"speculative: {draft.id} drafts for {draft.model}, the request is for {request.model}")


def draft_choice(catalog: Catalog, name: str) -> DraftChoice:
    """A draft head by its id or repository; of one that the facts do not have, what its name says.

    As vLLM does (`config/speculative.py`), a name with `eagle-` in it is taken for EAGLE. Tokens that nobody states are as many as
    other heads propose.

    Examples:
        >>> from llama4ref.facts import load
        >>> draft_choice(load(), "nvidia/Llama-4-Maverick-17B-128E-Eagle3").tokens
        3
        >>> draft_choice(load(), "somebody/EAGLE-Llama-4-Scout").algorithm, draft_choice(load(), "a/eagle3-head").algorithm
        ('eagle', 'eagle3')
    """
    checkpoint = _known(catalog, name)
    heads = [each.draft for each in catalog.checkpoints.values() if each.draft is not None]
    usual = max((head.tokens for head in heads if is_stated(head.tokens)), default=1)
    if checkpoint is None or checkpoint.draft is None:
        algorithm: DraftAlgorithm = "eagle" if "eagle-" in name.lower() else "eagle3"
        return DraftChoice(repository=name, algorithm=algorithm, tokens=usual, is_known=False)
    head = checkpoint.draft
    return DraftChoice(
        repository=checkpoint.repository or name,
        algorithm=head.algorithm,
        tokens=usual if head.tokens is UNKNOWN else head.tokens,
        is_known=True,
    )


def draft_refusal(catalog: Catalog, name: str, engine: Engine, release: str) -> Refusal | None:
    """Why a release does not speculate with a draft head; None where it does."""
    choice, checkpoint, abilities = draft_choice(catalog, name), _known(catalog, name), catalog.abilities.get(engine.id)
    loading = checkpoint.loads.get(engine.id) if checkpoint is not None else None
    if loading is not None and loading.supported is False:
        return Refusal(subject=name, rule="draft-head", numbers=loading.note or f"{engine.name} does not load it")
    since = [
        abilities.earliest(choice.algorithm) if abilities is not None else None,
        loading.since if loading is not None else None,
    ]
    late = [each for each in since if is_stated(each) and not holds_at(release, since=each)]
    if not late:
        return None
    return Refusal(
        subject=name,
        rule="draft-head",
        numbers=f"{engine.name} {release} does not speculate with {choice.algorithm.upper()} heads of Llama 4",
        instead=f"releases from {late[-1]} do",
        changes=(("engine_release", late[-1]),),
        source="vllm-releases",
    )


def _known(catalog: Catalog, name: str) -> Checkpoint | None:
    return next((each for each in catalog.checkpoints.values() if each.is_called(name)), None)
