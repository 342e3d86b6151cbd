"""The kinds of facts: one field here is a folder of `specs/`, its type, its schema and its mapping in the catalogue.

A new kind needs its type in this folder and a field and a lookup below; the loader, the reader, the schemas and the exports follow.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from llama4ref.errors import UnknownNameError

if TYPE_CHECKING:
    from llama4ref.facts.types.abilities import AbilitySet
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.benchmarks import Benchmark
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.errata import Erratum
    from llama4ref.facts.types.estimates import EstimateSet
    from llama4ref.facts.types.families import Family
    from llama4ref.facts.types.faults import FaultSet
    from llama4ref.facts.types.formats import Format
    from llama4ref.facts.types.kernels import KernelSet
    from llama4ref.facts.types.licenses import License
    from llama4ref.facts.types.measurements import Measurement
    from llama4ref.facts.types.models import Model
    from llama4ref.facts.types.providers import Provider
    from llama4ref.facts.types.safeguards import Safeguard
    from llama4ref.facts.types.starts import Start

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of facts: a folder, what one of its things is called, and the heading over all of them."""

    folder: str
    singular: str
    title: str

    @property
    def type(self) -> type:
        """Of one entity."""
        return _types()[self.folder]


def _kind(singular: str, title: str) -> Any:
    return field(metadata={"singular": singular, "title": title})


@dataclass(frozen=True, eq=False, kw_only=True)
class EntitiesById:
    """Every entity by kind and id, in the order of the file names."""

    models: Mapping[str, Model] = _kind("model", "Models")
    """Models, by id."""
    checkpoints: Mapping[str, Checkpoint] = _kind("checkpoint", "Checkpoints")
    """Checkpoints, by id."""
    formats: Mapping[str, Format] = _kind("format", "Number formats")
    """Number formats, by id."""
    accelerators: Mapping[str, Accelerator] = _kind("accelerator", "Accelerators")
    """Accelerators, by id."""
    engines: Mapping[str, Engine] = _kind("engine", "Engines")
    """Engines, by id."""
    providers: Mapping[str, Provider] = _kind("provider", "Providers")
    """Providers, by id."""
    licenses: Mapping[str, License] = _kind("license", "Licences")
    """Licences, by id."""
    benchmarks: Mapping[str, Benchmark] = _kind("benchmark", "Benchmarks")
    """Benchmarks, by id."""
    measurements: Mapping[str, Measurement] = _kind("measurement", "Measurements")
    """Measurements, by id."""
    families: Mapping[str, Family] = _kind("family", "Families")
    """Families, by id."""
    safeguards: Mapping[str, Safeguard] = _kind("safeguard", "Safeguards")
    """Safeguards, by id."""
    errata: Mapping[str, Erratum] = _kind("erratum", "Errata")
    """Errata, by id."""
    estimates: Mapping[str, EstimateSet] = _kind("estimate", "Estimates")
    """Estimates, by id."""
    starts: Mapping[str, Start] = _kind("start", "Logged starts")
    """Logged starts, by id."""
    abilities: Mapping[str, AbilitySet] = _kind("ability_set", "What engines can do")
    """What engines can do, by id."""
    faults: Mapping[str, FaultSet] = _kind("fault_set", "Known faults")
    """Known faults, by id."""
    kernels: Mapping[str, KernelSet] = _kind("kernel_set", "Kernels")
    """Kernels, by id."""

    def model(self, id: str) -> Model:
        """The model of that id; raises UnknownNameError with the nearest ids."""
        return named("model", id, self.models)

    def checkpoint(self, id: str) -> Checkpoint:
        """The checkpoint of that id or repository; raises UnknownNameError with the nearest ones."""
        for each in self.checkpoints.values() if isinstance(id, str) else ():
            if each.is_called(id):
                return each
        repositories = [each.repository for each in self.checkpoints.values() if each.repository]
        raise UnknownNameError("checkpoint", id, repositories if "/" in str(id) else self.checkpoints)

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

    def ability_set(self, id: str) -> AbilitySet:
        """What the engine of that id can do with Llama 4."""
        return named("ability_set", id, self.abilities)

    def fault_set(self, id: str) -> FaultSet:
        """The known faults of the engine of that id with Llama 4."""
        return named("fault_set", id, self.faults)

    def kernel_set(self, id: str) -> KernelSet:
        """What the engine of that id runs Llama 4 with."""
        return named("kernel_set", id, self.kernels)


def named(kind: str, name: str, among: Mapping[str, T]) -> T:
    """What goes by a name; raises UnknownNameError with the nearest names, whatever is given for one."""
    if isinstance(name, str) and name in among:
        return among[name]
    raise UnknownNameError(kind, name, among)


@functools.cache
def _types() -> dict[str, type]:
    """Of each folder; imported when a spec is read or described, as a plan needs few of them."""
    from llama4ref.facts.types.abilities import AbilitySet
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.benchmarks import Benchmark
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.errata import Erratum
    from llama4ref.facts.types.estimates import EstimateSet
    from llama4ref.facts.types.families import Family
    from llama4ref.facts.types.faults import FaultSet
    from llama4ref.facts.types.formats import Format
    from llama4ref.facts.types.kernels import KernelSet
    from llama4ref.facts.types.licenses import License
    from llama4ref.facts.types.measurements import Measurement
    from llama4ref.facts.types.models import Model
    from llama4ref.facts.types.providers import Provider
    from llama4ref.facts.types.safeguards import Safeguard
    from llama4ref.facts.types.starts import Start

    known = (
        AbilitySet,
        Accelerator,
        Benchmark,
        Checkpoint,
        Engine,
        Erratum,
        EstimateSet,
        Family,
        FaultSet,
        Format,
        KernelSet,
        License,
        Measurement,
        Model,
        Provider,
        Safeguard,
        Start,
    )
    hints = get_type_hints(EntitiesById, localns={each.__name__: each for each in known})
    return {folder: get_args(mapping)[1] for folder, mapping in hints.items()}


KINDS = {each.name: Kind(each.name, **each.metadata) for each in fields(EntitiesById)}
"""By folder of `specs/`."""
