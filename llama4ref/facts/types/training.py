"""How the models were trained, as far as the developer says."""

from __future__ import annotations

from dataclasses import dataclass

from llama4ref.facts.types.constraints import Factor, NotNegative
from llama4ref.facts.types.states import Unknown


@dataclass(frozen=True, kw_only=True)
class Training:
    """The training of one model."""

    pretraining_tokens: NotNegative | Unknown
    """Tokens of pre-training."""
    gpu: str | Unknown
    """The GPU."""
    gpus: NotNegative | Unknown
    """GPUs used at once."""
    gpu_hours: NotNegative | Unknown
    """GPU hours of pre-training."""
    gpu_watts: NotNegative | Unknown
    """Peak power of one GPU."""
    teraflops_per_gpu: NotNegative | Unknown
    """Throughput of one GPU that the developer reports, in 10^12 operations a second."""
    precision: str | Unknown
    """Number format of the training arithmetic."""
    emissions_location_tonnes: NotNegative | Unknown
    """Location-based emissions, in tonnes of CO2 equivalent."""
    emissions_market_tonnes: NotNegative | Unknown
    """Market-based emissions, in tonnes of CO2 equivalent."""
    pretraining_context_tokens: NotNegative | Unknown
    """Longest context of pre-training."""
    posttraining_context_tokens: NotNegative | Unknown
    """Longest context of post-training."""
    teacher: str | Unknown | None
    """Id of the model it was distilled from."""
    sft_pruned_percent: NotNegative | Unknown
    """Share of the supervised fine-tuning data that was dropped as too easy, at least."""
    state: str | Unknown
    """Where training stood when the model was announced."""
    optimizer: str | Unknown
    learning_rate: str | Unknown
    batch_size: str | Unknown
    load_balancing_loss: str | Unknown
    """How the routing was balanced."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of training that the herd has in common."""

    order: NotNegative
    """Its place in the sequence, from 1."""
    what: str
    """What is done, in our words."""
    shown_for: str
    """The model that the developer describes it for."""


@dataclass(frozen=True, kw_only=True)
class HerdTraining:
    """What the developer says of all models at once."""

    mixture_tokens_at_least: NotNegative | Unknown
    """Tokens of the whole data mixture, at least."""
    mixture_times_llama_3: NotNegative | Unknown
    """How many times the mixture of Llama 3 that is, at least."""
    data_sources: tuple[str, ...]
    data_types: tuple[str, ...]
    languages: NotNegative | Unknown
    """Languages in pre-training."""
    languages_over_a_billion_tokens: NotNegative | Unknown
    """Languages with more than a billion tokens, at least."""
    multilingual_times_llama_3: NotNegative | Unknown
    """Multilingual tokens in multiples of Llama 3's."""
    hyperparameter_method: str | Unknown
    """How hyperparameters were chosen."""
    distillation: str | Unknown
    """How the teacher was used."""
    pruning_judge: str | Unknown
    """What tagged data as easy."""
    reinforcement_learning: tuple[str, ...]
    """What is said of the online reinforcement learning."""
    infrastructure_speedup: NotNegative | Unknown
    """Training efficiency of the new reinforcement-learning infrastructure, in multiples of earlier generations."""
    location: str | Unknown
    """Where training ran."""
    gpu_hours: NotNegative | Unknown
    """GPU hours of the released models together."""
    emissions_location_tonnes: NotNegative | Unknown
    """Their location-based emissions, in tonnes of CO2 equivalent."""
    energy_overhead: Factor | Unknown
    """Power usage effectiveness of the sites."""
    stages: dict[str, Stage]
    """The stages, in order."""
