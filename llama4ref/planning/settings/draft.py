"""Options of one server while they are gathered: a release takes those that it has, and each keeps its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.engine.engine_config import Reason, Setting
from llama4ref.engine.option_values import object_text
from llama4ref.facts.types.releases import holds_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.facts.types.engines import Engine


class SettingsDraft:
    """Options of one server while they are gathered, each with its reason; leaves out what the release lacks."""

    def __init__(self, engine: Engine, release: str) -> None:
        self.engine, self.release = engine, release
        self.settings: dict[str, Setting] = {}
        self.environment: dict[str, str] = {}
        self.reasons: list[Reason] = []

    def has(self, flag: str) -> bool:
        """Whether the release has an option."""
        known = self.engine.flags.get(flag)
        return known is not None and holds_at(self.release, since=known.since, until=known.until)

    def takes(self, flag: str, value: str) -> bool:
        """Whether the release has an option that takes a value."""
        return self.has(flag) and self.engine.flags[flag].takes_at(value, self.release)

    def set(self, flag: str, value: Setting, because: str, *, source: str | None = None) -> None:
        """Set an option the release has."""
        if self.has(flag):
            self.settings[flag] = value
            self.reasons.append(Reason(about=flag, value=str(value), because=because, source=source))

    def set_object(self, flag: str, value: Mapping[str, object], because: str, *, source: str | None = None) -> None:
        """Set an option that takes an object, written as the release takes it."""
        if self.has(flag):
            self.set(flag, object_text(value, self.engine.flags[flag], self.release), because, source=source)

    def export(self, variable: str, value: str, because: str, *, source: str | None = None) -> None:
        """Set an environment variable the release reads."""
        known = self.engine.environment.get(variable)
        if known is not None and holds_at(self.release, since=known.since, until=known.until):
            self.environment[variable] = value
            self.reasons.append(Reason(about=variable, value=value, because=because, source=source))
