"""Does the request in a plan file ask for the plan that stands beside it?

What is asked for must agree with the plan: with its ids, and with its settings as they stand or as they were when the file was
written, since settings may be edited. What a request says of ranking or of replies alone (`goal`, `json_schema`) leaves no trace
in a plan, and is not held against one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.engine.settings_reading import SPECULATIVE, draft_of
from llama4ref.errors import Fault, PlanFileError, SettingError
from llama4ref.plan_files.document import Sizes
from llama4ref.plan_files.reading import line_of
from llama4ref.plan_files.writing import sizes_of
from llama4ref.planning.choices.checkpoints import expert_bits
from llama4ref.planning.choices.draft_heads import draft_choice
from llama4ref.planning.fitting.demand import demand_of
from llama4ref.planning.lengths import Lengths, lengths_of
from llama4ref.planning.request import PlanRequest
from llama4ref.planning.stated_speed import workload_of
from llama4ref.wording import counted, quoted, shown

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.models import Model
    from llama4ref.plan_files.document import PlanDocument
    from llama4ref.plan_files.reading import PlanFile

_SIZES = (
    "tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel", "gpu_memory_utilization", "max_num_seqs",
    "max_num_batched_tokens", "enforce_eager", "hybrid", "cache_dtype",
)  # fmt: skip
"""Sizes that a request asks for under the same name."""
_WORKLOAD = {
    "prompt_tokens": "prompt_tokens",
    "output_tokens": "output_tokens",
    "concurrency": "concurrency",
    "images": "images",
    "image_size": "tiles_per_image",
}
"""Fields of a request, and those of the workload that follow from them."""
_TOOLS = "enable-auto-tool-choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A request and the plan in the same file."""

    request: PlanRequest
    """With the ids of what it names."""
    given: frozenset[str]
    """Fields of the request that stand in the file."""
    document: PlanDocument
    model: Model
    checkpoint: Checkpoint
    config: EngineConfig
    """The settings as they stand."""
    release: str
    """Release that the request names, or else that of the plan, in its usual spelling."""

    @property
    def sizes(self) -> tuple[Sizes, Sizes]:
        """What the settings amount to as they stand, and as they were written."""
        return Sizes(**sizes_of(self.config)), self.document.config.sizes  # type: ignore[arg-type]  # its fields

    @property
    def lengths(self) -> Lengths:
        """Tokens of the requests that are asked for."""
        return lengths_of(self.request, self.model.architecture)

    def planned(self, name: str) -> str | None:
        """A setting as it was planned, by its reason; None where there was none."""
        return next((each.value for each in self.document.config.reasons if each.about == name), None)


Disagreements = Iterator[tuple[str, object]]
"""Fields of a request with what the plan has in their place."""


def check_request(file: PlanFile, beside: Beside, catalog: Catalog) -> None:
    """See that a file's request asks for its plan.

    Raises:
        PlanFileError: with every value of the request that asks for something else.
    """
    found = {name: has for check in _CHECKS for name, has in check(beside, catalog) if name in beside.given}
    faults = []
    for name, has in found.items():
        field = f"request.{name}"
        asked = quoted(file.document.request[name])
        do = "the request and the plan must agree: edit both, or plan again"
        faults.append(Fault(file.name, line_of(field, file.lines), field, asked, f"{shown(has)} as in the plan", do))
    if faults:
        raise PlanFileError(sorted(faults, key=lambda fault: fault.line))


def _of_ids(beside: Beside, _catalog: Catalog) -> Disagreements:
    document, request = beside.document, beside.request
    _, written = beside.sizes
    planned = written.tensor_parallel * written.pipeline_parallel * written.data_parallel
    for name, asked, has in (
        ("model", request.model, (document.model,)),
        ("checkpoint", request.checkpoint, (document.checkpoint,)),
        ("gpu", request.gpu, (document.accelerator,)),
        ("count", request.count, (document.count, planned)),
        ("nodes", request.nodes, (document.nodes, written.nodes)),
        ("engine", request.engine, ("vllm",)),
        ("engine_release", beside.release, (beside.config.release, written.release)),
        ("hosted", bool(request.hosted), (False,)),
    ):
        if asked is not None and asked not in has:
            yield name, has[0]


def _of_sizes(beside: Beside, _catalog: Catalog) -> Disagreements:
    request, sizes = beside.request, beside.sizes
    left_open = PlanRequest()
    for name in _SIZES:
        asked, has = getattr(request, name), [getattr(each, name) for each in sizes]
        if asked != getattr(left_open, name) and asked not in has:
            yield name, has[0]
    if all(max(request.images, each.vision) != each.images_per_prompt for each in sizes):
        yield "images", sizes[0].images_per_prompt
    asked = request.concurrency if request.max_num_seqs is None else None
    if asked is not None and all(-(-asked // each.data_parallel) != each.max_num_seqs for each in sizes):
        yield "concurrency", sizes[0].max_num_seqs * sizes[0].data_parallel


def _of_lengths(beside: Beside, _catalog: Catalog) -> Disagreements:
    """The longest request is the one that is asked for, and where its length is open it has room for what is given."""
    lengths, longest = beside.lengths, [each.max_model_len for each in beside.sizes]
    wanted = demand_of(beside.request, lengths, beside.config.layout).wanted
    if wanted not in longest and (lengths.longest is not None or wanted > max(longest)):
        names = ("context",) if lengths.context is not None else ("output_tokens", "prompt_tokens", "images")
        yield from ((name, f"a request of {counted(longest[0], 'token')}") for name in names)


def _of_workload(beside: Beside, _catalog: Catalog) -> Disagreements:
    """Where the settings are as they were written, speed is promised for the workload that is asked for."""
    now, written = beside.sizes
    performance = beside.document.promises.performance
    if performance is None or now != written:
        return
    workload = workload_of(beside.request, beside.lengths, now.max_model_len)
    for name, in_workload in _WORKLOAD.items():
        has = getattr(performance.workload, in_workload)
        if workload is not None and getattr(workload, in_workload) != has:
            yield name, counted(has, "tile") if name == "image_size" else has


def _of_abilities(beside: Beside, catalog: Catalog) -> Disagreements:
    request = beside.request
    if request.tools not in {beside.planned(_TOOLS) is not None, _TOOLS in beside.config.settings}:
        yield "tools", not request.tools
    bits = expert_bits(catalog, beside.checkpoint)
    if bits < request.min_weight_bits:
        yield "min_weight_bits", bits
    if request.speculative is not None:
        head, has = draft_choice(catalog, request.speculative).repository, _drafts(beside)
        if head not in has:
            yield "speculative", has[0]


def _drafts(beside: Beside) -> list[str | None]:
    """Draft heads of the settings as they stand, and as they were planned."""
    has = [draft_of(beside.config.settings)]
    planned = beside.planned(SPECULATIVE)
    if planned is not None:
        with suppress(SettingError):  # the words of a reason may be anything
            has.append(draft_of({SPECULATIVE: planned}))
    return has


_CHECKS: tuple[Callable[[Beside, Catalog], Disagreements], ...] = (
    _of_ids,
    _of_sizes,
    _of_lengths,
    _of_workload,
    _of_abilities,
)
