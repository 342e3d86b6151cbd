"""Which facts cannot be true together, and which names lead nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

from llama4ref.errors import Fault, UnknownFactError, UnknownNameError
from llama4ref.facts.audit.contradiction import Contradiction
from llama4ref.facts.audit.errata_checking import checked_erratum
from llama4ref.facts.audit.fault_rules import impossible_faults
from llama4ref.facts.audit.reference_rules import dangling_names
from llama4ref.facts.audit.release_rules import misnamed_releases
from llama4ref.facts.entries import Entries
from llama4ref.facts.types.accelerators import Accelerator
from llama4ref.facts.types.checkpoints import Checkpoint
from llama4ref.facts.types.engines import Engine, MemoryRules
from llama4ref.facts.types.errata import Erratum, Reference
from llama4ref.facts.types.estimates import EstimateSet, Quantity
from llama4ref.facts.types.measurements import Measurement, Observation
from llama4ref.facts.types.metrics import metric
from llama4ref.facts.types.models import Model
from llama4ref.facts.types.providers import Provider
from llama4ref.facts.types.releases import release_key
from llama4ref.facts.types.starts import Start
from llama4ref.facts.types.states import UNKNOWN, is_stated

T = TypeVar("T")


def contradictions(catalog: Entries, *, broken: Collection[str] = ()) -> list[Fault]:
    """Every contradiction and dangling name, as faults with file and line.

    Entities whose own files are at fault are `broken`: they are not in the catalogue, and names that lead to them do not dangle.
    Errata are proven once every name leads somewhere, since their proofs need facts of every kind.
    """
    misnamed = [*misnamed_releases(catalog)]
    dangling = [*dangling_names(catalog)]
    doubtful = {entity for entity, _ in misnamed}
    found = [
        *((_fault(catalog, entity, each), each.missing) for entity, each in [*misnamed, *dangling]),
        *_found(catalog, "models", catalog.models, _model),
        *_found(catalog, "checkpoints", catalog.checkpoints, _checkpoint),
        *_found(catalog, "accelerators", catalog.accelerators, _accelerator),
        *_found(catalog, "engines", _without(catalog.engines, doubtful, "engines"), _engine),
        *_found(catalog, "providers", catalog.providers, _provider),
        *_found(catalog, "measurements", catalog.measurements, _measurement),
        *_found(catalog, "errata", catalog.errata, _erratum),
        *_found(catalog, "estimates", catalog.estimates, _estimates),
        *_found(catalog, "starts", catalog.starts, _start),
        *_found(catalog, "faults", _without(catalog.faults, doubtful, "faults"), impossible_faults),
    ]
    if not (misnamed or dangling or broken):
        found += _found(catalog, "errata", catalog.errata, _unproven)
    left = [fault for fault, missing in found if missing not in broken]
    return sorted(left, key=lambda fault: (fault.file, fault.line))


def _found(
    catalog: Entries, kind: str, entities: Mapping[str, T], rule: Callable[[T, Entries], Iterator[Contradiction]]
) -> Iterator[tuple[Fault, str | None]]:
    for id_, entity in entities.items():
        for each in rule(entity, catalog):
            yield _fault(catalog, f"{kind}/{id_}", each), each.missing


def _without(entities: Mapping[str, T], left_out: Collection[str], kind: str) -> dict[str, T]:
    return {id_: entity for id_, entity in entities.items() if f"{kind}/{id_}" not in left_out}


def _fault(catalog: Entries, entity: str, each: Contradiction) -> Fault:
    leaves = catalog.provenance.get(entity, {})
    near = [path for path in leaves if path == each.field or path.startswith(f"{each.field}.")]
    line = leaves[near[0]].line if near else 1
    return Fault(f"specs/{entity}.yaml", line, each.field, each.found, each.expected, each.do)


def _model(model: Model, _: Entries) -> Iterator[Contradiction]:
    if model.attention and model.attention.heads % model.attention.kv_heads:
        heads = model.attention
        yield Contradiction(
            "attention.kv_heads", str(heads.kv_heads), f"a divisor of {heads.heads} heads", "correct one"
        )
    if model.text and model.attention and model.text.layers % model.attention.nope_interval:
        yield Contradiction(
            "attention.nope_interval",
            str(model.attention.nope_interval),
            f"a divisor of {model.text.layers} layers",
            "correct one",
        )
    if model.experts and model.experts.per_token > model.experts.count:
        yield Contradiction("experts.per_token", str(model.experts.per_token), "at most experts.count", "correct one")
    if model.vision and model.vision.image_size % model.vision.patch_size:
        yield Contradiction(
            "vision.patch_size", str(model.vision.patch_size), "a divisor of the image size", "correct one"
        )
    if model.context and model.context.trained_tokens > model.context.instruct_max_position_embeddings:
        yield Contradiction(
            "context.trained_tokens", str(model.context.trained_tokens), "at most the model's limit", "correct one"
        )
    if model.text and model.tokens:
        highest = max(model.tokens.bos, *model.tokens.eos, model.tokens.pad, model.tokens.patch, model.tokens.image_end)
        if highest >= model.text.vocab_size:
            yield Contradiction("tokens", str(highest), f"ids below {model.text.vocab_size}", "correct one")


def _other_stage(recipe: Checkpoint, catalog: Entries) -> Iterator[Contradiction]:
    """A recipe is of the stage of the checkpoint that it starts from: its context limit follows from it."""
    for start in catalog.checkpoints.values():
        if recipe.repository and start.is_called(recipe.repository) and start.stage != recipe.stage:
            yield Contradiction("stage", recipe.stage, f"{start.stage}, as {start.id}", "correct stage or repository")


def _checkpoint(checkpoint: Checkpoint, catalog: Entries) -> Iterator[Contradiction]:
    if (checkpoint.kind == "draft_head") != (checkpoint.draft is not None):
        yield Contradiction(
            "draft",
            "none" if checkpoint.draft is None else "a shape",
            "the shape of a draft head, where kind is draft_head and nowhere else",
            "add or remove the group; unknown stands for what is not published",
        )
    if checkpoint.kind == "recipe":
        yield from _other_stage(checkpoint, catalog)
    if checkpoint.quantization_config is not UNKNOWN:
        yield from _quantization_config(checkpoint.quantization_config, checkpoint.quantization_method)


def _quantization_config(text: str, method: str) -> Iterator[Contradiction]:
    """An engine reads the method from it, so that another one would load the weights in another way."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        yield Contradiction("quantization_config", text[:40], "the text of a JSON object", "copy it from config.json")
    elif content.get("quant_method") != method:
        found = f"quant_method {content.get('quant_method')!r}"
        yield Contradiction("quantization_config", found, f"the quantization_method {method}", "correct one")


