"""What a checkpoint stores in which number format, and what loads it.

A checkpoint is a published artefact, or a recipe that an engine or library applies while loading a published one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.claims import Claim
from llama4ref.facts.types.constraints import Day, NotNegative
from llama4ref.facts.types.drafts import DraftHead
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.models import Model, Stage
from llama4ref.facts.types.states import UNKNOWN, Unknown

CheckpointKind = Literal["weights", "recipe", "draft_head"]
Container = Literal["safetensors", "gguf", "mlx", "pth", "oci", "in_memory"]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """The id of the format of each component's matrices; none where the model or the checkpoint lacks the component.

    Norms, biases, class and position embeddings stay in the published dtype whatever a format is named here.
    """

    vision_tower: str | Unknown | None
    """All of `vision_model`, the pixel-shuffle adapter included."""
    projector: str | Unknown | None
    """`multi_modal_projector`."""
    embed: str | Unknown
    """Token embedding."""
    attention: str | Unknown
    """Query, key, value and output projections of the language model."""
    router: str | Unknown
    """Router of each MoE layer."""
    shared_expert: str | Unknown
    """Shared expert of each MoE layer."""
    routed_experts: str | Unknown
    """Routed experts of each MoE layer."""
    dense_mlp: str | Unknown | None
    """Feed-forward of the layers without experts."""
    norms: str | Unknown
    """RMS norms of the language model."""
    lm_head: str | Unknown
    """Output head."""

    def of(self, component: str) -> str | None:
        """The format id of a component of `llama4ref.facts.arithmetic.tensors.COMPONENTS`."""
        formats: dict[str, str | None] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return formats[component]


@dataclass(frozen=True, kw_only=True)
class Loading:
    """Whether and from when an engine loads it."""

    supported: bool | Unknown
    """Whether it loads it."""
    since: str | Unknown | None
    """First release that does; none where none does."""
    until: str | None
    """First release that no longer does; none while it does."""
    note: str | None
    """Conditions, or the reason why not."""


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What hardware it asks for."""

    min_capability: NotNegative | Unknown
    """Lowest CUDA compute capability, times ten."""
    max_capability: NotNegative | Unknown | None
    """Highest CUDA compute capability, times ten; none where there is no ceiling."""
    platforms: tuple[str, ...] | Unknown
    """Platforms of accelerators that run it."""
    note: str | None
    """What else it needs."""


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Checkpoint(Entity):
    """A published artefact of a model, or a way to make one while loading. It equals itself alone."""

    id: str
    """The file's name."""
    repository: str | None
    """Where it is published; for a recipe the repository that it starts from."""
    model: str
    """Id of the model."""
    stage: Stage
    """Base, instruct, or a draft for speculation."""
    publisher: str
    """Who published it."""
    kind: CheckpointKind
    """Weights, a recipe applied while loading, or a draft head."""
    container: Container
    """File format."""
    quantization_method: str
    """The engine's name of the quantization method; `unquantized` where there is none."""
    coverage: Coverage | Unknown
    """Format of each component; unknown where nothing is published about it."""
    skipped_moe_layers: tuple[NotNegative, ...] | Unknown
    """Layers whose routed and shared experts stay in the published dtype; an empty list where none does."""
    kv_cache_dtype: str | Unknown | None
    """KV cache dtype that its configuration asks for; none where it asks for nothing."""
    loads: dict[str, Loading]
    """By engine id."""
    requirements: Requirements
    """Hardware it asks for."""
    released: Day | Unknown
    """Day it was published, ISO 8601."""
    license: str | Unknown
    """Id of the licence."""
    status: str | Unknown
    """`available`, `gated`, `retired` or unknown."""
    notes: tuple[str, ...]
    """What else to know."""
    claims: tuple[Claim, ...] = ()
    """Published figures about what can be computed."""
    omitted_components: tuple[str, ...] = ()
    """Components that it does not hold, such as the vision tower in a file for text alone."""
    quantization_config: str | Unknown = UNKNOWN
    """What its `config.json` says of its quantization, as the text of a JSON object."""
    draft: DraftHead | None = None
    """Shape of a draft head; none of other checkpoints."""
    other_names: tuple[str, ...] = ()
    """Further repositories that hold the same weights."""

    def limit(self, model: Model) -> int:
        """Longest context that its configuration allows, in tokens: the base checkpoints have fewer positions.

        Raises:
            UnknownFactError: for a model whose architecture is not published.

        Examples:
            >>> from llama4ref.facts import load
            >>> load().checkpoint("meta-llama/Llama-4-Scout-17B-16E").limit(load().model("scout"))
            262144
        """
        return model.architecture.context.limit(self.stage)

    def is_called(self, name: str) -> bool:
        """Whether a name is its id or its repository, in any case of letters; a recipe answers to its id only."""
        names = {self.id.lower()}
        if self.repository and self.kind != "recipe":
            names |= {self.repository.lower(), *(name.lower() for name in self.other_names)}
        return name.lower() in names
