"""Which kernel an engine runs a part of the model with, by release, device, format and parallelism."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Literal

from llama4ref.facts.types.conditions import Circumstances, Conditions
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import UNKNOWN, Unknown

Component = Literal["experts", "attention", "linear"]
"""Routed experts, attention over the KV cache, and all other matrix multiplications."""


@dataclass(frozen=True, kw_only=True)
class KernelRule:
    """What the engine's own selection comes to, under conditions; of a component's rules the first that holds counts."""

    component: Component
    since: str | Unknown
    """First release that chooses so; unknown where it was so before the first release the facts cover."""
    until: str | None = None
    """First release that no longer does; none while it does."""
    when: Conditions
    """Under which conditions."""
    chosen: str | Unknown | None
    """The kernel that it takes by itself; none where none runs, and the server ends; unknown where that was not found out."""
    others: tuple[str, ...] = ()
    """Kernels that can be asked for instead, as the option for it names them."""
    option: dict[str, str] = field(default_factory=dict)
    """Value of the option that asks for each of these kernels, where it differs from the name."""
    note: str | None = None
    """What it costs or refuses."""


@dataclass(frozen=True, kw_only=True, repr=False)
class KernelSet(Entity):
    """Which kernels one engine runs Llama 4 with."""

    id: str
    name: str
    engine: str
    """Id of the engine."""
    rules: dict[str, KernelRule]
    """Rules by a short name, in the order in which they are tried."""

    def rule(self, component: Component, release: str, circumstances: Circumstances) -> tuple[str, KernelRule] | None:
        """The rule that holds, with its name; None where nothing is recorded."""
        for id_, each in self._possible(component, release, circumstances):
            if each.when.met_by(circumstances):
                return id_, each
        return None

    def _possible(self, component: Component, release: str, of: Circumstances) -> tuple[tuple[str, KernelRule], ...]:
        """Rules that neither release nor format nor hardware rules out; a search asks for the same ones again and again."""
        key = component, release, of.expert_format, of.platform, of.accelerator, of.architecture, of.capability
        if key not in self._asked:
            self._asked[key] = tuple(
                (id_, each)
                for id_, each in self.rules.items()
                if each.component == component
                and (not each.when.expert_formats or of.expert_format in each.when.expert_formats)
                and each.when.hardware_met_by(of)
                and holds_at(release, since=each.since, until=each.until)
            )
        return self._asked[key]

    @functools.cached_property
    def _asked(self) -> dict[tuple[object, ...], tuple[tuple[str, KernelRule], ...]]:
        return {}

    def chosen(self, component: Component, release: str, circumstances: Circumstances) -> str | Unknown | None:
        """The kernel that a server takes; UNKNOWN where nothing is recorded, None where none runs."""
        found = self.rule(component, release, circumstances)
        return UNKNOWN if found is None else found[1].chosen


__all__ = ["Component", "KernelRule", "KernelSet"]
