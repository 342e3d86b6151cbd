"""How the models were trained, as far as the developer says. `None` is not published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Training:
    """The training of one model."""

    pretraining_tokens: int | None
    """Tokens of pre-training."""
    gpu: str | None
    """The GPU."""
    gpus: int | None
    """GPUs used at once."""
    gpu_hours: int | None
    """GPU hours of pre-training."""
    gpu_watts: int | None
    """Peak power of one GPU."""
    teraflops_per_gpu: int | None
    """Throughput of one GPU that the developer reports, in 10^12 operations a second."""
    precision: str | None
    """Number format of the training arithmetic."""
    emissions_location_tonnes: int | None
    """Location-based emissions, in tonnes of CO2 equivalent."""
    emissions_market_tonnes: int | None
    """Market-based emissions, in tonnes of CO2 equivalent."""
    pretraining_context_tokens: int | None
    """Longest context of pre-training."""
    posttraining_context_tokens: int | None
    """Longest context of post-training."""
    teacher: str | None
    """Id of the model it was distilled from."""
    sft_pruned_percent: int | None
    """Share of the supervised fine-tuning data that was dropped as too easy, at least."""
    state: str | None
    """Where training stood when the model was announced."""
    optimizer: str | None
    learning_rate: str | None
    batch_size: str | None
    load_balancing_loss: str | None
    """How the routing was balanced."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of training that the herd has in common."""

    order: int
    """Its place in the sequence, from 1."""
    what: str
    """What is done, in our words."""
    shown_for: str
    """The model that the developer describes it for."""


@dataclass(frozen=True, kw_only=True)
class HerdTraining:
    """What the developer says of all models at once."""

    mixture_tokens_at_least: int | None
    """Tokens of the whole data mixture, at least."""
    mixture_times_llama_3: int | None
    """How many times the mixture of Llama 3 that is, at least."""
    data_sources: tuple[str, ...]
    data_types: tuple[str, ...]
    languages: int | None
    """Languages in pre-training."""
    languages_over_a_billion_tokens: int | None
    """Languages with more than a billion tokens, at least."""
    multilingual_times_llama_3: int | None
    """Multilingual tokens in multiples of Llama 3's."""
    hyperparameter_method: str | None
    """How hyperparameters were chosen."""
    distillation: str | None
    """How the teacher was used."""
    pruning_judge: str | None
    """What tagged data as easy."""
    reinforcement_learning: tuple[str, ...]
    """What is said of the online reinforcement learning."""
    infrastructure_speedup: int | None
    """Training efficiency of the new reinforcement-learning infrastructure, in multiples of earlier generations."""
    location: str | None
    """Where training ran."""
    gpu_hours: int | None
    """GPU hours of the released models together."""
    emissions_location_tonnes: int | None
    """Their location-based emissions, in tonnes of CO2 equivalent."""
    energy_overhead: float | None
    """Power usage effectiveness of the sites."""
    stages: dict[str, Stage]
    """The stages, in order."""
