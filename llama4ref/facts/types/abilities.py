"""What an engine can do with Llama 4: from which release on, and where."""

from __future__ import annotations

from dataclasses import dataclass, field

from llama4ref.facts.types.conditions import Circumstances, Conditions, Feature
from llama4ref.facts.types.entities import Entity
from llama4ref.facts.types.releases import holds_at, release_key
from llama4ref.facts.types.states import Unknown, is_stated


@dataclass(frozen=True, kw_only=True)
class Ability:
    """One feature, as releases in a row have it."""

    feature: Feature
    since: str | Unknown
    """First release that has it; unknown where it was there before the first release the facts cover."""
    until: str | None = None
    """First release without it; none while it is there."""
    when: Conditions = field(default_factory=Conditions)
    """Where it is limited to; open on every side where it holds everywhere."""
    note: str | None = None
    """What to know of it."""

    def holds(self, release: str, circumstances: Circumstances) -> bool:
        """Whether a server of a release has the feature by this row."""
        return holds_at(release, since=self.since, until=self.until) and self.when.met_by(circumstances)


@dataclass(frozen=True, kw_only=True, repr=False)
class AbilitySet(Entity):
    """What one engine can do with Llama 4. A feature without a row is one that nothing is recorded of."""

    id: str
    name: str
    engine: str
    """Id of the engine."""
    abilities: dict[str, Ability]
    """Rows by a short name."""

    def rows(self, feature: Feature) -> tuple[Ability, ...]:
        """The rows of a feature."""
        return tuple(each for each in self.abilities.values() if each.feature == feature)

    def earliest(self, feature: Feature) -> str | None:
        """The first release that has a feature anywhere; None where it was always there, or nothing is recorded of it."""
        begun = [each.since for each in self.rows(feature)]
        known = [each for each in begun if is_stated(each)]
        return min(known, key=release_key, default=None) if len(known) == len(begun) else None

    def lacks(self, feature: Feature, release: str, circumstances: Circumstances) -> bool:
        """Whether it is recorded of a feature, and no row of it holds."""
        rows = self.rows(feature)
        return bool(rows) and not any(each.holds(release, circumstances) for each in rows)

    def first_release(self, feature: Feature, circumstances: Circumstances, *, after: str) -> str | None:
        """The first release later than `after` that has a feature in these circumstances; None where none is known."""
        later = [
            each.since
            for each in self.rows(feature)
            if is_stated(each.since)
            and release_key(each.since) > release_key(after)
            and each.when.met_by(circumstances)
        ]
        return min(later, key=release_key, default=None)


__all__ = ["Ability", "AbilitySet"]
