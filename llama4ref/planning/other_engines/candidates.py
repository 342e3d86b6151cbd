"""Which engines serve a model on an accelerator, which release of them is meant, and what does it load?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import ReleaseError
from llama4ref.facts.types.releases import holds_at, normalized_release, release_key
from llama4ref.facts.types.states import UNKNOWN, is_stated
from llama4ref.planning.choices.checkpoints import PLATFORMS, accelerator_refusals, expert_bits
from llama4ref.planning.other_engines.sizes import Served, rules_at
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts.catalog import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.engines import Engine
    from llama4ref.facts.types.models import Model
    from llama4ref.planning.request import PlanRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A release of an engine on an accelerator, for a request."""

    catalog: Catalog
    request: PlanRequest
    engine: Engine
    release: str
    accelerator: Accelerator

    def checkpoints(self, model: Model) -> tuple[Checkpoint, ...]:
        """What the release loads of a model: the one that is asked for, or every published one with enough bits."""
        named = self.request.checkpoint
        pool = [self.catalog.checkpoint(named)] if named else list(self.catalog.checkpoints.values())
        return tuple(each for each in pool if each.model == model.id and self._loads(each))

    def _loads(self, checkpoint: Checkpoint) -> bool:
        loading = checkpoint.loads.get(self.engine.id)
        return (
            loading is not None
            and loading.supported is True
            and holds_at(self.release, since=loading.since, until=loading.until)
            and (self.request.checkpoint is not None or checkpoint.kind == "weights")
            and expert_bits(self.catalog, checkpoint) >= self.request.min_weight_bits
        )

    def cannot_run(self, checkpoint: Checkpoint) -> Iterator[Refusal]:
        """Why a checkpoint does not run on the accelerator, as far as it asks for something that the accelerator has not."""
        if self.accelerator.platform in PLATFORMS:
            yield from accelerator_refusals(self.catalog, checkpoint, self.accelerator, self.engine, self.release)
            return
        needs = checkpoint.requirements.platforms
        if needs is not UNKNOWN and self.accelerator.platform not in needs:
            said = f"it needs {' or '.join(needs)}, {self.accelerator.name} is {self.accelerator.platform}"
            yield Refusal(subject=f"{checkpoint.id} on {self.accelerator.id}", rule="platform", numbers=said)

    def served(self, model: Model, checkpoint: Checkpoint, count: int) -> Served | Refusal:
        """A checkpoint on so many devices under the rules of the release, or which of them is missing."""
        name, release = self.engine.name, self.release
        rules = rules_at(self.engine, release, count, self.accelerator.memory_bytes)
        if rules is None:
            said = "its rules of memory were not read for this release"
            return Refusal(subject=f"{self.engine.id} {release}", rule="not-planned", numbers=said)
        sizing, share, rule = rules
        word = "fp8" if self.request.cache_dtype == "fp8" else "bfloat16"
        if word not in sizing.cache_types:
            said = f"{name} is not known to keep its cache in {word}"
            return Refusal(subject=self.engine.id, rule="cache-dtype", numbers=said)
        if (
            self.request.images
            and "vision_tower" in checkpoint.omitted_components
            and sizing.projector_file is not True
        ):
            said = f"it holds no vision tower, and {name} is not known to read one from a file beside it"
            return Refusal(subject=checkpoint.id, rule="images", numbers=said)
        if count > 1 and sizing.split == "one":
            said = f"{name} serves on one device"
            return Refusal(subject=f"{count:,} x {self.accelerator.id}", rule="layout", numbers=said)
        return Served(
            model=model,
            checkpoint=checkpoint,
            accelerator=self.accelerator,
            count=count,
            engine=self.engine,
            release=release,
            sizing=sizing,
            share=share,
            rule=rule,
            cache_type=sizing.cache_types[word],
            images=bool(self.request.images),
            requests=self.request.concurrency or 1,
        )


def host_of(catalog: Catalog, request: PlanRequest, engine: Engine, accelerator: Accelerator) -> Host | Refusal | None:
    """The release that would serve there, or why none is planned; None where nobody states that the engine serves there.

    Raises:
        ReleaseError: for a release that the engine's facts do not cover.
    """
    subject, name, platform = f"{engine.id} on {accelerator.id}", engine.name, accelerator.platform
    there = engine.platforms.get(platform)
    if there is None:
        if request.gpu is None or request.engine is None:
            return None
        return Refusal(
            subject=subject, rule="not-planned", numbers=f"nobody states that {name} serves Llama 4 on {platform}"
        )
    cited = catalog.cite(f"engines/{engine.id}", f"platforms.{platform}.since")
    if there.since is None:
        said = f"{name} does not serve Llama 4 on {platform}" + _after(there.note)
        return Refusal(subject=subject, rule="not-planned", numbers=said, source=cited[0].source.id if cited else None)
    if engine.sizing is None:
        return Refusal(
            subject=subject,
            rule="not-planned",
            numbers=f"{name} serves Llama 4 on {platform}, and is not planned for there" + _after(there.note),
            source=cited[0].source.id if cited else None,
        )
    release = release_of(engine, request)
    if not holds_at(release, since=there.since):
        said = f"{name} {release} does not serve Llama 4 on {platform}, releases from {there.since} do"
        return Refusal(subject=subject, rule="engine-release", numbers=said)
    return Host(catalog=catalog, request=request, engine=engine, release=release, accelerator=accelerator)


def _after(note: str | None) -> str:
    return f": {note}" if note else ""


def release_of(engine: Engine, request: PlanRequest) -> str:
    """The release that is asked for, or the newest that the facts cover.

    Raises:
        ReleaseError: for one that they do not cover.
    """
    first, newest = engine.first_release, engine.newest_release
    if newest is UNKNOWN:
        raise ReleaseError(f"{engine.name}: no release of it is recorded")
    if request.engine_release is None:
        return newest
    wanted = normalized_release(request.engine_release)
    early = is_stated(first) and release_key(wanted) < release_key(first)
    if early or release_key(wanted) > release_key(newest):
        span = f"from {first} to {newest}" if is_stated(first) else f"up to {newest}"
        raise ReleaseError(f"{engine.name} {wanted} is not covered; name a release {span}")
    return wanted
