"""Options of one server while they are gathered: a release takes those that it has, and each keeps its reason."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import Reason, Setting
from llama4ref.engine.option_values import object_of, object_text
from llama4ref.engine.settings_reading import HYBRID_VARIABLE
from llama4ref.facts.types.releases import holds_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.compatibility.workarounds import Workaround

_NAMES = {
    "cache_dtype": ("kv-cache-dtype",),
    "context": ("max-model-len",),
    "hybrid": ("disable-hybrid-kv-cache-manager", HYBRID_VARIABLE),
}
"""Options and variables that a field of the request becomes, where they are not called alike."""


class SettingsDraft:
    """Options of one server while they are gathered, each with its reason; leaves out what the release lacks."""

    def __init__(self, engine: Engine, release: str, options: frozenset[str]) -> None:
        """`options` are those that the release has."""
        self.engine, self.release, self.options = engine, release, options
        self.settings: dict[str, Setting] = {}
        self.environment: dict[str, str] = {}
        self.reasons: list[Reason] = []

    def has(self, flag: str) -> bool:
        """Whether the release has an option."""
        return flag in self.options

    def takes(self, flag: str, value: str) -> bool:
        """Whether the release has an option that takes a value."""
        return self.has(flag) and self.engine.flags[flag].takes_at(value, self.release)

    def set(self, flag: str, value: Setting, because: str, *, source: str | None = None) -> None:
        """Set an option the release has."""
        if self.has(flag):
            if flag in self.settings:
                self.reasons = [each for each in self.reasons if each.about != flag]
            self.settings[flag] = value
            self.reasons.append(Reason(about=flag, value=str(value), because=because, source=source))

    def set_object(self, flag: str, value: Mapping[str, object], because: str, *, source: str | None = None) -> None:
        """Set an option that takes an object, written as the release takes it."""
        if self.has(flag):
            self.set(flag, object_text(value, self.engine.flags[flag], self.release), because, source=source)

    def work_around(self, workaround: Workaround) -> None:
        """Set what gets round a known fault; a setting that is there already gets the fault as its reason."""
        remedy, why, source = workaround.remedy, workaround.because, workaround.source
        for name, value in remedy.settings.items():
            if self.engine.flags[name].takes == "json":
                self.set_object(name, {**self._object(name), **json.loads(str(value))}, why, source=source)
            else:
                self.set(name, value, why, source=source)
        for name, text in remedy.environment.items():
            self.export(name, text, why, source=source)
        fields = {name for field in remedy.request for name in _NAMES.get(field, (field.replace("_", "-"),))}
        self.reasons = [
            replace(each, because=why, source=source) if each.about in fields else each for each in self.reasons
        ]

    def _object(self, flag: str) -> dict[str, object]:
        """What an option that takes an object is set to already."""
        return object_of(str(self.settings[flag])) if flag in self.settings else {}

    def export(self, variable: str, value: str, because: str, *, source: str | None = None) -> None:
        """Set an environment variable the release reads."""
        known = self.engine.environment.get(variable)
        if known is not None and holds_at(self.release, since=known.since, until=known.until):
            self.environment[variable] = value
            self.reasons.append(Reason(about=variable, value=value, because=because, source=source))
