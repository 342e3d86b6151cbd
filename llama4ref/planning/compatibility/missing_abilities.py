"""Which feature does a server need that the release lacks, and which release has it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.facts.queries.conditions_in_words import feature_in_words
from llama4ref.planning.outcomes import Refusal

if TYPE_CHECKING:
    from llama4ref.facts.types.conditions import Circumstances, Feature
    from llama4ref.planning.compatibility.engine_limits import EngineLimits


def missing_ability(limits: EngineLimits, circumstances: Circumstances) -> Refusal | None:
    """Why a release cannot serve like this; None where nothing says that it cannot."""
    abilities = limits.abilities
    if abilities is None:
        return None
    for feature in sorted(circumstances.features):
        if abilities.lacks(feature, limits.release, circumstances):
            first = abilities.first_release(feature, circumstances, after=limits.release)
            return Refusal(
                subject=f"{limits.engine.name} {limits.release} with {circumstances.checkpoint} on {circumstances.accelerator}",
                rule="engine-ability",
                numbers=f"it cannot do {feature_in_words(feature)} there",
                instead=f"releases from {first} can" if first else None,
                changes=(("engine_release", first),) if first else (),
                source=_source(limits, feature),
            )
    return None


def _source(limits: EngineLimits, feature: Feature) -> str | None:
    abilities = limits.abilities
    names = [id_ for id_, each in abilities.abilities.items() if each.feature == feature] if abilities else []
    return limits.cited(f"abilities/{limits.engine.id}", f"abilities.{names[0]}.since") if names else None
