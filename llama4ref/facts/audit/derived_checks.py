"""Facts that follow from other facts: published figures, errata, shapes, tokens, totals."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llama4ref.facts.audit.checks import Check, CheckResult
from llama4ref.facts.audit.claim_checking import checked_claims
from llama4ref.facts.audit.errata_checking import checked_errata
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.errata import Reference
    from llama4ref.facts.types.models import Model

_SCALES = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
_PREFIXES = {"MB": (1e6, 2**20), "GB": (1e9, 2**30), "TB": (1e12, 2**40), "GiB": (2**30,), "TiB": (2**40,)}
_NUMBER = re.compile(r"\d[\d,_]*(?:\.\d+)?(?:e-?\d+)?")
_FIGURE = re.compile(r"([\d,]+(?:\.\d+)?)\s*(?:([KMBTkmbt])\b|((?:[MGT]B|[GT]iB))\b)?")


def claims(catalog: Entries) -> Iterator[CheckResult]:
    """Published figures beside what follows from the facts; a difference must be explained."""
    for each in checked_claims(catalog):
        if each.computed is None:
            continue
        stem = each.field.rpartition(".")[0]
        held = each.agrees is True or each.claim.note is not None
        fields = tuple(f"{stem}.{name}" for name in ("about", "figure", "precision"))
        yield CheckResult(each.entity, fields, held, f"{each.claim.figure:,}", f"{each.computed:,}")


def printed_figures(catalog: Entries) -> Iterator[CheckResult]:
    """The text of a published figure, read again, is the figure."""
    for each in checked_claims(catalog):
        readings = read_figures(each.claim.stated)
        if readings:
            stem = each.field.rpartition(".")[0]
            held = any(abs(read - each.claim.figure) <= each.claim.precision / 2 for read in readings)
            yield CheckResult(
                each.entity, (f"{stem}.stated", f"{stem}.figure"), held, each.claim.stated, f"{each.claim.figure:,}"
            )


def read_figures(stated: str) -> tuple[float, ...]:
    """The numbers that a printed figure may stand for; none where it carries words that change it.

    GB are read as decimal and as binary units, as publishers mean either.

    Examples:
        >>> read_figures("109B"), read_figures("60 GB"), read_figures("about half")
        ((109000000000.0,), (60000000000.0, 64424509440.0), ())
    """
    match = _FIGURE.fullmatch(stated.strip())
    if match is None:
        return ()
    digits, scale, prefix = match.groups()
    number = float(digits.replace(",", ""))
    if prefix:
        return tuple(number * unit for unit in _PREFIXES[prefix])
    return (number * (_SCALES[scale.lower()] if scale else 1),)


def errata(catalog: Entries) -> Iterator[CheckResult]:
    """A wrong value of others beside ours."""
    for each in checked_errata(catalog):
        said = each.erratum.said
        fields = ["said.figure", "should", *_named("ours", each.erratum.ours)]
        fields += _named("said.stands_for", said.stands_for) if said.stands_for else []
        fields += ["said.step"] if said.step else []
        yield CheckResult(f"errata/{each.erratum.id}", tuple(fields), each.proven, str(each.wrong), str(each.right))


def printed_errata(catalog: Entries) -> Iterator[CheckResult]:
    """The printed wrong value, read again, is its figure in another unit; the model is the one that our fact is about."""
    for erratum in catalog.errata.values():
        said, entity = erratum.said, f"errata/{erratum.id}"
        kind, _, id_ = erratum.ours.entity.partition("/")
        if kind == "models":
            yield CheckResult(entity, ("model",), erratum.model == id_, str(erratum.model), id_)
        if kind == "checkpoints":
            yield CheckResult(entity, ("model",), erratum.model == catalog.checkpoint(id_).model, str(erratum.model))
        if (
            isinstance(said.figure, (int, float))
            and not isinstance(said.figure, bool)
            and not re.search(r"[*/]", said.printed)
        ):
            numbers = [float(digits.replace(",", "").replace("_", "")) for digits in _NUMBER.findall(said.printed)]
            yield CheckResult(
                entity, ("said.printed",), any(_is_scaled(number, said.figure) for number in numbers), said.printed
            )


def _is_scaled(number: float, figure: float) -> bool:
    """Whether two numbers differ by powers of ten, or by 1,024, alone."""
    if not number or not figure:
        return number == figure
    power = math.log10(figure / number)
    return abs(power - round(power)) < 1e-3 or figure == number * 1024


def _named(at: str, reference: Reference) -> list[str]:
    return [f"{at}.entity", f"{at}.{'field' if reference.field else 'quantity'}"]


def shapes(catalog: Entries) -> Iterator[CheckResult]:
    """Widths that make each other up: heads, patches, the shuffle before the adapter, the published name's experts."""
    for model in catalog.models.values():
        if model.text is UNKNOWN:
            continue
        entity, a = f"models/{model.id}", model.architecture
        yield CheckResult(entity, ("attention.heads", "attention.head_dim", "text.hidden_size"),
                      a.attention.heads * a.attention.head_dim == a.text.hidden_size)  # fmt: skip
        side = a.vision.image_size / a.vision.patch_size
        yield CheckResult(entity, ("vision.image_size", "vision.patch_size"), side == int(side))
        shuffled = a.vision.hidden_size / a.vision.pixel_shuffle_ratio**2
        yield CheckResult(
            entity, ("vision.pixel_shuffle_ratio", "vision.hidden_size"), shuffled == a.vision.intermediate_size
        )
        yield CheckResult(entity, ("vision.projector_output_dim", "vision.output_dim"),
                      a.vision.projector_output_dim == a.vision.output_dim)  # fmt: skip
        yield from _published_name(entity, model)


