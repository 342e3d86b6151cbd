"""Which plan does a file hold? Its settings as they stand there, and everything that follows from them by the facts of today."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeVar

from llama4ref.engine.engine_config import EngineConfig, Reason, Setting
from llama4ref.engine.settings_reading import OVERRIDES, EngineDefaults, draft_of, read_settings
from llama4ref.errors import Llama4refError, ReleaseError, RequestError, SettingError, nearest_names
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.memory.draft_head import draft_bounds, draft_refusal
from llama4ref.plan_files.differences import differences
from llama4ref.plan_files.requests import Beside, check_request
from llama4ref.planning.choices.machines import per_node
from llama4ref.planning.fitting.candidates import Candidate
from llama4ref.planning.fitting.compatible_fit import faults_of
from llama4ref.planning.fitting.demand import demand_of
from llama4ref.planning.fitting.settings_capacity import with_capacity
from llama4ref.planning.lengths import lengths_of
from llama4ref.planning.own_plans import OwnGpuSearch, plan_of
from llama4ref.planning.request import PlanRequest
from llama4ref.planning.request_names import with_ids
from llama4ref.rendering.server_command import flag_name, server_command
from llama4ref.wording import counted

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Behaviour, Engine
    from llama4ref.facts.types.models import Model
    from llama4ref.plan_files.document import SavedConfig
    from llama4ref.plan_files.reading import PlanFile
    from llama4ref.planning.outcomes import Plan

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Things:
    """What the ids in a file stand for."""

    model: Model
    checkpoint: Checkpoint
    accelerator: Accelerator
    engine: Engine
    behaviour: Behaviour


def restored(file: PlanFile, catalog: Catalog) -> Plan:
    """The plan of a file; where its promises differ from those that were written down, its caveats say so.

    Raises:
        PlanFileError: where the file contradicts itself, the facts, or what the engine takes.
    """
    things = _things(file, catalog)
    _check_sources(file, catalog)
    request = _request(file)
    config = _config(file, things)
    _check_layout(file, things, config)
    check_request(file, _beside(file, things, request, config, catalog), catalog)
    sizes = replace(config, settings={}, environment={}, reasons=())
    candidate = Candidate(
        model=things.model, checkpoint=things.checkpoint, accelerator=things.accelerator, layout=config.layout,
        nodes=config.nodes, cache_dtype=config.cache_dtype, hybrid=config.hybrid, draft=_draft(file, things, config),
    )  # fmt: skip
    demand = demand_of(request, lengths_of(request, things.model.architecture), config.layout)
    search = OwnGpuSearch(catalog=catalog, request=request, engine=things.engine, behaviour=things.behaviour)
    fitted = with_capacity(catalog, candidate, things.behaviour, sizes, demand)
    fitted = replace(fitted, faults=faults_of(search.limits, candidate, request, config))
    plan = plan_of(search, fitted, config)
    return replace(plan, caveats=(*differences(file.document, plan, things.engine, demand), *plan.caveats))


def _request(file: PlanFile) -> PlanRequest:
    asked = file.document.request
    known = {each.name for each in fields(PlanRequest)}
    for name in asked:
        if name not in known:
            near = nearest_names(name, known)
            do = f"did you mean {near[0]}" if near else "take it out"
            file.refuse(f"request.{name}", name, "a field of a request", do)
    return _located(file, "request", "a request", lambda: PlanRequest(**asked))  # type: ignore[arg-type]  # it checks them


def _beside(file: PlanFile, things: _Things, request: PlanRequest, config: EngineConfig, catalog: Catalog) -> Beside:
    """The request with the ids of what it names, and the plan."""
    named = _located(file, "request", "names of the catalogue", lambda: with_ids(catalog, request))
    release = config.release if request.engine_release is None else request.engine_release
    return Beside(
        request=named,
        given=frozenset(file.document.request),
        document=file.document,
        model=things.model,
        checkpoint=things.checkpoint,
        config=config,
        release=_located(
            file, "request.engine_release", "a release of vLLM", lambda: things.engine.at(release).release
        ),
    )


def _things(file: PlanFile, catalog: Catalog) -> _Things:
    document = file.document
    model = _located(file, "model", "the id of a model", lambda: catalog.model(document.model))
    checkpoint = _located(file, "checkpoint", "the id of a checkpoint", lambda: catalog.checkpoint(document.checkpoint))
    if checkpoint.model != model.id:
        file.refuse("checkpoint", checkpoint.id, f"a checkpoint of {model.id}", f"it is one of {checkpoint.model}")
    if model.text is UNKNOWN:
        file.refuse("model", model.id, "a model whose architecture is published", "name scout or maverick")
    engine = catalog.engine("vllm")
    return _Things(
        model=model,
        checkpoint=checkpoint,
        accelerator=_located(
            file, "accelerator", "the id of an accelerator", lambda: catalog.accelerator(document.accelerator)
        ),
        engine=engine,
        behaviour=_located(file, "config.release", "a release of vLLM", lambda: engine.at(document.config.release)),
    )


def _check_sources(file: PlanFile, catalog: Catalog) -> None:
    """A reason cites a source of the facts, or none."""
    for index, reason in enumerate(file.document.config.reasons):
        if reason.source is not None and reason.source not in catalog.sources:
            near = nearest_names(reason.source, catalog.sources)
            do = f"did you mean {near[0]}" if near else "take it out"
            file.refuse(f"config.reasons.{index}.source", repr(reason.source), "the id of a source", do)


def _config(file: PlanFile, things: _Things) -> EngineConfig:
    """The configuration with its sizes read from its settings, checked as it would be launched."""
    saved = file.document.config
    settings: dict[str, Setting] = {}
    for name, value in saved.settings.items():
        if flag_name(name) in settings:
            file.refuse(f"config.settings.{name}", name, "each setting once", f"keep one of {flag_name(name)}")
        settings[flag_name(name)] = value
    defaults = EngineDefaults(
        behaviour=things.behaviour,
        platform=things.accelerator.platform,
        nodes=file.document.nodes,
        by_option=_defaults(things),
    )

    def read() -> EngineConfig:
        reasons = tuple(_reasons(saved, settings))
        config = read_settings(settings, defaults, environment=dict(saved.environment), reasons=reasons)
        server_command(config, things.engine)
        return config

    return _located(file, "config.settings", "what the engine takes", read)


def _draft(file: PlanFile, things: _Things, config: EngineConfig) -> str | None:
    """The draft head, which must be one that drafts for the model on such a layout."""
    at = "config.settings.speculative-config"

    def read() -> str | None:
        draft = draft_of(config.settings)
        broken = None if draft is None else draft_refusal(draft_bounds(things.model, draft), config.layout)
        if broken is not None:
            raise RequestError(broken)
        return draft

    return _located(file, at, "a draft head of the model", read)


def _reasons(saved: SavedConfig, settings: Mapping[str, Setting]) -> Iterator[Reason]:
    """The reasons of what is still as it was, and that of every other setting and variable: a person's own."""
    values = {name: str(value) for name, value in {**settings, **saved.environment}.items()}
    told = set()
    for reason in saved.reasons:
        value = values.get(reason.about)
        if value is None:
            continue
        told.add(reason.about)
        edited = Reason(about=reason.about, value=value, because=f"edited in the plan file; planned was {reason.value}")
        yield reason if value == reason.value else edited
    for name, value in values.items():
        if name not in told:
            yield Reason(about=name, value=value, because="added in the plan file")