def _accelerator(accelerator: Accelerator, _: Entries) -> Iterator[Contradiction]:
    peak = accelerator.peak
    rates = {
        name: rate for name, rate in (("bf16", peak.bf16), ("fp8", peak.fp8), ("fp4", peak.fp4)) if is_stated(rate)
    }
    if list(rates.values()) != sorted(rates.values()):
        yield Contradiction("peak", str(rates), "rates that do not fall with the width", "check for sparse figures")
    for name in ("bf16", "fp8"):
        measured, limit = getattr(accelerator.measured, name), getattr(peak, name)
        if is_stated(measured) and is_stated(limit) and measured > limit:
            yield Contradiction(
                f"measured.{name}", str(measured), f"at most the peak of {limit}", "check for sparse figures"
            )


def _engine(engine: Engine, _: Entries) -> Iterator[Contradiction]:
    for name in MemoryRules.__dataclass_fields__ if engine.behaviours else ():
        since = [step.since for step in getattr(engine.behaviours, name)]
        if since != sorted(since, key=release_key) or len(set(since)) != len(since):
            yield Contradiction(
                f"behaviours.{name}", ", ".join(since), "releases oldest first", "put the steps in order"
            )
    for name, flag in engine.flags.items():
        if flag.since and flag.until and release_key(flag.since) >= release_key(flag.until):
            yield Contradiction(f"flags.{name}.until", flag.until, f"a release after {flag.since}", "correct one")