def _published_name(entity: str, model: Model) -> Iterator[CheckResult]:
    for stage, repository in model.repositories.items():
        experts = re.search(r"-(\d+)E", repository)
        held = (
            experts is not None
            and int(experts[1]) == model.architecture.experts.count
            and model.id in repository.lower()
        )
        held = held and ("Instruct" in repository) == stage.startswith("instruct")
        yield CheckResult(entity, (f"repositories.{stage}", "experts.count"), held, repository)


NAMED_TOKENS = {
    "bos": "begin_of_text", "pad": "finetune_right_pad", "image_start": "image_start", "image_end": "image_end", "patch": "patch",
}  # fmt: skip
"""Fields of a model beside the names of the family's special tokens."""


def tokens(catalog: Entries) -> Iterator[CheckResult]:
    """Token ids of a model's configuration are those of the tokenizer's list."""
    for family in catalog.families.values():
        entity, listed = f"families/{family.id}", family.prompting.special_tokens
        for member, (field, name) in itertools.product(family.members, NAMED_TOKENS.items()):
            ids = catalog.models[member].tokens
            if ids is not UNKNOWN:
                held = getattr(ids, field) == listed[name].id
                yield CheckResult(f"models/{member}", (f"tokens.{field}",), held)
                yield CheckResult(entity, (f"prompting.special_tokens.{name}.id",), held)
        for name, token in listed.items():
            yield CheckResult(
                entity, (f"prompting.special_tokens.{name}.text",), token.text == f"<|{name}|>", token.text, name
            )
        for member in family.members:
            ids = catalog.models[member].tokens
            if ids is not UNKNOWN:
                ends = {listed[end].id for end in ("end_of_text", "eom", "eot")}
                yield CheckResult(f"models/{member}", ("tokens.eos",), set(ids.eos) == ends)


def totals(catalog: Entries) -> Iterator[CheckResult]:
    """Sums that the developer prints beside their parts."""
    for family in catalog.families.values():
        trained = [(member, catalog.models[member].training) for member in family.members]
        for field in ("gpu_hours", "emissions_location_tonnes"):
            parts = {
                member: getattr(training, field)
                for member, training in trained
                if training and getattr(training, field)
            }
            held = sum(parts.values()) == getattr(family.training, field)
            yield CheckResult(f"families/{family.id}", (f"training.{field}",), held)
            yield from (CheckResult(f"models/{member}", (f"training.{field}",), held) for member in parts)


CHECKS = (
    Check("published-figures", "computed", "a published figure with what follows from the facts", claims),
    Check("printed-figures", "computed", "the printed text of a figure with the figure", printed_figures),
    Check("errata", "computed", "a value that others print with ours", errata),
    Check(
        "printed-errata",
        "crossed",
        "a printed wrong value with its figure, an erratum's model with its proof's",
        printed_errata,
    ),
    Check("shapes", "computed", "widths, heads and published names with each other", shapes),
    Check("tokens", "crossed", "token ids of a model with the tokenizer's list", tokens),
    Check("totals", "computed", "a printed total with the sum of its parts", totals),
)