def _defaults(things: _Things) -> dict[str, Setting]:
    """What the engine takes by itself for settings that a file leaves out."""
    accelerator, own = things.accelerator, things.checkpoint.kv_cache_dtype
    found: dict[str, Setting] = {"max-model-len": things.checkpoint.limit(things.model)}
    for flag in ("max-num-seqs", "max-num-batched-tokens"):
        default = things.engine.default_on(
            flag,
            platform=accelerator.platform,
            memory_bytes=accelerator.memory_bytes,
            device=accelerator.name,
            release=things.behaviour.release,
        )
        found |= {} if default is None else {flag: default}
    return found | ({"kv-cache-dtype": own} if isinstance(own, str) else {})


def _check_layout(file: PlanFile, things: _Things, config: EngineConfig) -> None:
    """What the engine or the machines refuse of the sizes."""
    document, at = file.document, "config.settings."
    broken = config.layout.refusals(things.model.architecture)
    if broken:
        file.refuse(
            f"{at}tensor-parallel-size", str(config.layout.tensor_parallel), "a layout that vLLM takes", broken[0]
        )
    if config.layout.gpus != document.count:
        sizes = f"{counted(config.layout.gpus, 'GPU')} by the parallel sizes"
        file.refuse("count", str(document.count), sizes, "change the count or the sizes in config.settings")
    if config.nodes != document.nodes:
        file.refuse("nodes", str(document.nodes), f"{config.nodes}, as --nnodes says", "make them equal")
    most = per_node(things.accelerator)
    if document.count % document.nodes or (most is not None and document.count // document.nodes > most):
        do = f"one machine holds {most} {things.accelerator.name}" if most else "share the GPUs out evenly"
        file.refuse("nodes", str(document.nodes), f"machines that hold {counted(document.count, 'GPU')}", do)
    limit = things.checkpoint.limit(things.model)
    if config.max_model_len > limit:
        file.refuse(
            f"{at}max-model-len",
            str(config.max_model_len),
            f"at most {limit}",
            f"{things.checkpoint.id} has no more positions",
        )
    if config.rope_positions is not None and config.max_model_len > config.rope_positions:
        least = f"max_position_embeddings of at least {config.max_model_len}"
        file.refuse(
            f"{at}{OVERRIDES}", str(config.rope_positions), least, "every token of max-model-len has a position"
        )
    if config.max_num_batched_tokens < config.max_num_seqs:
        found, least = str(config.max_num_batched_tokens), f"at least {config.max_num_seqs}"
        file.refuse(f"{at}max-num-batched-tokens", found, least, "a step holds a token of each of max-num-seqs")


def _located(file: PlanFile, path: str, expected: str, make: Callable[[], T]) -> T:
    """What is made; an error becomes one about a line and a field of the file."""
    try:
        return make()
    except Llama4refError as error:
        raise file.error(_place(error, path, file.lines), expected, str(error)) from error


def _place(error: Llama4refError, path: str, lines: Mapping[str, int]) -> str:
    """The field that an error names: a setting, a variable, or a field of the request."""
    setting = error.setting if isinstance(error, SettingError | ReleaseError) else None
    if setting is not None:
        group = "config.environment" if setting.isupper() else path
        return next(
            (each for each in lines if each.startswith(f"{group}.") and flag_name(each[len(group) + 1 :]) == setting),
            path,
        )
    name = str(error).partition(":")[0] if isinstance(error, RequestError) else ""
    return next((each for each in (f"{path}.{name}", f"config.{name}") if each in lines), path)
