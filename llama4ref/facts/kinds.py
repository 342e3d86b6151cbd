"""Which folder of `specs/` holds which type."""

from __future__ import annotations

from llama4ref.facts.accelerators import Accelerator
from llama4ref.facts.benchmarks import Benchmark
from llama4ref.facts.checkpoints import Checkpoint
from llama4ref.facts.engines import Engine
from llama4ref.facts.errata import Erratum
from llama4ref.facts.families import Family
from llama4ref.facts.formats import Format
from llama4ref.facts.licenses import License
from llama4ref.facts.measurements import Measurement
from llama4ref.facts.models import Model
from llama4ref.facts.providers import Provider
from llama4ref.facts.safeguards import Safeguard

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
