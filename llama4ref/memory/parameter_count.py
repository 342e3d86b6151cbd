"""Parameters of a model, and those that one text token uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.facts.arithmetic.tensors import COMPONENTS, VISION_COMPONENTS, model_tensors
from llama4ref.field_words import described

if TYPE_CHECKING:
    from llama4ref.facts.types.models import Model


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The parameters of a model."""

    by_component: dict[str, int]
    """Parameters of each of `llama4ref.facts.arithmetic.tensors.COMPONENTS`."""
    active_text: int
    """Parameters that one text token uses: the language model without the routed experts that it does not visit. The
    embedding counts whole, although a token reads one row, as published figures do."""

    @property
    def total(self) -> int:
        """All parameters."""
        return sum(self.by_component.values())

    @property
    def text(self) -> int:
        """Parameters of the language model."""
        return self.total - self.vision

    @property
    def vision(self) -> int:
        """Parameters of the vision tower and the projector."""
        return sum(self.by_component[component] for component in VISION_COMPONENTS)


def parameters(model: Model) -> Parameters:
    """The parameters of a model, from its shapes.

    Raises:
        UnknownFactError: for a model whose architecture is not published.

    Examples:
        >>> from llama4ref.facts import load
        >>> counted = parameters(load().model("scout"))
        >>> counted.total, counted.text, counted.active_text
        (108641793536, 107769861120, 17172894720)
    """
    counted = dict.fromkeys(COMPONENTS, 0)
    for tensor in model_tensors(model):
        counted[tensor.component] += tensor.parameters
    experts = model.architecture.experts
    text = sum(count for component, count in counted.items() if component not in VISION_COMPONENTS)
    idle = counted["routed_experts"] // experts.count * (experts.count - experts.per_token)
    return Parameters(by_component=counted, active_text=text - idle)
