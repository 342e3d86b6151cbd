"""The kinds of facts: one field here is a folder of `specs/`, its type, its schema and its mapping in the catalogue.

A new kind needs its type in this folder and a field and a lookup below; the loader, the reader, the schemas and the exports follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar, get_args, get_type_hints

from llama4ref.errors import UnknownNameError
from llama4ref.facts.types.accelerators import Accelerator
from llama4ref.facts.types.benchmarks import Benchmark
from llama4ref.facts.types.checkpoints import Checkpoint
from llama4ref.facts.types.engines import Engine
from llama4ref.facts.types.errata import Erratum
from llama4ref.facts.types.estimates import EstimateSet
from llama4ref.facts.types.families import Family
from llama4ref.facts.types.formats import Format
from llama4ref.facts.types.licenses import License
from llama4ref.facts.types.measurements import Measurement
from llama4ref.facts.types.models import Model
from llama4ref.facts.types.providers import Provider
from llama4ref.facts.types.safeguards import Safeguard
from llama4ref.facts.types.starts import Start

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Naming:
    """What one thing of a kind is called, and the heading over all of them."""

    singular: str
    title: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of facts, as the rest of the package reads it off `EntitiesById`."""

    type: type
    """Of one entity."""
    singular: str
    title: str


@dataclass(frozen=True, eq=False, kw_only=True)
class EntitiesById:
    """Every entity by kind and id, in the order of the file names."""

    models: Annotated[Mapping[str, Model], Naming("model", "Models")]
    checkpoints: Annotated[Mapping[str, Checkpoint], Naming("checkpoint", "Checkpoints")]
    formats: Annotated[Mapping[str, Format], Naming("format", "Number formats")]
    accelerators: Annotated[Mapping[str, Accelerator], Naming("accelerator", "Accelerators")]
    engines: Annotated[Mapping[str, Engine], Naming("engine", "Engines")]
    providers: Annotated[Mapping[str, Provider], Naming("provider", "Providers")]
    licenses: Annotated[Mapping[str, License], Naming("license", "Licences")]
    benchmarks: Annotated[Mapping[str, Benchmark], Naming("benchmark", "Benchmarks")]
    measurements: Annotated[Mapping[str, Measurement], Naming("measurement", "Measurements")]
    families: Annotated[Mapping[str, Family], Naming("family", "Families")]
    safeguards: Annotated[Mapping[str, Safeguard], Naming("safeguard", "Safeguards")]
    errata: Annotated[Mapping[str, Erratum], Naming("erratum", "Errata")]
    estimates: Annotated[Mapping[str, EstimateSet], Naming("estimate", "Estimates")]
    starts: Annotated[Mapping[str, Start], Naming("start", "Logged starts")]

    def model(self, id: str) -> Model:
        """The model of that id; raises UnknownNameError with the nearest ids."""
        return named("model", id, self.models)

    def checkpoint(self, id: str) -> Checkpoint:
        """The checkpoint of that id or repository; raises UnknownNameError with the nearest ones."""
        if id in self.checkpoints:
            return self.checkpoints[id]
        for each in self.checkpoints.values():
            if each.is_called(id):
                return each
        repositories = [each.repository for each in self.checkpoints.values() if each.repository]
        raise UnknownNameError("checkpoint", id, repositories if "/" in id else self.checkpoints)

    def format(self, id: str) -> Format:
        """The number format of that id."""
        return named("format", id, self.formats)

    def accelerator(self, id: str) -> Accelerator:
        """The accelerator of that id."""
        return named("accelerator", id, self.accelerators)

    def engine(self, id: str) -> Engine:
        """The serving engine of that id."""
        return named("engine", id, self.engines)

    def provider(self, id: str) -> Provider:
        """The provider of that id."""
        return named("provider", id, self.providers)

    def license(self, id: str) -> License:
        """The licence of that id."""
        return named("license", id, self.licenses)

    def benchmark(self, id: str) -> Benchmark:
        """The benchmark of that id."""
        return named("benchmark", id, self.benchmarks)

    def measurement(self, id: str) -> Measurement:
        """The measurement of that id."""
        return named("measurement", id, self.measurements)

    def family(self, id: str) -> Family:
        """The family of that id."""
        return named("family", id, self.families)

    def safeguard(self, id: str) -> Safeguard:
        """The safeguard of that id."""
        return named("safeguard", id, self.safeguards)

    def erratum(self, id: str) -> Erratum:
        """The erratum of that id."""
        return named("erratum", id, self.errata)

    def estimate(self, id: str) -> EstimateSet:
        """The estimates of that id: an engine's, or those that all share."""
        return named("estimate", id, self.estimates)

    def start(self, id: str) -> Start:
        """The logged start of that id."""
        return named("start", id, self.starts)


def named(kind: str, name: str, among: Mapping[str, T]) -> T:
    """What goes by a name; raises UnknownNameError with the nearest names."""
    if name in among:
        return among[name]
    raise UnknownNameError(kind, name, among)


def _kinds() -> dict[str, Kind]:
    kinds = {}
    for folder, hint in get_type_hints(EntitiesById, include_extras=True).items():
        mapping, naming = get_args(hint)
        kinds[folder] = Kind(get_args(mapping)[1], naming.singular, naming.title)
    return kinds


KINDS = _kinds()
"""By folder of `specs/`."""
