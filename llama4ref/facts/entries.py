"""All facts by id, with the source of each leaf: what the audit and the queries read."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from llama4ref.errors import UnknownNameError

if TYPE_CHECKING:
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.benchmarks import Benchmark
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.errata import Erratum
    from llama4ref.facts.types.families import Family
    from llama4ref.facts.types.formats import Format
    from llama4ref.facts.types.licenses import License
    from llama4ref.facts.types.measurements import Measurement
    from llama4ref.facts.types.models import Model
    from llama4ref.facts.types.providers import Provider
    from llama4ref.facts.types.safeguards import Safeguard
    from llama4ref.facts.types.sources import Citation, Provenance, Source

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Entries:
    """Everything under `specs/`. Mappings are by id, in the order of the file names."""

    sources: Mapping[str, Source]
    models: Mapping[str, Model]
    checkpoints: Mapping[str, Checkpoint]
    formats: Mapping[str, Format]
    accelerators: Mapping[str, Accelerator]
    engines: Mapping[str, Engine]
    providers: Mapping[str, Provider]
    licenses: Mapping[str, License]
    benchmarks: Mapping[str, Benchmark]
    measurements: Mapping[str, Measurement]
    families: Mapping[str, Family]
    safeguards: Mapping[str, Safeguard]
    errata: Mapping[str, Erratum]
    packed_provenance: bytes
    """`provenance`, pickled; most uses never need it."""

    def model(self, id: str) -> Model:
        """The model of that id; raises UnknownNameError with the nearest ids."""
        return _named("model", id, self.models)

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
        return _named("format", id, self.formats)

    def accelerator(self, id: str) -> Accelerator:
        """The accelerator of that id."""
        return _named("accelerator", id, self.accelerators)

    def engine(self, id: str) -> Engine:
        """The serving engine of that id."""
        return _named("engine", id, self.engines)

    def provider(self, id: str) -> Provider:
        """The provider of that id."""
        return _named("provider", id, self.providers)

    def license(self, id: str) -> License:
        """The licence of that id."""
        return _named("license", id, self.licenses)

    def benchmark(self, id: str) -> Benchmark:
        """The benchmark of that id."""
        return _named("benchmark", id, self.benchmarks)

    def measurement(self, id: str) -> Measurement:
        """The measurement of that id."""
        return _named("measurement", id, self.measurements)

    def family(self, id: str) -> Family:
        """The family of that id."""
        return _named("family", id, self.families)

    def safeguard(self, id: str) -> Safeguard:
        """The safeguard of that id."""
        return _named("safeguard", id, self.safeguards)

    def erratum(self, id: str) -> Erratum:
        """The erratum of that id."""
        return _named("erratum", id, self.errata)

    @functools.cached_property
    def provenance(self) -> Mapping[str, Mapping[str, Provenance]]:
        """Where each leaf comes from: by entity (`models/scout`), then by field (`text.layers`)."""
        unpacked: dict[str, dict[str, Provenance]] = pickle.loads(self.packed_provenance)
        return unpacked

    def trace(self, entity: str, field: str) -> Provenance:
        """Where one leaf comes from; raises UnknownNameError for an entity or field that is not there."""
        leaves = _named("entity", entity, self.provenance)
        return _named(f"field of {entity}", field, leaves)

    def cite(self, entity: str, field: str) -> tuple[Citation, ...]:
        """The citations of one leaf, preferred first.

        Examples:
            >>> import llama4ref
            >>> llama4ref.load().cite("models/scout", "text.layers")[0].agrees
            True
        """
        return self.trace(entity, field).citations


def _named(kind: str, name: str, among: Mapping[str, T]) -> T:
    if name in among:
        return among[name]
    raise UnknownNameError(kind, name, among)
