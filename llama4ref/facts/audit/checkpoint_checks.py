"""Facts of checkpoints beside their names, sizes, models and the engine that loads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from llama4ref.facts.arithmetic.quantities import quantities
from llama4ref.facts.arithmetic.stored_bytes import checkpoint_bytes
from llama4ref.facts.arithmetic.tensors import COMPONENTS
from llama4ref.facts.audit.checks import Check, CheckResult
from llama4ref.facts.audit.claim_checking import checked_claims
from llama4ref.facts.types.releases import release_key
from llama4ref.facts.types.states import UNKNOWN, is_stated

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.checkpoints import Checkpoint, Loading
    from llama4ref.facts.types.kernels import KernelRule
    from llama4ref.facts.types.states import Unknown

NAMED_FORMATS = (
    (r"NVFP4|FP4$", "nvfp4"), (r"FP8", "fp8"), (r"w4a16", "int4"), (r"AWQ", "int4"), (r"bnb-4bit", "nf4"),
    (r"GGUF:", "gguf"), (r"bf16$", "bf16"), (r"fp16$", "fp16"), (r"^mlx.*\dbit", "mlx"),
)  # fmt: skip
"""What a word in a published name says of the routed experts."""
CONTAINERS = {"gguf": r"GGUF|^llama4:|yasserrmd", "mlx": r"^mlx-community/", "pth": r"-Original$"}
EXPERTS_MISNAMED = re.compile(r"mlx-community/Llama-4-Maverick-17B-16E")
"""A repository whose name is an erratum."""


def names(catalog: Entries) -> Iterator[CheckResult]:
    """The published name beside the model, the stage and the container that are recorded."""
    for checkpoint in catalog.checkpoints.values():
        repository, entity = checkpoint.repository or "", f"checkpoints/{checkpoint.id}"
        if not repository:
            continue
        yield CheckResult(entity, ("model",), checkpoint.model in repository.lower(), repository, checkpoint.model)
        experts = re.search(r"-(\d+)E\b", repository)
        of_model = catalog.model(checkpoint.model).experts
        if experts and of_model is not UNKNOWN and not EXPERTS_MISNAMED.match(repository):
            held = int(experts[1]) == of_model.count
            yield CheckResult(entity, ("repository", "model"), held, repository)
        if experts and checkpoint.stage != "draft":
            yield CheckResult(
                entity, ("stage",), ("Instruct" in repository) == (checkpoint.stage == "instruct"), repository
            )
        yield from _publisher(entity, checkpoint)
        if checkpoint.kind == "weights":
            held = all(
                bool(re.search(word, repository)) == (checkpoint.container == kind) for kind, word in CONTAINERS.items()
            )
            yield CheckResult(entity, ("container",), held, repository, checkpoint.container)


def _publisher(entity: str, checkpoint: Checkpoint) -> Iterator[CheckResult]:
    owner = _bare((checkpoint.repository or "").partition("/")[0])
    publisher = _bare(checkpoint.publisher)
    if checkpoint.kind != "recipe" and "/" in (checkpoint.repository or ""):
        yield CheckResult(entity, ("publisher",), publisher in owner or owner in publisher, owner, publisher)


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def named_formats(catalog: Entries) -> Iterator[CheckResult]:
    """A number format in the published name beside the format of the routed experts."""
    for checkpoint in catalog.checkpoints.values():
        coverage = checkpoint.coverage
        if coverage is UNKNOWN or coverage.routed_experts is UNKNOWN or checkpoint.kind == "recipe":
            continue
        for word, format_ in NAMED_FORMATS:
            if re.search(word, checkpoint.repository or ""):
                held = coverage.routed_experts.startswith(format_)
                yield CheckResult(
                    f"checkpoints/{checkpoint.id}", ("coverage.routed_experts", "repository"), held, word, format_
                )
                break


def sizes(catalog: Entries) -> Iterator[CheckResult]:
    """A published size is what the coverage gives; it confirms the components that weigh more than its last place."""
    for each in checked_claims(catalog):
        kind, _, id_ = each.entity.partition("/")
        about_size = kind == "checkpoints" and each.claim.about == "weights.bytes" and each.claim.note is None
        if about_size and each.computed is not None:
            fields = _weighty(catalog, catalog.checkpoint(id_), each.claim.precision)
            found, computed = f"{each.claim.figure:,.0f}", f"{each.computed:,.0f}"
            yield CheckResult(each.entity, fields, each.agrees is True, found, computed)


def _weighty(catalog: Entries, checkpoint: Checkpoint, step: float) -> tuple[str, ...]:
    """Fields of the coverage that change the size of a checkpoint by more than a step."""
    model = catalog.model(checkpoint.model)
    whole = checkpoint_bytes(model, checkpoint, catalog.formats)

    def is_noticed(changed: Checkpoint) -> bool:
        return abs(checkpoint_bytes(model, changed, catalog.formats) - whole) > step

    fields = []
    for name in COMPONENTS:
        without = (*checkpoint.omitted_components, name)
        if name not in checkpoint.omitted_components and is_noticed(replace(checkpoint, omitted_components=without)):
            fields.append(f"coverage.{name}")
    other = () if checkpoint.skipped_moe_layers else (model.architecture.text.layers - 1,)
    return (*fields, *(["skipped_moe_layers"] if is_noticed(replace(checkpoint, skipped_moe_layers=other)) else []))


def layers(catalog: Entries) -> Iterator[CheckResult]:
    """Dense layers are covered where the model has them; norms keep the model's own dtype; skipped layers have experts."""
    for checkpoint in catalog.checkpoints.values():
        coverage, model = checkpoint.coverage, catalog.model(checkpoint.model)
        if coverage is UNKNOWN:
            continue
        entity = f"checkpoints/{checkpoint.id}"
        dense = quantities(model)["layers.dense"] > 0
        if coverage.dense_mlp is not UNKNOWN:
            yield CheckResult(entity, ("coverage.dense_mlp",), dense == (coverage.dense_mlp is not None))
        if checkpoint.container not in {"gguf", "mlx"} and coverage.norms is not UNKNOWN:
            yield CheckResult(
                entity, ("coverage.norms",), coverage.norms == "bf16" and model.architecture.text.dtype == "bfloat16"
            )
        if checkpoint.skipped_moe_layers:
            step = model.architecture.experts.interleave_step
            held = all((layer + 1) % step == 0 for layer in checkpoint.skipped_moe_layers)
            yield CheckResult(entity, ("skipped_moe_layers",), held)


