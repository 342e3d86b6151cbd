"""Licences and policies, clause by clause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llama4ref.facts.types.constraints import Day, NotNegative
from llama4ref.facts.types.entities import Entity

Kind = Literal["right", "duty", "limit", "ban", "term"]
Situation = Literal[
    "always",
    "made_available",
    "copies",
    "derived_model",
    "improves_other_models",
    "branding",
    "over_user_limit",
    "eu_domicile",
    "integrated_product",
    "end_user",
    "deployment",
    "litigation",
    "claims_by_others",
    "breach",
    "purpose",
]


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One right, duty or limit, in our words."""

    clause: str
    """Where it stands in the text, such as `1.b.i`."""
    kind: Kind
    """A right granted, a duty to do, a limit of the grant, a ban, or a term of the contract."""
    applies: Situation
    """The situation that makes it apply."""
    says: str
    """What it grants or asks."""
    text: str | None = None
    """Words that must be shown, kept or put in front exactly, where the clause dictates them."""
    threshold: NotNegative | None = None
    """A number the clause turns on; it applies above it."""
    covers: tuple[str, ...] = ()
    """What it reaches, `materials` or `outputs`, where licences differ in it."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A use policy that a licence takes in by reference."""

    name: str
    """Its title."""
    url: str
    """Where the current text is published."""
    clauses: dict[str, Clause]
    """Its items, by a name that also serves to declare a purpose."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Parties:
    """Who the contract is made with."""

    eea_and_switzerland: str
    """For people and companies there."""
    elsewhere: str
    """For everyone else."""


@dataclass(frozen=True, kw_only=True)
class Regions:
    """The countries that clauses turn on, as ISO 3166-1 alpha-2 codes."""

    eu: tuple[str, ...]
    """Members of the European Union."""
    eea_beyond_eu: tuple[str, ...]
    """Countries of the European Economic Area that are no members of the Union."""
    switzerland: tuple[str, ...]
    """Switzerland, which the licence names beside the Area."""
    aliases: dict[str, str]
    """Codes the European Commission writes for countries that ISO codes otherwise."""


@dataclass(frozen=True, kw_only=True, repr=False)
class License(Entity):
    """A licence with its policy. A clause that is not listed is not in the text."""

    id: str
    name: str
    """Its title."""
    publisher: str
    """Who grants it."""
    effective: Day
    """Day it takes effect, ISO 8601."""
    version_released: Day
    """Release day that the user limit refers to."""
    materials: str
    """What the licence calls the models it covers."""
    multimodal: bool
    """Whether models it covers read images."""
    clauses: dict[str, Clause]
    """Its clauses, by name."""
    parties: Parties | None = None
    """The other side of the contract, by region."""
    regions: Regions | None = None
    """The countries behind the regions the texts name."""
    policy: Policy | None = None
    """The use policy, where it is broken down too."""
    supersedes: str | None = None
    """Id of the licence of the generation before."""
    changes: tuple[str, ...] = ()
    """What differs from that one."""
    notes: tuple[str, ...] = ()