def _provider(provider: Provider, catalog: Entries) -> Iterator[Contradiction]:
    for index, offer in enumerate(provider.offers):
        at = f"offers.{index}"
        model = catalog.models.get(offer.model)
        limit = model.context.instruct_max_position_embeddings if model and model.context else None
        if offer.context_tokens is not UNKNOWN and limit is not None and offer.context_tokens > limit:
            yield Contradiction(
                f"{at}.context_tokens", str(offer.context_tokens), f"at most the model's {limit}", "mark it doubted"
            )
        if offer.context_tokens and offer.max_output_tokens and offer.max_output_tokens > offer.context_tokens:
            yield Contradiction(
                f"{at}.max_output_tokens", str(offer.max_output_tokens), "at most the context", "correct one"
            )


def _measurement(measurement: Measurement, _: Entries) -> Iterator[Contradiction]:
    for index, each in enumerate(measurement.observations):
        yield from _observation(f"observations.{index}", each)


def _observation(at: str, seen: Observation) -> Iterator[Contradiction]:
    try:
        unit = metric(seen.metric).unit
    except UnknownNameError as error:
        do = f"did you mean {' or '.join(error.nearest)}" if error.nearest else "use a name of facts/types/metrics.py"
        yield Contradiction(f"{at}.metric", seen.metric, "the name of a metric", do)
        return
    if seen.unit != unit:
        yield Contradiction(f"{at}.unit", seen.unit, f"{unit}, the unit of {seen.metric}", "convert the value")


def _estimates(estimates: EstimateSet, _: Entries) -> Iterator[Contradiction]:
    for field, quantity in estimates.quantities():
        yield from _estimate_rows(field, quantity)


def _estimate_rows(field: str, quantity: Quantity) -> Iterator[Contradiction]:
    for index, row in enumerate(quantity.rows):
        at = f"{field}.rows.{index}"
        if not row.low <= row.value <= row.high:
            yield Contradiction(
                f"{at}.value", f"{row.value:g}", f"between {row.low:g} and {row.high:g}", "correct one of the three"
            )
        if (row.method == "borrowed") != bool(row.borrowed_from):
            yield Contradiction(
                f"{at}.method", row.method, "borrowed together with `borrowed_from`", "give both or neither"
            )


def _start(start: Start, _: Entries) -> Iterator[Contradiction]:
    for group, unit in (("printed_gib", "GiB"), ("derived_gib", "GiB"), ("printed_counts", None)):
        for name in getattr(start, group):
            yield from _printed(f"{group}.{name}", name, unit)
    if start.release is not UNKNOWN and (start.since or start.before):
        yield Contradiction("release", start.release, "a release, or the range that it lies in", "give one of them")


def _printed(at: str, name: str, unit: str | None) -> Iterator[Contradiction]:
    try:
        known = metric(name).unit
    except UnknownNameError as error:
        do = f"did you mean {' or '.join(error.nearest)}" if error.nearest else "use a name of facts/types/metrics.py"
        yield Contradiction(at, name, "the name of a metric", do)
        return
    if (known == "GiB") != (unit == "GiB"):
        yield Contradiction(
            at, name, f"a metric in {unit or 'tokens, blocks or requests'}", "move it to the other group"
        )


def _erratum(erratum: Erratum, _: Entries) -> Iterator[Contradiction]:
    said = erratum.said
    if (said.figure is None) == (said.stands_for is None):
        yield Contradiction(
            "said.figure", "both or neither", "a figure, or the fact it stands for", "give one of figure and stands_for"
        )
    references = {"ours": erratum.ours} | ({"said.stands_for": said.stands_for} if said.stands_for else {})
    for at, each in references.items():
        if _is_ambiguous(each):
            yield Contradiction(at, "both or neither", "a field or a quantity", "name one of them")


def _is_ambiguous(reference: Reference | None) -> bool:
    return reference is not None and (reference.field is None) == (reference.quantity is None)


def _unproven(erratum: Erratum, catalog: Entries) -> Iterator[Contradiction]:
    if _is_ambiguous(erratum.ours) or _is_ambiguous(erratum.said.stands_for):
        return
    try:
        checked = checked_erratum(catalog, erratum)
    except (UnknownNameError, UnknownFactError) as error:
        model = f"models/{erratum.model}"
        yield Contradiction("ours", str(error), "a fact or a computed quantity", "correct the name", missing=model)
        return
    if not checked.proven:
        yield Contradiction(
            "said.figure",
            str(checked.wrong),
            f"a value that ours, {checked.right}, excludes",
            "correct or remove the erratum",
        )