def licences(catalog: Entries) -> Iterator[CheckResult]:
    """Derivatives stay under the licence of their model, and none is older than the model."""
    for checkpoint in catalog.checkpoints.values():
        model, entity = catalog.model(checkpoint.model), f"checkpoints/{checkpoint.id}"
        if checkpoint.license is not UNKNOWN and model.license is not UNKNOWN:
            yield CheckResult(
                entity, ("license",), checkpoint.license == model.license, checkpoint.license, model.license
            )
        if checkpoint.released is not UNKNOWN and model.released is not None:
            yield CheckResult(
                entity, ("released",), checkpoint.released >= model.released, checkpoint.released, model.released
            )


def loading(catalog: Entries) -> Iterator[CheckResult]:
    """What vLLM loads beside its methods and kernels; what any engine loads beside its own first release."""
    for checkpoint in catalog.checkpoints.values():
        for engine, each in checkpoint.loads.items():
            first = catalog.engine(engine).first_release
            if is_stated(each.since) and first is not UNKNOWN:
                held = release_key(each.since) >= release_key(first)
                yield CheckResult(f"checkpoints/{checkpoint.id}", (f"loads.{engine}.since",), held, each.since, first)
        if "vllm" in checkpoint.loads and checkpoint.kind != "draft_head":
            yield from _in_vllm(catalog, checkpoint, checkpoint.loads["vllm"])


def _in_vllm(catalog: Entries, checkpoint: Checkpoint, each: Loading) -> Iterator[CheckResult]:
    entity = f"checkpoints/{checkpoint.id}"
    method = catalog.engine("vllm").methods.get(checkpoint.quantization_method)
    experts = checkpoint.coverage.routed_experts if checkpoint.coverage else UNKNOWN
    compared = experts is not UNKNOWN and "vllm" in catalog.kernels
    kernel = not compared or any(True for _ in _expert_rules(catalog, experts))
    known = method is not None or checkpoint.quantization_method == "unquantized"
    if each.supported:
        fields = ("loads.vllm.supported", "quantization_method", "coverage.routed_experts")
        held = known and kernel
        yield CheckResult(entity, fields, held, checkpoint.quantization_method, "a method with a kernel")
    if each.supported and method is not None:
        if method.since is not UNKNOWN and is_stated(each.since):
            held = release_key(each.since) >= release_key(method.since)
            yield CheckResult(entity, ("loads.vllm.since",), held, each.since, method.since)
        ended = str(each.until), str(method.until)
        yield CheckResult(entity, ("loads.vllm.until",), each.until == method.until, *ended)
    in_a_file_of_its_own = checkpoint.container not in {"safetensors", "in_memory"}
    if not known or in_a_file_of_its_own:
        found = f"supported: {each.supported}, {checkpoint.quantization_method} in {checkpoint.container}"
        yield CheckResult(
            entity, ("loads.vllm.supported",), not each.supported, found, "a method and a container that vLLM knows"
        )


