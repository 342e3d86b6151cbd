"""Refusals by rule: the most informative one of each, and how many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.cli.printing import plain_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table

    from llama4ref.planning.outcomes import Refusal


def by_rule(refused: Iterable[Refusal]) -> dict[str, list[Refusal]]:
    """Refusals by rule; within a rule those first that say what would hold, rules with such ones first."""
    groups: dict[str, list[Refusal]] = {}
    for refusal in refused:
        groups.setdefault(refusal.rule, []).append(refusal)
    for group in groups.values():
        group.sort(key=lambda refusal: refusal.instead is None)
    return dict(sorted(groups.items(), key=lambda item: item[1][0].instead is None))


def refusal_table(refused: Sequence[Refusal], *, every: bool) -> Table:
    """A line for each rule, or for every refusal."""
    if every:
        table = plain_table("rule", "refused", wrap=("refused",))
        for rule, group in by_rule(refused).items():
            for refusal in group:
                table.add_row(rule, str(refusal))
        return table
    table = plain_table("rule", "times", "for one", right=("times",), wrap=("for one",))
    for rule, group in by_rule(refused).items():
        table.add_row(rule, str(len(group)), str(group[0]))
    return table
