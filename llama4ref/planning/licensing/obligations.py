"""What a licence asks of a use: duties, breaches and what the text leaves open. No legal advice.

The clauses are facts (`specs/licenses/`); here is only when each one applies. Every finding names its clause and the field of
the specs it rests on, so that `catalog.cite(finding.entity, finding.field)` gives the source.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llama4ref.errors import RequestError, nearest_names
from llama4ref.field_words import described
from llama4ref.planning.licensing.clause_rules import findings, in_eea_or_switzerland
from llama4ref.planning.licensing.uses import Use

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.facts.types.licenses import Clause, License

DISCLAIMER = "A reading of published texts by a program; it is no legal advice and no substitute for a lawyer"


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One clause that applies."""

    kind: Literal["obligation", "breach", "question", "right", "term"]
    """What it is to the one who uses the model."""
    name: str
    """The clause's name in the specs."""
    clause: str
    """Where it stands in the text, such as `1.b.i`."""
    says: str
    """What it asks or grants, in our words."""
    because: str
    """Why it applies here, or what is open."""
    entity: str
    """The spec it rests on, such as `licenses/llama-4-community`."""
    field: str
    """The field there."""

    def __str__(self) -> str:
        return f"{self.kind}, {self.clause}: {self.says} ({self.because})"


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseReport:
    """What a licence asks of one use."""

    license: str
    """Its title."""
    use: Use
    """The use that was asked about."""
    party: str | None
    """Who the contract is with; None where the facts do not say."""
    obligations: tuple[Finding, ...]
    """What is to be done."""
    breaches: tuple[Finding, ...]
    """What the use must not do, and does."""
    questions: tuple[Finding, ...]
    """What cannot be said without more facts about the use."""
    rights: tuple[Finding, ...]
    """What is granted."""
    terms: tuple[Finding, ...]
    """What holds besides."""
    notice: str | None
    """Content of the Notice file that copies need; None where none are passed on."""
    attribution: str | None
    """Words to show; None where nothing is made available."""
    disclaimer: str = DISCLAIMER
    """What such a report is not."""

    @property
    def verdict(self) -> Literal["no", "unclear", "yes"]:
        """`no` with a breach, `unclear` with an open question, otherwise `yes`: under the obligations listed."""
        return "no" if self.breaches else "unclear" if self.questions else "yes"


def check_use(license: License, use: Use) -> LicenseReport:
    """What the licence asks of this use.

    Raises:
        RequestError: where the domicile is no country code, or a purpose is not one the policy names.

    Examples:
        >>> from llama4ref.facts import load
        >>> use = Use(who="company", domicile="FR", offering="product", monthly_users=1_000_000, image_input=True)
        >>> [finding.clause for finding in check_use(load().license("llama-4-community"), use).breaches]
        ['AUP, paragraph after item 6']
    """
    known = banned_purposes(license)
    for purpose in use.purposes:
        if purpose not in known:
            near = nearest_names(purpose, known)
            hint = f"did you mean {' or '.join(near)}" if near else f"known are {', '.join(known) or 'none'}"
            raise RequestError(f"purpose {purpose!r} is not an item of the policy of {license.name}; {hint}")
    found = [
        Finding(
            kind=kind,
            name=name,
            clause=clause.clause,
            says=_said(clause),
            because=because,
            entity=f"licenses/{license.id}",
            field=field,
        )
        for name, (clause, field) in _clauses(license).items()
        for kind, because in findings(name, clause, license, use)
    ]
    return LicenseReport(
        license=license.name,
        use=use,
        party=_party(license, use),
        obligations=_of(found, "obligation"),
        breaches=_of(found, "breach"),
        questions=_of(found, "question"),
        rights=_of(found, "right"),
        terms=_of(found, "term"),
        notice=_dictated(license, found, "notice"),
        attribution=_dictated(license, found, "attribution"),
    )


def month_counted(license: License) -> str:
    """The calendar month whose active users count, as `2025-03`.

    Examples:
        >>> from llama4ref.facts import load
        >>> month_counted(load().license("llama-4-community"))
        '2025-03'
    """
    released = dt.date.fromisoformat(license.version_released)
    return f"{released.replace(day=1) - dt.timedelta(days=1):%Y-%m}"


def banned_purposes(license: License) -> tuple[str, ...]:
    """Names of the purposes that the policy bans, in its order."""
    items: Mapping[str, Clause] = license.policy.clauses if license.policy else {}
    return tuple(name for name, clause in items.items() if clause.applies == "purpose")


def _clauses(license: License) -> dict[str, tuple[Clause, str]]:
    own = {name: (clause, f"clauses.{name}.says") for name, clause in license.clauses.items()}
    items: Mapping[str, Clause] = license.policy.clauses if license.policy else {}
    return own | {name: (clause, f"policy.clauses.{name}.says") for name, clause in items.items()}


def _said(clause: Clause) -> str:
    return f"no {clause.says}" if clause.applies == "purpose" else clause.says


def _of(found: list[Finding], kind: str) -> tuple[Finding, ...]:
    return tuple(finding for finding in found if finding.kind == kind)


def _party(license: License, use: Use) -> str | None:
    inside = in_eea_or_switzerland(license, use.domicile)
    if license.parties is None or inside is None:
        return None
    return license.parties.eea_and_switzerland if inside else license.parties.elsewhere


def _dictated(license: License, found: list[Finding], name: str) -> str | None:
    needed = any(finding.name == name for finding in found)
    return license.clauses[name].text if needed else None
