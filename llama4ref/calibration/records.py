"""Records of servers in one form: logged starts and measurements, with the sizes that they state and what those depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.calibration.started_budgets import budget_of_start
from llama4ref.engine.estimates import EstimateScope, experts_format, spread_over
from llama4ref.engine.layout import Layout
from llama4ref.errors import UnknownFactError
from llama4ref.facts.types.metrics import METRICS, MetricKind
from llama4ref.facts.types.states import is_stated
from llama4ref.memory.activation_peaks import SAMPLING
from llama4ref.memory.predicted_metrics import loaded_bytes
from llama4ref.performance.comparison import budget_of, layout_of, quoted_config

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.measurements import Measurement
    from llama4ref.facts.types.starts import Start
    from llama4ref.facts.types.states import Unknown
    from llama4ref.memory.gpu_budget import MemoryBudget

BF16 = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRecord:
    """What one server stated about its memory."""

    id: str
    sources: tuple[str, ...]
    """Ids of the sources that it is cited from."""
    engine: str
    exact: bool
    """Whether the release is known, and not only a range."""
    before: str | None
    """First release that it cannot be, where only a range is known; None where that has no end."""
    where: EstimateScope
    """Earliest release that it can be, accelerator, layout and format of the experts."""
    of_llama4: bool
    """Whether the model is one of these facts."""
    gib: Mapping[str, float]
    """Sizes in GiB by metric."""
    logits: int | None = None
    """Logits of the profiled sampling step: requests times vocabulary."""
    hidden_state_bytes: int = 0
    """Bytes of the hidden states of a full step."""
    loaded_bytes: int | None = None
    """Bytes of the weights and tables of the fullest GPU; None where the model is not one of these facts."""


def memory_records(catalog: Catalog) -> tuple[MemoryRecord, ...]:
    """Every start and every measurement that states sizes."""
    return tuple(_records(catalog))


def _records(catalog: Catalog) -> Iterator[MemoryRecord]:
    yield from (record_of_start(start, catalog) for start in catalog.starts.values() if start.gib)
    for run in catalog.measurements.values():
        record = record_of_measurement(run, catalog)
        if record is not None:
            yield record


def record_of_start(start: Start, catalog: Catalog) -> MemoryRecord:
    """A logged start; sizes of its model are those of the facts where the model is one of them."""
    layout = Layout(
        tensor_parallel=start.tensor_parallel,
        pipeline_parallel=start.pipeline_parallel,
        data_parallel=start.data_parallel,
    )
    vocabulary, width = start.vocab_size, start.hidden_size
    if start.model is not None:
        text = catalog.model(start.model).architecture.text
        vocabulary, width = text.vocab_size, text.hidden_size
    tokens, requests = start.max_num_batched_tokens, start.max_num_seqs
    return MemoryRecord(
        id=start.id,
        sources=_sources(catalog, f"starts/{start.id}", ("printed_gib.", "printed_counts.", "derived_gib.")),
        engine=start.engine,
        exact=is_stated(start.release),
        before=start.before,
        where=EstimateScope(
            release=start.earliest_release,
            accelerator=catalog.accelerator(start.accelerator),
            gpus=spread_over(layout),
            experts=_experts(catalog, start.checkpoint),
        ),
        of_llama4=start.model is not None,
        gib=start.gib,
        logits=min(requests, tokens) * vocabulary if requests and tokens and vocabulary else None,
        hidden_state_bytes=(tokens or 0) * (width or 0) * BF16,
        loaded_bytes=_loaded_at_start(start, catalog),
    )


def _loaded_at_start(start: Start, catalog: Catalog) -> int | None:
    try:
        return loaded_bytes(budget_of_start(start, catalog))
    except UnknownFactError:
        return None


def record_of_measurement(run: Measurement, catalog: Catalog) -> MemoryRecord | None:
    """The sizes that a measured server stated; None where it states none."""
    gib = {
        seen.metric: seen.value
        for seen in run.observations
        if seen.disturbed is None and METRICS[seen.metric].kind is MetricKind.MEMORY
    }
    if not gib:
        return None
    config, budget = quoted_config(run, catalog), budget_of(run, catalog)
    layout = config.layout if config else layout_of(run)
    text = catalog.model(run.model).architecture.text
    requests, tokens = (config.max_num_seqs, config.max_num_batched_tokens) if config else (0, 0)
    return MemoryRecord(
        id=run.id,
        sources=_sources(catalog, f"measurements/{run.id}", ("observations.",)),
        engine=run.engine,
        exact=is_stated(run.release),
        before=None,
        where=EstimateScope(
            release=run.release if is_stated(run.release) else None,
            accelerator=catalog.accelerator(run.accelerator),
            gpus=spread_over(layout),
            experts=_experts(catalog, run.checkpoint),
        ),
        of_llama4=True,
        gib=gib,
        logits=min(requests, tokens) * text.vocab_size if _samples_most(budget) else None,
        hidden_state_bytes=tokens * text.hidden_size * BF16,
        loaded_bytes=None if budget is None else loaded_bytes(budget),
    )


def _samples_most(budget: MemoryBudget | None) -> bool:
    """Whether the peak of a run's profile was its sampling: where that is the largest even with its estimate at the lower bound."""
    if budget is None:
        return False
    peaks = {line.name: line for line in budget.stages[-1].lines if line.place == "peak"}
    sampling = peaks.pop(SAMPLING)
    return all(sampling.low > line.high for line in peaks.values())


def _experts(catalog: Catalog, checkpoint: str | Unknown | None) -> str | None:
    return experts_format(catalog.checkpoint(checkpoint)) if is_stated(checkpoint) else None


def _sources(catalog: Catalog, entity: str, prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """Sources of the leaves under some groups, in their order; our own derivations come from the others."""
    cited = [
        word.source.id
        for field, leaf in catalog.provenance.get(entity, {}).items()
        if field.startswith(prefixes)
        for word in leaf.citations
        if word.source.kind != "derived"
    ]
    return tuple(dict.fromkeys(cited))