def _expert_rules(catalog: Entries, format_: str | Unknown | None) -> Iterator[KernelRule]:
    """Rules by which vLLM runs routed experts in a format."""
    recorded = catalog.kernels.get("vllm")
    for rule in recorded.rules.values() if recorded is not None else ():
        if rule.component == "experts" and rule.chosen is not None and format_ in rule.when.expert_formats:
            yield rule


def floors(catalog: Entries) -> Iterator[CheckResult]:
    """The lowest compute capability beside what the engine's kernels for the format ask for."""
    for checkpoint in catalog.checkpoints.values():
        lowest, each = checkpoint.requirements.min_capability, checkpoint.loads.get("vllm")
        if lowest is UNKNOWN or each is None or not each.supported or checkpoint.coverage is UNKNOWN:
            continue
        asked = [
            rule.when.min_capability
            for rule in _expert_rules(catalog, checkpoint.coverage.routed_experts)
            if rule.when.min_capability and "cuda" in rule.when.platforms
        ]
        if asked:
            yield CheckResult(
                f"checkpoints/{checkpoint.id}",
                ("requirements.min_capability",),
                lowest >= min(asked),
                str(lowest),
                str(asked),
            )


def plain(catalog: Entries) -> Iterator[CheckResult]:
    """In a layout of the developer's, all components are bfloat16 where there is no quantization method, and not where there is."""
    for checkpoint in catalog.checkpoints.values():
        if checkpoint.container in {"safetensors", "pth"} and checkpoint.coverage and checkpoint.kind == "weights":
            named = {name: checkpoint.coverage.of(name) for name in COMPONENTS}
            stated = {name: format_ for name, format_ in named.items() if is_stated(format_)}
            is_plain = set(stated.values()) == {"bf16"}
            fields = ("quantization_method", *(f"coverage.{name}" for name in stated if is_plain))
            held = is_plain == (checkpoint.quantization_method == "unquantized")
            yield CheckResult(f"checkpoints/{checkpoint.id}", fields, held, checkpoint.quantization_method)


def platforms(catalog: Entries) -> Iterator[CheckResult]:
    """What vLLM loads asks for platforms that the method runs on; MLX runs on Metal alone."""
    methods = catalog.engines["vllm"].methods if "vllm" in catalog.engines else {}
    for checkpoint in catalog.checkpoints.values():
        asked, each = checkpoint.requirements.platforms, checkpoint.loads.get("vllm")
        method = methods.get(checkpoint.quantization_method)
        if asked is UNKNOWN:
            continue
        allowed = {"metal"} if checkpoint.container == "mlx" else None
        if each is not None and each.supported and method is not None and method.platforms:
            allowed = set(method.platforms)
        if allowed is not None:
            yield CheckResult(
                f"checkpoints/{checkpoint.id}",
                ("requirements.platforms",),
                set(asked) <= allowed,
                str(asked),
                str(allowed),
            )


CHECKS = (
    Check("checkpoint-names", "crossed", "a published name with model, stage, publisher and container", names),
    Check("named-formats", "crossed", "a format in a published name with the format of the experts", named_formats),
    Check("checkpoint-sizes", "computed", "a published size with the size that the coverage gives", sizes),
    Check("covered-layers", "crossed", "covered and skipped layers with the layers of the model", layers),
    Check("checkpoint-licences", "crossed", "a derivative's licence and day with its model's", licences),
    Check("loading", "crossed", "what an engine loads with its methods, kernels and releases", loading),
    Check("capability-floors", "crossed", "a checkpoint's lowest capability with that of the kernels", floors),
    Check("plain-checkpoints", "crossed", "a quantization method, or none, with the formats of all components", plain),
    Check("checkpoint-platforms", "crossed", "the platforms a checkpoint asks for with those of its method", platforms),
)
