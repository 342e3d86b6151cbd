"""When a licence clause applies to a use, and why: one rule for each situation that clauses name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from llama4ref.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llama4ref.facts.types.licenses import Clause, License, Situation
    from llama4ref.planning.licensing.uses import Use

Kind = Literal["obligation", "breach", "question", "right", "term"]
Applied = tuple[Kind, str]

_OF_CLAUSE: dict[str, Kind] = {
    "duty": "obligation",
    "ban": "obligation",
    "right": "right",
    "limit": "term",
    "term": "term",
}
_OFFERED = {"weights": "weights", "hosted_api": "a hosted API", "product": "part of a product"}


def findings(name: str, clause: Clause, license: License, use: Use) -> Iterator[Applied]:
    """Each kind of finding that a clause gives on a use, with its reason; nothing where it does not apply."""
    if use.role == "end_user" and clause.applies not in _REACH_END_USERS:
        return
    yield from _RULES[clause.applies](name, clause, license, use)


def in_eu(license: License, domicile: str) -> bool | None:
    """Whether a domicile lies in the European Union; None where the licence's facts list no countries."""
    code = _code(license, domicile)
    if code == "EU" or license.regions is None:
        return True if code == "EU" else None
    return code in license.regions.eu


def in_eea_or_switzerland(license: License, domicile: str) -> bool | None:
    """Whether a domicile lies in the European Economic Area or in Switzerland; None as above."""
    code = _code(license, domicile)
    if code in {"EU", "EEA"} or license.regions is None:
        return True if code in {"EU", "EEA"} else None
    return code in {*license.regions.eu, *license.regions.eea_beyond_eu, *license.regions.switzerland}


def _code(license: License, domicile: str) -> str:
    code = domicile.strip().upper()
    if code not in {"EU", "EEA"} and not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise RequestError(f"domicile {domicile!r} is no country code; give two letters such as FR or US, or EU or EEA")
    return license.regions.aliases.get(code, code) if license.regions else code


def _makes_available(use: Use) -> bool:
    return use.offering != "internal"


def _copies_shipped(use: Use) -> bool | None:
    if use.via_hosted_api:
        return False
    if use.offering == "product":
        return use.copies_shipped
    return use.offering == "weights"


def _kept(clause: Clause, kept: bool | None, why: str) -> Iterator[Applied]:
    yield _OF_CLAUSE[clause.kind], why
    if kept is False:
        yield "breach", "the use as described leaves it out"


def _always(_name: str, clause: Clause, _license: License, _use: Use) -> Iterator[Applied]:
    yield _OF_CLAUSE[clause.kind], "holds for any use"


def _made_available(name: str, clause: Clause, license: License, use: Use) -> Iterator[Applied]:
    if not _makes_available(use):
        return
    why = f"{license.materials} is made available as {_OFFERED[use.offering]}"
    if name == "license_copy" and not _copies_shipped(use):
        yield "question", "the copy goes with materials that are handed over; whether any are is not said, or none are"
        return
    kept = {"license_copy": use.ships_license, "attribution": use.shows_attribution}.get(name)
    yield from _kept(clause, kept, why)


def _copies(name: str, clause: Clause, _license: License, use: Use) -> Iterator[Applied]:
    shipped = _copies_shipped(use)
    if shipped is None:
        yield "question", "not said whether the product carries copies of the weights to its users"
    elif shipped:
        yield from _kept(clause, use.ships_notice if name == "notice" else use.ships_license, "copies are distributed")


def _derived_model(_name: str, clause: Clause, license: License, use: Use) -> Iterator[Applied]:
    if use.trains_with is None:
        return
    if clause.kind != "duty":
        yield _OF_CLAUSE[clause.kind], f"another model is made or improved with {use.trains_with}"
        return
    if use.trains_with not in clause.covers or not use.derived_model_offered:
        return
    yield "obligation", f"a model made or improved with {use.trains_with} of {license.materials} is made available"
    prefix, given = clause.text or "", use.derived_model_name
    if given is None:
        yield "question", "the model's name is not given"
    elif not given.startswith(prefix):
        if given.lower().startswith(prefix.lower()):
            yield "question", f"{given!r} begins with the word in another spelling than {prefix!r}"
        else:
            yield "breach", f"{given!r} does not begin with {prefix!r}"


