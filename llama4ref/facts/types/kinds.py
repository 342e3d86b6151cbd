"""Which folder of `specs/` holds which type."""

from __future__ import annotations

from pydantic import ConfigDict

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

KINDS: dict[str, type] = {
    "models": Model,
    "checkpoints": Checkpoint,
    "formats": Format,
    "accelerators": Accelerator,
    "engines": Engine,
    "providers": Provider,
    "licenses": License,
    "benchmarks": Benchmark,
    "measurements": Measurement,
    "families": Family,
    "safeguards": Safeguard,
    "errata": Erratum,
}

STRICT = ConfigDict(strict=True, extra="forbid")
"""How a spec is read into its type: no coercion, no unknown keys."""
