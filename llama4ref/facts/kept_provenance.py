"""Where leaves come from, kept small: each entity's provenance is unpacked when it is first asked for."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping

from llama4ref.facts.types.read_only import read_only
from llama4ref.facts.types.sources import Provenance, Source

Leaves = Mapping[str, Provenance]


def pack(provenance: Mapping[str, Leaves], sources: Mapping[str, Source]) -> dict[str, bytes]:
    """The provenance of each entity, pickled by itself; one of the catalogue's sources is kept as its id."""
    return {entity: _packed(dict(leaves), sources) for entity, leaves in provenance.items()}


class ProvenanceByEntity(Mapping[str, Leaves]):
    """Provenance by entity (`models/scout`), then by field (`text.layers`); read-only."""

    def __init__(self, packed: Mapping[str, bytes], sources: Mapping[str, Source]) -> None:
        self._packed, self._sources = packed, sources
        self._unpacked: dict[str, Leaves] = {}

    def __getitem__(self, entity: str) -> Leaves:
        if entity not in self._unpacked:
            leaves: dict[str, Provenance] = _Unpickler(self._packed[entity], self._sources).load()
            self._unpacked.setdefault(entity, read_only(leaves))
        return self._unpacked[entity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


class _Pickler(pickle.Pickler):
    def __init__(self, stream: io.BytesIO, sources: Mapping[str, Source]) -> None:
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        self.sources = sources

    def persistent_id(self, obj: object) -> str | None:
        return obj.id if isinstance(obj, Source) and self.sources.get(obj.id) == obj else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, packed: bytes, sources: Mapping[str, Source]) -> None:
        super().__init__(io.BytesIO(packed))
        self.sources = sources

    def persistent_load(self, pid: str) -> Source:
        return self.sources[pid]


def _packed(leaves: dict[str, Provenance], sources: Mapping[str, Source]) -> bytes:
    stream = io.BytesIO()
    _Pickler(stream, sources).dump(leaves)
    return stream.getvalue()