def _improves_other_models(_name: str, clause: Clause, license: License, use: Use) -> Iterator[Applied]:
    if use.trains_with in clause.covers and not use.derived_model_is_llama:
        yield "breach", f"{use.trains_with} of {license.materials} improve a model of another family"


def _branding(_name: str, clause: Clause, _license: License, use: Use) -> Iterator[Applied]:
    named = use.derived_model_offered and use.trains_with is not None
    if use.uses_marks or named:
        yield _OF_CLAUSE[clause.kind], "the word or a mark is used"
    if use.uses_marks and clause.kind == "duty":
        yield "question", "marks are used beyond the required word; whether that only describes the model needs a look"


def _over_user_limit(_name: str, clause: Clause, license: License, use: Use) -> Iterator[Applied]:
    if use.received_in_product:
        return
    if use.monthly_users is None:
        yield (
            "question",
            f"the monthly users in the month before {license.version_released}, affiliates counted, are not given",
        )
    elif clause.threshold is not None and use.monthly_users > clause.threshold:
        yield "breach", f"{use.monthly_users:,} monthly users are more than {clause.threshold:,}"


def _eu_domicile(_name: str, _clause: Clause, license: License, use: Use) -> Iterator[Applied]:
    inside = in_eu(license, use.domicile)
    if not license.multimodal or inside is False:
        return
    whose = "the company's principal place of business" if use.who == "company" else "the person's domicile"
    if inside is None:
        yield "question", f"not known here whether {whose}, {use.domicile}, lies in the European Union"
        return
    reason = f"{whose}, {use.domicile}, lies in the European Union, and {license.materials} models read images"
    if use.via_hosted_api:
        open_point = "whether who builds on another's hosted API is its end user, and exempt, or needs rights of their own is not said"
        yield "question", f"{reason}; {open_point}"
        return
    no_images = "; that no images are used changes nothing: the text names the models and not their use"
    yield "breach", reason if use.image_input else reason + no_images


def _integrated_product(_name: str, clause: Clause, _license: License, use: Use) -> Iterator[Applied]:
    if use.received_in_product:
        yield _OF_CLAUSE[clause.kind], "the materials came inside an integrated end user product"


def _end_user(_name: str, clause: Clause, license: License, use: Use) -> Iterator[Applied]:
    if use.role == "end_user" and license.multimodal and in_eu(license, use.domicile):
        yield _OF_CLAUSE[clause.kind], "the use is that of an end user of a product or service"


def _deployment(_name: str, clause: Clause, _license: License, use: Use) -> Iterator[Applied]:
    if use.offering in {"hosted_api", "product"}:
        yield _OF_CLAUSE[clause.kind], "a system is deployed to end users"


def _purpose(name: str, clause: Clause, _license: License, use: Use) -> Iterator[Applied]:
    if name in use.purposes:
        yield "breach", "the purpose is declared"
    else:
        yield _OF_CLAUSE[clause.kind], "banned for any use"


_RULES: dict[Situation, Callable[[str, Clause, License, Use], Iterator[Applied]]] = {
    "always": _always,
    "made_available": _made_available,
    "copies": _copies,
    "derived_model": _derived_model,
    "improves_other_models": _improves_other_models,
    "branding": _branding,
    "over_user_limit": _over_user_limit,
    "eu_domicile": _eu_domicile,
    "integrated_product": _integrated_product,
    "end_user": _end_user,
    "deployment": _deployment,
    "litigation": _always,
    "claims_by_others": _always,
    "breach": _always,
    "purpose": _purpose,
}
_REACH_END_USERS = frozenset({"always", "end_user", "purpose", "litigation", "claims_by_others", "breach"})
