"""Which of our offers a row of a catalogue is about.

No table of names is kept: the specs cite catalogues by key, so a cited key leads to its offer, and its service to the provider.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama4ref.facts import Catalog
    from llama4ref.facts.types.providers import Offer
    from llama4ref.facts.types.sources import Citation, Provenance
    from llama4ref.watching.catalogues import Catalogue, CatalogueRow
    from llama4ref.watching.catalogues_found import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class OurOffer:
    """An offer of the specs, with what it cites of one catalogue."""

    provider: str
    index: int
    """Its place among the provider's offers."""
    offer: Offer
    keys: Mapping[str, int]
    """Keys of the catalogue that its facts cite, and how many cite each."""
    named_by: str | None
    """The key that its name is cited from, where it is cited from the catalogue."""

    @property
    def entity(self) -> str:
        """The provider, as `catalog.cite` names it."""
        return f"providers/{self.provider}"

    def field(self, name: str) -> str:
        """A leaf of the offer, as `catalog.cite` names it."""
        return f"offers.{self.index}.{name}"

    def times_cited(self, row: CatalogueRow) -> int:
        """How many of its facts cite a row, or all rows of its service."""
        return self.keys.get(row.key, 0) + self.keys.get(row.service, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The rows of a catalogue beside our offers."""

    pairs: tuple[tuple[CatalogueRow, OurOffer], ...]
    unmatched: tuple[tuple[CatalogueRow, str | None], ...]
    """Rows that are about none of our offers, with our provider where there is one."""
    missing: tuple[OurOffer, ...]
    """Our offers that cite the catalogue about themselves, by a key that it has no more."""


def match_offers(catalog: Catalog, catalogue: Catalogue, form: Form) -> Matched:
    """Every row with the offers that it is about."""
    ours = tuple(our_offers(catalog, form))
    providers = _providers(catalog, catalogue, form, ours)
    pairs: list[tuple[CatalogueRow, OurOffer]] = []
    unmatched: list[tuple[CatalogueRow, str | None]] = []
    for row in catalogue.rows:
        provider = providers.get(row.service)
        found = _about(row, provider, ours)
        pairs += [(row, each) for each in found]
        if not found:
            unmatched.append((row, provider))
    met = {(each.provider, each.index) for _, each in pairs}
    there = {row.key for row in catalogue.rows}
    missing = tuple(
        each
        for each in ours
        if (each.provider, each.index) not in met and _own_keys(each, providers, form) and not there & each.keys.keys()
    )
    return Matched(pairs=tuple(pairs), unmatched=tuple(unmatched), missing=missing)


def of_package(citation: Citation, package: str) -> bool:
    """Whether a source is a release or a copy of a package's catalogue: the specs name such sources after it."""
    return citation.source.id == package or citation.source.id.startswith(f"{package}-")


def our_offers(catalog: Catalog, form: Form) -> Iterator[OurOffer]:
    """All offers, with the keys that they cite."""
    for id_, provider in catalog.providers.items():
        leaves = catalog.provenance[f"providers/{id_}"]
        for index, offer in enumerate(provider.offers):
            place = f"offers.{index}."
            cited = {path: _keys(leaf, form) for path, leaf in leaves.items() if path.startswith(place)}
            yield OurOffer(
                provider=id_,
                index=index,
                offer=offer,
                keys=Counter(key for keys in cited.values() for key in keys),
                named_by=next(iter(cited[f"{place}name"]), None),
            )


def _keys(leaf: Provenance, form: Form) -> list[str]:
    return [form.cited_key(each.at) for each in leaf.citations if of_package(each, form.package)]


def _providers(catalog: Catalog, catalogue: Catalogue, form: Form, ours: tuple[OurOffer, ...]) -> Mapping[str, str]:
    """Our provider by the catalogue's word for it: whose offer is named by it, else who cites it, else the same word."""
    known = {row.key: row.service for row in catalogue.rows}
    words = [(each, key, known.get(key) or form.cited_service(key)) for each in ours for key in each.keys]
    same = {id_.replace("-", "_"): id_ for id_ in catalog.providers} | {id_: id_ for id_ in catalog.providers}
    cited = {word: each.provider for each, _, word in words if word is not None}
    named = {word: each.provider for each, key, word in words if word is not None and key == each.named_by}
    return same | cited | named


def _own_keys(ours: OurOffer, providers: Mapping[str, str], form: Form) -> list[str]:
    """The keys that an offer cites about its own provider; another provider's may be cited for what it implies."""
    return [key for key in ours.keys if providers.get(form.cited_service(key) or "", ours.provider) == ours.provider]


def _about(row: CatalogueRow, provider: str | None, ours: tuple[OurOffer, ...]) -> list[OurOffer]:
    """Offers of the row's name, at its provider or named from it elsewhere; where there is none, those that cite it."""
    of_model = [each for each in ours if each.offer.model == row.model]
    named = [
        each
        for each in of_model
        if _same_name(each.offer.name, row.name)
        and (each.provider == provider or each.named_by in {row.key, row.service})
    ]
    found = named or [each for each in of_model if row.key in each.keys]
    providers = dict.fromkeys(each.provider for each in found)
    return [each for id_ in providers for each in _of_one_tier(row, [each for each in found if each.provider == id_])]


def _of_one_tier(row: CatalogueRow, ours: list[OurOffer]) -> list[OurOffer]:
    """Of several offers of one name at a provider those without a tier, else those that cite the row most."""
    most = max(each.times_cited(row) for each in ours)
    return [each for each in ours if each.offer.tier is None] or [
        each for each in ours if each.times_cited(row) == most
    ]


def _same_name(one: str, other: str) -> bool:
    """Whether two ids are the same but for case and the folders before them."""
    first, second = one.casefold(), other.casefold()
    return first == second or first.endswith(f"/{second}") or second.endswith(f"/{first}")


__all__ = ["Matched", "OurOffer", "match_offers", "of_package", "our_offers"]
